//! Which lines of an index count: if pieces disagree about a path, the later piece is right.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::entry::{Block, EntryPath};
use super::record::{Record, Subject};

/// What the later pieces of an index say, as far as it replaces what earlier ones say.
///
/// Pieces are numbered in the order in which the newest one lists them. Lines within a piece have equal rank.
#[derive(Default)]
pub(crate) struct Overlay {
    hashers: (RandomState, RandomState),
    /// The last piece that lists an entry of this path…
    entries: HashMap<Key, u32>,
    /// …that says that it and everything below it is gone…
    gone: HashMap<Key, u32>,
    /// …that says what a large file is now, and its size…
    changes: HashMap<Key, (u32, u64)>,
    /// …that has a block of it, by block number.
    blocks: HashMap<Key, HashMap<u64, (u32, IsStored)>>,
}

/// Whether a block has bytes of its own; zeros have none.
type IsStored = bool;

/// The blocks of a large file that changed since it was stored whole.
#[derive(Debug, Default)]
pub(crate) struct ChangedBlocks {
    blocks: HashMap<u64, IsStored>,
    stored: u64,
}

impl FromIterator<(u64, IsStored)> for ChangedBlocks {
    fn from_iter<T: IntoIterator<Item = (u64, IsStored)>>(blocks: T) -> Self {
        let blocks: HashMap<_, _> = blocks.into_iter().collect();
        let stored = blocks.values().filter(|is_stored| **is_stored).count() as u64;
        Self { blocks, stored }
    }
}

impl ChangedBlocks {
    pub(crate) fn len(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Number of blocks that have bytes of their own.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// Whether this block has bytes of its own; `None` if it did not change.
    pub(crate) fn is_stored(&self, number: u64) -> Option<IsStored> {
        self.blocks.get(&number).copied()
    }

    /// The blocks that became zeros.
    pub(crate) fn zeros(&self) -> impl Iterator<Item = u64> {
        self.blocks.iter().filter(|(_, is_stored)| !**is_stored).map(|(number, _)| *number)
    }

    /// Number of changed blocks in a range.
    pub(crate) fn count_in(&self, range: std::ops::Range<u64>) -> u64 {
        self.blocks.keys().filter(|number| range.contains(number)).count() as u64
    }
}

/// Stands for a path: 128 bits under keys of this process, so nobody can provoke a collision.
type Key = (u64, u64);

impl Overlay {
    fn key(&self, path: &[u8]) -> Key {
        (self.hashers.0.hash_one(path), self.hashers.1.hash_one(path))
    }

    /// Records a line of this piece. Call it for the pieces in order.
    pub(crate) fn note(&mut self, piece: u32, record: &Record) {
        let Some(subject) = record.subject() else { return };
        let (Subject::Entry(path) | Subject::Gone(path) | Subject::Change(path) | Subject::Block(path, _)) =
            subject;
        let key = self.key(path.as_bytes());
        match subject {
            // A file's parts go with its entry.
            Subject::Entry(_) if matches!(record, Record::Part(_)) => None,
            Subject::Entry(_) => self.entries.insert(key, piece),
            Subject::Gone(_) => self.gone.insert(key, piece),
            Subject::Change(_) => {
                let size = if let Record::Change(change) = record { change.size } else { 0 };
                self.changes.insert(key, (piece, size));
                None
            }
            Subject::Block(_, number) => {
                let is_stored = matches!(record, Record::Block(block) if block.stored.is_some());
                self.blocks.entry(key).or_default().insert(number, (piece, is_stored));
                None
            }
        };
    }

    /// Whether a line of this piece counts.
    pub(crate) fn counts(&self, piece: u32, record: &Record) -> bool {
        if self.entries.is_empty()
            && self.gone.is_empty()
            && self.changes.is_empty()
            && self.blocks.is_empty()
        {
            return true;
        }
        let Some(subject) = record.subject() else { return true };
        let (Subject::Entry(path) | Subject::Gone(path) | Subject::Change(path) | Subject::Block(path, _)) =
            subject;
        let is_last = |last: Option<&u32>| last.is_none_or(|last| *last <= piece);
        let key = self.key(path.as_bytes());
        let own = match subject {
            Subject::Entry(_) => true,
            Subject::Gone(_) => return is_last(self.gone.get(&key)),
            Subject::Change(_) => is_last(self.changes.get(&key).map(|(piece, _)| piece)),
            Subject::Block(_, number) => {
                let last = self.blocks.get(&key).and_then(|blocks| blocks.get(&number));
                is_last(last.map(|(piece, _)| piece)) && self.is_within(&key, piece, number)
            }
        };
        own && is_last(self.entries.get(&key)) && !self.is_gone(piece, path)
    }

    /// Whether a block is within its file: what a file lost when it shrank does not return when it grows again.
    fn is_within(&self, key: &Key, piece: u32, number: u64) -> bool {
        let change = self.changes.get(key).filter(|(last, _)| *last >= piece);
        change.is_none_or(|(_, size)| number.saturating_mul(Block::SIZE) < *size)
    }

    fn is_gone(&self, piece: u32, path: &EntryPath) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        let path = path.as_bytes();
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.chain([path.len()])
            .any(|end| self.gone.get(&self.key(&path[..end])).is_some_and(|last| *last > piece))
    }

    /// The last recorded piece that lists an entry of this path; the first piece if none is recorded.
    pub(super) fn stored_by(&self, path: &EntryPath) -> u32 {
        self.entries.get(&self.key(path.as_bytes())).copied().unwrap_or(0)
    }

    /// The blocks of a large file that changed since it was stored whole. What was stored with the file itself does
    /// not count.
    pub(crate) fn blocks_of(&self, path: &EntryPath) -> ChangedBlocks {
        let key = self.key(path.as_bytes());
        let Some(blocks) = self.blocks.get(&key) else { return ChangedBlocks::default() };
        let whole = self.stored_by(path);
        let is_current = |number, piece| piece >= whole && self.is_within(&key, piece, number);
        let current = blocks.iter().filter(|(number, (piece, _))| is_current(**number, *piece));
        current.map(|(number, (_, is_stored))| (*number, *is_stored)).collect()
    }

    /// Whether a large file changed since it was stored whole.
    pub(crate) fn is_changed(&self, path: &EntryPath) -> bool {
        if self.changes.is_empty() {
            return false;
        }
        let whole = self.stored_by(path);
        self.changes.get(&self.key(path.as_bytes())).is_some_and(|(piece, _)| *piece >= whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::{Content, Entry, Metadata};

    fn entry(path: &str) -> Record {
        Record::Entry(Entry::new(path.parse().unwrap(), Content::Folder, Metadata::default()))
    }

    #[test]
    fn the_later_piece_is_right() {
        let mut overlay = Overlay::default();
        overlay.note(1, &entry("a/b"));
        overlay.note(2, &Record::Gone("a/c".parse().unwrap()));
        overlay.note(2, &entry("a/c/new"));
        assert!(!overlay.counts(0, &entry("a/b")) && overlay.counts(1, &entry("a/b")));
        assert!(overlay.counts(0, &entry("a")) && overlay.counts(0, &entry("a/bc")));
        for path in ["a/c", "a/c/d", "a/c/d/e"] {
            assert!(!overlay.counts(0, &entry(path)) && !overlay.counts(1, &entry(path)), "{path}");
            assert!(overlay.counts(2, &entry(path)));
        }
        assert!(overlay.counts(0, &entry("a/cd")));
    }
}
