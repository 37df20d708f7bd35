//! Limits of time, as the options of a connection give them.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Sets a limit in seconds; without one, or with 0, the default stays.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no time.
pub(super) fn with_limit<Builder>(
    builder: Builder,
    option: &str,
    seconds: Option<f64>,
    set: impl FnOnce(Builder, Duration) -> Builder,
) -> Result<Builder> {
    let Some(seconds) = seconds.filter(|limit| *limit != 0.0) else { return Ok(builder) };
    let limit = Duration::try_from_secs_f64(seconds).map_err(|e| {
        Error::new(ErrorKind::InvalidArgument, format!("{option} is not a valid number of seconds: {e}"))
            .with_source(e)
    })?;
    Ok(set(builder, limit))
}
