//! What the examples share: arguments, shares and sets named on the command line, reports.

// Each example uses only part of this.
#![allow(dead_code, unused_imports)]

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[cfg(feature = "smb")]
use azs_backup::SmbShare;
use azs_backup::layout::{SetName, SharePath, UncPath};
use azs_backup::share::{CheckReport, ShareCheck};
#[cfg(feature = "smb")]
use azs_backup::share::{SmbAccount, SmbBuilder};
use azs_backup::{DecryptionCertificate, Error, ErrorKind, FolderShare, Opener, Place, Result, Set, Share};
use serde::Serialize;

mod progress;

pub(crate) use progress::progress;

/// The environment variable for the password of the PFX, which keeps it out of lists of processes.
pub(crate) const PASSWORD_VARIABLE: &str = "AZS_PFX_PASSWORD";
/// The environment variables for the account of the file server.
pub(crate) const USER_VARIABLE: &str = "AZS_SMB_USER";
pub(crate) const SMB_PASSWORD_VARIABLE: &str = "AZS_SMB_PASSWORD";

/// How an example ended, if it did not fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// Everything is done.
    Whole,
    /// It is done, except for what the report names.
    Partial,
}

impl From<()> for Ended {
    fn from((): ()) -> Self {
        Self::Whole
    }
}

/// The exit codes of all examples.
const WHOLE: u8 = 0;
const FAILURE: u8 = 1;
const USAGE: u8 = 2;
const PARTIAL: u8 = 3;

/// Runs an example. A failure prints one line on stderr, with the error's code.
pub(crate) fn run<T: Into<Ended>>(example: impl FnOnce(lexopt::Parser) -> Result<T>) -> ExitCode {
    let code = match example(lexopt::Parser::from_env()).map(Into::into) {
        Ok(Ended::Whole) => WHOLE,
        Ok(Ended::Partial) => PARTIAL,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            match error.kind() {
                ErrorKind::InvalidArgument | ErrorKind::InvalidName | ErrorKind::ReservedPath => USAGE,
                _ => FAILURE,
            }
        }
    };
    code.into()
}

/// Ends as `Partial` if the report names something.
pub(crate) fn named(something: bool) -> Ended {
    if something { Ended::Partial } else { Ended::Whole }
}

/// Makes the error for an unusable command line.
pub(crate) fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{error}; see --help"))
}

/// Returns the value of the option that was just read, as text.
pub(crate) fn text(parser: &mut lexopt::Parser) -> Result<String> {
    use lexopt::ValueExt;
    parser.value().and_then(OsString::string).map_err(invalid)
}

/// Returns the value of the option that was just read, as a path.
pub(crate) fn path(parser: &mut lexopt::Parser) -> Result<PathBuf> {
    parser.value().map(PathBuf::from).map_err(invalid)
}

/// Returns the value of a required option.
pub(crate) fn required<T>(value: Option<T>, option: &str) -> Result<T> {
    value.ok_or_else(|| invalid(format_args!("{option} is missing")))
}

/// Reads a whole file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| Error::io(format_args!("read {}", file.display()), e))
}

/// Where a share or a set is: a folder, or a UNC path with the port of its server.
#[derive(Default)]
pub(crate) struct Location {
    path: Option<PathBuf>,
    port: Option<u16>,
    place: Option<Place>,
}

impl Location {
    /// Reads the value of `--root` or `--set`.
    pub(crate) fn take_path(&mut self, parser: &mut lexopt::Parser) -> Result<()> {
        self.path = Some(path(parser)?);
        Ok(())
    }

    /// Reads the value of `--port`.
    pub(crate) fn take_port(&mut self, parser: &mut lexopt::Parser) -> Result<()> {
        self.port = Some(text(parser)?.parse().map_err(|e| invalid(format_args!("--port: {e}")))?);
        Ok(())
    }

    /// Reads the value of `--place`: the place that a set belongs to, wherever it is.
    pub(crate) fn take_place(&mut self, parser: &mut lexopt::Parser) -> Result<()> {
        self.place = Some(text(parser)?.parse().map_err(|e| invalid(format_args!("--place: {e}")))?);
        Ok(())
    }

    /// Opens it as the root of a share.
    pub(crate) fn open_share(&self) -> Result<Arc<dyn Share>> {
        let path = required(self.path.as_ref(), "--root")?;
        match unc(path)? {
            Some(unc) => self.connect(unc),
            None => Ok(Arc::new(FolderShare::open(path)?)),
        }
    }

    /// Checks it as the root of a share, starting with the name of its server.
    pub(crate) fn check(&self, check: &ShareCheck) -> Result<CheckReport> {
        #[cfg(feature = "smb")]
        if let Some(unc) = unc(required(self.path.as_ref(), "--root")?)? {
            return Ok(check.run_smb(&self.builder(unc)?));
        }
        Ok(check.run(&*self.open_share()?))
    }

