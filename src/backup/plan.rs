//! Puts entries together into units of work, and keeps what has to be said of the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::pipeline::Pipeline;
use super::unit::{BUNDLE, Item, LargeContent, LargeFile, PIECE, Source, Unit};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::set::{Content, Entry, EntryPath, Metadata, Problem};

/// Header bytes that a small entry is counted with.
const HEADER: u64 = 1536;

/// The caller's hook, and what stops the run when the hook says so.
pub(super) type Hook = Box<dyn FnMut(Progress) -> std::ops::ControlFlow<()> + Send>;

pub(super) struct Planner {
    pub(super) pipeline: Pipeline,
    hook: Hook,
    shared: Arc<super::pipeline::Shared>,
    fail_on_problem: bool,
    pub(super) skipped: Vec<Problem>,
    bundle: Vec<Item>,
    bundled: u64,
    last_tick: std::time::Instant,
}

impl Planner {
    pub(super) fn new(
        pipeline: Pipeline,
        shared: Arc<super::pipeline::Shared>,
        hook: Hook,
        fail_on_problem: bool,
    ) -> Self {
        Self {
            pipeline,
            hook,
            shared,
            fail_on_problem,
            skipped: Vec::new(),
            bundle: Vec::new(),
            bundled: 0,
            last_tick: std::time::Instant::now(),
        }
    }

    /// Adds an entry that is not cut, of about this size.
    pub(super) fn small(&mut self, item: Item, size: u64) -> Result<()> {
        let size = size + HEADER;
        if self.bundled + size > BUNDLE {
            self.flush()?;
        }
        self.bundle.push(item);
        self.bundled += size;
        if self.bundled >= BUNDLE { self.flush() } else { Ok(()) }
    }

    /// Adds a file in pieces.
    pub(super) fn large(
        &mut self,
        path: EntryPath,
        size: u64,
        sparse: bool,
        metadata: Metadata,
        content: LargeContent,
    ) -> Result<()> {
        let entry = Entry::new(path.clone(), Content::LargeFile { size, sparse }, metadata);
        self.small(Item { entry, source: Source::Nothing }, 0)?;
        // The pieces follow the header, with nothing in between.
        self.flush()?;
        let file = Arc::new(LargeFile {
            path,
            size,
            content,
            pending: AtomicU64::new(size.div_ceil(PIECE)),
            named: AtomicBool::new(false),
        });
        for from in (0..size).step_by(PIECE as usize) {
            self.send(Unit::Piece { file: file.clone(), from, size: PIECE.min(size - from) })?;
        }
        Ok(())
    }

    /// Something could not be read as it was: ends the run, or is remembered.
    pub(super) fn problem(&mut self, path: &EntryPath, error: Error) -> Result<()> {
        if self.fail_on_problem {
            return Err(error);
        }
        self.send(Unit::Problem(Problem::new(path.clone(), &error), error))
    }

    /// Something has no content to back up.
    pub(super) fn skip(&mut self, path: &EntryPath, what: &str) {
        let error = Error::new(ErrorKind::Unsupported, format!("{path} is {what}: skipped"));
        self.skipped.push(Problem::new(path.clone(), &error));
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.bundled = 0;
        if self.bundle.is_empty() {
            return Ok(());
        }
        let bundle = std::mem::take(&mut self.bundle);
        self.send(Unit::Bundle(bundle))
    }

    fn send(&mut self, unit: Unit) -> Result<()> {
        let Self { pipeline, hook, shared, last_tick, .. } = self;
        pipeline.send(unit, &mut || tick(hook, shared, last_tick))
    }

    /// Tells the hook how far it is, when it is time to; for work that sends nothing for a while.
    pub(super) fn tick(&mut self) -> Result<()> {
        tick(&mut self.hook, &self.shared, &mut self.last_tick)
    }

    /// Waits for everything sent so far.
    pub(super) fn finish(&mut self) -> Result<super::pipeline::Stored> {
        self.flush()?;
        let Self { pipeline, hook, shared, last_tick, .. } = self;
        pipeline.finish(&mut || tick(hook, shared, last_tick))
    }
}

fn tick(hook: &mut Hook, shared: &super::pipeline::Shared, last: &mut std::time::Instant) -> Result<()> {
    use std::sync::atomic::Ordering::Relaxed;

    if last.elapsed() < super::pipeline::TICK {
        return Ok(());
    }
    *last = std::time::Instant::now();
    let progress = Progress {
        files: shared.files.load(Relaxed),
        bytes: shared.bytes.load(Relaxed),
        stored_bytes: shared.stored.load(Relaxed),
        total_bytes: None,
    };
    if hook(progress).is_break() {
        return Err(crate::progress::cancelled());
    }
    Ok(())
}
