//! Warnings about what nobody would notice: backups that do not happen.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::frequency::RetentionPeriod;
use super::gate::Hold;
use super::next_run::{NextRun, second};

/// The input of [`warnings`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Health {
    /// When the last backup that ended well began; `None` if there is none.
    pub last_backup: Option<Timestamp>,
    /// When backups were set up: if there is no backup yet, it is late from then on. Without it, it is late at once.
    pub set_up: Option<Timestamp>,
    /// How long backups are kept; `retention_days` in JSON.
    #[serde(rename = "retention_days")]
    pub retention: RetentionPeriod,
    /// What keeps the gate closed.
    pub holds: Vec<Hold>,
    /// Since when the gate has been closed without a break, if the caller remembers. Otherwise the earliest start of
    /// what holds it counts.
    pub closed_since: Option<Timestamp>,
    /// The result of [`Schedule::next_run`](super::Schedule::next_run).
    pub next_run: Option<NextRun>,
}

impl Health {
    /// Creates a health that knows only the last good backup.
    #[must_use]
    pub fn new(last_backup: Option<Timestamp>) -> Self {
        Self { last_backup, ..Self::default() }
    }

    /// Adds the time at which backups were set up.
    #[must_use]
    pub fn set_up(mut self, at: Timestamp) -> Self {
        self.set_up = Some(at);
        self
    }

    /// Sets how long backups are kept, 7 days by default.
    #[must_use]
    pub fn retention(mut self, retention: RetentionPeriod) -> Self {
        self.retention = retention;
        self
    }

    /// Adds what keeps the gate closed, and since when.
    #[must_use]
    pub fn holds(mut self, holds: impl Into<Vec<Hold>>, closed_since: Option<Timestamp>) -> Self {
        self.holds = holds.into();
        self.closed_since = closed_since;
        self
    }

    /// Adds the next run.
    #[must_use]
    pub fn next_run(mut self, next_run: NextRun) -> Self {
        self.next_run = Some(next_run);
        self
    }
}

/// Something that an operator should look into.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The clock is before the last run or backup: it was set back, or was ahead then.
    ClockSetBack {
        /// By how many seconds, at least.
        seconds: u64,
    },
    /// The gate has been closed for longer than backups are kept.
    GateClosedTooLong {
        /// Since when.
        since: Timestamp,
        /// What holds it, in words.
        hold: String,
        /// How long backups are kept.
        retention: RetentionPeriod,
    },
    /// Scheduled times passed without a run.
    MissedRuns {
        /// How many.
        count: u64,
        /// When the first of them was due.
        due: Timestamp,
    },
    /// No good backup for 24 hours (the time after which Azure Stack Hub warns, each 24 hours).
    NoRecentBackup {
        /// When the last one began; `None` if there is none.
        last: Option<Timestamp>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockSetBack { seconds } => {
                write!(
                    f,
                    "the clock is at least {seconds} s behind the last backup; check the host's time service"
                )
            }
            Self::GateClosedTooLong { since, hold, retention } => {
                write!(
                    f,
                    "backups have been held since {since}, longer than they are kept ({retention}): {hold}"
                )
            }
            Self::MissedRuns { count, due } => write!(
                f,
                "{count} scheduled backups did not run, the first at {due}; was the host off or asleep?"
            ),
            Self::NoRecentBackup { last: Some(last) } => write!(f, "no good backup since {last}"),
            Self::NoRecentBackup { last: None } => f.write_str("there is no good backup yet"),
        }
    }
}

/// Returns what an operator should look into; empty if all is well.
#[must_use]
pub fn warnings(health: &Health, now: Timestamp) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let age = |time: Timestamp| second(now).saturating_sub(second(time));

    let back = health.next_run.map_or(0, |next| next.clock_set_back_by);
    let back = back.max(health.last_backup.map_or(0, |last| (-age(last)).max(0).unsigned_abs()));
    // Two hosts' clocks may differ by what Kerberos allows.
    if back > 300 {
        warnings.push(Warning::ClockSetBack { seconds: back });
    }
    if let Some(next) = health.next_run
        && let (1.., Some(due)) = (next.missed, next.due)
    {
        warnings.push(Warning::MissedRuns { count: next.missed, due });
    }
    let since =
        health.closed_since.or_else(|| health.holds.iter().filter_map(|hold| hold.operation.started).min());
    if let (Some(hold), Some(since)) = (health.holds.first(), since)
        && age(since) > health.retention.seconds()
    {
        let (hold, retention) = (hold.to_string(), health.retention);
        warnings.push(Warning::GateClosedTooLong { since, hold, retention });
    }
    let is_old = |time: Option<Timestamp>| time.is_none_or(|time| age(time) > DAY);
    if is_old(health.last_backup) && (health.last_backup.is_some() || is_old(health.set_up)) {
        warnings.push(Warning::NoRecentBackup { last: health.last_backup });
    }
    warnings
}

const DAY: i64 = 86_400;
