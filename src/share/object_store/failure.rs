//! Why a request failed, what that is here, and whether to try again.

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::alert::HttpAnswer;
use crate::error::{CANCELLED, Error, ErrorKind};

/// A failure of a request.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    cause: Cause,
    /// How long the store asks to wait.
    wait: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Cause {
    /// The store's answer.
    Answer(HttpAnswer),
    /// The connection, with the errno or Win32 code if there is one.
    Network { code: Option<i32>, kind: io::ErrorKind, text: String },
    /// No answer for this long.
    Silence(Duration),
    /// There are no credentials, or their service does not give them out.
    Credentials(String),
    /// The store keeps an object until then, whoever asks.
    Locked(Timestamp),
    /// Anything else, in words.
    Other(ErrorKind, String),
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// Report it: another attempt changes nothing.
    Report,
    /// Try again a few times.
    Try,
    /// Try again for as long as the call may take: the store is there, and limits how much it is asked.
    Wait,
}

impl Failure {
    /// The store answered so.
    pub(super) fn answer(status: u16, code: String, wait: Option<Duration>) -> Self {
        Self { cause: Cause::Answer(HttpAnswer { status, code }), wait }
    }

    /// The connection broke, or there is none.
    pub(super) fn network(error: &(dyn std::error::Error + 'static)) -> Self {
        let (mut code, mut kind, mut text) = (None, io::ErrorKind::NotConnected, error.to_string());
        let mut next = Some(error);
        while let Some(link) = next {
            if let Some(found) = link.downcast_ref::<io::Error>() {
                code = found.raw_os_error().or(code);
                kind = found.kind();
            }
            text = link.to_string();
            next = link.source();
        }
        Self { cause: Cause::Network { code, kind, text: scrubbed(&text) }, wait: None }
    }

    /// No answer for this long.
    pub(super) fn silence(time: Duration) -> Self {
        Self { cause: Cause::Silence(time), wait: None }
    }

    /// There are no credentials.
    pub(super) fn credentials(why: impl fmt::Display) -> Self {
        Self { cause: Cause::Credentials(scrubbed(&why.to_string())), wait: None }
    }

    /// The store keeps the object until then.
    pub(super) fn locked(until: Timestamp) -> Self {
        Self { cause: Cause::Locked(until), wait: None }
    }

    /// A refusal in words.
    pub(super) fn other(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { cause: Cause::Other(kind, text.into()), wait: None }
    }

    /// There is nothing of that name.
    pub(super) fn missing() -> Self {
        Self::other(ErrorKind::NotFound, "there is nothing of that name")
    }

    /// The caller asked to stop.
    pub(super) fn cancelled() -> Self {
        Self::other(ErrorKind::Cancelled, CANCELLED)
    }

    /// What the crate says of a failure that no request tells: a file with a token that is missing, a listing that is not
    /// XML.
    pub(super) fn of_crate(error: &::object_store::Error) -> Self {
        use ::object_store::Error as E;
        let text = scrubbed(&error.to_string());
        let kind = match error {
            E::NotFound { .. } => ErrorKind::NotFound,
            E::AlreadyExists { .. } | E::Precondition { .. } => ErrorKind::AlreadyExists,
            E::PermissionDenied { .. } => ErrorKind::AccessDenied,
            E::Unauthenticated { .. } => ErrorKind::LogonFailed,
            E::NotSupported { .. } | E::NotImplemented { .. } => ErrorKind::Unsupported,
            E::InvalidPath { .. } => ErrorKind::InvalidName,
            _ => ErrorKind::Malformed,
        };
        Self::other(kind, text)
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::Answer(answer) => kind_of(answer.status, &answer.code),
            Cause::Silence(_) => ErrorKind::TimedOut,
            Cause::Network { kind: io::ErrorKind::TimedOut, .. } => ErrorKind::TimedOut,
            Cause::Network { .. } => ErrorKind::Unreachable,
            Cause::Credentials(_) => ErrorKind::LogonFailed,
            Cause::Locked(_) => ErrorKind::AccessDenied,
            Cause::Other(kind, _) => *kind,
        }
    }

