//! A worker's handling of a work item: read, hash, turn into tar and compress in one go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use openssl::sha::Sha256;

use super::dedup::{ContentPlace, Small};
use super::previous::Taken;
use super::reading::{self, changed, read_small, unreadable};
use super::run::Shared;
use super::state::node::short;
use super::state::table::{Row, RowPlace, keyed};
use super::work_item::{Before, Item, LargeSource, Line, Mark, NewEntry, NewLine, Packed, Source, WorkItem};
use crate::error::{Error, Result};
use crate::set::archive;
use crate::set::digest::is_zero;
use crate::set::segment::{Compressor, ContentClass};
use crate::set::{Block, Content, Digest, Entry, Metadata, Part, Position, Problem};

/// A worker's buffers.
pub(super) struct Worker {
    compressor: Compressor,
    key: zeroize::Zeroizing<[u8; 32]>,
    /// The number of the current work item.
    number: u64,
    tar: Vec<u8>,
    /// Length of the last file's header.
    header: usize,
    /// A part to compare with what was stored.
    content: Vec<u8>,
    digests: Vec<Digest>,
}

impl Worker {
    pub(super) fn new(level: i32, key: zeroize::Zeroizing<[u8; 32]>) -> io::Result<Self> {
        Ok(Self {
            compressor: Compressor::new(level)?,
            key,
            number: 0,
            tar: Vec::new(),
            header: 0,
            content: Vec::new(),
            digests: Vec::new(),
        })
    }

    /// Reads, hashes and compresses a work item into a used buffer. Problems with a source are in the result, for the
    /// policy to judge.
    pub(super) fn pack(
        &mut self,
        number: u64,
        work_item: WorkItem,
        mut frames: Vec<u8>,
        shared: &Shared,
    ) -> Result<Packed> {
        self.number = number;
        frames.clear();
        // A part overwrites the one before: there is nothing to clear.
        if !matches!(&work_item, WorkItem::Part { file, .. } if file.before.is_none()) {
            self.tar.clear();
        }
        let of = if matches!(&work_item, WorkItem::Bundle(_)) {
            ContentClass::SmallFiles
        } else {
            ContentClass::Other
        };
        let mut packed = Packed { frames, ..Packed::default() };
        let mut identity = Sha256::new();
        match work_item {
            WorkItem::Bundle(items) => {
                for item in items {
                    match item {
                        Item::Entry(new) => self.add_entry(*new, &mut packed, &mut identity, shared),
                        Item::Change(changed) => {
                            let (mut change, mark, taken) = *changed;
                            let start = self.tar.len() as u64;
                            self.add_header(&change.entry(), None, &mut identity);
                            change.at = Position::new(0, start);
                            let length = self.tar.len() as u64 - start;
                            packed.lines.push(Line::Change(change, length, mark, taken.replaced()));
                        }
                        Item::Kept(nodes) => packed.lines.push(Line::Kept(nodes)),
                        Item::Gone(path) => packed.lines.push(Line::Gone(path)),
                    }
                }
            }
            WorkItem::Problem(problem, error) => packed.problems.push((problem, error)),
            WorkItem::Part { file, from, size } => {
                self.add_part(&file, from, size, &mut packed, &mut identity, shared);
            }
            WorkItem::Cut { whole } => packed.cut = Some(whole),
        }
        packed.length = self.tar.len() as u64;
        self.compressor.compress(&self.tar, of, &mut packed.frames).map_err(|e| Error::io("compress", e))?;
        packed.identity = identity.finish();
        Ok(packed)
    }

