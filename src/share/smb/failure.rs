//! Failures of a connection, and the library's errors for them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::{Profile, Retry, classify_ntstatus};
use crate::error::{CANCELLED, Error, ErrorKind};
use crate::layout::UncPath;

use super::status::{Answer, kind_of};

/// A failure that can be reported to several callers.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    cause: Cause,
    /// Whether the connection is no longer usable.
    is_lost: bool,
    /// How far the opening had come; `None` if the connection was open.
    stage: Option<Stage>,
}

/// The stages of opening a share, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Stage {
    Resolve,
    Connect,
    Negotiate,
    LogOn,
    AskNamespace,
    OpenShare,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve the server's name",
            Self::Connect => "connect",
            Self::Negotiate => "negotiate",
            Self::LogOn => "log on",
            Self::AskNamespace => "ask the DFS namespace",
            Self::OpenShare => "open the share",
        })
    }
}

#[derive(Clone, Debug)]
enum Cause {
    /// The server's answer.
    Status(u32),
    /// An error of the operating system, with its errno or Win32 code if it has one.
    Network { code: Option<i32>, kind: io::ErrorKind, text: String },
    /// No answer for this long.
    Silence(Duration),
    /// The connection has no credits left for this call.
    CreditsExhausted,
    /// The path leads through a DFS namespace to one of these.
    Referred(Arc<[UncPath]>),
    /// Anything else, in words.
    Other(ErrorKind, String),
}

impl Failure {
    /// The server answered with this NTSTATUS.
    pub(super) fn status(status: u32) -> Self {
        // The table of codes knows which ones a new session may cure.
        let is_lost = classify_ntstatus(status, Profile::Refined).retry().when == Retry::NewSession;
        Self { cause: Cause::Status(status), is_lost, stage: None }
    }

    /// The connection broke.
    pub(super) fn network(error: &io::Error) -> Self {
        let (code, kind) = (error.raw_os_error(), error.kind());
        Self { cause: Cause::Network { code, kind, text: error.to_string() }, is_lost: true, stage: None }
    }

    /// The server was silent for this long.
    pub(super) fn silence(time: Duration) -> Self {
        Self { cause: Cause::Silence(time), is_lost: true, stage: None }
    }

    /// The connection is no longer usable, for a reason that only words tell.
    pub(super) fn lost(text: impl Into<String>) -> Self {
        Self { cause: Cause::Other(ErrorKind::Unreachable, text.into()), is_lost: true, stage: None }
    }

    /// The connection is used up, but not broken: the call goes on with another one.
    pub(super) fn exhausted() -> Self {
        Self { cause: Cause::CreditsExhausted, is_lost: false, stage: None }
    }

    /// The path leads through a DFS namespace to one of these, best first.
    pub(super) fn referred(targets: Vec<UncPath>) -> Self {
        Self { cause: Cause::Referred(targets.into()), is_lost: false, stage: None }
    }

    /// Where the path leads, if it leads through a DFS namespace.
    pub(super) fn targets(&self) -> Option<Arc<[UncPath]>> {
        match &self.cause {
            Cause::Referred(targets) => Some(targets.clone()),
            _ => None,
        }
    }

    /// A refusal that another attempt will not change.
    pub(super) fn other(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { cause: Cause::Other(kind, text.into()), is_lost: false, stage: None }
    }

    /// The caller asked to stop.
    pub(super) fn cancelled() -> Self {
        Self::other(ErrorKind::Cancelled, CANCELLED)
    }

