//! Runs the oracle for hours, on random folders, seed after seed.

use crate::needs::{self, FOR_BUILD, FOR_TESTS};
use crate::run::{Failure, cargo};

/// Runs the oracle for this long (`90m`, `8h`), from this seed on, and prints the seeds that passed.
pub(crate) fn soak(time: &str, first: Option<&str>) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    // Different ones each time, unless you name a seed.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let first = match first {
        Some(seed) => seed.to_owned(),
        None => (now.map_or(1, |now| now.as_secs()) * 1000).to_string(),
    };
    let arguments = ["--test", "oracle", "whatever_happens", "--", "--nocapture"];
    let oracle = cargo("test", openssl).args(arguments);
    oracle.env("AZS_ORACLE_FIRST", &first).env("AZS_ORACLE_SECONDS", &seconds(time)?.to_string()).run()
}

/// Parses `30s`, `90m`, `8h`; a number alone is in hours.
fn seconds(time: &str) -> Result<u64, Failure> {
    let (number, unit) = match time.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => time.split_at(at),
        None => (time, "h"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(number) if factor > 0 => Ok(number.saturating_mul(factor)),
        _ => Err(Failure(format!("{time} is no time: say 30s, 90m or 8h"))),
    }
}
