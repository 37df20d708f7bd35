//! The report of a check: each step, how it went, and the alert if it failed.

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

use crate::alert::{Classification, Known};
use crate::error::{Error, ErrorKind, Result};

/// One thing that must work.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The server's name resolves to addresses.
    Name,
    /// One of them accepts a TCP connection.
    Connection,
    /// Server and client agree on a dialect, signing and encryption.
    Dialect,
    /// The server accepts the account.
    LogOn,
    /// The share exists and is open to the account.
    Share,
    /// The root, the region folder and the folders of components exist.
    Path,
    /// A new object can be written.
    Write,
    /// It reads back as it was written.
    ReadBack,
    /// It can have a second name, which keeps incremental sets small.
    HardLink,
    /// The share can copy it.
    Copy,
    /// It can be renamed.
    Rename,
    /// Everything that was created can be deleted.
    Delete,
    /// There is free space.
    Space,
    /// Server and host agree on the time.
    Clock,
}

impl Step {
    /// Returns the step in lower case: `read_back`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Dialect => "dialect",
            Self::LogOn => "log_on",
            Self::Share => "share",
            Self::Path => "path",
            Self::Write => "write",
            Self::ReadBack => "read_back",
            Self::HardLink => "hard_link",
            Self::Copy => "copy",
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::Space => "space",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcome {
    /// As it should.
    Passed,
    /// Backups work, but something is worth knowing.
    Warned,
    /// Backups fail.
    Failed,
    /// It makes no sense after an earlier failure, or on this kind of share.
    Skipped,
}

/// One step and how it went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckedStep {
    /// What was tried.
    pub step: Step,
    /// How it went.
    pub outcome: StepOutcome,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What was found, in one line.
    pub seen: String,
    /// The alert that the failure would raise, and its error.
    pub alert: Option<CheckAlert>,
}

/// What a failed step means.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckAlert {
    /// The error's kind.
    #[serde(serialize_with = "code")]
    pub error: ErrorKind,
    /// The alert, with its evidence.
    pub class: Classification,
    /// What happened, for people.
    pub description: String,
    /// What to do, step by step.
    pub remedy: Vec<String>,
}

fn code<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

/// How every step went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// The share.
    pub share: String,
    /// The deployment whose folders were checked.
    pub deployment: String,
    /// The steps, in the order in which they ran.
    pub steps: Vec<CheckedStep>,
}

impl CheckReport {
    /// Whether no step failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The first step that failed: where the fault is.
    #[must_use]
    pub fn first_failure(&self) -> Option<&CheckedStep> {
        self.steps.iter().find(|step| step.outcome == StepOutcome::Failed)
    }

    /// Returns the report, or an error if a step failed.
    ///
    /// # Errors
    /// The error of the first failure, which it names.
    pub fn into_result(self) -> Result<Self> {
        match self.first_failure() {
            Some(failed) => {
                let kind = failed.alert.as_ref().map_or(ErrorKind::Io, |alert| alert.error);
                let message = format!("check of {}: {}: {}", self.share, failed.step, failed.seen);
                let error = Error::new(kind, message);
                Err(match &failed.alert {
                    Some(alert) => error.with_source(Known(alert.class)),
                    None => error,
                })
            }
            None => Ok(self),
        }
    }

    /// Prints the steps as a table for people, with the alert and the remedy of each failure.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut text = format!("{}\n", self.share);
        for step in &self.steps {
            let outcome = match step.outcome {
                StepOutcome::Passed => "ok",
                StepOutcome::Warned => "WARNING",
                StepOutcome::Failed => "FAILED",
                StepOutcome::Skipped => "-",
            };
            // Writing to memory cannot fail.
            let _ = writeln!(text, "  {:<11}{outcome:<9}{:>8.3} s  {}", step.step, step.seconds, step.seen);
            let Some(alert) = &step.alert else { continue };
            let _ = writeln!(text, "{:33}{}: {}", "", alert.class.kind(), alert.class.kind().title());
            for (number, line) in alert.remedy.iter().enumerate() {
                let _ = writeln!(text, "{:33}{}. {line}", "", number + 1);
            }
        }
        text
    }
}
