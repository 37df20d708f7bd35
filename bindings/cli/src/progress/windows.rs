//! What Windows sends in place of signals: Ctrl-C, Ctrl-Break, a closed window, log-off, shutdown.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ended::CANCELLED;

/// Sets the flag at the first request to end this program; the second one ends it at once.
pub(super) fn on_end(interrupted: &Arc<AtomicBool>) -> io::Result<()> {
    let interrupted = interrupted.clone();
    azs_backup_windows::on_end(move || {
        if interrupted.swap(true, Ordering::AcqRel) {
            std::process::exit(CANCELLED.into());
        }
    })
}
