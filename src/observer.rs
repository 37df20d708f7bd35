//! What a caller sees of long work, and how it stops it.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::SharePath;

/// How far a backup, listing, verification or restore is. A verification without a key counts stored files and their
/// bytes, a listing sets.
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

/// Watches long work, and may stop it.
///
/// Each builder of long work takes one by its method `observer`. The work calls it on the thread that started it. After
/// an answer of [`ControlFlow::Break`] it calls it never again, ends with
/// [`Cancelled`](crate::ErrorKind::Cancelled), and leaves nothing half-visible.
///
/// A closure that takes [`Progress`] is an observer:
///
/// ```
/// use std::ops::ControlFlow;
///
/// use azs_backup::observer::{Observer, Progress};
///
/// fn takes(_: &mut dyn Observer) {}
/// takes(&mut |progress: Progress| {
///     println!("{} files", progress.files);
///     ControlFlow::Continue(())
/// });
/// ```
pub trait Observer {
    /// Receives how far the work is, about ten times a second, and once more at the end with what the work came to; a
    /// backup calls it before it writes the cover sheet. Answers whether to go on.
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// Receives the folder of a set that is about to be deleted. [`ControlFlow::Break`] keeps it and all that would
    /// have followed; the report names them as stopped.
    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        let _ = set;
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(Progress) -> ControlFlow<()>> Observer for F {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// Shows nothing and never stops: the observer of work that was given none.
pub(crate) struct Unobserved;

impl Observer for Unobserved {}

/// Calls `work` with the observer, or with one that shows nothing.
pub(crate) fn observed<T>(
    observer: Option<&mut (dyn Observer + '_)>,
    work: impl FnOnce(&mut dyn Observer) -> T,
) -> T {
    match observer {
        Some(observer) => work(observer),
        None => work(&mut Unobserved),
    }
}

/// The error of work whose observer asked to stop.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the caller")
}

/// Calls an observer; returns an error if it asks to stop.
fn tell(observer: &mut dyn Observer, progress: Progress) -> Result<()> {
    match observer.progress(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(cancelled()),
    }
}

/// Calls an observer a last time: no more is expected than there is.
pub(crate) fn end(observer: &mut dyn Observer, progress: Progress) -> Result<()> {
    tell(observer, Progress { total_bytes: Some(progress.bytes), ..progress })
}

/// Calls an observer at most ten times a second.
pub(crate) struct Ticker<'a> {
    observer: &'a mut dyn Observer,
    total: Option<u64>,
    last: std::time::Instant,
}

impl<'a> Ticker<'a> {
    pub(crate) fn new(observer: &'a mut dyn Observer, total: Option<u64>) -> Self {
        Self { observer, total, last: std::time::Instant::now() }
    }

    /// Calls the observer if it is time to; returns an error if it asks to stop.
    pub(crate) fn tick(&mut self, progress: Progress) -> Result<()> {
        if self.last.elapsed() < std::time::Duration::from_millis(100) {
            return Ok(());
        }
        self.last = std::time::Instant::now();
        tell(self.observer, Progress { total_bytes: self.total, ..progress })
    }

    /// Calls the observer a last time, with what the work came to; returns an error if it asks to stop.
    pub(crate) fn end(&mut self, progress: Progress) -> Result<()> {
        end(self.observer, progress)
    }
}
