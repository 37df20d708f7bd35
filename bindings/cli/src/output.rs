//! What a command prints: text for people, or one JSON document for tools.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};

use azs_backup::alert::Context;
use azs_backup::set::Counts;
use azs_backup::{Error, ErrorKind, Result};
use clap::CommandFactory;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::arguments::{Cli, OutputArgs, ProgressStyle};
use crate::ended::{Ended, exit_code};

/// The version of the JSON documents. A new one means that a member changed its meaning or went.
const VERSION: u32 = 1;

/// How to print, and for which command.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    pub(crate) progress: ProgressStyle,
    command: &'static str,
    is_printed: Cell<bool>,
}

impl Output {
    pub(crate) fn new(arguments: &OutputArgs, command: &'static str) -> Self {
        let OutputArgs { json, quiet, verbose, progress } = *arguments;
        Self { json, quiet, verbose, progress, command, is_printed: Cell::new(false) }
    }

    /// Prints a result: as JSON, or as the text that `text` makes for people.
    pub(crate) fn print(&self, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if !self.json {
            return if self.quiet { Ok(()) } else { write(harmless(text().trim_end(), true)) };
        }
        self.is_printed.set(true);
        write(self.document("result", result)?)
    }

    /// Prints values as lines of JSON.
    pub(crate) fn lines(&self, values: &[impl Serialize]) -> Result<()> {
        for value in values {
            let line = serde_json::to_string(value)
                .map_err(|e| Error::new(ErrorKind::Internal, "the result is no JSON").with_source(e))?;
            write(line)?;
        }
        Ok(())
    }

    /// Prints a warning for people on stderr.
    pub(crate) fn warn(&self, message: impl Display) {
        if !self.quiet {
            say(Priority::Warning, format_args!("warning: {message}"));
        }
    }

    /// Prints the error of a command that failed, and returns its exit code.
    pub(crate) fn end(&self, result: Result<Ended>) -> u8 {
        let code = exit_code(&result);
        let Err(error) = result else { return code };
        let alert = error.alert();
        say(Priority::Error, format_args!("{}: {error}", error.code()));
        let context = Context::new("", Timestamp::now());
        let mut next = alert.remedy(&context).into_iter();
        let is_here = self.is_full_here(&error);
        if is_here {
            say(Priority::Error, "next:  make room on this host: the share is not what is full");
        }
        // What is wrong with the arguments has no alert, and says by itself what to do.
        // A nightly run has said it in its report, or failed before it came to the share.
        let is_told = self.command == "nightly";
        if !is_here && !is_told && error.scope() == azs_backup::error::Scope::Share && alert.is_failure() {
            say(Priority::Error, format_args!("alert: {}, {}", alert.kind(), alert.kind().title()));
            next.by_ref()
                .take(if self.verbose > 0 { usize::MAX } else { 2 })
                .for_each(|step| say(Priority::Error, format_args!("next:  {step}")));
        }
        if self.verbose > 0 {
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                say(Priority::Error, format_args!("cause: {cause}"));
                source = cause.source();
            }
        }
        if self.json && !self.is_printed.get() {
            let document = self.document(
                "error",
                &json!({
                    "code": error.code(),
                    "message": error.to_string(),
                    "operation": error.operation(),
                    "path": error.path(),
                    "set": error.set(),
                    "alert": (!is_here).then_some(&alert),
                }),
            );
            let _ = document.and_then(write);
        }
        code
    }

    /// Whether it is this host that has no room: most commands write nothing to the share. To delete sets there would be
    /// the wrong advice, above all during a restore.
    fn is_full_here(&self, error: &Error) -> bool {
        let fills_share = matches!(self.command, "backup" | "check" | "copy" | "nightly" | "retention");
        error.kind() == ErrorKind::OutOfCapacity && !fills_share
    }

    /// Makes the JSON document of this command.
    pub(crate) fn document(&self, key: &str, value: &impl Serialize) -> Result<String> {
        let value = serde_json::to_value(value)
            .map_err(|e| Error::new(ErrorKind::Internal, "the result is no JSON").with_source(e))?;
        Ok(format!("{:#}", json!({ "version": VERSION, "command": self.command, key: value })))
    }
}

