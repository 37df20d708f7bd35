//! The record of one run.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::{Skip, Trigger};
use super::job_lock::Process;
use super::next_run::second;
use super::operation::open_string_enum;
use crate::alert::AlertKind;
use crate::layout::{Place, SetName};

/// The record of one run, or of a skipped one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Job {
    /// Identifies the job: of two lines with the same ID the later one counts.
    pub id: String,
    /// What asked for it.
    pub trigger: Trigger,
    /// When it began, or was skipped.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its status.
    pub status: JobStatus,
    /// What it backs up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The set that it created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetName>,
    /// Bytes that it stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The code of the alert that it raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Why it failed or was skipped, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it took longer than [expected](Self::EXPECTED); recorded when it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow: bool,
    /// When a skipped job is due again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Timestamp>,
    /// The process that runs it, while it runs; recorded when the job is [appended](super::JobLog::append).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

impl Job {
    /// The longest that a backup is expected to take (best practices of the Infrastructure Backup Service: 20 to 40
    /// minutes).
    pub const EXPECTED: Duration = Duration::from_secs(40 * 60);

    /// Creates a job that begins now.
    #[must_use]
    pub fn start(id: impl Into<String>, trigger: Trigger, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            trigger,
            started: now,
            ended: None,
            status: JobStatus::Running,
            place: None,
            set: None,
            bytes: None,
            alert: None,
            reason: None,
            slow: false,
            next_run: None,
            process: None,
        }
    }

    /// Creates a scheduled job that was skipped.
    #[must_use]
    pub fn skipped(id: impl Into<String>, skip: &Skip, now: Timestamp) -> Self {
        Self {
            ended: Some(now),
            status: JobStatus::Skipped,
            reason: Some(skip.to_string()),
            next_run: Some(skip.next_run),
            ..Self::start(id, Trigger::Scheduled, now)
        }
    }

    /// Ends the job, and records whether it was slow.
    #[must_use]
    pub fn end(mut self, status: JobStatus, now: Timestamp) -> Self {
        self.ended = Some(now);
        self.status = status;
        self.slow = self.is_slow(now);
        self.process = None;
        self
    }

    /// Ends a job whose process ended without saying so.
    pub(super) fn died(self, now: Timestamp) -> Self {
        let reason = match &self.process {
            Some(process) => format!(
                "its process, {} on {}, ended without a word: it was killed, or the host went down",
                process.id, process.host
            ),
            None => "it never said that it ended: it was killed, or its host went down".to_owned(),
        };
        let alert = Some(AlertKind::General.code().to_owned());
        // Nobody knows how long it took.
        Self { slow: false, alert, reason: Some(reason), ..self.end(JobStatus::Failed, now) }
    }

    /// How long it took; `None` before it ends, or if the clock was set back meanwhile.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let seconds = second(self.ended?).checked_sub(second(self.started))?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Whether it took, or is taking, longer than [expected](Self::EXPECTED).
    #[must_use]
    pub fn is_slow(&self, now: Timestamp) -> bool {
        let end = self.ended.unwrap_or(now);
        second(end).saturating_sub(second(self.started)) > Self::EXPECTED.as_secs().cast_signed()
    }

    /// Whether it began and has not ended: it is running, or its host died.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it created a set with everything that it was asked for.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status == JobStatus::Succeeded
    }
}

/// The status of a job, in the words of the admin API (`OperationStatus` of Microsoft.Backup.Admin 2021-09-01, and also
/// `Corrupted`, which its controller has).
///
/// The API's list has grown before, so any other word is accepted unchanged.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum JobStatus {
    /// The set is damaged.
    Corrupted,
    /// Being set up.
    Creating,
    /// The set was deleted.
    Deleted,
    /// Failed: there is no set.
    Failed,
    /// The set exists, but something is missing from the sources.
    PartialSucceeded,
    /// Waiting for another.
    Queued,
    /// Under way.
    Running,
    /// Did not run.
    Skipped,
    /// The set exists, with everything that was asked for.
    Succeeded,
    /// Any other word.
    Other(String),
}

impl JobStatus {
    /// The known ones.
    const KNOWN: [Self; 9] = [
        Self::Corrupted,
        Self::Creating,
        Self::Deleted,
        Self::Failed,
        Self::PartialSucceeded,
        Self::Queued,
        Self::Running,
        Self::Skipped,
        Self::Succeeded,
    ];

    /// Returns the word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Corrupted => "Corrupted",
            Self::Creating => "Creating",
            Self::Deleted => "Deleted",
            Self::Failed => "Failed",
            Self::PartialSucceeded => "PartialSucceeded",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Skipped => "Skipped",
            Self::Succeeded => "Succeeded",
            Self::Other(other) => other,
        }
    }
}

impl FromStr for JobStatus {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let known = Self::KNOWN.into_iter().find(|known| known.as_str() == text);
        Ok(known.unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

open_string_enum!(JobStatus);
