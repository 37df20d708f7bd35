//! Groups entries into work items, and records what must be reported about the sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::dedup::ContentPlace;
use super::pipeline::Pipeline;
use super::previous::{PreviousTree, Taken};
use super::run::{Shared, StoredSet};
use super::state::node::Node;
use super::work_item::{
    BUNDLE, Before, Item, LargeContent, LargeSource, Mark, NewEntry, PART, Source, WorkItem,
};
use crate::error::{Error, ErrorKind, Result};
use crate::observer::{self, Fused, Observer};
use crate::set::{Change, Content, Entry, EntryPath, Metadata, Position, Problem};

/// Bytes to count for the header of a small entry.
const HEADER: u64 = 1536;

/// Bytes to count for the line of something that is gone.
const GONE: u64 = 64;

/// Number of segments that a file must fill to get segments of its own.
const OWN_SEGMENTS: u64 = 4;

/// Most files open in one bundle: a process may have some hundred.
const MAX_OPEN: usize = 32;

/// Bytes of nodes of the last run's tree that are passed on together.
const KEPT: usize = 256 << 10;

pub(super) struct Planner {
    pub(super) pipeline: Pipeline,
    /// The caller's, which stops the run if it asks to.
    pub(super) observer: Fused,
    shared: Arc<Shared>,
    fail_on_problem: bool,
    segment_size: u64,
    /// What the last run knew, if that is available.
    pub(super) previous: Option<PreviousTree>,
    pub(super) skipped: Vec<Problem>,
    bundle: Bundle,
    last_tick: std::time::Instant,
}

/// Whole entries for one work item.
#[derive(Default)]
struct Bundle {
    items: Vec<Item>,
    /// About how much tar they will be, in bytes.
    size: u64,
    /// Bytes of nodes that are passed on.
    kept: usize,
    open_files: usize,
}

impl Bundle {
    fn add(&mut self, item: Item, size: u64) {
        if let Item::Entry(new) = &item {
            self.open_files += usize::from(matches!(new.source, Source::Open { .. }));
        }
        self.items.push(item);
        self.size += size;
    }

    /// Keeps the node ahead, which is unchanged.
    fn keep(&mut self, previous: &mut PreviousTree) -> Result<()> {
        if !matches!(self.items.last(), Some(Item::Kept(_))) {
            self.items.push(Item::Kept(Vec::new()));
        }
        if let Some(Item::Kept(nodes)) = self.items.last_mut() {
            let before = nodes.len();
            previous.keep(nodes)?;
            self.kept += nodes.len() - before;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.size >= BUNDLE || self.open_files >= MAX_OPEN || self.kept >= KEPT
    }
}

/// A large file to be stored.
pub(super) struct NewLarge {
    pub(super) path: EntryPath,
    pub(super) size: u64,
    pub(super) sparse: bool,
    pub(super) metadata: Metadata,
    pub(super) content: LargeContent,
    pub(super) mark: Mark,
    /// Whether other names lead to it: then it is stored, and not listed as a copy.
    pub(super) is_linked: bool,
}

impl Planner {
    pub(super) fn new(
        pipeline: Pipeline,
        shared: Arc<Shared>,
        observer: Fused,
        fail_on_problem: bool,
        segment_size: usize,
        previous: Option<PreviousTree>,
    ) -> Self {
        Self {
            pipeline,
            observer,
            shared,
            fail_on_problem,
            segment_size: segment_size as u64,
            previous,
            skipped: Vec::new(),
            bundle: Bundle::default(),
            last_tick: std::time::Instant::now(),
        }
    }

    /// Adds an entry that is never cut, of about this size.
    pub(super) fn small(&mut self, new: NewEntry, size: u64) -> Result<()> {
        if !matches!(new.source, Source::Nothing) {
            self.shared.read_file();
        }
        let size = size + HEADER;
        if self.bundle.size + size > BUNDLE {
            self.flush()?;
        }
        self.add(Item::Entry(Box::new(new)), size)
    }

    /// Adds an entry without content.
    pub(super) fn header(
        &mut self,
        path: EntryPath,
        content: Content,
        metadata: Metadata,
        mark: Mark,
        taken: Option<Taken>,
    ) -> Result<()> {
        let entry = Entry::new(path, content, metadata);
        self.small(NewEntry::new(entry, Source::Nothing, mark, taken), 0)
    }

