//! Large files in progress: their parts come from several workers, in any order, into a temporary name.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::OpenOptions;

use super::compare;
use super::target::{Known, Near, Placed, Target, Wanted, create, write_at};
use super::{Compare, Loss};
use crate::error::{Error, Result, Scope};
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
    /// Length of the whole file in bytes.
    size: u64,
    /// Blocks that changed since the file was stored whole; its parts do not count there.
    changed: HashSet<u64>,
    state: Mutex<State>,
}

struct State {
    /// Length of all its parts in bytes.
    stored: u64,
    /// Where the next part in the index must begin.
    listed: u64,
    /// Length of the parts that workers have finished, in bytes.
    done: u64,
    /// Number of changed blocks that workers have not finished.
    blocks: u64,
    /// The first loss.
    lost: Option<Loss>,
    /// It exists, is being compared, and differs.
    differs: bool,
    /// Changed blocks whose bytes were compared; the others are zeros.
    compared: HashSet<u64>,
}

impl LargeFile {
    /// Creates a file that was stored with this size and now has the target's.
    pub(super) fn new(
        entry: &Entry,
        metadata: Metadata,
        target: LargeTarget,
        (changed, blocks): (HashSet<u64>, u64),
    ) -> Self {
        let state = State {
            stored: entry.size(),
            listed: 0,
            done: 0,
            blocks,
            lost: None,
            differs: false,
            compared: HashSet::new(),
        };
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

    /// Records that the index lists this part; returns whether it follows the one before.
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
                    Loss::damaged(self.entry.clone(), "has a part that does not follow the one before")
                });
                false
            }
        }
    }

    /// Records that a worker has finished a part.
    pub(super) fn done(&self, size: u64, lost: Option<&Loss>) {
        let mut state = self.state();
        state.done = state.done.saturating_add(size);
        if let Some(loss) = lost {
            state.lost.get_or_insert_with(|| loss.clone());
        }
    }

    /// Records that a worker has finished a changed block.
    pub(super) fn block_done(&self, lost: Option<&Loss>) {
        let mut state = self.state();
        state.blocks = state.blocks.saturating_sub(1);
        if let Some(loss) = lost {
            state.lost.get_or_insert_with(|| loss.clone());
        }
    }

    /// Records that the target refused something of it; passes on what ends the work.
    fn written(&self, result: Result<()>) -> Result<()> {
        match result {
            Err(error) if error.scope() == Scope::Object => {
                self.refuse(&error);
                Ok(())
            }
            result => result,
        }
    }

    fn refuse(&self, error: &Error) {
        self.state().lost.get_or_insert_with(|| Loss::refused(self.path.clone(), error));
    }

    /// Returns which of its stored bytes in a run still count: the ranges that did not change, within its size.
    fn unchanged(&self, from: u64, length: u64) -> Vec<Range<usize>> {
        let end = from.saturating_add(length).min(self.size);
        if self.changed.is_empty() {
            return (end > from).then_some(0..end.saturating_sub(from) as usize).into_iter().collect();
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut at = from;
        while at < end {
            let number = at / Block::SIZE;
            let next = (number + 1).saturating_mul(Block::SIZE).min(end);
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

    /// Returns what was lost of it.
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

    /// Takes out the files that are finished, or all of them.
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

/// Where a large file grows. It keeps nothing open, because there may be many.
pub(super) struct LargeTarget {
    path: EntryPath,
    size: u64,
    folder: Vec<u8>,
    /// The name under which it grows, or its final name if it exists and is being compared.
    under: OsString,
    is_there: bool,
    name: OsString,
    sparse: bool,
}

/// The outcome of beginning a large file.
pub(super) enum Begun {
    /// It needs its parts.
    Open(LargeTarget),
    /// It existed and is kept.
    Kept(Placed),
}

impl Target {
    /// Begins a large file under a temporary name; it gets its own when every part is there.
    pub(super) fn begin_large(
        &self,
        path: &EntryPath,
        size: u64,
        sparse: bool,
        metadata: &Metadata,
        near: &mut Near,
    ) -> Result<Begun> {
        let begin = |near: &mut Near| -> io::Result<Begun> {
            let (dir, name) = self.place(path, near)?;
            let wanted = Wanted { size, mtime: metadata.mtime, content: Known::Later };
            let kept = self.keep_file(&dir, name, wanted, near)?;
            let is_there = kept == Some(Placed::Kept) && self.compare == Compare::Content;
            let under = match kept {
                Some(kept) if !is_there => return Ok(Begun::Kept(kept)),
                Some(_) => name.to_owned(),
                None => self.temporary().into(),
            };
            if !is_there {
                let made = create(&dir, &under)?.set_len(size);
                made.inspect_err(|_| drop(dir.remove_file(&under)))?;
            }
            let folder = path.parent().unwrap_or_default().to_vec();
            let name = name.to_owned();
            Ok(Begun::Open(LargeTarget { path: path.clone(), size, folder, under, is_there, name, sparse }))
        };
        begin(near).map_err(|e| self.failed(path, e))
    }

    fn open_large(&self, large: &LargeTarget, near: &mut Near) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(large.is_there).write(!large.is_there).follow(FollowSymlinks::No);
        Ok(self.folder(&large.folder, near)?.open_with(&large.under, &options)?.into_std())
    }

    /// Writes bytes into a large file, or compares them with the existing ones.
    fn put(&self, file: &LargeFile, open: &File, content: &[u8], from: u64) -> io::Result<()> {
        if !file.target.is_there {
            return write_at(open, content, from, file.target.sparse);
        }
        if !is_same_at(open, content, from)? {
            file.state().differs = true;
        }
        Ok(())
    }

    /// Writes as much of a part as still counts.
    pub(super) fn write_part(
        &self,
        file: &LargeFile,
        content: &[u8],
        from: u64,
        near: &mut Near,
    ) -> Result<()> {
        let write = |near: &mut Near| -> io::Result<()> {
            let open = self.open_large(&file.target, near)?;
            for range in file.unchanged(from, content.len() as u64) {
                let start = from + range.start as u64;
                self.put(file, &open, &content[range], start)?;
            }
            Ok(())
        };
        file.written(write(near).map_err(|e| self.failed(&file.path, e)))
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
        if file.target.is_there {
            file.state().compared.insert(from / Block::SIZE);
        }
        let write =
            |near: &mut Near| self.put(file, &self.open_large(&file.target, near)?, &content[..length], from);
        file.written(write(near).map_err(|e| self.failed(&file.path, e)))
    }

    /// Gives a large file its metadata and name, or finds out whether the existing one is the same.
    pub(super) fn finish_large(&self, file: &LargeFile) -> Result<Placed> {
        let near = &mut Near::default();
        let finish = |near: &mut Near| -> io::Result<Placed> {
            let open = self.open_large(&file.target, near)?;
            if file.target.is_there {
                let same = !file.state().differs && self.has_zeros(file, &open)?;
                return Ok(if same { Placed::Kept } else { Placed::Differs });
            }
            self.finish_file(&open, &file.metadata, &file.path);
            self.durable.file(&open)?;
            drop(open);
            let dir = self.folder(&file.target.folder, near)?;
            let temporary = file.target.under.to_str().unwrap_or_default();
            self.settle(&dir, temporary, &file.target.name, near)?;
            Ok(Placed::Written)
        };
        let finished = finish(near).map_err(|e| self.failed(&file.path, e));
        finished.inspect_err(|_| self.discard_large(file))
    }

    /// Whether the blocks that became zeros, which have no bytes in the set, are zeros in the existing file.
    fn has_zeros(&self, file: &LargeFile, open: &File) -> io::Result<bool> {
        let stored = file.state().compared.clone();
        for number in file.changed.difference(&stored) {
            let from = number.saturating_mul(Block::SIZE);
            let length = file.size.saturating_sub(from).min(Block::SIZE) as usize;
            if !is_same_at(open, &[0; Block::SIZE as usize][..length], from)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what was written of a large file.
    pub(super) fn discard_large(&self, file: &LargeFile) {
        if !file.target.is_there
            && let Ok(dir) = self.folder(&file.target.folder, &mut Near::default())
        {
            let _ = dir.remove_file(&file.target.under);
        }
    }
}

/// Whether a file has these bytes at this position.
fn is_same_at(mut file: &File, content: &[u8], from: u64) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};

    file.seek(SeekFrom::Start(from))?;
    compare::is_content_of(file.take(content.len() as u64), content)
}
