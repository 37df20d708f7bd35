//! Classifies errors: ours, the standard library's, any other by its text, and the causes of each.

use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::io;

use super::classification::{Classification, Collector};
use super::error_kind::row;
use super::finding::Form;
use super::http::{self, HttpAnswer};
use super::profile::Profile;
use super::{errno, text, win32};
use crate::{Error, ErrorKind};

impl Error {
    /// Returns the alert for this failure: its class under the profile [`Refined`](Profile::Refined), why, and whether
    /// to try again. [`classify_error`] accepts other profiles.
    #[must_use]
    pub fn alert(&self) -> Classification {
        classify_error(self, Profile::Refined)
    }
}

/// The class of a failure, as the cause of an error: of whoever knows more than the codes and words of the causes say.
#[derive(Debug)]
pub(crate) struct Known(pub(crate) Classification);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind().title())
    }
}

impl StdError for Known {}

/// Classifies an error of this library by its most telling cause.
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_error};
/// use azs_backup::{Error, ErrorKind};
///
/// let cause = std::io::Error::other("Server returned an error message with status: 0xc000007f.");
/// let error = Error::new(ErrorKind::Io, "put segment 3").with_source(cause);
/// assert_eq!(classify_error(&error, Profile::Refined).kind(), AlertKind::OutOfCapacity);
/// ```
#[must_use]
pub fn classify_error(error: &Error, profile: Profile) -> Classification {
    classify_chain(error, profile)
}

/// Classifies an error of the standard library by its code, or else its causes, or else its kind.
///
/// ```
/// use azs_backup::alert::{DocumentedKind, Profile, classify_io};
///
/// let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
/// assert_eq!(classify_io(&error, Profile::Refined).documented_kind(), DocumentedKind::OutOfCapacity);
/// ```
#[must_use]
pub fn classify_io(error: &io::Error, profile: Profile) -> Classification {
    classify_chain(error, profile)
}

/// Classifies any error with its chain of causes by the most telling link; among equals, the deepest counts.
///
/// Errors of this library and of the standard library are read by kind and code. All others, including those of SMB
/// clients, are read by their text, up to 4 KiB of it. It follows at most 64 links.
#[must_use]
pub fn classify_chain(error: &(dyn StdError + 'static), profile: Profile) -> Classification {
    let mut collector = Collector::of_chain(profile);
    let mut next = Some(error);
    for _ in 0..MOST_LINKS {
        let Some(link) = next else { break };
        if let Some(Known(class)) = link.downcast_ref() {
            return *class;
        }
        next = look_at(link, &mut collector);
    }
    collector.finish()
}

/// Adds what a link says; returns the next link if it may say more.
fn look_at<'a>(
    link: &'a (dyn StdError + 'static),
    collector: &mut Collector,
) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = link.downcast_ref::<Error>() {
        let row = row(error.kind());
        collector.found(Form::Error, 0, row);
        if row.is_vague() {
            scan_display(error, collector);
        }
        return link.source().filter(|_| !is_about_the_host(error.kind()));
    }
    if let Some(answer) = link.downcast_ref::<HttpAnswer>() {
        let status = u32::from(answer.status);
        answer.row().into_iter().for_each(|row| collector.found(http::FORM, status, row));
        return link.source();
    }
    let Some(error) = link.downcast_ref::<io::Error>() else {
        scan_display(link, collector);
        return link.source();
    };
    match (error.raw_os_error(), error.get_ref()) {
        (Some(code), _) => add_os_error(code, collector),
        // `source` would skip the inner error.
        (None, Some(inner)) => {
            add_io_kind(error.kind(), collector);
            return Some(inner);
        }
        (None, None) => add_io_kind(error.kind(), collector),
    }
    link.source()
}

fn add_os_error(code: i32, collector: &mut Collector) {
    let code = code.unsigned_abs();
    if cfg!(windows) {
        win32::find(code).into_iter().for_each(|row| collector.found(Form::Win32, code, row));
    } else {
        errno::find_native(code).into_iter().for_each(|row| collector.found(Form::Errno, code, row));
    }
}

fn add_io_kind(kind: io::ErrorKind, collector: &mut Collector) {
    use io::ErrorKind as K;
    let errno = match kind {
        K::NotFound => 2,
        K::Interrupted => 4,
        K::WouldBlock => 11,
        K::OutOfMemory => 12,
        K::PermissionDenied => 13,
        K::ResourceBusy => 16,
        K::AlreadyExists => 17,
        K::CrossesDevices => 18,
        K::NotADirectory => 20,
        K::IsADirectory => 21,
        K::InvalidInput => 22,
        K::ExecutableFileBusy => 26,
        K::FileTooLarge => 27,
        K::StorageFull => 28,
        K::ReadOnlyFilesystem => 30,
        K::TooManyLinks => 31,
        K::BrokenPipe => 32,
        K::Deadlock => 35,
        K::InvalidFilename => 36,
        K::DirectoryNotEmpty => 39,
        K::Unsupported => 95,
        K::AddrInUse => 98,
        K::AddrNotAvailable => 99,
        K::NetworkDown => 100,
        K::NetworkUnreachable => 101,
        K::ConnectionAborted => 103,
        K::ConnectionReset => 104,
        K::NotConnected => 107,
        K::TimedOut => 110,
        K::ConnectionRefused => 111,
        K::HostUnreachable => 113,
        K::StaleNetworkFileHandle => 116,
        K::QuotaExceeded => 122,
        _ => return,
    };
    errno::find(errno).into_iter().for_each(|row| collector.found(Form::IoKind, errno, row));
}

fn scan_display(error: &dyn StdError, collector: &mut Collector) {
    let mut text = Bounded(String::new());
    // An error here means that the text is longer than the limit.
    let _ = write!(text, "{error}");
    text::scan(text.0.as_bytes(), 0, collector);
}

/// Text of at most 4 KiB.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_TEXT - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let cut = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.0.push_str(&text[..cut]);
        Err(fmt::Error)
    }
}

/// Whether the causes of such an error concern this host or its caller: a source that cannot be read does not mean that
/// the share cannot be read.
fn is_about_the_host(kind: ErrorKind) -> bool {
    use ErrorKind as K;
    match kind {
        K::AccessDenied | K::AlreadyExists | K::Damaged | K::Incomplete | K::Internal | K::Io => false,
        K::LogonFailed | K::NotFound | K::OutOfCapacity | K::TimedOut | K::Unreachable | K::Unsupported => {
            false
        }
        K::Cancelled | K::CertificateExpired | K::CertificateUnsuitable | K::Conflict => true,
        K::InvalidArgument | K::InvalidName | K::LimitExceeded | K::Malformed => true,
        K::NotTrusted | K::ReservedPath | K::SourceChanged => true,
        K::SourceUnreadable | K::WrongCertificate | K::WrongPassword => true,
    }
}

const MOST_LINKS: usize = 64;
const MOST_TEXT: usize = 4096;