    /// Adds an entry. If it cannot be read, nothing replaces what the last set had there.
    fn add_entry(&mut self, new: NewEntry, packed: &mut Packed, identity: &mut Sha256, shared: &Shared) {
        let NewEntry { mut entry, source, mut mark, taken, may_be_same } = new;
        let start = self.tar.len();
        let previous = taken.as_ref().filter(|_| may_be_same).and_then(|taken| taken.node().digest());
        let added = self.add_source(&mut entry, source, &mut mark, previous, packed, identity, shared);
        match (added, taken) {
            (Ok(Added::Unchanged), Some(taken)) => packed.lines.push(Line::Same(taken.kept())),
            // There was nothing that it could equal.
            (Ok(Added::Unchanged), None) => {}
            (Ok(Added::Entry(content)), taken) => {
                entry.at = Position::new(0, start as u64);
                packed.files +=
                    u64::from(matches!(entry.content, Content::File { .. } | Content::Copy { .. }));
                let length = (self.tar.len() - start) as u64;
                let replaced = taken.map(Taken::replaced);
                packed.lines.push(Line::Entry(NewLine { entry, length, mark, replaced, content }));
            }
            (Err(error), taken) => {
                self.tar.truncate(start);
                packed.lines.extend(taken.map(|taken| Line::Ended(taken.gone())));
                packed.problems.push((Problem::new(entry.path, &error), error));
            }
        }
    }

    /// Reads an entry's content and puts it into tar, unless the content is the `previous` one.
    #[allow(clippy::too_many_arguments)]
    fn add_source(
        &mut self,
        entry: &mut Entry,
        source: Source,
        mark: &mut Mark,
        previous: Option<[u8; 16]>,
        packed: &mut Packed,
        identity: &mut Sha256,
        shared: &Shared,
    ) -> Result<Added> {
        let start = self.tar.len();
        let (dir, stat) = match source {
            Source::Nothing => return Ok(self.add_header(entry, None, identity)),
            Source::Copied(place) => return Ok(self.add_header(entry, Some(place), identity)),
            Source::Memory(bytes) => {
                let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
                shared.read(size);
                entry.content = Content::File { size, sha256, sparse: false };
                if previous == Some(short(&sha256)) {
                    shared.keep(size);
                    return Ok(Added::Unchanged);
                }
                self.put_header(entry, start, start, identity);
                self.tar.extend_from_slice(&bytes);
                self.pad(size);
                return Ok(Added::Entry(None));
            }
            Source::Disk { dir, name, stat } => (reading::SmallSource::Named(dir, name), stat),
            Source::Open { file, stat } => (reading::SmallSource::Open(file), stat),
        };
        // Read it to its final place after its header, which nearly always is as long as the one before.
        let from = start + self.header;
        let file = read_small(&dir, *stat, &entry.path, &mut self.tar, from)?;
        let content = &self.tar[from..];
        let (size, sha256) = (content.len() as u64, Digest::of(content));
        shared.read(size);
        entry.content = Content::File { size, sha256, sparse: file.stat.sparse };
        *mark = mark.looked_at(&file.stat);
        entry.metadata = Metadata { xattrs: file.xattrs, ..file.stat.metadata };
        let mut place = None;
        // Links must lead to a file that is stored, not to a copy of one.
        let may_be_copy = matches!(dir, reading::SmallSource::Named(..));
        if let Some(error) = file.problem {
            mark.is_stamp_reliable = false;
            packed.problems.push((Problem::new(entry.path.clone(), &error), error));
        } else if previous == Some(short(&sha256)) {
            self.tar.truncate(start);
            shared.keep(size);
            return Ok(Added::Unchanged);
        } else {
            match shared.dedup.small(entry, short(&sha256), self.number) {
                Small::CopyOf(target, place) if may_be_copy => {
                    self.tar.truncate(start);
                    entry.content = Content::Copy { target, size };
                    return Ok(self.add_header(entry, Some(place), identity));
                }
                Small::First(first) => place = Some(first),
                Small::CopyOf(..) | Small::Unknown => {}
            }
        }
        self.put_header(entry, start, from, identity);
        self.pad(size);
        Ok(Added::Entry(place))
    }

    fn add_header(&mut self, entry: &Entry, content: Option<ContentPlace>, identity: &mut Sha256) -> Added {
        let header = archive::header(entry);
        identity.update(&header);
        self.tar.extend_from_slice(&header);
        Added::Entry(content)
    }

