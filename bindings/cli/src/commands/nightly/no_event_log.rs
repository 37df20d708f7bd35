//! In place of `event_log`, elsewhere than on Windows.

use azs_backup::{Error, ErrorKind, Result};

use super::report::Report;

pub(super) fn check() -> Result<()> {
    let message =
        "event_log of [report] is for Windows: elsewhere the journal or syslog takes what is printed";
    Err(Error::new(ErrorKind::Unsupported, message))
}

pub(super) fn write(_: &Report) -> Result<()> {
    check()
}
