//! The unit of work of a backup: what goes to a worker, and what comes back.

use std::ffi::OsString;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use cap_std::fs::Dir;

use super::contents::ContentPlace;
use super::known::{Gone, Kept, Replaced, Taken};
use super::stat::{Clock, Stat};
use super::state::node::Stamp;
use super::state::table::{Row, Table};
use crate::error::Error;
use crate::set::{Block, Change, Entry, EntryPath, Part, Problem};

/// Files up to this size are never cut: they stand whole in one segment.
pub(super) const SMALL: u64 = 2 << 20;
/// Larger ones are read, hashed and compressed in parts of this size, by all workers at once.
pub(super) const PIECE: u64 = 1 << 20;
/// Bytes of tar that a bundle of small files is filled up to.
pub(super) const BUNDLE: u64 = 1 << 20;

/// What one worker does in one go.
pub(super) enum Unit {
    /// Whole entries, and what is to be remembered between them.
    Bundle(Vec<Item>),
    /// Nothing but a problem, in its place in the order.
    Problem(Problem, Error),
    /// A part of a large file.
    Piece { file: Arc<LargeFile>, from: u64, size: u64 },
    /// What comes next begins a segment; whether it has segments of its own until the next cut.
    Cut { whole: bool },
}

/// Something in the order of the walk.
pub(super) enum Item {
    /// An entry to be stored.
    Entry(Box<NewEntry>),
    /// A large file that has changed since it was stored whole.
    Change(Box<(Change, Mark, Taken)>),
    /// Nodes of the last run's tree that are as they were, as they print.
    Kept(Vec<u8>),
    /// What was there and is gone.
    Gone(EntryPath),
}

/// An entry and where its content is.
pub(super) struct NewEntry {
    pub(super) entry: Entry,
    pub(super) source: Source,
    pub(super) mark: Mark,
    /// What the last set has in its place.
    pub(super) taken: Option<Taken>,
    /// Whether that is kept where the content turns out to be the same.
    pub(super) may_be_same: bool,
}

impl NewEntry {
    /// An entry that takes the place of what was taken up, whatever it holds.
    pub(super) fn new(entry: Entry, source: Source, mark: Mark, taken: Option<Taken>) -> Self {
        Self { entry, source, mark, taken, may_be_same: false }
    }
}

/// What to remember of an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// How far below its source it is.
    pub(super) depth: u32,
    pub(super) stamp: Stamp,
    pub(super) is_settled: bool,
    /// From when on its stamp is not trusted.
    pub(super) clock: Clock,
    /// Bytes that the caller gave, with no file behind them.
    pub(super) is_memory: bool,
}

impl Mark {
    pub(super) fn new(depth: u32, stat: &Stat, clock: Clock) -> Self {
        Self { depth, stamp: stat.stamp(), is_settled: clock.is_settled(stat), clock, is_memory: false }
    }

    pub(super) fn looked_at(self, stat: &Stat) -> Self {
        Self { stamp: stat.stamp(), is_settled: self.clock.is_settled(stat), ..self }
    }
}

pub(super) enum Source {
    /// Header only: a folder, a link, the start of a large file.
    Nothing,
    /// A small file on disk, looked at already.
    Disk { dir: Arc<Dir>, name: OsString, stat: Box<Stat> },
    /// A small file that other names lead to, opened already: it is stored whatever happens to this name.
    Open { file: File, stat: Box<Stat> },
    /// Bytes handed over by the caller.
    Memory(Arc<[u8]>),
    /// A header whose content this run has stored already, behind another one.
    Copied(ContentPlace),
}

/// A file too large to be one unit.
pub(super) struct LargeFile {
    pub(super) path: EntryPath,
    pub(super) size: u64,
    pub(super) content: LargeContent,
    /// What was stored of it before, where only what changed is to be stored.
    pub(super) before: Option<Before>,
    /// Parts not yet read; whoever reads the last one looks whether the file changed.
    pub(super) pending: AtomicU64,
    /// Whether something was said about it: once is enough.
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
    /// A stream that was put aside in an unnamed temporary file.
    Spooled(File),
    Memory(Arc<[u8]>),
}

/// A finished unit: frames for a segment, lines for the index, nodes for the tree.
#[derive(Default)]
pub(super) struct Packed {
    pub(super) frames: Vec<u8>,
    /// Bytes of tar in the frames.
    pub(super) length: u64,
    pub(super) lines: Vec<Line>,
    pub(super) problems: Vec<(Problem, Error)>,
    /// Files that are done with it.
    pub(super) files: u64,
    /// Identifies the unit's content: headers and content digests.
    pub(super) identity: [u8; 32],
    /// Begins a segment; whether what follows has segments of its own.
    pub(super) cut: Option<bool>,
}

/// What a unit has to say, in the order of the walk.
pub(super) enum Line {
    /// An entry whose header begins at its offset within the unit.
    Entry(NewLine),
    /// A part, and the digests of its blocks.
    Part(Part, Vec<[u8; 16]>),
    /// What a large file is now, the bytes of its header, and what is to be remembered.
    Change(Change, u64, Mark, Replaced),
    /// A block of a large file, and its row; nothing to list where it is as it was.
    Block(Option<Block>, Row),
    /// The large file has no more parts.
    LargeEnds(Arc<LargeFile>),
    /// Nodes that are as they were, as they print.
    Kept(Vec<u8>),
    /// One of which the content was read.
    Same(Kept),
    Gone(EntryPath),
    /// What could not be stored in the place of a known entry leaves nothing there.
    Ended(Gone),
}

/// A new line of the index for an entry, and the rest that is known of it.
pub(super) struct NewLine {
    pub(super) entry: Entry,
    /// Bytes of tar that are its own.
    pub(super) length: u64,
    pub(super) mark: Mark,
    pub(super) replaced: Option<Replaced>,
    /// Where its content stands: of the first file that has it, to be told to its copies; of a copy, to be asked.
    pub(super) content: Option<ContentPlace>,
}
