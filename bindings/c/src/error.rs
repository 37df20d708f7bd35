//! The status of every call, and the error that says more.

use std::error::Error as _;
use std::ffi::{CStr, CString, c_char};
use std::fmt::Write;

use azs::alert::{Profile, classify_error};
use azs::{Error, ErrorKind};

use crate::classification::azs_classification;
use crate::memory::c_string;

/// How a call ended. A number never changes its meaning; new ones may be added.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum azs_status {
    /// It succeeded.
    Ok = 0,
    /// The account may not do this.
    AccessDenied = 1,
    /// Something already has that name.
    AlreadyExists = 2,
    /// The caller's function asked to stop.
    Cancelled = 3,
    /// The encryption certificate is not valid today; an option allows it anyway.
    CertificateExpired = 4,
    /// The certificate cannot be used: its key is too short or on an unsupported curve, a CER has a private key, or a
    /// PFX has none.
    CertificateUnsuitable = 5,
    /// Something else is in the way: an operation until it ends, or a set that belongs elsewhere. The error says which.
    Conflict = 6,
    /// Stored data is not as it was written: a failed authentication, a wrong digest, a missing or foreign file.
    Damaged = 7,
    /// The set has no valid cover sheet: its backup never finished, or part of it was deleted.
    Incomplete = 8,
    /// A fault of this library; please report it.
    Internal = 9,
    /// The call makes no sense as it is; change the code that makes it.
    InvalidArgument = 10,
    /// A name or path breaks the rules for names on a share.
    InvalidName = 11,
    /// An input or output failure that no other kind names.
    Io = 12,
    /// Something is larger than a limit that protects memory or time.
    LimitExceeded = 13,
    /// The file server does not accept the account: its name, its password, or its state.
    LogonFailed = 14,
    /// Bytes are not in the expected format.
    Malformed = 15,
    /// Nothing has that name.
    NotFound = 16,
    /// The share, disk or quota is full.
    OutOfCapacity = 17,
    /// The path leads into `MASBackup`, which belongs to Azure Stack Hub.
    ReservedPath = 18,
    /// A source changed while it was read.
    SourceChanged = 19,
    /// A source could not be read.
    SourceUnreadable = 20,
    /// Something took longer than its limit.
    TimedOut = 21,
    /// The file server cannot be reached, or the connection to it is lost.
    Unreachable = 22,
    /// The format, algorithm or operation is not supported here.
    Unsupported = 23,
    /// The message was sealed to other certificates; the error names the thumbprint that is needed.
    WrongCertificate = 24,
    /// The password of the PFX or key is wrong.
    WrongPassword = 25,
    /// A signature by one of the signers demanded is missing.
    NotTrusted = 26,
}

impl azs_status {
    pub(crate) fn of(kind: ErrorKind) -> Self {
        use ErrorKind as K;
        match kind {
            K::AccessDenied => Self::AccessDenied,
            K::AlreadyExists => Self::AlreadyExists,
            K::Cancelled => Self::Cancelled,
            K::CertificateExpired => Self::CertificateExpired,
            K::CertificateUnsuitable => Self::CertificateUnsuitable,
            K::Conflict => Self::Conflict,
            K::Damaged => Self::Damaged,
            K::Incomplete => Self::Incomplete,
            K::Internal => Self::Internal,
            K::InvalidArgument => Self::InvalidArgument,
            K::InvalidName => Self::InvalidName,
            K::Io => Self::Io,
            K::LimitExceeded => Self::LimitExceeded,
            K::LogonFailed => Self::LogonFailed,
            K::Malformed => Self::Malformed,
            K::NotFound => Self::NotFound,
            K::NotTrusted => Self::NotTrusted,
            K::OutOfCapacity => Self::OutOfCapacity,
            K::ReservedPath => Self::ReservedPath,
            K::SourceChanged => Self::SourceChanged,
            K::SourceUnreadable => Self::SourceUnreadable,
            K::TimedOut => Self::TimedOut,
            K::Unreachable => Self::Unreachable,
            K::Unsupported => Self::Unsupported,
            K::WrongCertificate => Self::WrongCertificate,
            K::WrongPassword => Self::WrongPassword,
            // A kind of a newer core; the tests prevent this.
            _ => Self::Internal,
        }
    }

    fn code(self) -> &'static CStr {
        match self {
            Self::Ok => c"OK",
            Self::AccessDenied => c"ACCESS_DENIED",
            Self::AlreadyExists => c"ALREADY_EXISTS",
            Self::Cancelled => c"CANCELLED",
            Self::CertificateExpired => c"CERTIFICATE_EXPIRED",
            Self::CertificateUnsuitable => c"CERTIFICATE_UNSUITABLE",
            Self::Conflict => c"CONFLICT",
            Self::Damaged => c"DAMAGED",
            Self::Incomplete => c"INCOMPLETE",
            Self::Internal => c"INTERNAL",
            Self::InvalidArgument => c"INVALID_ARGUMENT",
            Self::InvalidName => c"INVALID_NAME",
            Self::Io => c"IO",
            Self::LimitExceeded => c"LIMIT_EXCEEDED",
            Self::LogonFailed => c"LOGON_FAILED",
            Self::Malformed => c"MALFORMED",
            Self::NotFound => c"NOT_FOUND",
            Self::NotTrusted => c"NOT_TRUSTED",
            Self::OutOfCapacity => c"OUT_OF_CAPACITY",
            Self::ReservedPath => c"RESERVED_PATH",
            Self::SourceChanged => c"SOURCE_CHANGED",
            Self::SourceUnreadable => c"SOURCE_UNREADABLE",
            Self::TimedOut => c"TIMED_OUT",
            Self::Unreachable => c"UNREACHABLE",
            Self::Unsupported => c"UNSUPPORTED",
            Self::WrongCertificate => c"WRONG_CERTIFICATE",
            Self::WrongPassword => c"WRONG_PASSWORD",
        }
    }
}

