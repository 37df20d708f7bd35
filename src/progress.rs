//! Progress of long work, and how to stop it.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};

/// How far a backup, verification or restore is. A verification without a key counts stored files and their bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Files finished.
    pub files: u64,
    /// Bytes of file content read from the source, or written to the target.
    pub bytes: u64,
    /// Bytes of the stored form written to the share, or read from it.
    pub stored_bytes: u64,
    /// Bytes of file content expected in all, if known. At the last call they are all there: it is as large as `bytes`.
    pub total_bytes: Option<u64>,
}

/// A progress hook: receives how far the work is, and answers whether to go on.
///
/// It is called on the thread that started the work, about ten times a second, and once more at the end with what the
/// work came to; a backup calls it before it writes the cover sheet. It is never called again after it answered
/// [`ControlFlow::Break`]. That answer ends the work with [`Cancelled`](crate::ErrorKind::Cancelled), and leaves
/// nothing half-visible.
pub type ProgressHook<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A hook that shows nothing and never stops.
pub fn no_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The error of work whose hook asked to stop.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the caller")
}

/// Calls a hook; returns an error if it asks to stop.
fn tell(hook: &mut ProgressHook<'_>, progress: Progress) -> Result<()> {
    match hook(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(cancelled()),
    }
}

/// Calls a hook a last time: no more is expected than there is.
pub(crate) fn end(hook: &mut ProgressHook<'_>, progress: Progress) -> Result<()> {
    tell(hook, Progress { total_bytes: Some(progress.bytes), ..progress })
}

/// Calls a hook at most ten times a second.
pub(crate) struct Ticker<'a, 'h> {
    hook: &'a mut ProgressHook<'h>,
    total: Option<u64>,
    last: std::time::Instant,
}

impl<'a, 'h> Ticker<'a, 'h> {
    pub(crate) fn new(hook: &'a mut ProgressHook<'h>, total: Option<u64>) -> Self {
        Self { hook, total, last: std::time::Instant::now() }
    }

    /// Calls the hook if it is time to; returns an error if it asks to stop.
    pub(crate) fn tick(&mut self, progress: Progress) -> Result<()> {
        if self.last.elapsed() < std::time::Duration::from_millis(100) {
            return Ok(());
        }
        self.last = std::time::Instant::now();
        tell(self.hook, Progress { total_bytes: self.total, ..progress })
    }

    /// Calls the hook a last time, with what the work came to; returns an error if it asks to stop.
    pub(crate) fn end(&mut self, progress: Progress) -> Result<()> {
        end(self.hook, progress)
    }
}
