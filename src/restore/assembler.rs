//! Puts a large file together: which lines of the index belong to it, in which order, and which of its bytes count.
//!
//! A large file is stored as parts, from its first byte to its last without a gap. If it changed since, blocks of it
//! were stored apart, and the file may have another size now. Everything that reads large files asks an [`Assembler`],
//! and gives it an [`Output`] for the bytes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Loss;
use super::extract::Item;
use crate::set::overlay::ChangedBlocks;
use crate::set::reader::Catalog;
use crate::set::record::Record;
use crate::set::{Block, Entry, EntryPath, Part};

#[cfg(test)]
mod tests;

/// Receives the bytes of one large file, in any order and each at most once.
pub(super) trait Output {
    fn put(&mut self, content: &[u8], from: u64) -> io::Result<()>;
}

/// One large file: what it consists of, how much of that the index has listed, and how much has arrived.
#[derive(Debug)]
pub(super) struct Assembler {
    /// Its path in the set.
    path: EntryPath,
    /// Its length when it was stored whole, which is that of all its parts.
    whole: u64,
    /// Its length now. Anything stored beyond it no longer counts.
    size: u64,
    /// Blocks that changed since it was stored whole. Its parts do not count there.
    changed: ChangedBlocks,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the next part in the index must begin.
    listed: u64,
    /// Changed blocks that the index has listed.
    listed_blocks: HashSet<u64>,
    /// Length of the parts that have arrived, and number of changed blocks that have.
    arrived: u64,
    arrived_blocks: u64,
    /// The first thing that is wrong. It stays lost, whatever else arrives.
    loss: Option<Loss>,
}

impl Assembler {
    /// Begins a file with its entry, which says how it was stored whole.
    pub(super) fn new(entry: &Entry, catalog: &Catalog) -> Self {
        let size = catalog.change(entry).map_or(entry.size(), |change| change.size);
        Self::of(entry.path.clone(), entry.size(), size, catalog.overlay().blocks_of(&entry.path))
    }

    fn of(path: EntryPath, whole: u64, size: u64, changed: ChangedBlocks) -> Self {
        let assembler = Self { path, whole, size, changed, state: Mutex::default() };
        // What it grew by is in no part: a block that the parts do not fill must have changed.
        let beyond = whole / Block::SIZE..size.div_ceil(Block::SIZE);
        let grown = if size > whole { beyond.end - beyond.start } else { 0 };
        if assembler.changed.count_in(beyond) < grown {
            assembler.lose(assembler.incomplete());
        }
        assembler
    }

    pub(super) fn path(&self) -> &EntryPath {
        &self.path
    }

    /// Its length now.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what is lost of it, unless something is already.
    pub(super) fn lose(&self, loss: Loss) {
        self.state().loss.get_or_insert(loss);
    }

    fn incomplete(&self) -> Loss {
        Loss::damaged(self.path.clone(), "is not all in the set")
    }

    /// Takes the next part that the index lists; returns whether it follows the one before.
    pub(super) fn list_part(&self, part: &Part) -> bool {
        let mut state = self.state();
        let end = part.from.checked_add(part.size).filter(|end| *end <= self.whole && part.size > 0);
        match end {
            Some(end) if part.from == state.listed => {
                state.listed = end;
                true
            }
            _ => {
                state.loss.get_or_insert_with(|| Loss::out_of_order(self.path.clone()));
                false
            }
        }
    }

    /// Takes a changed block that the index lists; returns whether it fits, and has not been listed before.
    pub(super) fn list_block(&self, block: &Block) -> bool {
        let number = block.from / Block::SIZE;
        let wanted = Block::SIZE.min(self.size.saturating_sub(block.from));
        let fits = match block.stored {
            Some(_) => self.changed.is_stored(number) == Some(true) && block.size >= wanted,
            None => self.changed.is_stored(number) == Some(false),
        };
        let mut state = self.state();
        if !fits || !state.listed_blocks.insert(number) {
            let what = "has a changed block that does not fit";
            state.loss.get_or_insert_with(|| Loss::damaged(self.path.clone(), what));
            return false;
        }
        true
    }

    /// Whether the index has listed all of it.
    pub(super) fn is_listed(&self) -> bool {
        let state = self.state();
        state.listed == self.whole && state.listed_blocks.len() as u64 == self.changed.len()
    }

    /// Records that a part or block has arrived, or is lost.
    pub(super) fn arrived(&self, item: &Item, loss: Option<&Loss>) {
        let mut state = self.state();
        match item {
            Item::Part(part) => state.arrived = state.arrived.saturating_add(part.size),
            Item::Block(..) => state.arrived_blocks += 1,
            Item::Entry(_) => {}
        }
        if let Some(loss) = loss {
            state.loss.get_or_insert_with(|| loss.clone());
        }
    }

    /// Whether all of it is listed and has arrived.
    pub(super) fn has_arrived(&self) -> bool {
        let is_listed = self.is_listed();
        let state = self.state();
        is_listed && state.arrived == self.whole && state.arrived_blocks == self.changed.stored()
    }