    /// Whether the name is taken.
    pub(super) fn is_taken(&self) -> bool {
        self.kind() == ErrorKind::AlreadyExists
    }

    /// Whether nothing of that name is there.
    pub(super) fn is_missing(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether the server is gone, rather than unwilling.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self.cause, Cause::Network { .. } | Cause::Silence(_))
    }

    /// Whether the store may have done what it was asked to.
    pub(super) fn may_be_done(&self) -> bool {
        match &self.cause {
            Cause::Answer(answer) => answer.status >= 500 || answer.status == 408,
            Cause::Network { .. } | Cause::Silence(_) => true,
            Cause::Credentials(_) | Cause::Locked(_) | Cause::Other(..) => false,
        }
    }

    pub(super) fn next(&self) -> Next {
        match &self.cause {
            Cause::Answer(answer) => match (answer.status, &*answer.code) {
                // XMinioStorageFull and the like: room does not come by waiting.
                _ if self.kind() == ErrorKind::OutOfCapacity => Next::Report,
                (429 | 503, _) => Next::Wait,
                (409, "ConditionalRequestConflict" | "OperationAborted") => Next::Try,
                (408 | 500 | 502 | 504, _) | (_, "RequestTimeout") => Next::Try,
                _ => Next::Report,
            },
            Cause::Network { .. } | Cause::Silence(_) => Next::Try,
            Cause::Credentials(_) | Cause::Locked(_) | Cause::Other(..) => Next::Report,
        }
    }

    /// How long the store asks to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Returns the error for a caller: what failed, on which path, and why.
    pub(super) fn into_error(self, what: impl fmt::Display) -> Error {
        let error = Error::new(self.kind(), format!("{what}: {self}"));
        match self.cause {
            Cause::Answer(answer) => error.with_source(answer),
            Cause::Network { code: Some(code), .. } => error.with_source(io::Error::from_raw_os_error(code)),
            Cause::Network { kind, text, .. } => error.with_source(io::Error::new(kind, text)),
            Cause::Silence(_) => error.with_source(io::Error::from(io::ErrorKind::TimedOut)),
            // The alert sees what Azure says of it; S3 has no code of its own.
            Cause::Locked(_) => error.with_source(HttpAnswer { status: 409, code: IMMUTABLE.into() }),
            Cause::Credentials(_) | Cause::Other(..) => error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Answer(answer) => answer.fmt(f),
            Cause::Network { text, .. } => f.write_str(text),
            Cause::Silence(time) => write!(f, "no answer from the store for {} s", time.as_secs()),
            Cause::Credentials(why) => write!(
                f,
                "no credentials for the store: {why}; set them in the environment, or give this host a role"
            ),
            Cause::Locked(until) => write!(f, "the store keeps it until {until}: it is locked"),
            Cause::Other(_, text) => f.write_str(text),
        }
    }
}

/// The kind of error for an answer.
fn kind_of(status: u16, code: &str) -> ErrorKind {
    match (status, code) {
        (_, "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded") | (507, _) => {
            ErrorKind::OutOfCapacity
        }
        (_, IMMUTABLE) => ErrorKind::AccessDenied,
        (
            _,
            "AccountIsDisabled"
            | "AccountProblem"
            | "AuthenticationFailed"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "TokenRefreshRequired",
        )
        | (401, _) => ErrorKind::LogonFailed,
        (_, "KeyTooLongError" | "InvalidBucketName" | "InvalidResourceName") => ErrorKind::InvalidName,
        (_, "UnsupportedHeader") | (405 | 501, _) => ErrorKind::Unsupported,
        (_, "EntityTooLarge") | (413, _) => ErrorKind::LimitExceeded,
        (_, "RequestTimeout") | (408 | 504, _) => ErrorKind::TimedOut,
        (_, "ConditionalRequestConflict" | "OperationAborted" | "ContainerBeingDeleted") => {
            ErrorKind::Conflict
        }
        (304 | 409 | 412, _) => ErrorKind::AlreadyExists,
        (403, _) => ErrorKind::AccessDenied,
        (_, "AuthorizationHeaderMalformed") | (301 | 307 | 308 | 404 | 421, _) => ErrorKind::NotFound,
        (429 | 502 | 503, _) => ErrorKind::Unreachable,
        _ => ErrorKind::Io,
    }
}