/// What went wrong: a status, one line for people, the cause, and the alert. Free it with `azs_error_free`.
///
/// Threads: it never changes. Several threads may read it at once.
pub struct azs_error {
    status: azs_status,
    message: CString,
    cause: Option<CString>,
    path: Option<CString>,
    operation: Option<CString>,
    set: Option<CString>,
    alert: azs_classification,
    error: Error,
}

impl azs_error {
    pub(crate) fn classification(&self) -> azs::alert::Classification {
        self.alert.get()
    }

    pub(crate) fn inner(&self) -> &Error {
        &self.error
    }

    pub(crate) fn new(error: Error) -> Self {
        let mut causes = String::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let _ = write!(causes, "{}{cause}", if causes.is_empty() { "" } else { "; " });
            next = cause.source();
        }
        Self {
            status: azs_status::of(error.kind()),
            message: c_string(error.to_string()),
            cause: (!causes.is_empty()).then(|| c_string(causes)),
            path: error.path().map(|path| c_string(path.to_owned())),
            operation: error.operation().map(|operation| c_string(operation.to_owned())),
            set: error.set().map(|set| c_string(set.to_owned())),
            alert: azs_classification::from(classify_error(&error, Profile::Refined)),
            error,
        }
    }
}

/// Returns the status that the call returned; `AZS_STATUS_OK` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_status(error: Option<&azs_error>) -> azs_status {
    error.map_or(azs_status::Ok, |error| error.status)
}

/// Returns the code: the same word in all languages, "ACCESS_DENIED". It lives for ever. "OK" for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_code(error: Option<&azs_error>) -> *const c_char {
    azs_error_status(error).code().as_ptr()
}

/// Returns one line for people, in UTF-8, without secrets. It lives as long as `error`. Empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_message(error: Option<&azs_error>) -> *const c_char {
    error.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Returns the cause, in UTF-8: what the operating system or OpenSSL said. It lives as long as `error`. NULL if there
/// is none.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_cause(error: Option<&azs_error>) -> *const c_char {
    text_of(error.and_then(|error| error.cause.as_ref()))
}

/// Returns the file or folder that it concerns, on the share or on this host, in UTF-8. It lives as long as `error`.
/// NULL if it concerns none, or none is known.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_path(error: Option<&azs_error>) -> *const c_char {
    text_of(error.and_then(|error| error.path.as_ref()))
}

/// Returns what was done when it failed, in one word: "read", "write", "list". It lives as long as `error`. NULL if
/// unknown.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_operation(error: Option<&azs_error>) -> *const c_char {
    text_of(error.and_then(|error| error.operation.as_ref()))
}

/// Returns the name of the backup set that it concerns: "20261123T020000Z-7f3a91c2". It lives as long as `error`. NULL
/// if it concerns none, or none is known.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_set(error: Option<&azs_error>) -> *const c_char {
    text_of(error.and_then(|error| error.set.as_ref()))
}

fn text_of(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Returns the alert: which of the documented alerts it is, and what to do. It lives as long as `error`; don't free it.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_alert(error: Option<&azs_error>) -> Option<&azs_classification> {
    error.map(|error| &error.alert)
}

/// Frees an error. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_free(error: Option<Box<azs_error>>) {
    drop(error);
}

/// Returns the code of a status: "ACCESS_DENIED", "OK". It lives for ever. "INTERNAL" if the number is not a status.
///
/// The argument is a number, so that every value is defined.
#[unsafe(no_mangle)]
pub extern "C" fn azs_status_code(status: i32) -> *const c_char {
    if status == azs_status::Ok as i32 {
        return azs_status::Ok.code().as_ptr();
    }
    let kinds = ErrorKind::ALL.iter().map(|kind| azs_status::of(*kind));
    let found = kinds.into_iter().find(|known| *known as i32 == status);
    found.unwrap_or(azs_status::Internal).code().as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_a_status_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for kind in ErrorKind::ALL {
            let status = azs_status::of(*kind);
            assert_eq!(status.code().to_str().unwrap(), kind.code());
            assert!(seen.insert(status as i32), "{kind} shares its number");
        }
        assert_eq!(seen.len(), ErrorKind::ALL.len());
    }

    /// The table of bindings/README.md: `| `AccessDenied` | `ACCESS_DENIED` | 1 | … |`.
    #[test]
    fn numbers_are_those_that_were_given_once() {
        let table = include_str!("../../README.md");
        for kind in ErrorKind::ALL {
            let row = format!("| `{}` | {} |", kind.code(), azs_status::of(*kind) as i32);
            assert!(table.contains(&row), "{row} is not in bindings/README.md");
        }
    }
}
