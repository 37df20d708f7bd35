//! The work item of a backup: what a worker receives, and what it returns.

use std::ffi::OsString;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use cap_std::fs::Dir;

use super::dedup::ContentPlace;
use super::previous::{Gone, Kept, Replaced, Taken};
use super::stat::{Clock, Stat};
use super::state::node::Stamp;
use super::state::table::{Row, Table};
use crate::error::Error;
use crate::set::{Block, Change, Entry, EntryPath, Part, Problem};

/// Files up to this size are never cut: each is whole in one segment.
pub(super) const SMALL: u64 = 2 << 20;
/// Larger files are read, hashed and compressed in parts of this size, by all workers at once.
pub(super) const PART: u64 = 1 << 20;
/// A bundle of small files is full at this many bytes of tar.
pub(super) const BUNDLE: u64 = 1 << 20;

/// What a worker does in one go.
pub(super) enum WorkItem {
    /// Whole entries, and what to remember between them.
    Bundle(Vec<Item>),
    /// Only a problem, in its place in the order.
    Problem(Problem, Error),
    /// A part of a large file.
    Part { file: Arc<LargeSource>, from: u64, size: u64 },
    /// Begins a segment; says whether the content gets segments of its own until the next cut.
    Cut { whole: bool },
}

/// Something in the order of the walk.
pub(super) enum Item {
    /// An entry to be stored.
    Entry(Box<NewEntry>),
    /// A large file that has changed since it was stored whole.
    Change(Box<(Change, Mark, Taken)>),
    /// Unchanged nodes of the last run's tree, in printed form.
    Kept(Vec<u8>),
    /// Something that existed and is gone.
    Gone(EntryPath),
}

/// An entry and where its content is.
pub(super) struct NewEntry {
    pub(super) entry: Entry,
    pub(super) source: Source,
    pub(super) mark: Mark,
    /// What the last set has in its place.
    pub(super) taken: Option<Taken>,
    /// Whether to keep that if the content turns out to be the same.
    pub(super) may_be_same: bool,
}

impl NewEntry {
    /// Creates an entry that replaces what was taken up, whatever it holds.
    pub(super) fn new(entry: Entry, source: Source, mark: Mark, taken: Option<Taken>) -> Self {
        Self { entry, source, mark, taken, may_be_same: false }
    }
}

/// What to remember about an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// Depth below its source.
    pub(super) depth: u32,
    pub(super) stamp: Stamp,
    pub(super) is_stamp_reliable: bool,
    /// Decides whether its stamp is trusted.
    pub(super) clock: Clock,
    /// Whether it is bytes from the caller, with no file behind them.
    pub(super) is_memory: bool,
}

impl Mark {
    pub(super) fn new(depth: u32, stat: &Stat, clock: Clock) -> Self {
        Self {
            depth,
            stamp: stat.stamp(),
            is_stamp_reliable: clock.is_stamp_reliable(stat),
            clock,
            is_memory: false,
        }
    }

    pub(super) fn looked_at(self, stat: &Stat) -> Self {
        Self { stamp: stat.stamp(), is_stamp_reliable: self.clock.is_stamp_reliable(stat), ..self }
    }
}

pub(super) enum Source {
    /// Header only: a folder, a link, the start of a large file.
    Nothing,
    /// A small file on disk, already looked at.
    Disk { dir: Arc<Dir>, name: OsString, stat: Box<Stat> },
    /// A small file that other names lead to, already opened: it is stored whatever happens to this name.
    Open { file: File, stat: Box<Stat> },
    /// Bytes from the caller.
    Memory(Arc<[u8]>),
    /// A header whose content this run has already stored, after another header.
    Copied(ContentPlace),
}

/// A file too large to be one work item.
pub(super) struct LargeSource {
    pub(super) path: EntryPath,
    pub(super) size: u64,
    pub(super) content: LargeContent,
    /// What was stored of it before, if only its changes are to be stored.
    pub(super) before: Option<Before>,
    /// Parts not yet read; the worker that reads the last one checks whether the file changed.
    pub(super) pending: AtomicU64,
    /// Whether a problem with it was reported: once is enough.
    pub(super) named: AtomicBool,
}

/// A large file as it was stored.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) table: Table,
    /// Segments that the new set has.
    pub(super) linked: Arc<std::collections::BTreeSet<u32>>,
}

pub(super) enum LargeContent {
    Disk {
        file: File,
        stat: Box<Stat>,
    },
    /// A stream that was saved in an unnamed temporary file.
    Spooled(File),
    Memory(Arc<[u8]>),
}

/// A finished work item: frames for a segment, lines for the index, nodes for the tree.
#[derive(Default)]
pub(super) struct Packed {
    pub(super) frames: Vec<u8>,
    /// Bytes of tar in the frames.
    pub(super) length: u64,
    pub(super) lines: Vec<Line>,
    pub(super) problems: Vec<(Problem, Error)>,
    /// Number of files that it completes.
    pub(super) files: u64,
    /// Identifies the work item's content: headers and content digests.
    pub(super) identity: [u8; 32],
    /// Begins a segment; says whether the content gets segments of its own.
    pub(super) cut: Option<bool>,
}

/// A line about what a work item did, in the order of the walk.
pub(super) enum Line {
    /// An entry whose header begins at its offset within the work item.
    Entry(NewLine),
    /// A part, and the digests of its blocks.
    Part(Part, Vec<[u8; 16]>),
    /// The current state of a large file, the length of its header in bytes, and what to remember.
    Change(Change, u64, Mark, Replaced),
    /// A block of a large file, and its row; `None` if it is unchanged and need not be listed.
    Block(Option<Block>, Row),
    /// The large file has no more parts.
    LargeEnds(Arc<LargeSource>),
    /// Unchanged nodes, in printed form.
    Kept(Vec<u8>),
    /// An unchanged entry whose content was read.
    Same(Kept),
    Gone(EntryPath),
    /// What should have replaced a previous entry could not be stored: nothing is there.
    Ended(Gone),
}

/// A new line of the index for an entry, and what else is known about it.
pub(super) struct NewLine {
    pub(super) entry: Entry,
    /// Bytes of tar that belong to it alone.
    pub(super) length: u64,
    pub(super) mark: Mark,
    pub(super) replaced: Option<Replaced>,
    /// Where its content is. The first file with a content sets this for its copies; a copy reads it.
    pub(super) content: Option<ContentPlace>,
}
