//! In place of `telemetry`, in a program that was built without OpenTelemetry.

use azs_backup::{Error, ErrorKind, Result};

use super::report::Report;

pub(super) fn check(_: &str) -> Result<()> {
    let message = "opentelemetry of [report]: this program was built without it (feature opentelemetry)";
    Err(Error::new(ErrorKind::Unsupported, message))
}

pub(super) fn export(_: &Report, collector: &str) -> Result<()> {
    check(collector)
}
