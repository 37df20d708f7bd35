//! The report as an event of Windows, in the log `Application`.

use azs_backup::{Error, Result};
use azs_backup_windows::{EventKind, report_event};

use super::report::Report;

/// The source of the events; docs/hlh.md registers it.
const SOURCE: &str = "azs-backup";

pub(super) fn check() -> Result<()> {
    Ok(())
}

/// Writes an event; none while what is tried again fails in the same way.
pub(super) fn write(report: &Report) -> Result<()> {
    if report.is_known {
        return Ok(());
    }
    let (kind, number) = match report.summary() {
        "succeeded" => (EventKind::Information, 1),
        "failed" => (EventKind::Error, 3),
        "blocked" if report.needs_attention() => (EventKind::Warning, 4),
        "blocked" => (EventKind::Information, 4),
        _ => (EventKind::Warning, 2),
    };
    report_event(SOURCE, kind, number, &report.to_string())
        .map_err(|e| Error::io("write to the event log", e))
}
