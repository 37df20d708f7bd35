//! The error of the library: a kind for programs, a sentence for people.
//!
//! [`ErrorKind::code`] is the table that all languages share; match on nothing else. A message is one line in lower
//! case, names what failed and says what to do; it never contains a secret. The cause is in
//! [`source`](std::error::Error::source), not repeated in the message.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of a call: a value, or an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: its [kind](Error::kind), one line for people, what it concerns, and its cause.
///
/// ```
/// use azs_backup::FolderShare;
///
/// let error = FolderShare::open("/no/such/share").unwrap_err();
/// assert_eq!(error.code(), "NOT_FOUND");
/// assert_eq!((error.operation(), error.path()), (Some("open"), Some("/no/such/share")));
/// ```
// By hand, not by `thiserror`: for a cause behind an `Arc` it returns the `Arc` as the source, and nobody who asks for
// an `io::Error` by `downcast_ref` would find it. A cause in a `Box` could not be cloned.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    concerns: Option<Box<Concerns>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What a failure concerns, as far as the failing code knew.
#[derive(Clone, Default)]
struct Concerns {
    path: Option<String>,
    operation: Option<&'static str>,
    set: Option<String>,
}

/// What is said of work that the caller asked to stop.
pub(crate) const CANCELLED: &str = "cancelled by the caller";

impl Error {
    /// Creates a failure of this kind with this one-line message.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), concerns: None, source: None }
    }

    /// The failure of work that the caller asked to stop.
    #[cold]
    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, CANCELLED)
    }

    /// Returns the same failure with its cause, and takes over what the cause concerns, if known.
    #[cold]
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        if let Some(Concerns { path, operation, set }) =
            source.downcast_ref::<Self>().and_then(|error| error.concerns.as_deref())
        {
            self = self.fill(path.clone(), *operation, set.clone());
        }
        self.source = Some(Arc::from(source));
        self
    }

    /// Creates the error for a failure of `what`, such as "compress the index". Its kind follows from the operating
    /// system's error. For a file or folder use [`at`](Self::at).
    #[cold]
    pub fn io(what: impl fmt::Display, source: io::Error) -> Self {
        let (kind, message) = (ErrorKind::of_io(&source), format!("{what}: {source}"));
        let concerns = ErrorKind::own(&source).and_then(|inner| inner.concerns.clone());
        Self { kind, message: message.into(), concerns, source: Some(Arc::new(source)) }
    }

    /// Creates the error for a failure of `doing` something with the file or folder at `path`: `read /mnt/a: no such
    /// file`. The first word of `doing` is its [operation](Self::operation).
    #[cold]
    pub fn at(doing: &'static str, path: impl fmt::Display, source: io::Error) -> Self {
        Self::io(format_args!("{doing} {path}"), source).doing(doing, path)
    }

    /// Says what was done, and with which file or folder; the first word becomes the [operation](Self::operation). What
    /// is already known stays: the code closest to the failure knows best.
    #[cold]
    #[must_use]
    pub fn doing(self, doing: &'static str, path: impl fmt::Display) -> Self {
        self.fill(Some(path.to_string()), doing.split(' ').next(), None)
    }

    /// Says which set it happened in, unless that is already known.
    #[cold]
    #[must_use]
    pub fn in_set(self, set: impl fmt::Display) -> Self {
        self.fill(None, None, Some(set.to_string()))
    }

    fn fill(mut self, path: Option<String>, operation: Option<&'static str>, set: Option<String>) -> Self {
        let known = self.concerns.get_or_insert_default();
        // A path and what was done with it belong together.
        if known.path.is_none() {
            (known.path, known.operation) = (path, known.operation.or(operation));
        }
        known.set = known.set.take().or(set);
        self
    }

    /// Returns the file or folder that it concerns, on the share or on this host, as people write it; `None` if it
    /// concerns none, or none is known.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.concerns.as_ref()?.path.as_deref()
    }

    /// Returns what was done when it failed, in one word: `open`, `read`, `write`, `flush`, `list`, `create`, `link`,
    /// `copy`, `rename`, `delete`, `connect`, `restore`; `None` if it is not known.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.concerns.as_ref()?.operation
    }

    /// Returns the name of the backup set that it concerns: `20261123T020000Z-7f3a91c2`; `None` if it concerns none, or
    /// none is known.
    #[must_use]
    pub fn set(&self) -> Option<&str> {
        self.concerns.as_ref()?.set.as_deref()
    }

    /// Returns the condition, for programs.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the stable code of [`kind`](Self::kind): the same word in Rust, Python, Node and C.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Returns how much of the work this failure ends. Listing, verification, restore, retention and review ask this
    /// before they go on with the next thing.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.kind.scope()
    }
}

