//! Limits of time, as the options of a connection give them.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Reads a limit in seconds; 0 stands for the default, as if it were not given.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no time.
pub(super) fn limit_of(option: &str, seconds: Option<f64>) -> Result<Option<Duration>> {
    let limit = seconds.filter(|limit| *limit != 0.0).map(Duration::try_from_secs_f64);
    limit.transpose().map_err(|e| {
        Error::new(ErrorKind::InvalidArgument, format!("{option} is not a valid number of seconds: {e}"))
            .with_source(e)
    })
}