    /// Returns the same failure, at this stage of opening.
    pub(super) fn at(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    pub(super) fn stage(&self) -> Option<Stage> {
        self.stage
    }

    /// The resolver does not know the name of the server.
    pub(super) fn resolver(host: impl fmt::Display, error: &io::Error) -> Self {
        let text = format!("host {host} cannot be resolved: {error}");
        Self { cause: Cause::Network { code: None, kind: error.kind(), text }, is_lost: true, stage: None }
    }

    /// Whether the connection is no longer usable.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether the account is at fault: further attempts may lock it out.
    pub(super) fn is_refusal(&self) -> bool {
        let passes = match self.cause {
            // No domain controller answers at the moment.
            Cause::Status(status) => classify_ntstatus(status, Profile::Refined).retry().when == Retry::Later,
            _ => false,
        };
        self.kind() == ErrorKind::LogonFailed && !passes
    }

    /// Whether the cause passes within seconds on the same connection: another program has the file open.
    pub(super) fn passes(&self) -> bool {
        let Cause::Status(status) = self.cause else { return false };
        !self.is_lost && classify_ntstatus(status, Profile::Refined).retry().when == Retry::Soon
    }

    /// Whether the connection is used up.
    pub(super) fn is_exhausted(&self) -> bool {
        matches!(self.cause, Cause::CreditsExhausted)
    }

    pub(super) fn ntstatus(&self) -> Option<u32> {
        match self.cause {
            Cause::Status(status) => Some(status),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::Status(status) => kind_of(*status),
            Cause::Silence(_) => ErrorKind::TimedOut,
            Cause::Network { kind: io::ErrorKind::TimedOut, .. } => ErrorKind::TimedOut,
            Cause::Network { .. } | Cause::CreditsExhausted => ErrorKind::Unreachable,
            Cause::Referred(_) => ErrorKind::Unsupported,
            Cause::Other(kind, _) => *kind,
        }
    }

    /// Returns the error for a caller: what failed, on which path, and why.
    pub(super) fn into_error(self, what: impl fmt::Display) -> Error {
        let kind = self.kind();
        let error = Error::new(kind, format!("{what}: {self}"));
        match self.cause {
            Cause::Status(status) => error.with_source(Answer(status)),
            Cause::Network { code: Some(code), .. } => error.with_source(io::Error::from_raw_os_error(code)),
            Cause::Network { kind, text, .. } => error.with_source(io::Error::new(kind, text)),
            Cause::Silence(_) => error.with_source(io::Error::from(io::ErrorKind::TimedOut)),
            Cause::CreditsExhausted | Cause::Referred(_) | Cause::Other(..) => error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stage) = self.stage {
            write!(f, "{stage}: ")?;
        }
        match &self.cause {
            Cause::Status(status) => Answer(*status).fmt(f),
            Cause::Network { kind: io::ErrorKind::UnexpectedEof, .. } if self.stage == Some(Stage::Negotiate) => f
                .write_str(
                    "the server closed the connection at the first message, as one does that speaks SMB 1 alone; SMB 3.0 or \
                     later is needed",
                ),
            Cause::Network { kind: io::ErrorKind::UnexpectedEof, .. } => {
                f.write_str("the server closed the connection")
            }
            Cause::Network { text, .. } => f.write_str(text),
            Cause::Silence(time) => {
                write!(f, "no answer from the server for {} s", time.as_secs())?;
                f.write_str(match self.stage {
                    None => "",
                    Some(Stage::Resolve) => "; the name service does not answer: resolve the name on this host",
                    Some(Stage::Connect) => "; see that it is up, and that no firewall swallows connections to its port",
                    Some(_) => "; it takes connections, but its SMB service hangs: see that host and port are right, and \
                                look at the server",
                })
            }
            Cause::CreditsExhausted => f.write_str("the credits that the server grants do not last for this call"),
            Cause::Referred(targets) => {
                let all: Vec<_> = targets.iter().map(UncPath::to_string).collect();
                write!(f, "the path leads through a DFS namespace to {}", all.join(", "))
            }
            Cause::Other(_, text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertKind, classify_error};

    #[test]
    fn a_status_has_a_kind_and_its_alert_sees_the_code() {
        for (status, kind, alert) in [
            (0xC000_007F, ErrorKind::OutOfCapacity, AlertKind::OutOfCapacity),
            (0xC000_0044, ErrorKind::OutOfCapacity, AlertKind::OutOfCapacity),
            (0xC000_006D, ErrorKind::LogonFailed, AlertKind::Authentication),
            (0xC000_0072, ErrorKind::LogonFailed, AlertKind::Authentication),
            (0xC000_0234, ErrorKind::LogonFailed, AlertKind::Authentication),
            (0xC000_0022, ErrorKind::AccessDenied, AlertKind::Authentication),
            (0xC000_00CC, ErrorKind::NotFound, AlertKind::Path),
            (0xC000_003A, ErrorKind::NotFound, AlertKind::Path),
            (0xC000_00C9, ErrorKind::Unreachable, AlertKind::Connectivity),
            (0xC000_0203, ErrorKind::Unreachable, AlertKind::Connectivity),
            (0xC000_00B5, ErrorKind::TimedOut, AlertKind::Connectivity),
            (0xC000_0043, ErrorKind::Io, AlertKind::General),
            (0xC000_0035, ErrorKind::AlreadyExists, AlertKind::General),
            (0xC000_0101, ErrorKind::Io, AlertKind::General),
            (0xC000_0265, ErrorKind::LimitExceeded, AlertKind::General),
            (0xC000_00D4, ErrorKind::Unsupported, AlertKind::Path),
        ] {
            let error = Failure::status(status).into_error("write a/b");
            assert_eq!(error.kind(), kind, "{error}");
            let class = classify_error(&error, Profile::Refined);
            assert_eq!(class.kind(), alert, "{error:?} {class:#?}");
            assert!(error.to_string().contains(&format!("0x{status:08X}")), "{error}");
        }
    }

    #[test]
    fn an_account_is_refused_but_not_for_want_of_a_domain_controller() {
        for (status, is_refusal) in
            [(0xC000_006D, true), (0xC000_0071, true), (0xC000_005E, false), (0xC000_007F, false)]
        {
            assert_eq!(Failure::status(status).is_refusal(), is_refusal, "{status:x}");
        }
        assert!(Failure::status(0xC000_035C).is_lost() && !Failure::status(0xC000_035C).is_refusal());
    }
}
