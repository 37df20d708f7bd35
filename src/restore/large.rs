//! Large files on their way: their pieces come from several workers, in any order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Loss;
use super::target::LargeTarget;
use crate::set::{EntryPath, Metadata, Part};

/// All large files that have begun and are not finished.
#[derive(Default)]
pub(super) struct LargeFiles {
    open: HashMap<EntryPath, Arc<LargeFile>>,
}

pub(super) struct LargeFile {
    pub(super) entry: EntryPath,
    pub(super) path: EntryPath,
    pub(super) metadata: Metadata,
    pub(super) target: LargeTarget,
    state: Mutex<State>,
}

struct State {
    size: u64,
    /// Where the next piece must begin, as the index lists them.
    listed: u64,
    /// Bytes of the pieces that workers are done with.
    done: u64,
    /// What was lost first.
    lost: Option<Loss>,
}

impl LargeFile {
    pub(super) fn new(
        entry: EntryPath,
        path: EntryPath,
        metadata: Metadata,
        size: u64,
        target: LargeTarget,
    ) -> Self {
        let state = Mutex::new(State { size, listed: 0, done: 0, lost: None });
        Self { entry, path, metadata, target, state }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the index lists this piece; says no to one that does not follow the one before.
    pub(super) fn list(&self, part: &Part) -> bool {
        let mut state = self.state();
        let end = part.from.checked_add(part.size).filter(|end| *end <= state.size);
        match end {
            Some(end) if part.from == state.listed => {
                state.listed = end;
                true
            }
            _ => {
                state.lost.get_or_insert_with(|| {
                    Loss::damaged(self.entry.clone(), "has a piece that does not follow the one before")
                });
                false
            }
        }
    }

    /// Notes that a worker is done with a piece.
    pub(super) fn done(&self, size: u64, lost: Option<&Loss>) {
        let mut state = self.state();
        state.done += size;
        if let Some(loss) = lost {
            state.lost.get_or_insert_with(|| loss.clone());
        }
    }

    fn is_finished(&self) -> bool {
        let state = self.state();
        state.done == state.size
    }

    /// What was lost of it.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.state().lost.clone()
    }
}

impl LargeFiles {
    pub(super) fn begin(&mut self, file: Arc<LargeFile>) {
        self.open.insert(file.entry.clone(), file);
    }

    pub(super) fn get(&self, path: &EntryPath) -> Option<Arc<LargeFile>> {
        self.open.get(path).cloned()
    }

    /// Takes out those that are finished, or all.
    pub(super) fn take(&mut self, all: bool) -> Vec<Arc<LargeFile>> {
        let finished: Vec<_> = self
            .open
            .values()
            .filter(|file| all || file.is_finished())
            .map(|file| file.entry.clone())
            .collect();
        finished.iter().filter_map(|path| self.open.remove(path)).collect()
    }
}