/// Prints the JSON document of a command line that cannot be read, if it asks for one.
pub(crate) fn misused(arguments: &[OsString], error: &clap::Error) {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    if !options.clone().any(|argument| argument == "--json") {
        return;
    }
    let is_command = |argument: &&OsString| {
        let name = argument.to_str();
        name.is_some_and(|name| Cli::command().find_subcommand(name).is_some())
    };
    let command = options.skip(1).find(is_command).and_then(|command| command.to_str());
    // Behind an empty line it shows how to call the command.
    let message = error.to_string();
    let message: Vec<_> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = message.join(" ").trim_start_matches("error: ").to_owned();
    let error = json!({ "code": ErrorKind::InvalidArgument.code(), "message": message,
        "operation": null, "path": null, "set": null, "alert": null });
    let _ = write(format_args!("{:#}", json!({ "version": VERSION, "command": command, "error": error })));
}

/// As syslog(3) numbers them.
#[derive(Clone, Copy)]
enum Priority {
    Error = 3,
    Warning = 4,
}

/// Prints a line on stderr; for the journal of systemd with its priority (sd-daemon(3)).
fn say(priority: Priority, line: impl Display) {
    // Nobody may be reading, or there is no room for it: that changes nothing of what was done.
    let _ = match is_journal() {
        true => writeln!(io::stderr(), "<{}>{line}", priority as u8),
        false => writeln!(io::stderr(), "{line}"),
    };
}

/// Whether stderr is the journal: the one that the service manager names, and nothing that it was replaced with
/// (systemd.exec(5), JOURNAL_STREAM).
#[cfg(unix)]
fn is_journal() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let Ok(journal) = std::env::var("JOURNAL_STREAM") else { return false };
    let stderr = io::stderr().as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
    stderr.is_ok_and(|stderr| journal == format!("{}:{}", stderr.dev(), stderr.ino()))
}

#[cfg(not(unix))]
fn is_journal() -> bool {
    false
}

/// Prints text to stdout, which may be a pipe that is closed early.
pub(crate) fn write(text: impl Display) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            // Whatever it is, it is not about the share: a full disk behind stdout is no OUT_OF_CAPACITY.
            Err(Error::new(ErrorKind::Io, format!("print: {e}")).with_source(e))
        }
        _ => Ok(()),
    }
}

/// Escapes what a terminal would obey. Names, labels and messages come from whoever can write to a source or the share.
pub(crate) fn harmless(text: &str, has_lines: bool) -> Cow<'_, str> {
    // Some letters turn the direction of what follows, or cannot be seen.
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_bad = |c: char| turns(c) || c.is_control() && !(has_lines && c == '\n');
    if !text.contains(is_bad) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_bad(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped.into()
}

/// Makes the error for arguments that cannot be used.
pub(crate) fn invalid(message: impl Display) -> Error {
    Error::new(ErrorKind::InvalidArgument, message.to_string())
}

/// Lists the first few lines of any number, below a heading with their number.
pub(crate) fn some<T: Display>(text: &mut String, heading: &str, lines: impl ExactSizeIterator<Item = T>) {
    use std::fmt::Write;

    const SHOWN: usize = 20;
    let count = lines.len();
    if count == 0 {
        return;
    }
    let _ = writeln!(text, "{heading}: {count}");
    for line in lines.take(SHOWN) {
        let _ = writeln!(text, "  {}", harmless(&line.to_string(), false));
    }
    if count > SHOWN {
        let _ = writeln!(text, "  and {} more; --json names all", count - SHOWN);
    }
}

/// The value of a label for Prometheus, with what its exposition format wants escaped.
pub(crate) fn label(value: impl ToString) -> String {
    value.to_string().replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// Formats a number of bytes for people.
pub(crate) fn size(bytes: u64) -> indicatif::HumanBytes {
    indicatif::HumanBytes(bytes)
}

/// "1 file", "2 files".
pub(crate) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What a set holds, in one line.
pub(crate) fn content(counts: &Counts) -> String {
    format!(
        "{}, {}, {} with {}",
        count(counts.files, "file"),
        count(counts.folders, "folder"),
        count(counts.links, "link"),
        size(counts.bytes)
    )
}

/// How long ago this was, for people.
pub(crate) fn age(time: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(time).as_secs();
    match u64::try_from(seconds) {
        Ok(seconds) => format!("{} ago", indicatif::HumanDuration(std::time::Duration::from_secs(seconds))),
        Err(_) => "in the future".into(),
    }
}
