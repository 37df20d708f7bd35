//! Signals of Unix.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::ended::CANCELLED;

/// Sets the flag at the first signal that asks this program to end; the second one ends it at once.
pub(super) fn on_end(interrupted: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The order matters: the first signal must find the flag unset.
        flag::register_conditional_shutdown(signal, CANCELLED.into(), interrupted.clone())?;
        flag::register(signal, interrupted.clone())?;
    }
    Ok(())
}
