//! Progress of long work, and the way to stop it.

use std::ops::ControlFlow;

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
