//! `classify`

use std::fmt::Write;
use std::io::{self, BufRead, BufReader, Read};

use azs_backup::alert::{
    AlertKind, Classification, Context, Profile, TextClassifier, classify_json, classify_text,
};
use azs_backup::{Error, Result};
use clap::Args;
use jiff::Timestamp;

use crate::ended::Ended;
use crate::output::{Output, invalid};

/// Say which alert an error is, why, and what to do next.
#[derive(Args)]
pub(crate) struct Classify {
    /// refined, or microsoft-2301 for exactly the mapping of Azure Stack Hub
    #[arg(long, default_value_t = Profile::Refined)]
    profile: Profile,
    /// An NTSTATUS (0xC000006D), a Win32 code (53, 0x35), an HRESULT (0x80070070, -2147024784), an errno (-28, ENOSPC), a
    /// name (STATUS_DISK_FULL), an alert (CONNECTIVITY, or its title), or anything that a tool printed; - reads that, a log
    /// or alert JSON from stdin
    #[arg(required = true, allow_negative_numbers = true, value_name = "CODE|TEXT|-")]
    words: Vec<String>,
}

/// Longer input is a log, which is read line by line.
const HEAD: u64 = 16 << 20;

impl Classify {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let class = match &self.words[..] {
            [dash] if dash == "-" => self
                .classify_input(io::stdin().lock(), output)
                .map_err(|e| Error::io("read standard input", e))?,
            words => self.classify_one(words.join(" ").as_bytes(), output),
        };
        if self.words.iter().all(|word| word.trim().is_empty()) {
            return Err(invalid("there is nothing to classify"));
        }
        output.print(&class, || text(&class))?;
        Ok(Ended::Whole)
    }

    fn classify_input(&self, input: impl Read, output: &Output) -> io::Result<Classification> {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let mut head = Vec::new();
        input.by_ref().take(HEAD).read_to_end(&mut head)?;
        if (head.len() as u64) < HEAD {
            return Ok(self.classify_one(&head, output));
        }
        let mut classifier = TextClassifier::new(self.profile);
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

    fn classify_one(&self, text: &[u8], output: &Output) -> Classification {
        let bare = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
        if bare.starts_with(b"{") || bare.starts_with(b"[") {
            match classify_json(text, self.profile) {
                Ok(class) => return class,
                // Half an alert, or a log line that begins with a bracket: its text is more useful than an error.
                Err(error) if bare.starts_with(b"{") => output.warn(format_args!("{error}; read as text")),
                Err(_) => {}
            }
        }
        // An alert as a report or the portal names it.
        let name = std::str::from_utf8(text).unwrap_or_default().trim();
        match AlertKind::from_code(name).or_else(|| AlertKind::from_title(name)) {
            Some(kind) => kind.into(),
            None => classify_text(text, self.profile),
        }
    }
}

fn text(class: &Classification) -> String {
    let mut text = format!("{} ({})\n", class.kind(), class.kind().title());
    let _ = writeln!(text, "documented: {}", class.documented_kind());
    let _ = writeln!(text, "confidence: {}", class.confidence().code().to_lowercase());
    let retry = class.retry();
    let worse = if retry.could_lock_out { "; another attempt could lock the account out" } else { "" };
    let _ = writeln!(text, "retry:      {}{worse}", retry.when.code().to_lowercase().replace('_', " "));
    for evidence in class.evidence() {
        let line = evidence.line().map_or(String::new(), |line| format!(" (line {line})"));
        let _ = writeln!(text, "evidence:   {evidence}{line}");
    }
    if class.is_failure() {
        for step in class.remedy(&Context::new("", Timestamp::now())) {
            let _ = writeln!(text, "next:       {step}");
        }
    }
    text
}
