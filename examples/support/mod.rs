//! What the examples share: arguments, shares and sets named on the command line, reports.

// Each example uses a part of this.
#![allow(dead_code, unused_imports)]

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use azs_backup::{
    DecryptionCertificate, Error, ErrorKind, FolderShare, Opener, Result, Set, SetName, Share, SharePath,
    UncPath,
};
use serde::Serialize;

mod progress;

pub(crate) use progress::progress;

/// The environment variable that holds the password of the PFX, so that it shows in no list of processes.
pub(crate) const PASSWORD_VARIABLE: &str = "AZS_PFX_PASSWORD";

/// Runs an example: exit code 0, or 1 with the error's code and one line on stderr.
pub(crate) fn run(example: impl FnOnce(lexopt::Parser) -> Result<()>) -> ExitCode {
    match example(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

/// A command line that cannot be carried out.
pub(crate) fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{error}; see --help"))
}

/// The value of the option that was just read, as text.
pub(crate) fn text(parser: &mut lexopt::Parser) -> Result<String> {
    use lexopt::ValueExt;
    parser.value().and_then(OsString::string).map_err(invalid)
}

/// The value of the option that was just read, as a path.
pub(crate) fn path(parser: &mut lexopt::Parser) -> Result<PathBuf> {
    parser.value().map(PathBuf::from).map_err(invalid)
}

/// The value of an option that must be there.
pub(crate) fn required<T>(value: Option<T>, option: &str) -> Result<T> {
    value.ok_or_else(|| invalid(format_args!("{option} is missing")))
}

/// Reads a whole file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| Error::io(format_args!("read {}", file.display()), e))
}

/// Opens the root of a share: a folder.
pub(crate) fn open_share(root: &Path) -> Result<Arc<dyn Share>> {
    Ok(Arc::new(FolderShare::open(local(root)?)?))
}

/// Opens the set in this folder, wherever the folder was copied to.
pub(crate) fn open_set(folder: &Path) -> Result<Set> {
    let shown = local(folder)?;
    let folder = shown.canonicalize().map_err(|e| Error::io(format_args!("open {}", shown.display()), e))?;
    let name = folder.file_name().and_then(|name| name.to_str());
    let set = name.and_then(|name| name.parse::<SetName>().ok());
    match (folder.parent(), set) {
        // Under its own name a set is also held against it.
        (Some(parent), Some(set)) => {
            Set::open(Arc::new(FolderShare::open(parent)?), SharePath::root().join(set.as_name()))
        }
        _ => Set::open(Arc::new(FolderShare::open(&folder)?), SharePath::root()),
    }
}

/// A path that this machine can open; a UNC path is refused until the library speaks SMB itself.
fn local(path: &Path) -> Result<&Path> {
    let text = path.to_string_lossy();
    if !text.starts_with(r"\\") && !text.starts_with("//") {
        return Ok(path);
    }
    let unc: UncPath = text.parse()?;
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{unc} is a UNC path, which is not opened over SMB yet; mount the share and give the folder that it is mounted at"
        ),
    ))
}

/// Reads the PFX, with the password from the environment.
pub(crate) fn open_pfx(file: &Path) -> Result<Opener> {
    let password = std::env::var(PASSWORD_VARIABLE).ok();
    let pfx = DecryptionCertificate::from_pfx(&read(file)?, password.as_deref()).map_err(|e| {
        let hint = match (e.kind(), &password) {
            (ErrorKind::WrongPassword, None) => format!("; set {PASSWORD_VARIABLE}"),
            _ => String::new(),
        };
        Error::new(e.kind(), format!("{}: {e}{hint}", file.display())).with_source(e)
    })?;
    Ok(Opener::new(pfx))
}

/// Prints text for people, or for a pipe that may be closed early.
pub(crate) fn print(text: impl std::fmt::Display) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("print", e)),
        _ => Ok(()),
    }
}

/// Prints a report as JSON.
pub(crate) fn print_json(report: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(report).map_err(|e| {
        Error::new(ErrorKind::Internal, "the report cannot be written as JSON").with_source(e)
    })?;
    print(json)
}

/// Prints lines of a report that come in any number, the first ones only.
pub(crate) fn print_some<T: std::fmt::Display>(
    heading: &str,
    lines: impl ExactSizeIterator<Item = T>,
) -> Result<()> {
    const SHOWN: usize = 20;
    let count = lines.len();
    if count == 0 {
        return Ok(());
    }
    print(format_args!("{heading}: {count}"))?;
    for line in lines.take(SHOWN) {
        print(format_args!("  {line}"))?;
    }
    if count > SHOWN {
        print(format_args!("  and {} more (--json names all)", count - SHOWN))?;
    }
    Ok(())
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
