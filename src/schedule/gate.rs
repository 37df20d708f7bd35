//! Whether a backup may run now.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::next_run::Schedule;
use super::operation::{Operation, OperationKind, OperationState};
use super::source::OperationSource;
use crate::error::{Error, ErrorKind, Result};

/// What asked for a backup.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// A person or a program, now.
    OnDemand,
    /// The schedule.
    Scheduled,
}

/// Why a backup has to wait, in the terms of Azure Stack Hub (`BackupSkippingReason` of its backup controller).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Another backup is running.
    BackupOperationRunning,
    /// An exclusive operation is running: update, FRU, secret rotation, or one that is unknown here.
    ExclusiveActionRunning,
    /// An exclusive operation failed and nobody has resolved it.
    FailedExclusiveAction,
    /// A restore is running.
    RestoreOperationRunning,
    /// An operation is in a state that is unknown here.
    Unknown,
}

/// An operation that keeps the gate closed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Hold {
    /// Why.
    pub reason: Reason,
    /// The operation.
    pub operation: Operation,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operation { state, started, expected_end, .. } = &self.operation;
        match self.reason {
            Reason::FailedExclusiveAction => {
                write!(f, "{} failed and has to be resolved first", self.operation)?
            }
            Reason::Unknown => write!(
                f,
                "{} is in a state not known here, {}",
                self.operation,
                super::frequency::shown(state.as_str())
            )?,
            _ => write!(f, "{} is running", self.operation)?,
        }
        if let Some(started) = started {
            write!(f, ", since {started}")?;
        }
        if let (Some(end), OperationState::Running) = (expected_end, state) {
            write!(f, ", expected to end at {end}")?;
        }
        Ok(())
    }
}

/// A scheduled backup that does not run, and why.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Skip {
    /// What holds it, never empty: first what somebody has to resolve, then what passes by itself.
    pub holds: Vec<Hold>,
    /// When to try again.
    pub next_run: Timestamp,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the scheduled backup was skipped: {}; the next is at {}",
            listed(&self.holds),
            self.next_run
        )
    }
}

/// Whether a scheduled backup runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// It runs.
    Run,
    /// It does not run this time.
    Skipped(Skip),
}

/// Keeps backups from running beside what they conflict with.
///
/// Update, FRU, secret rotation, restore, another backup, and any operation of another kind hold a backup while they
/// run. One that failed holds it until somebody resolves it; but not a failed backup or restore, which leaves nothing
/// half done for the next backup. Sources: best practices of the Infrastructure Backup Service; the reasons and the
/// alert "The scheduled backup was skipped due to a conflict with failed operations." of its controller.
///
/// The gate only looks; it does not lock. It does not see an operation that begins a moment later. A backup of this
/// library harms none: it only reads its sources and writes beside `MASBackup`.
#[derive(Default)]
pub struct Gate {
    sources: Vec<Box<dyn OperationSource>>,
    ignored: Vec<OperationKind>,
}

impl Gate {
    /// Creates a gate without sources, which is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source to ask.
    #[must_use]
    pub fn source(mut self, source: impl OperationSource + 'static) -> Self {
        self.sources.push(Box::new(source));
        self
    }

    /// Lets backups run beside operations of this kind: for example beside secret rotation, if you back up the switches.
    #[must_use]
    pub fn ignore(mut self, kind: OperationKind) -> Self {
        self.ignored.push(kind);
        self
    }

    /// Returns what keeps the gate closed now: first what somebody has to resolve, then what passes by itself. If it is
    /// empty, the gate is open.
    ///
    /// # Errors
    /// The error of a source that cannot tell.
    pub fn holds(&self) -> Result<Vec<Hold>> {
        let mut holds = Vec::new();
        for source in &self.sources {
            for operation in source.operations()? {
                if self.ignored.contains(&operation.kind) {
                    continue;
                }
                if let Some(reason) = reason(&operation) {
                    holds.push(Hold { reason, operation });
                }
            }
        }
        let passes = |reason: Reason| !matches!(reason, Reason::FailedExclusiveAction | Reason::Unknown);
        holds.sort_by_key(|hold| (passes(hold.reason), hold.reason, hold.operation.started));
        Ok(holds)
    }

    /// Decides whether a scheduled backup that is due now runs. Either way, `now` counts as the last run: a skipped
    /// backup is due again at the schedule's next time.
    ///
    /// # Errors
    /// The error of a source that cannot tell.
    pub fn scheduled(&self, schedule: &Schedule, now: Timestamp) -> Result<Decision> {
        let holds = self.holds()?;
        if holds.is_empty() {
            return Ok(Decision::Run);
        }
        Ok(Decision::Skipped(Skip { holds, next_run: schedule.next_run(Some(now), now).at }))
    }

    /// Checks whether a backup on demand may run.
    ///
    /// # Errors
    /// `CONFLICT` when it may not; the message says until when, or what to resolve. The error of a source that cannot
    /// tell.
    pub fn on_demand(&self, now: Timestamp) -> Result<()> {
        let holds = self.holds()?;
        if holds.is_empty() {
            return Ok(());
        }
        let running = holds.iter().all(|hold| hold.operation.state == OperationState::Running);
        let ends = holds.iter().map(|hold| hold.operation.expected_end.filter(|end| *end > now));
        let until = ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
        let what_to_do = match (running, until) {
            (true, Some(until)) => format!("try again after {until}"),
            (true, None) => "try again when that has ended".to_owned(),
            (false, _) => "resolve that, then try again".to_owned(),
        };
        Err(Error::new(
            ErrorKind::Conflict,
            format!("a backup cannot run now: {}; {what_to_do}", listed(&holds)),
        ))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("sources", &self.sources.len()).field("ignored", &self.ignored).finish()
    }
}

/// Why an operation holds backups; `None` if it does not.
fn reason(operation: &Operation) -> Option<Reason> {
    use {OperationKind as Kind, OperationState as State};
    Some(match (&operation.kind, &operation.state) {
        (_, State::Succeeded | State::Resolved) | (Kind::Backup | Kind::Restore, State::Failed) => {
            return None;
        }
        (_, State::Unknown(_)) => Reason::Unknown,
        (Kind::Backup, State::Running) => Reason::BackupOperationRunning,
        (Kind::Restore, State::Running) => Reason::RestoreOperationRunning,
        (_, State::Running) => Reason::ExclusiveActionRunning,
        (_, State::Failed) => Reason::FailedExclusiveAction,
    })
}

/// Lists the first few holds, for a message.
fn listed(holds: &[Hold]) -> String {
    const SHOWN: usize = 3;
    let mut text = holds.iter().take(SHOWN).map(Hold::to_string).collect::<Vec<_>>().join("; ");
    if holds.len() > SHOWN {
        text.push_str(&format!("; and {} more", holds.len() - SHOWN));
    }
    text
}
