//! Large files on their way: their pieces come from several workers, in any order, into a temporary name.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::OpenOptions;

use super::target::{Near, Target, create, write_at};
use super::{Existing, Loss};
use crate::error::Result;
use crate::set::{Block, Entry, EntryPath, Metadata, Part};

/// All large files that have begun and are not finished.
#[derive(Default)]
pub(super) struct LargeFiles {
    open: HashMap<EntryPath, Arc<LargeFile>>,
}

pub(super) struct LargeFile {
    pub(super) entry: EntryPath,
    pub(super) path: EntryPath,
    pub(super) metadata: Metadata,
    target: LargeTarget,
    /// Bytes of the whole file.
    size: u64,
    /// Blocks that changed since the file was stored whole: what its pieces have there does not count.
    changed: HashSet<u64>,
    state: Mutex<State>,
}

struct State {
    /// Bytes that its pieces come to.
    stored: u64,
    /// Where the next piece must begin, as the index lists them.
    listed: u64,
    /// Bytes of the pieces that workers are done with.
    done: u64,
    /// Changed blocks that workers are not done with.
    blocks: u64,
    /// What was lost first.
    lost: Option<Loss>,
}

impl LargeFile {
    /// A file that was stored with this size, and has the target's now.
    pub(super) fn new(
        entry: &Entry,
        metadata: Metadata,
        target: LargeTarget,
        (changed, blocks): (HashSet<u64>, u64),
    ) -> Self {
        let state = State { stored: entry.size(), listed: 0, done: 0, blocks, lost: None };
        Self {
            entry: entry.path.clone(),
            path: target.path.clone(),
            metadata,
            size: target.size,
            target,
            changed,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the index lists this piece; says no to one that does not follow the one before.
    pub(super) fn list(&self, part: &Part) -> bool {
        let mut state = self.state();
        let end = part.from.checked_add(part.size).filter(|end| *end <= state.stored);
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

    /// Notes that a worker is done with a changed block.
    pub(super) fn block_done(&self, lost: Option<&Loss>) {
        let mut state = self.state();
        state.blocks = state.blocks.saturating_sub(1);
        if let Some(loss) = lost {
            state.lost.get_or_insert_with(|| loss.clone());
        }
    }

    /// Says what of a run of its stored bytes still counts: ranges that did not change, within its size.
    fn unchanged(&self, from: u64, length: u64) -> Vec<Range<usize>> {
        let end = from.saturating_add(length).min(self.size);
        if self.changed.is_empty() {
            return (end > from).then_some(0..end.saturating_sub(from) as usize).into_iter().collect();
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut at = from;
        while at < end {
            let number = at / Block::SIZE;
            let next = ((number + 1) * Block::SIZE).min(end);
            if !self.changed.contains(&number) {
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

    fn is_finished(&self) -> bool {
        let state = self.state();
        state.done == state.stored && state.blocks == 0
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

/// Where a large file grows. It holds nothing open: there may be many.
pub(super) struct LargeTarget {
    path: EntryPath,
    size: u64,
    folder: Vec<u8>,
    temporary: String,
    name: OsString,
    sparse: bool,
}

impl Target {
    /// Begins a large file under a name of its own; it gets its real one when every piece is there. Nothing where
    /// something is to be kept.
    pub(super) fn begin_large(
        &self,
        path: &EntryPath,
        size: u64,
        sparse: bool,
        near: &mut Near,
    ) -> Result<Option<LargeTarget>> {
        let begin = |near: &mut Near| -> io::Result<Option<LargeTarget>> {
            let (dir, name) = self.place(path, near)?;
            if dir.symlink_metadata(name).is_ok() {
                match self.existing {
                    Existing::Keep => return Ok(None),
                    Existing::Replace => {}
                    Existing::Refuse => return Err(io::ErrorKind::AlreadyExists.into()),
                }
            }
            let mut random = [0; 8];
            openssl::rand::rand_bytes(&mut random).map_err(io::Error::other)?;
            let temporary = format!(".azs-restore-{}", crate::set::digest::hex(&random));
            create(&dir, OsStr::new(&temporary))?.set_len(size)?;
            let folder = path.parent().unwrap_or_default().to_vec();
            Ok(Some(LargeTarget {
                path: path.clone(),
                size,
                folder,
                temporary,
                name: name.to_owned(),
                sparse,
            }))
        };
        begin(near).map_err(|e| self.failed(path, e))
    }

    fn open_large(&self, large: &LargeTarget, near: &mut Near) -> io::Result<std::fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).follow(FollowSymlinks::No);
        Ok(self.folder(&large.folder, near)?.open_with(&large.temporary, &options)?.into_std())
    }

    /// Writes a piece, as far as it counts.
    pub(super) fn write_piece(
        &self,
        file: &LargeFile,
        content: &[u8],
        from: u64,
        near: &mut Near,
    ) -> Result<()> {
        let write = |near: &mut Near| -> io::Result<()> {
            let target = self.open_large(&file.target, near)?;
            for range in file.unchanged(from, content.len() as u64) {
                let start = from + range.start as u64;
                write_at(&target, &content[range], start, file.target.sparse)?;
            }
            Ok(())
        };
        write(near).map_err(|e| self.failed(&file.path, e))
    }

    /// Writes a changed block.
    pub(super) fn write_block(
        &self,
        file: &LargeFile,
        content: &[u8],
        from: u64,
        near: &mut Near,
    ) -> Result<()> {
        let length = file.size.saturating_sub(from).min(content.len() as u64) as usize;
        let write = |near: &mut Near| {
            write_at(&self.open_large(&file.target, near)?, &content[..length], from, file.target.sparse)
        };
        write(near).map_err(|e| self.failed(&file.path, e))
    }

    /// Gives a large file its name and metadata.
    pub(super) fn finish_large(&self, file: &LargeFile) -> Result<()> {
        let finish = || -> io::Result<bool> {
            let near = &mut Near::default();
            self.finish_file(&self.open_large(&file.target, near)?, &file.metadata, &file.path);
            let dir = self.folder(&file.target.folder, near)?;
            let clear = self.clear(&dir, &file.target.name)?;
            if clear {
                dir.rename(&file.target.temporary, &dir, &file.target.name)?;
            }
            Ok(clear)
        };
        let finished = finish().map_err(|e| self.failed(&file.path, e));
        if !matches!(finished, Ok(true)) {
            self.discard_large(file);
        }
        finished.map(drop)
    }

    /// Removes what there is of a large file.
    pub(super) fn discard_large(&self, file: &LargeFile) {
        if let Ok(dir) = self.folder(&file.target.folder, &mut Near::default()) {
            let _ = dir.remove_file(&file.target.temporary);
        }
    }
}
