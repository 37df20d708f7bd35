//! When the next scheduled backup is due, computed in seconds of UTC.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::frequency::{Frequency, invalid};
use crate::error::{Error, Result};

/// When backups run: a frequency, a phase of the day and a jitter.
///
/// All arithmetic is in seconds of UTC, so daylight saving moves nothing: a backup at 02:00 UTC stays there. Slots are
/// at `phase + jitter + n × frequency`, counted from 1970. After a run that is late by up to half a frequency comes the
/// next slot, so lateness does not add up. After one that is later, the next run comes three quarters of a frequency
/// later, until runs are back on their slots. So two backups never crowd.
///
/// ```
/// use azs_backup::schedule::{Frequency, Schedule};
///
/// let schedule = Schedule::new(Frequency::from_hours(12)?);
/// let next = schedule.next_run(Some("2026-11-23T00:04:10Z".parse()?), "2026-11-23T01:00:00Z".parse()?);
/// assert_eq!(next.at.to_string(), "2026-11-23T12:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In JSON it is `{"frequency_hours": 24, "beyond_microsoft": true, "phase_seconds": 7200, "jitter_seconds": 1800,
/// "host": "hlh01"}`. You may omit any of them, but a frequency outside Azure Stack Hub's bounds needs
/// `beyond_microsoft`, and a jitter needs its host. It is written with `shift_seconds`, the resulting shift, in place
/// of the last two, and can be read back.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "ScheduleForm", into = "ScheduleForm")]
pub struct Schedule {
    frequency: Frequency,
    phase: i64,
    jitter: i64,
}

/// When to run next, and what to report about the time before that.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NextRun {
    /// When to run: now or later, and at most one frequency away.
    pub at: Timestamp,
    /// When it was due, if that is before [`at`](Self::at); `None` before the first run.
    pub due: Option<Timestamp>,
    /// Scheduled times that passed without a run: the host slept or was off, or nobody asked. One run makes up for all
    /// of them. A run less than 15 minutes late has missed nothing.
    pub missed: u64,
    /// By how many seconds the last run is in the future because the clock was set back; 0 if it was not.
    pub clock_set_back_by: u64,
}

impl NextRun {
    /// Whether it is time to run.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.at <= now
    }
}

impl Schedule {
    /// Creates slots at 00:00 UTC and every frequency after it, without jitter.
    #[must_use]
    pub fn new(frequency: Frequency) -> Self {
        Self { frequency, phase: 0, jitter: 0 }
    }

    /// Moves the slots by this much after 00:00 UTC: two hours make a daily backup run at 02:00 UTC.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` unless it is less than the frequency.
    pub fn phase(mut self, phase: Duration) -> Result<Self> {
        match i64::try_from(phase.as_secs()) {
            Ok(seconds) if seconds < self.frequency.seconds() => self.phase = seconds,
            _ => {
                return Err(invalid(format!(
                    "a phase of {} s is not less than the frequency, {}",
                    phase.as_secs(),
                    self.frequency
                )));
            }
        }
        Ok(self)
    }

    /// Moves the slots by a fraction of `most` that depends only on `host`, such as the host's name. So the hosts of
    /// one share do not all begin at once, and each keeps its time.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when `most` is more than half the frequency, or `host` is empty: all hosts would share one
    /// time.
    pub fn jitter(mut self, most: Duration, host: &str) -> Result<Self> {
        if host.is_empty() {
            return Err(invalid("a jitter needs a host: a text that differs from host to host".to_owned()));
        }
        let Some(most) =
            i64::try_from(most.as_secs()).ok().filter(|most| *most <= self.frequency.seconds() / 2)
        else {
            return Err(invalid(format!(
                "a jitter of {} s is more than half the frequency, {}",
                most.as_secs(),
                self.frequency
            )));
        };
        // FNV-1a: the same on every machine and in every version, which std's hashers do not guarantee.
        let hash = host.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        self.jitter = ((hash >> 1) as i64).rem_euclid(most + 1);
        Ok(self)
    }

