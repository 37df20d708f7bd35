//! Tells which alert a failure is: `classify [--json] [--profile refined|microsoft-2301] CODE|TEXT|-`.
//!
//! `-` reads standard input: a code, a text, a log of any length, or alert JSON from the admin API.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::ExitCode;

use azs_backup::alert::{Classification, Context, Profile, TextClassifier, classify_json, classify_text};

const USAGE: &str = "\
Usage: classify [--json] [--profile refined|microsoft-2301] CODE|TEXT|-

Says which of the documented alerts a failure is, why, and what to do next.

CODE is an NTSTATUS (0xC000006D), a Win32 code (53, 0x35), an HRESULT (0x80070070, -2147024784), an errno (-28,
ENOSPC) or a name (STATUS_DISK_FULL); TEXT is anything that a tool printed; - reads either, a log or alert JSON from
standard input.

  --json           print one JSON object
  --profile NAME   refined (default), or microsoft-2301 for exactly the mapping of Azure Stack Hub
  --help           print this
";

/// Longer input is a log, which is read line by line.
const HEAD: u64 = 16 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("classify: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    use lexopt::prelude::*;
    let (mut json, mut profile, mut words) = (false, Profile::Refined, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("json") => json = true,
            Long("profile") => profile = parser.value()?.parse()?,
            Short('h') | Long("help") => {
                print!("{USAGE}");
                return Ok(());
            }
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            // A negative code, such as -2147024784, is not an option.
            Short(digit @ '1'..='9') => {
                let rest = parser.optional_value().unwrap_or_default();
                words.push(format!("-{digit}{}", rest.to_string_lossy()));
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    let class = match &words[..] {
        [] => return Err("nothing to classify; see --help".into()),
        [dash] if dash == "-" => classify_input(io::stdin().lock(), profile)?,
        _ => classify_one(words.join(" ").as_bytes(), profile),
    };
    let mut out = io::stdout().lock();
    match json {
        true => writeln!(out, "{}", serde_json::to_string(&class)?)?,
        false => print(&class, &mut out)?,
    }
    Ok(())
}

fn classify_input(input: impl Read, profile: Profile) -> io::Result<Classification> {
    let mut input = BufReader::with_capacity(64 << 10, input);
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    if (head.len() as u64) < HEAD {
        return Ok(classify_one(&head, profile));
    }
    let mut classifier = TextClassifier::new(profile);
    let whole = head.iter().rposition(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
    head[..whole].split(|byte| *byte == b'\n').for_each(|line| classifier.line(line));
    let mut line = head.split_off(whole);
    drop(head);
    loop {
        // Read a very long line in pieces.
        let read = input.by_ref().take(1 << 20).read_until(b'\n', &mut line)?;
        if read == 0 && line.is_empty() {
            return Ok(classifier.finish());
        }
        classifier.line(&line);
        line.clear();
    }
}

fn classify_one(text: &[u8], profile: Profile) -> Classification {
    let bare = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    if bare.starts_with(b"{") || bare.starts_with(b"[") {
        match classify_json(text, profile) {
            Ok(class) => return class,
            // Half an alert, or a log line that begins with a bracket: its text is more useful than an error.
            Err(error) if bare.starts_with(b"{") => eprintln!("classify: {error}; read as text"),
            Err(_) => {}
        }
    }
    classify_text(text, profile)
}

fn print(class: &Classification, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{} ({})", class.kind(), class.kind().title())?;
    writeln!(out, "documented: {}", class.documented_kind())?;
    writeln!(out, "confidence: {}", class.confidence().code().to_lowercase())?;
    let retry = class.retry();
    let worse = if retry.could_lock_out { "; another attempt could lock the account out" } else { "" };
    writeln!(out, "retry:      {}{worse}", retry.when.code().to_lowercase().replace('_', " "))?;
    for evidence in class.evidence() {
        let line = evidence.line().map_or(String::new(), |line| format!(" (line {line})"));
        writeln!(out, "evidence:   {evidence}{line}")?;
    }
    if class.is_failure() {
        for step in class.remedy(&Context::new("", jiff::Timestamp::now())) {
            writeln!(out, "next:       {step}")?;
        }
    }
    Ok(())
}
