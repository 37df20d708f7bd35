//! Schedules, policies and the health of backups as plain data, for the bindings.

use jiff::Timestamp;
use serde_json::Value;

use super::next_run::Schedule;
use super::rules::RetentionPolicy;
use super::warning::{Health, Warning, warnings};
use crate::error::{Error, ErrorKind, Result};
use crate::options::from_json;

impl Schedule {
    /// Reads a schedule from its options in JSON: `frequency_hours` (12), `beyond_microsoft` (false), `phase_seconds`,
    /// `jitter_seconds` with `host`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, for an unknown option, and for numbers out of bounds.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        from_json("options of a schedule", json)
    }
}

impl RetentionPolicy {
    /// Reads a policy from its options in JSON: `keep_days`, `keep_last`, `keep_daily`, `keep_weekly`, `keep_monthly`,
    /// `keep_labels` (pairs of key and value, null for any), `pin` (names of sets), `make_room` (bytes), `grace_hours`
    /// (24), `shrunken_below` (50, in percent).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, for an unknown option, and for numbers out of bounds.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        from_json("options of a retention policy", json)
    }
}

/// Returns what an operator should look into, given a [`Health`] in JSON: `last_backup`, `set_up`, `retention_days`
/// (7), `holds` and `closed_since`, `next_run`. Each warning also has a line for people, `message`.
///
/// # Errors
/// `INVALID_ARGUMENT` for anything but such an object, or for an unknown option.
pub fn warnings_of_json(health: impl AsRef<[u8]>, now: Timestamp) -> Result<Vec<Value>> {
    let health: Health = from_json("options of the warnings", health.as_ref())?;
    let plain = |warning: &Warning| {
        let mut plain = serde_json::to_value(warning).map_err(|e| {
            Error::new(ErrorKind::Internal, "a warning cannot be written as JSON").with_source(e)
        })?;
        plain["message"] = warning.to_string().into();
        Ok(plain)
    };
    warnings(&health, now).iter().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(Schedule::from_json("{}").unwrap(), Schedule::default());
        assert_eq!(RetentionPolicy::from_json("{}").unwrap(), RetentionPolicy::default());
    }

    #[test]
    fn what_is_not_known_or_out_of_bounds_is_refused() {
        for json in [
            "",
            "[]",
            r#"{"frequency": 4}"#,
            r#"{"frequency_hours": 24}"#,
            r#"{"frequency_hours": -4}"#,
            r#"{"frequency_hours": 4, "phase_seconds": 14400}"#,
            r#"{"jitter_seconds": 60}"#,
        ] {
            assert_eq!(Schedule::from_json(json).unwrap_err().code(), "INVALID_ARGUMENT", "{json}");
        }
        assert!(Schedule::from_json(r#"{"frequency_hours": 24, "beyond_microsoft": true}"#).is_ok());
        for json in [r#"{"keep": 4}"#, r#"{"keep_days": 0}"#, r#"{"keep_last": -1}"#, r#"{"pin": ["x"]}"#] {
            assert_eq!(RetentionPolicy::from_json(json).unwrap_err().code(), "INVALID_ARGUMENT", "{json}");
        }
    }

    #[test]
    fn what_the_gate_and_the_schedule_said_can_be_watched() {
        let now: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        let next = Schedule::default().next_run(Some("2026-11-20T00:00:00Z".parse().unwrap()), now);
        let holds = r#"[{"reason": "restore_operation_running",
            "operation": {"kind": "restore", "state": "running", "started": "2026-11-10T00:00:00Z"}}]"#;
        let next = serde_json::to_string(&next).unwrap();
        let health = format!(
            r#"{{"last_backup": "2026-11-20T00:00:00Z", "retention_days": 7, "holds": {holds}, "next_run": {next}}}"#
        );
        let found = warnings_of_json(&health, now).unwrap();
        let names: Vec<_> = found.iter().map(|warning| warning["warning"].as_str().unwrap()).collect();
        assert_eq!(names, ["missed_runs", "gate_closed_too_long", "no_recent_backup"]);
        assert_eq!(found[2]["message"], "no good backup since 2026-11-20T00:00:00Z");
        let read: Health = serde_json::from_str(&health).unwrap();
        assert_eq!(serde_json::from_str::<Health>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        assert_eq!((read.holds.len(), read.retention.days()), (1, 7));
        for json in [r#"{"last": 1}"#, r#"{"retention_days": 0}"#] {
            assert_eq!(warnings_of_json(json, now).unwrap_err().code(), "INVALID_ARGUMENT", "{json}");
        }
    }
}