/// What Azure says of an object that is locked.
const IMMUTABLE: &str = "BlobImmutableDueToPolicy";

/// Takes the queries of URLs out of a text: a shared access signature is one.
fn scrubbed(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            kept.push(' ');
        }
        match word.find('?').filter(|_| word.contains("://") || word.contains('=')) {
            Some(query) => kept.push_str(&word[..query]),
            None => kept.push_str(word),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertKind, Profile, classify_error};

    #[test]
    fn an_answer_has_a_kind_and_its_alert_sees_the_code() {
        for (status, code, kind, alert, next) in [
            (403, "AccessDenied", ErrorKind::AccessDenied, AlertKind::Authentication, Next::Report),
            (403, "SignatureDoesNotMatch", ErrorKind::LogonFailed, AlertKind::Authentication, Next::Report),
            (403, "RequestTimeTooSkewed", ErrorKind::LogonFailed, AlertKind::Authentication, Next::Report),
            (401, "", ErrorKind::LogonFailed, AlertKind::Authentication, Next::Report),
            (404, "NoSuchBucket", ErrorKind::NotFound, AlertKind::Path, Next::Report),
            (404, "BlobNotFound", ErrorKind::NotFound, AlertKind::Path, Next::Report),
            (301, "PermanentRedirect", ErrorKind::NotFound, AlertKind::Path, Next::Report),
            (409, "BlobAlreadyExists", ErrorKind::AlreadyExists, AlertKind::General, Next::Report),
            (409, IMMUTABLE, ErrorKind::AccessDenied, AlertKind::DeletionFailed, Next::Report),
            (409, "ConditionalRequestConflict", ErrorKind::Conflict, AlertKind::SkippedByConflict, Next::Try),
            (412, "PreconditionFailed", ErrorKind::AlreadyExists, AlertKind::General, Next::Report),
            (429, "", ErrorKind::Unreachable, AlertKind::Connectivity, Next::Wait),
            (503, "SlowDown", ErrorKind::Unreachable, AlertKind::Connectivity, Next::Wait),
            (503, "ServerBusy", ErrorKind::Unreachable, AlertKind::Connectivity, Next::Wait),
            (500, "InternalError", ErrorKind::Io, AlertKind::General, Next::Try),
            (504, "", ErrorKind::TimedOut, AlertKind::Connectivity, Next::Try),
            (507, "", ErrorKind::OutOfCapacity, AlertKind::OutOfCapacity, Next::Report),
            (409, "QuotaExceeded", ErrorKind::OutOfCapacity, AlertKind::OutOfCapacity, Next::Report),
            (413, "RequestBodyTooLarge", ErrorKind::LimitExceeded, AlertKind::General, Next::Report),
            (501, "NotImplemented", ErrorKind::Unsupported, AlertKind::General, Next::Report),
        ] {
            let failure = Failure::answer(status, code.into(), None);
            assert_eq!(failure.next(), next, "{status} {code}");
            let error = failure.into_error("write s3://b/a");
            assert_eq!(error.kind(), kind, "{error}");
            let class = classify_error(&error, Profile::Refined);
            assert_eq!(class.kind(), alert, "{error:?} {class:#?}");
            assert!(error.to_string().contains(&format!("HTTP {status}")), "{error}");
        }
    }

    #[test]
    fn a_lock_is_an_alert_of_a_deletion() {
        let until: Timestamp = "2026-12-24T18:00:00Z".parse().unwrap();
        let error = Failure::locked(until).into_error("delete s3://b/a");
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("until 2026-12-24T18:00:00Z"), "{error}");
        assert_eq!(classify_error(&error, Profile::Refined).kind(), AlertKind::DeletionFailed);
    }

    #[test]
    fn no_query_of_a_url_is_shown() {
        let text =
            "error sending GET https://c.blob.core.windows.net/b/x?sv=2023&sig=hunter2 in 1s; is it up?";
        assert_eq!(scrubbed(text), "error sending GET https://c.blob.core.windows.net/b/x in 1s; is it up?");
        assert!(!scrubbed("/b/x?sig=hunter2").contains("hunter2"));
    }
}
