//! Progress of long work, and the way to stop it.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};

/// How far a backup, verification or restore has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Files finished.
    pub files: u64,
    /// Bytes of file content read from the source, or written to the target.
    pub bytes: u64,
    /// Bytes of stored form written to the share, or read from it.
    pub stored_bytes: u64,
    /// Bytes of file content expected in all, where that is known.
    pub total_bytes: Option<u64>,
}

/// A progress hook: told how far the work is, answers whether to go on.
///
/// It is called on the thread that asked for the work, about ten times a second, and never again after it broke.
/// [`ControlFlow::Break`] ends the work with [`Cancelled`](crate::ErrorKind::Cancelled), leaving nothing
/// half-visible.
pub type ProgressHook<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A hook that shows nothing and never stops.
pub fn no_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The error of work whose hook said stop.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the caller")
}

/// Calls a hook no more than ten times a second.
pub(crate) struct Ticker<'a, 'h> {
    hook: &'a mut ProgressHook<'h>,
    total: Option<u64>,
    last: std::time::Instant,
}

impl<'a, 'h> Ticker<'a, 'h> {
    pub(crate) fn new(hook: &'a mut ProgressHook<'h>, total: Option<u64>) -> Self {
        Self { hook, total, last: std::time::Instant::now() }
    }

    /// Tells the hook, when it is time to; an error when it says stop.
    pub(crate) fn tick(&mut self, progress: Progress) -> Result<()> {
        if self.last.elapsed() < std::time::Duration::from_millis(100) {
            return Ok(());
        }
        self.last = std::time::Instant::now();
        match (self.hook)(Progress { total_bytes: self.total, ..progress }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(cancelled()),
        }
    }
}