    /// Returns the frequency.
    #[must_use]
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Returns when to run next, given the clock and when the last scheduled run began or was skipped.
    ///
    /// Without a last run the answer is now. Do not count a backup on demand as a last run: it does not move the
    /// schedule, as in Azure Stack Hub. The answer depends only on the arguments: asking again, after a restart or each
    /// minute, moves nothing.
    ///
    /// A last run in the future means that the clock was set back. The schedule waits that out for up to half a
    /// frequency; beyond that the run is due now. Either way the result reports it.
    #[must_use]
    pub fn next_run(&self, last: Option<Timestamp>, now: Timestamp) -> NextRun {
        let every = self.frequency.seconds();
        let Some(last) = last else {
            return NextRun { at: now, due: None, missed: 0, clock_set_back_by: 0 };
        };
        let back = second(last).saturating_sub(second(now)).max(0);
        let clock_set_back_by = back.unsigned_abs();
        if back > every / 2 {
            return NextRun { at: now, due: None, missed: 0, clock_set_back_by };
        }
        let due = self.after(second(last));
        let late = second(now).saturating_sub(due);
        if late >= 0 {
            let missed = if late < LATE { 0 } else { 1 + (late / every).unsigned_abs() };
            return NextRun { at: now, due: Some(clamped(due)), missed, clock_set_back_by };
        }
        // If the clock was set back a little, this could be further away than one frequency; later calls correct it.
        let at = clamped(due.min(second(now).saturating_add(every))).max(now);
        NextRun { at, due: None, missed: 0, clock_set_back_by }
    }

    /// Returns the time after the run at `last`: more than half a frequency later, and at most a whole one.
    fn after(&self, last: i64) -> i64 {
        let every = self.frequency.seconds();
        let latest = last.saturating_add(every);
        let slot = latest - (latest - self.phase - self.jitter).rem_euclid(every);
        if slot - last > every / 2 { slot } else { last.saturating_add(every / 4 * 3) }
    }
}

/// The JSON form of a schedule.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct ScheduleForm {
    frequency_hours: u32,
    beyond_microsoft: bool,
    phase_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    shift_seconds: u32,
}

impl Default for ScheduleForm {
    fn default() -> Self {
        Schedule::default().into()
    }
}

impl From<Schedule> for ScheduleForm {
    fn from(schedule: Schedule) -> Self {
        // Both are less than a frequency, which is at most 31 days.
        let seconds = |of: i64| u32::try_from(of).unwrap_or(0);
        Self {
            frequency_hours: schedule.frequency.hours(),
            beyond_microsoft: !schedule.frequency.is_microsofts(),
            phase_seconds: seconds(schedule.phase),
            jitter_seconds: None,
            host: None,
            shift_seconds: seconds(schedule.jitter),
        }
    }
}

impl TryFrom<ScheduleForm> for Schedule {
    type Error = Error;

    fn try_from(form: ScheduleForm) -> Result<Self> {
        let frequency = match form.beyond_microsoft {
            true => Frequency::beyond_microsoft(form.frequency_hours)?,
            false => Frequency::from_hours(form.frequency_hours)?,
        };
        let schedule = Self::new(frequency).phase(Duration::from_secs(form.phase_seconds.into()))?;
        match (form.jitter_seconds, form.host, form.shift_seconds) {
            (Some(most), Some(host), 0) => schedule.jitter(Duration::from_secs(most.into()), &host),
            (None | Some(0), None, shift) if i64::from(shift) <= frequency.seconds() / 2 => {
                Ok(Self { jitter: shift.into(), ..schedule })
            }
            (None, None, shift) => {
                Err(invalid(format!("a shift of {shift} s is more than half the frequency, {frequency}")))
            }
            _ => Err(invalid(
                "jitter_seconds needs host and the other way round, and no shift_seconds".to_owned(),
            )),
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(Frequency::default())
    }
}

/// Returns the timestamp nearest to this second.
pub(super) fn clamped(second: i64) -> Timestamp {
    let (min, max) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(second.clamp(min, max)).unwrap_or(if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// Returns the second that contains this time; `as_second` would round up before 1970.
pub(super) fn second(time: Timestamp) -> i64 {
    // A timestamp's seconds fit into 40 bits.
    time.as_nanosecond().div_euclid(1_000_000_000) as i64
}

/// Seconds of lateness from which a run counts as missed: a quarter of an hour, for services that check the clock now
/// and then.
const LATE: i64 = 15 * 60;