/// How much of the work an [`Error`] ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scope {
    /// Only the object at hand: it is damaged, unreadable, refused or gone. Name it and go on.
    Object,
    /// Everything on the share: no connection, no account, no room. What comes next would fail, too.
    Share,
    /// Everything, because of the caller: cancelled, or a wrong argument, key or password.
    Caller,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keep it to one line, even if a file name or another library's text has several.
        for c in self.message.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { fmt::Write::write_char(f, c)? }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.code())?;
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            write!(f, "\n  caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        // CANCELLED is not `Interrupted`: readers and writers would retry that forever.
        let kind = match error.kind {
            ErrorKind::AccessDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Conflict => io::ErrorKind::ResourceBusy,
            ErrorKind::OutOfCapacity => io::ErrorKind::StorageFull,
            ErrorKind::InvalidArgument | ErrorKind::InvalidName => io::ErrorKind::InvalidInput,
            ErrorKind::Damaged | ErrorKind::Malformed => io::ErrorKind::InvalidData,
            ErrorKind::LogonFailed => io::ErrorKind::PermissionDenied,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Unreachable => io::ErrorKind::NotConnected,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

macro_rules! error_kinds {
    ($($(#[$doc:meta])+ $name:ident => $code:literal,)+) => {
        /// The conditions that a caller can tell apart.
        ///
        /// [`code`](Self::code) never changes its meaning; new kinds may be added.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])+ $name,)+ }

        impl ErrorKind {
            /// Every kind, in alphabetical order.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name,)+];

            /// Returns the stable code, in capitals: `ACCESS_DENIED`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(ErrorKind::$name => $code,)+ }
            }
        }
    };
}

error_kinds! {
    /// The account may not do this.
    AccessDenied => "ACCESS_DENIED",
    /// Something already has that name.
    AlreadyExists => "ALREADY_EXISTS",
    /// The caller's observer asked to stop.
    Cancelled => "CANCELLED",
    /// The encryption certificate is not valid today; an option allows it anyway.
    CertificateExpired => "CERTIFICATE_EXPIRED",
    /// The certificate cannot be used: its key is too short or on an unsupported curve, a CER has a private key, or a
    /// PFX has none.
    CertificateUnsuitable => "CERTIFICATE_UNSUITABLE",
    /// Something else is in the way: an operation until it ends, or a set that belongs elsewhere. The error says which.
    Conflict => "CONFLICT",
    /// Stored data is not as it was written: a failed authentication, a wrong digest, a missing or foreign file.
    Damaged => "DAMAGED",
    /// The set has no valid cover sheet: its backup never finished, or part of it was deleted.
    Incomplete => "INCOMPLETE",
    /// A fault of this library; please report it.
    Internal => "INTERNAL",
    /// The call makes no sense as it is; change the code that makes it.
    InvalidArgument => "INVALID_ARGUMENT",
    /// A name or path breaks the rules for names on a share.
    InvalidName => "INVALID_NAME",
    /// An input or output failure that no other kind names.
    Io => "IO",
    /// Something is larger than a limit that protects memory or time.
    LimitExceeded => "LIMIT_EXCEEDED",
    /// The file server does not accept the account: its name, its password, or its state.
    LogonFailed => "LOGON_FAILED",
    /// Bytes are not in the expected format.
    Malformed => "MALFORMED",
    /// Nothing has that name.
    NotFound => "NOT_FOUND",
    /// A signature by one of the signers demanded is missing.
    NotTrusted => "NOT_TRUSTED",
    /// The share, disk or quota is full.
    OutOfCapacity => "OUT_OF_CAPACITY",
    /// The path leads into `MASBackup`, which belongs to Azure Stack Hub.
    ReservedPath => "RESERVED_PATH",
    /// A source changed while it was read.
    SourceChanged => "SOURCE_CHANGED",
    /// A source could not be read.
    SourceUnreadable => "SOURCE_UNREADABLE",
    /// Something took longer than its limit.
    TimedOut => "TIMED_OUT",
    /// The file server cannot be reached, or the connection to it is lost.
    Unreachable => "UNREACHABLE",
    /// The format, algorithm or operation is not supported here.
    Unsupported => "UNSUPPORTED",
    /// The message was sealed to other certificates; the error names the thumbprint that is needed.
    WrongCertificate => "WRONG_CERTIFICATE",
    /// The password of the PFX or key is wrong.
    WrongPassword => "WRONG_PASSWORD",
}

impl ErrorKind {
    /// Returns how much of the work this kind of error ends: see [`Error::scope`].
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::LogonFailed | Self::OutOfCapacity | Self::TimedOut | Self::Unreachable => Scope::Share,
            Self::Cancelled
            | Self::CertificateExpired
            | Self::CertificateUnsuitable
            | Self::Internal
            | Self::InvalidArgument
            | Self::ReservedPath
            | Self::WrongCertificate
            | Self::WrongPassword => Scope::Caller,
            Self::AccessDenied
            | Self::AlreadyExists
            | Self::Conflict
            | Self::Damaged
            | Self::Incomplete
            | Self::InvalidName
            | Self::Io
            | Self::LimitExceeded
            | Self::Malformed
            | Self::NotFound
            | Self::NotTrusted
            | Self::SourceChanged
            | Self::SourceUnreadable
            | Self::Unsupported => Scope::Object,
        }
    }

    /// The error of this library in an error of the standard library.
    fn own(error: &io::Error) -> Option<&Error> {
        error.get_ref()?.downcast_ref()
    }

    fn of_io(error: &io::Error) -> Self {
        if let Some(inner) = Self::own(error) {
            return inner.kind();
        }
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::AccessDenied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::OutOfCapacity,
            io::ErrorKind::InvalidFilename => Self::InvalidName,
            io::ErrorKind::TooManyLinks => Self::LimitExceeded,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NotConnected
            | io::ErrorKind::StaleNetworkFileHandle => Self::Unreachable,
            io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices => Self::Unsupported,
            _ => Self::Io,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_names_in_capitals_and_all_different() {
        let mut seen = std::collections::HashSet::new();
        for kind in ErrorKind::ALL {
            let mut name = String::new();
            for c in format!("{kind:?}").chars() {
                if c.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(c.to_ascii_uppercase());
            }
            assert_eq!(kind.code(), name);
            assert!(seen.insert(kind.code()));
        }
    }

    #[test]
    fn a_message_stays_on_one_line() {
        let error = Error::new(ErrorKind::NotFound, "no file \"a\nb\"");
        assert_eq!(error.to_string(), "no file \"a\\nb\"");
    }

    #[test]
    fn an_error_keeps_its_kind_through_io() {
        let error: io::Error = Error::new(ErrorKind::Damaged, "segment 3").into();
        assert_eq!(Error::io("restore", error).kind(), ErrorKind::Damaged);
    }

    #[test]
    fn who_is_closest_to_a_failure_says_what_it_concerns() {
        let inner = Error::at("create folder", "/mnt/a", io::ErrorKind::PermissionDenied.into());
        assert_eq!(inner.to_string(), "create folder /mnt/a: permission denied");
        let through_io = Error::io("restore", inner.in_set("one").into());
        let outer = Error::new(ErrorKind::Io, "the night failed").with_source(through_io);
        let outer = outer.doing("read", "/mnt/b").in_set("two");
        assert_eq!(
            (outer.operation(), outer.path(), outer.set()),
            (Some("create"), Some("/mnt/a"), Some("one"))
        );
        let bare = Error::io("compress the index", io::ErrorKind::Other.into());
        assert_eq!((bare.operation(), bare.path(), bare.set()), (None, None, None));
    }
}