    /// Puts a file's header into the room reserved for it.
    fn put_header(&mut self, entry: &Entry, from: usize, to: usize, identity: &mut Sha256) {
        let header = archive::header(entry);
        identity.update(&header);
        if let Content::File { sha256, .. } = &entry.content {
            identity.update(sha256.as_bytes());
        }
        self.header = header.len();
        if header.len() == to - from {
            self.tar[from..to].copy_from_slice(&header);
        } else {
            drop(self.tar.splice(from..to, header));
        }
    }

    fn pad(&mut self, size: u64) {
        self.tar.resize(self.tar.len() + archive::padding(size) as usize, 0);
    }

    fn add_part(
        &mut self,
        file: &Arc<LargeSource>,
        from: u64,
        size: u64,
        packed: &mut Packed,
        identity: &mut Sha256,
        shared: &Shared,
    ) {
        let mut bytes = std::mem::take(if file.before.is_some() { &mut self.content } else { &mut self.tar });
        let got = file.content.read_at(&mut bytes, from, size as usize);
        let problem = match got {
            Ok(got) if got == bytes.len() => None,
            Ok(got) => {
                bytes[got..].fill(0);
                Some(changed(&file.path))
            }
            Err(error) => {
                // The header is written already: the part becomes zeros, and the file is reported.
                bytes.fill(0);
                Some(unreadable(&file.path, error))
            }
        };
        shared.read(size);
        let sha256 = Digest::of_part(&bytes, &mut self.digests);
        let last = from + size == file.size;
        match &file.before {
            None => {
                identity.update(sha256.as_bytes());
                let at = Position::default();
                let part = Part { path: file.path.clone(), from, size, sha256, at };
                let digests = self.digests.iter().map(|digest| keyed(&self.key, digest)).collect();
                packed.lines.push(Line::Part(part, digests));
                self.tar = bytes;
                if last {
                    self.pad(file.size);
                }
            }
            Some(before) => {
                self.compare(file, before, from, &bytes, packed, identity);
                self.content = bytes;
            }
        }
        let done = file.pending.fetch_sub(1, Ordering::AcqRel) == 1;
        packed.files += u64::from(done);
        let problem = problem.or_else(|| (done && file.changed()).then(|| changed(&file.path)));
        if let Some(error) = problem
            && !file.named.swap(true, Ordering::AcqRel)
        {
            packed.problems.push((Problem::new(file.path.clone(), &error), error));
        }
        if last {
            packed.lines.push(Line::LargeEnds(file.clone()));
        }
    }

    /// Stores the blocks of a part that have changed.
    fn compare(
        &mut self,
        file: &LargeSource,
        before: &Before,
        from: u64,
        bytes: &[u8],
        packed: &mut Packed,
        identity: &mut Sha256,
    ) {
        let first = from / Block::SIZE;
        // If the table can no longer be read, all blocks count as changed.
        let rows =
            before.table.rows(first, bytes.len().div_ceil(Block::SIZE as usize) as u64).unwrap_or_default();
        for (i, content) in bytes.chunks(Block::SIZE as usize).enumerate() {
            let (sha256, at) = (self.digests[i], from + i as u64 * Block::SIZE);
            let digest = keyed(&self.key, &sha256);
            let has = |place: RowPlace| match place {
                RowPlace::Apart(at) => before.linked.contains(&at.segment),
                RowPlace::Base | RowPlace::Zero => true,
            };
            if let Some(row) = rows.get(i).filter(|row| row.digest == digest && has(row.place)) {
                packed.lines.push(Line::Block(None, *row));
                continue;
            }
            let size = content.len() as u64;
            let mut block = Block { path: file.path.clone(), from: at, size, stored: None };
            let mut place = RowPlace::Zero;
            if !is_zero(content) {
                let start = Position::new(0, self.tar.len() as u64);
                block.stored = Some((sha256, start));
                place = RowPlace::Apart(start);
                identity.update(sha256.as_bytes());
                self.tar.extend_from_slice(content);
                self.pad(size);
            }
            packed.lines.push(Line::Block(Some(block), Row { digest, place }));
        }
    }
}

/// What became of an entry.
enum Added {
    /// It is in tar; its content will be at this place.
    Entry(Option<ContentPlace>),
    /// The last set has the same content.
    Unchanged,
}
