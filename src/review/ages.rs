//! How old is too old, and what cannot be that young.

use jiff::Timestamp;

use crate::share::CLOCK_SKEW;

/// Seconds in an hour.
pub(super) const HOUR: i64 = 3600;

/// Whether several runs in a row were missed, after so many seconds of which one run may take `frequency`.
pub(super) fn is_stale(age: i64, frequency: i64) -> bool {
    age > (3 * frequency).max(24 * HOUR)
}

/// Whether a time is later than the clocks of two machines may differ.
pub(super) fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time.as_second() > now.as_second() + CLOCK_SKEW.as_secs()
}
