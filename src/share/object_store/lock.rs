//! Locks on what is written: until a date nobody can delete it, the account that wrote it included.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::fmt::rfc2822;
use jiff::{Timestamp, ToSpan, Unit};

use super::failure::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::string_enum::string_enum;

/// Who can end the lock on an object before its date.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LockMode {
    /// Nobody: S3's `COMPLIANCE`, Azure's `Locked`.
    #[default]
    Compliance,
    /// An account with a right of its own: S3's `GOVERNANCE` (`s3:BypassGovernanceRetention`), Azure's `Unlocked`.
    Governance,
}

string_enum!(LockMode, "lock_mode": "compliance" => Compliance, "governance" => Governance);

/// The lock that what is written gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rule {
    pub(super) time: Duration,
    pub(super) mode: LockMode,
}

impl Rule {
    /// # Errors
    /// `INVALID_ARGUMENT` for less than a second, and for more than 100 years, which S3 refuses.
    pub(super) fn new(time: Duration, mode: LockMode) -> Result<Self> {
        if time < Duration::from_secs(1) || time > Duration::from_secs(100 * 365 * 86_400) {
            let message = "a lock lasts at least a second, and at most 100 years";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self { time, mode })
    }

    /// The lock of what is written now.
    pub(super) fn now(self) -> Lock {
        let until = Timestamp::now() + self.time;
        // Whole seconds, rounded up: S3 and Azure know no others in every version.
        let until = until.round(Unit::Second).map_or(until, |second| second + 1.second());
        Lock { until, mode: self.mode }
    }
}

/// A lock on one object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lock {
    pub(super) until: Timestamp,
    mode: LockMode,
}

impl Lock {
    /// Adds the headers that ask for it.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, is_s3: bool) -> Result<(), Failure> {
        let (date, mode) = match (is_s3, self.mode) {
            (true, LockMode::Compliance) => (self.until.to_string(), "COMPLIANCE"),
            (true, LockMode::Governance) => (self.until.to_string(), "GOVERNANCE"),
            (false, mode) => {
                let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.until);
                let date = date.map_err(|e| Failure::other(ErrorKind::InvalidArgument, e.to_string()))?;
                (date, if mode == LockMode::Compliance { "Locked" } else { "Unlocked" })
            }
        };
        let date = HeaderValue::from_str(&date)
            .map_err(|e| Failure::other(ErrorKind::InvalidArgument, e.to_string()))?;
        let (until, how) = if is_s3 { S3 } else { AZURE };
        headers.insert(HeaderName::from_static(until), date);
        headers.insert(HeaderName::from_static(how), HeaderValue::from_static(mode));
        Ok(())
    }
}

/// Until when an object is locked, by the headers of an answer.
pub(super) fn until<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Timestamp> {
    if let Some(date) = header(S3.0) {
        return date.parse().ok();
    }
    let date = header(AZURE.0)?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// Names of headers: until when, and how ("Object Lock" of S3; "Set Blob Immutability Policy" of Azure).
const S3: (&str, &str) = ("x-amz-object-lock-retain-until-date", "x-amz-object-lock-mode");
const AZURE: (&str, &str) = ("x-ms-immutability-policy-until-date", "x-ms-immutability-policy-mode");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_said_and_read_back_in_the_words_of_each_service() {
        let until_date: Timestamp = "2026-12-24T18:00:01Z".parse().unwrap();
        for (is_s3, mode, wanted) in [
            (true, LockMode::Compliance, ["2026-12-24T18:00:01Z", "COMPLIANCE"]),
            (true, LockMode::Governance, ["2026-12-24T18:00:01Z", "GOVERNANCE"]),
            (false, LockMode::Compliance, ["Thu, 24 Dec 2026 18:00:01 GMT", "Locked"]),
            (false, LockMode::Governance, ["Thu, 24 Dec 2026 18:00:01 GMT", "Unlocked"]),
        ] {
            let mut headers = HeaderMap::new();
            Lock { until: until_date, mode }.add_to(&mut headers, is_s3).unwrap();
            let names = if is_s3 { S3 } else { AZURE };
            assert_eq!([&headers[names.0], &headers[names.1]], wanted);
            assert_eq!(until(|name| headers.get(name)?.to_str().ok()), Some(until_date));
        }
        assert_eq!(until(|_| None), None);
    }

    #[test]
    fn a_lock_is_whole_seconds_and_not_too_short() {
        let rule = Rule::new(Duration::from_secs(60), LockMode::Compliance).unwrap();
        let (before, lock) = (Timestamp::now(), rule.now());
        assert_eq!(lock.until.subsec_nanosecond(), 0);
        assert!(lock.until >= before + Duration::from_secs(60));
        for time in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(4_000_000_000)] {
            assert_eq!(Rule::new(time, LockMode::Compliance).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}
