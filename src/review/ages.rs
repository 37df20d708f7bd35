//! How old is too old, and what cannot be that young.

pub(super) use crate::share::is_future;

/// Seconds in an hour.
pub(super) const HOUR: i64 = 3600;

/// Whether several runs in a row were missed, after so many seconds of which one run may take `frequency`.
pub(super) fn is_stale(age: i64, frequency: i64) -> bool {
    age > (3 * frequency).max(24 * HOUR)
}