    /// Opens the set in this folder, wherever the folder was copied to. In a region folder it must belong there, unless
    /// you name its place.
    pub(crate) fn open_set(&self) -> Result<Set> {
        let (share, folder) = self.set_folder()?;
        match &self.place {
            Some(place) => Set::open_foreign(share, folder, place),
            None => Set::open(share, folder),
        }
    }

    /// Opens it by its index alone.
    pub(crate) fn open_set_by_index(&self, opener: &Opener) -> Result<Set> {
        let (share, folder) = self.set_folder()?;
        Set::open_by_index(share, folder, opener)
    }

    fn set_folder(&self) -> Result<(Arc<dyn Share>, SharePath)> {
        let path = required(self.path.as_ref(), "--set")?;
        Ok(match unc(path)? {
            Some(unc) => {
                let names: Vec<_> = unc.folders().names().iter().map(ToString::to_string).collect();
                let folder = set_folder(&names)?;
                let root = (0..folder.names().len()).try_fold(unc, |root, _| root.parent());
                (self.connect(required(root, "--set")?)?, folder)
            }
            None => {
                let path =
                    path.canonicalize().map_err(|e| Error::io(format_args!("open {}", path.display()), e))?;
                let names: Vec<_> =
                    path.iter().skip(1).map(|name| name.to_string_lossy().into_owned()).collect();
                let folder = set_folder(&names)?;
                let root = path.ancestors().nth(folder.names().len()).unwrap_or(&path);
                (Arc::new(FolderShare::open(root)?), folder)
            }
        })
    }

    #[cfg(feature = "smb")]
    fn connect(&self, unc: UncPath) -> Result<Arc<dyn Share>> {
        Ok(Arc::new(self.builder(unc)?.connect()?))
    }

    /// Prepares a connection to its server, with the account from the environment.
    #[cfg(feature = "smb")]
    pub(crate) fn builder(&self, unc: UncPath) -> Result<SmbBuilder> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| {
                invalid(format_args!(
                    "{unc} takes an account: set {USER_VARIABLE} and {SMB_PASSWORD_VARIABLE}"
                ))
            })
        };
        let account = SmbAccount::new(variable(USER_VARIABLE)?, variable(SMB_PASSWORD_VARIABLE)?)?;
        if account.is_bare() {
            eprintln!("warning: account {} names no domain; write it like DOMAIN\\{0}", account.name());
        }
        let builder = SmbShare::builder(unc, account);
        Ok(match self.port {
            Some(port) => builder.port(port),
            None => builder,
        })
    }

    #[cfg(not(feature = "smb"))]
    fn connect(&self, unc: UncPath) -> Result<Arc<dyn Share>> {
        let message = format!("{unc} is a UNC path, and this was built without the feature smb");
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

/// Returns the path of a set's folder below its share's root, given the names on the way. In a region folder it starts
/// at the external domain name; elsewhere it is the folder's own name if that is a set's, and otherwise empty.
fn set_folder(names: &[String]) -> Result<SharePath> {
    let path = |count: usize| names[names.len() - count..].join("/").parse::<SharePath>();
    for count in [5, 4] {
        // Domains in Microsoft's layout contain a dot; without that check any folders would match.
        if names.len() >= count
            && names[names.len() - count].contains('.')
            && let Ok(folder) = path(count)
            && Place::of_set_folder(&folder).is_some()
        {
            return Ok(folder);
        }
    }
    let is_set = names.last().is_some_and(|name| name.parse::<SetName>().is_ok());
    if is_set { path(1) } else { Ok(SharePath::root()) }
}

/// Parses a UNC path; `None` if the text is not meant to be one.
pub(crate) fn unc(path: &Path) -> Result<Option<UncPath>> {
    // Windows opens it by itself, as the account that this runs as.
    if cfg!(windows) && std::env::var_os(USER_VARIABLE).is_none() {
        return Ok(None);
    }
    let text = path.to_string_lossy();
    let is_unc = text.starts_with(r"\\") || text.starts_with("//");
    is_unc.then(|| text.parse()).transpose()
}

/// Reads the PFX, with the password from the environment.
pub(crate) fn open_pfx(file: &Path) -> Result<Opener> {
    let password = match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => Some(password),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(_)) => {
            let message = format!("the password in {PASSWORD_VARIABLE} is not UTF-8; set it in UTF-8");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
    };
    let pfx = DecryptionCertificate::from_pfx(&read(file)?, password.as_deref()).map_err(|e| {
        let hint = match (e.kind(), &password) {
            (ErrorKind::WrongPassword, None) => format!("; set {PASSWORD_VARIABLE}"),
            (ErrorKind::WrongPassword, Some(password)) if password.ends_with(['\n', '\r']) => {
                format!("; what is in {PASSWORD_VARIABLE} ends with a line break, which counts")
            }
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

/// Prints the first few of any number of lines of a report.
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

/// Formats a number of bytes for people.
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