    /// Returns what is lost of it once the index has been read to its end.
    pub(super) fn loss(&self) -> Option<Loss> {
        let is_listed = self.is_listed();
        self.state().loss.clone().or_else(|| (!is_listed).then(|| self.incomplete()))
    }

    /// Puts out as much of a part as still counts.
    pub(super) fn put_part(&self, content: &[u8], from: u64, output: &mut impl Output) -> io::Result<()> {
        for range in self.unchanged(from, content.len() as u64) {
            let start = from + range.start as u64;
            output.put(&content[range], start)?;
        }
        Ok(())
    }

    /// Puts out as much of a changed block as still counts.
    pub(super) fn put_block(&self, content: &[u8], from: u64, output: &mut impl Output) -> io::Result<()> {
        let length = self.size.saturating_sub(from).min(content.len() as u64) as usize;
        output.put(&content[..length], from)
    }

    /// Puts out the blocks that became zeros, which have no bytes in the set.
    pub(super) fn put_zeros(&self, output: &mut impl Output) -> io::Result<()> {
        for number in self.changed.zeros() {
            let from = number.saturating_mul(Block::SIZE);
            let length = self.size.saturating_sub(from).min(Block::SIZE) as usize;
            output.put(&[0; Block::SIZE as usize][..length], from)?;
        }
        Ok(())
    }

    /// Returns which bytes of a part still count: the ranges that did not change, within its size.
    fn unchanged(&self, from: u64, length: u64) -> Vec<Range<usize>> {
        let end = from.saturating_add(length).min(self.size);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        if self.changed.len() == 0 {
            ranges.extend((end > from).then(|| 0..(end - from) as usize));
            return ranges;
        }
        let mut at = from;
        while at < end {
            let number = at / Block::SIZE;
            let next = (number + 1).saturating_mul(Block::SIZE).min(end);
            if self.changed.is_stored(number).is_none() {
                let (start, stop) = ((at - from) as usize, (next - from) as usize);
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = stop,
                    _ => ranges.push(start..stop),
                }
            }
            at = next;
        }
        ranges
    }
}

impl AsRef<Assembler> for Assembler {
    fn as_ref(&self) -> &Assembler {
        self
    }
}

/// All large files that have begun and are not finished.
pub(super) struct LargeFiles<F> {
    open: HashMap<EntryPath, Arc<F>>,
    /// The file whose parts the index lists now: nothing else comes between them.
    current: Option<EntryPath>,
}

impl<F> Default for LargeFiles<F> {
    fn default() -> Self {
        Self { open: HashMap::new(), current: None }
    }
}

/// Whose line of the index this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// One of these files, and it fits.
    Fits,
    /// One of these files, which is lost by it.
    Misplaced,
    /// None of these files.
    Stray,
}

impl<F: AsRef<Assembler>> LargeFiles<F> {
    /// Begins a file. Its parts come next.
    ///
    /// A file of this path that is not finished is lost, and so is the new one: the caller gets it back.
    pub(super) fn begin(&mut self, file: Arc<F>) -> Result<(), Arc<F>> {
        let path = assembler(&file).path().clone();
        if let Some(open) = self.open.get(&path) {
            assembler(open).lose(Loss::damaged(path, "is in the index twice"));
            return Err(file);
        }
        self.current = Some(path.clone());
        self.open.insert(path, file);
        Ok(())
    }

    /// Takes the next line of the index.
    pub(super) fn list(&mut self, record: &Record) -> Line {
        let fits = match record {
            Record::Part(part) => match self.open.get(&part.path) {
                // After another entry even the next part is out of place.
                Some(file) if self.current.as_ref() == Some(&part.path) => assembler(file).list_part(part),
                Some(file) => {
                    assembler(file).lose(Loss::out_of_order(part.path.clone()));
                    false
                }
                None => return Line::Stray,
            },
            Record::Block(block) => match self.open.get(&block.path) {
                Some(file) => assembler(file).list_block(block),
                None => return Line::Stray,
            },
            Record::Entry(_) => {
                self.current = None;
                return Line::Stray;
            }
            _ => return Line::Stray,
        };
        if fits { Line::Fits } else { Line::Misplaced }
    }

    pub(super) fn get(&self, path: &EntryPath) -> Option<Arc<F>> {
        self.open.get(path).cloned()
    }

    /// Takes out this file if the index has listed all of it and nothing is lost.
    pub(super) fn take_listed(&mut self, path: &EntryPath) {
        if self.open.get(path).is_some_and(|file| assembler(file).loss().is_none()) {
            self.open.remove(path);
        }
    }

    /// Takes out the files for which this is true.
    pub(super) fn take(&mut self, is_wanted: impl Fn(&Assembler) -> bool) -> Vec<Arc<F>> {
        self.open.extract_if(|_, file| is_wanted(assembler(file))).map(|(_, file)| file).collect()
    }
}

fn assembler<F: AsRef<Assembler>>(file: &Arc<F>) -> &Assembler {
    (**file).as_ref()
}
