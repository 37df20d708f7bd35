//! Errors with their causes.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use azs_backup::alert::{AlertKind, DocumentedKind, Profile, classify_chain, classify_error, classify_io};
use azs_backup::{Error, ErrorKind};

const REFINED: Profile = Profile::Refined;

/// An error of another library: words, and perhaps a cause.
#[derive(Debug)]
struct Foreign(String, Option<Box<dyn StdError + Send + Sync>>);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Foreign {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

#[test]
fn every_kind_of_ours_has_its_documented_one() {
    use DocumentedKind as D;
    for kind in ErrorKind::ALL {
        let expected = match kind {
            ErrorKind::AccessDenied | ErrorKind::LogonFailed => D::Authentication,
            ErrorKind::TimedOut | ErrorKind::Unreachable => D::Connectivity,
            ErrorKind::InvalidName | ErrorKind::NotFound | ErrorKind::ReservedPath => D::Path,
            ErrorKind::OutOfCapacity => D::OutOfCapacity,
            _ => D::General,
        };
        let class = classify_error(&Error::new(*kind, "it failed"), REFINED);
        assert_eq!(class.documented_kind(), expected, "{kind}");
        assert_eq!(class.evidence()[0].name(), kind.code());
    }
}

#[test]
fn the_most_telling_link_decides() {
    let status = Foreign("Received error message: Network Name Deleted (0xc00000c9)".into(), None);
    let middle = Foreign("the write was not acknowledged".into(), Some(Box::new(status)));
    let outer = Foreign("NT_STATUS_UNSUCCESSFUL".into(), Some(Box::new(middle)));
    let class = classify_chain(&outer, REFINED);
    assert_eq!(class.kind(), AlertKind::Connectivity);
    assert_eq!(class.evidence()[0].name(), "STATUS_NETWORK_NAME_DELETED");
}

#[test]
fn text_in_an_io_error_counts() {
    let text = "Server returned an error message with status: 0xc000007f.";
    let error = Error::io("put segment 3", io::Error::other(text));
    assert_eq!(classify_error(&error, REFINED).kind(), AlertKind::OutOfCapacity);
    assert_eq!(classify_io(&io::Error::other(text), REFINED).kind(), AlertKind::OutOfCapacity);
    let wrapped = io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset));
    assert_eq!(classify_io(&wrapped, REFINED).kind(), AlertKind::Connectivity);
}

#[cfg(target_os = "linux")]
#[test]
fn an_errno_counts_more_than_its_kind() {
    let class = classify_io(&io::Error::from_raw_os_error(112), REFINED);
    assert_eq!(class.kind(), AlertKind::Connectivity);
    assert_eq!(class.evidence()[0].name(), "EHOSTDOWN");
    let class = classify_error(&Error::io("open", io::Error::from_raw_os_error(28)), REFINED);
    assert_eq!(
        (class.kind(), class.confidence()),
        (AlertKind::OutOfCapacity, azs_backup::alert::Confidence::High)
    );
}

#[test]
fn a_source_that_may_not_be_read_is_no_share_that_may_not_be_read() {
    let denied = io::Error::from(io::ErrorKind::PermissionDenied);
    let error = Error::new(ErrorKind::SourceUnreadable, "C:\\secret").with_source(denied);
    assert_eq!(classify_error(&error, REFINED).documented_kind(), DocumentedKind::General);
    let error = Error::new(ErrorKind::WrongPassword, "backup.pfx")
        .with_source(Foreign("STATUS_LOGON_FAILURE".into(), None));
    let class = classify_error(&error, REFINED);
    assert_eq!(class.documented_kind(), DocumentedKind::General);
    assert!(!class.retry().could_lock_out);
}

#[test]
fn long_chains_and_long_texts_end() {
    let mut error = Foreign("0xc000007f".into(), None);
    for _ in 0..10_000 {
        error = Foreign("é".repeat(10), Some(Box::new(error)));
    }
    assert_eq!(classify_chain(&error, REFINED).kind(), AlertKind::General);
    let long = Foreign(format!("0xc000007f {}", "é".repeat(1 << 20)), None);
    assert_eq!(classify_chain(&long, REFINED).kind(), AlertKind::OutOfCapacity);
    // Dropping the chain by recursion would be the test's own overflow.
    let mut next = error.1.take();
    while let Some(link) = next {
        next = link.downcast::<Foreign>().ok().and_then(|mut link| link.1.take());
    }
}