    /// Adds a file in parts.
    pub(super) fn large(&mut self, new: NewLarge, taken: Option<Taken>) -> Result<()> {
        let NewLarge { path, size, sparse, metadata, content, mark, is_linked } = new;
        self.shared.read_file();
        if let Some((target, place)) = self.copied(size, &content, is_linked)? {
            self.shared.read(size);
            self.shared.dedup.end_large(size, None);
            let entry = Entry::new(path, Content::Copy { target, size }, metadata);
            return self.small(NewEntry::new(entry, Source::Copied(place), mark, taken), 0);
        }
        // Files of several segments get their own, so that these disappear together with the file. The last one is not
        // full, which would not pay for shorter files.
        let is_cut = size > OWN_SEGMENTS * self.segment_size;
        if is_cut {
            self.flush()?;
            self.send(WorkItem::Cut { whole: true })?;
        }
        self.header(path.clone(), Content::LargeFile { size, sparse }, metadata, mark, taken)?;
        self.parts(path, size, content, None)?;
        if is_cut { self.send(WorkItem::Cut { whole: false }) } else { Ok(()) }
    }

    /// Finds the file of this run that a large one is a copy of.
    fn copied(
        &mut self,
        size: u64,
        content: &LargeContent,
        is_linked: bool,
    ) -> Result<Option<(EntryPath, ContentPlace)>> {
        if !self.shared.dedup.begin_large(size) || is_linked {
            return Ok(None);
        }
        // This is unknown until the other files of its size are done.
        self.flush()?;
        let Some(digest) = content.digest(size, || self.tick())? else { return Ok(None) };
        loop {
            if let Some(previous) = self.shared.dedup.large(size, digest) {
                return Ok(previous);
            }
            self.pipeline.check()?;
            self.tick()?;
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Adds the changes of a large file.
    pub(super) fn change(&mut self, new: NewLarge, before: Before, taken: Taken) -> Result<()> {
        let NewLarge { path, size, sparse, metadata, content, mark, .. } = new;
        self.shared.read_file();
        let change = Change { path: path.clone(), size, sparse, metadata, at: Position::default() };
        self.bundle.add(Item::Change(Box::new((change, mark, taken))), 0);
        self.parts(path, size, content, Some(before))
    }

    fn parts(
        &mut self,
        path: EntryPath,
        size: u64,
        content: LargeContent,
        before: Option<Before>,
    ) -> Result<()> {
        // The parts follow the header, with nothing in between.
        self.flush()?;
        let file = Arc::new(LargeSource {
            path,
            size,
            content,
            before,
            pending: AtomicU64::new(size.div_ceil(PART)),
            named: AtomicBool::new(false),
        });
        for from in (0..size).step_by(PART as usize) {
            self.send(WorkItem::Part { file: file.clone(), from, size: PART.min(size - from) })?;
        }
        Ok(())
    }

    /// Handles a source that could not be read as it was: ends the run, or records it.
    pub(super) fn problem(&mut self, path: &EntryPath, error: Error) -> Result<()> {
        if self.fail_on_problem {
            return Err(error);
        }
        self.send(WorkItem::Problem(Problem::new(path.clone(), &error), error))
    }

    /// Records something that has no content to back up.
    pub(super) fn skip(&mut self, path: &EntryPath, what: &str) {
        let error = Error::new(ErrorKind::Unsupported, format!("{path} is {what}: skipped"));
        self.skipped.push(Problem::new(path.clone(), &error));
    }

    /// Moves to what the last run knew about a source.
    pub(super) fn begin_source(&mut self, name: &EntryPath) -> Result<()> {
        self.end_all()?;
        match &mut self.previous {
            Some(previous) => previous.begin(name.as_bytes()),
            None => Ok(()),
        }
    }

    /// Moves to what the last run knew about a name in a folder; everything that it passes is gone. Returns whether a
    /// node of this name is ahead.
    pub(super) fn find(&mut self, folder: &EntryPath, depth: u32, name: &[u8]) -> Result<bool> {
        loop {
            let Some(node) = self.ahead() else { return Ok(false) };
            if node.depth < depth {
                return Ok(false);
            }
            if node.depth > depth {
                // It was below something that is no longer a folder.
                self.end()?;
                continue;
            }
            match node.name.as_slice().cmp(name) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Greater => return Ok(false),
                std::cmp::Ordering::Less => {
                    let path = folder.join(&node.name)?;
                    self.forget(&path)?;
                }
            }
        }
    }

    /// Returns the node ahead.
    pub(super) fn ahead(&self) -> Option<&Node> {
        self.previous.as_ref().and_then(PreviousTree::ahead)
    }

    /// Removes what is left in a folder after the walk through it.
    pub(super) fn leave(&mut self, folder: &EntryPath, depth: u32) -> Result<()> {
        while let Some(node) = self.ahead().filter(|node| node.depth > depth) {
            if node.depth > depth + 1 {
                self.end()?;
                continue;
            }
            let path = folder.join(&node.name)?;
            self.forget(&path)?;
        }
        Ok(())
    }

    /// Removes the node ahead and everything below it.
    pub(super) fn forget(&mut self, path: &EntryPath) -> Result<()> {
        let Some(depth) = self.ahead().map(|node| node.depth) else { return Ok(()) };
        self.gone(path)?;
        self.end()?;
        self.end_below(depth)
    }

    /// Ends the nodes below the one that was ahead, along with it.
    pub(super) fn end_below(&mut self, depth: u32) -> Result<()> {
        while self.ahead().is_some_and(|node| node.depth > depth) {
            self.end()?;
        }
        Ok(())
    }

    /// Ends all remaining nodes of this source.
    fn end_all(&mut self) -> Result<()> {
        while self.ahead().is_some() {
            self.end()?;
        }
        Ok(())
    }

    /// Ends the node ahead as gone; a line for something above it may cover it.
    fn end(&mut self) -> Result<()> {
        self.previous.as_mut().map_or(Ok(()), PreviousTree::end_gone)
    }

    /// Keeps the node ahead, which is unchanged.
    pub(super) fn keep(&mut self) -> Result<()> {
        let Some(previous) = &mut self.previous else { return Ok(()) };
        let Some(node) = previous.ahead() else { return Ok(()) };
        if node.content.is_file() {
            self.shared.keep(node.stamp.size);
        }
        self.bundle.keep(previous)?;
        if self.bundle.is_full() { self.flush() } else { Ok(()) }
    }

    /// Takes up the node ahead, which has this path.
    pub(super) fn take(&mut self, path: &EntryPath) -> Result<Option<Taken>> {
        self.previous.as_mut().map_or(Ok(None), |previous| previous.take(path))
    }

    /// Records that this path and everything below it is gone.
    pub(super) fn gone(&mut self, path: &EntryPath) -> Result<()> {
        self.add(Item::Gone(path.clone()), GONE)
    }

    fn add(&mut self, item: Item, size: u64) -> Result<()> {
        self.bundle.add(item, size);
        if self.bundle.is_full() { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let bundle = std::mem::take(&mut self.bundle);
        if bundle.items.is_empty() { Ok(()) } else { self.send(WorkItem::Bundle(bundle.items)) }
    }

    fn send(&mut self, work_item: WorkItem) -> Result<()> {
        let Self { pipeline, observer, shared, last_tick, .. } = self;
        pipeline.send(work_item, &mut || tick(observer, shared, last_tick))
    }

    /// Calls the observer if it is time to; for work that sends nothing for a while.
    pub(super) fn tick(&mut self) -> Result<()> {
        tick(&mut self.observer, &self.shared, &mut self.last_tick)
    }

    /// Removes sources that were not added again, then waits for everything sent so far.
    pub(super) fn finish(&mut self) -> Result<StoredSet> {
        let rest = self.previous.as_ref().map(PreviousTree::sources_left).unwrap_or_default();
        for name in rest {
            let path = EntryPath::new(name)?;
            self.begin_source(&path)?;
            self.forget(&path)?;
        }
        self.end_all()?;
        self.flush()?;
        let Self { pipeline, observer, shared, last_tick, .. } = self;
        let stored = pipeline.finish(&mut || tick(observer, shared, last_tick))?;
        self.previous.as_ref().map_or(Ok(()), |previous| previous.balance(stored.ended))?;
        observer::end(&mut self.observer, self.shared.progress())?;
        Ok(stored)
    }
}

fn tick(observer: &mut dyn Observer, shared: &Shared, last: &mut std::time::Instant) -> Result<()> {
    if last.elapsed() < crate::stop::TICK {
        return Ok(());
    }
    *last = std::time::Instant::now();
    observer::tell(observer, shared.progress())
}
