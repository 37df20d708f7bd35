//! What a worker does with a unit: read, hash, turn into tar, compress, in one go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use openssl::sha::Sha256;

use super::pipeline::Shared;
use super::reading::{changed, read_small, unreadable};
use super::state::node::short;
use super::state::table::{Row, RowPlace, keyed};
use super::unit::{Before, Item, LargeFile, Line, Mark, NewEntry, Packed, Source, Unit};
use crate::error::{Error, Result};
use crate::set::archive;
use crate::set::digest::is_zero;
use crate::set::segment::{Compressor, Of};
use crate::set::{Block, Content, Digest, Entry, Metadata, Part, Position, Problem};

/// A worker's buffers.
pub(super) struct Worker {
    compressor: Compressor,
    key: zeroize::Zeroizing<[u8; 32]>,
    /// The number of the unit that it is at.
    number: u64,
    tar: Vec<u8>,
    /// Length of the last file's header.
    header: usize,
    /// A piece that is compared with what was.
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

    /// Reads, hashes and compresses a unit, into a buffer that has served before. What is wrong with a source is in the
    /// result, to be judged by policy.
    pub(super) fn pack(
        &mut self,
        number: u64,
        unit: Unit,
        mut frames: Vec<u8>,
        shared: &Shared,
    ) -> Result<Packed> {
        self.number = number;
        frames.clear();
        // A piece is read over the one before: there is nothing to clear.
        if !matches!(&unit, Unit::Piece { file, .. } if file.before.is_none()) {
            self.tar.clear();
        }
        let of = if matches!(&unit, Unit::Bundle(_)) { Of::SmallFiles } else { Of::Other };
        let mut packed = Packed { frames, ..Packed::default() };
        let mut identity = Sha256::new();
        match unit {
            Unit::Bundle(items) => {
                for item in items {
                    match item {
                        Item::Entry(new) => {
                            let path = new.entry.path.clone();
                            if let Err(error) = self.add_entry(*new, &mut packed, &mut identity, shared) {
                                packed.problems.push((Problem::new(path, &error), error));
                            }
                        }
                        Item::Change(change, mark) => packed.lines.push(Line::Change(change, mark)),
                        Item::Kept(nodes) => packed.lines.push(Line::Kept(nodes)),
                        Item::Gone(path) => packed.lines.push(Line::Gone(path)),
                    }
                }
            }
            Unit::Problem(problem, error) => packed.problems.push((problem, error)),
            Unit::Piece { file, from, size } => {
                self.add_piece(&file, from, size, &mut packed, &mut identity, shared);
            }
            Unit::Cut { whole } => packed.cut = Some(whole),
        }
        packed.length = self.tar.len() as u64;
        self.compressor.compress(&self.tar, of, &mut packed.frames).map_err(|e| Error::io("compress", e))?;
        packed.identity = identity.finish();
        Ok(packed)
    }

    fn add_entry(
        &mut self,
        new: NewEntry,
        packed: &mut Packed,
        identity: &mut Sha256,
        shared: &Shared,
    ) -> Result<()> {
        let NewEntry { mut entry, source, mut mark } = new;
        let start = self.tar.len();
        match source {
            Source::Nothing => return self.add_header(entry, start, mark, packed, identity),
            Source::Memory(bytes) => {
                let sha256 = Digest::of(&bytes);
                shared.read(bytes.len() as u64);
                entry.content = Content::File { size: bytes.len() as u64, sha256, sparse: false };
                if let Some(kept) = same(&mark, &sha256) {
                    shared.keep(bytes.len() as u64);
                    packed.lines.push(Line::Kept(kept));
                    return Ok(());
                }
                self.add_file(&entry, &bytes, identity);
            }
            Source::Disk { dir, name, stat } => {
                // It is read where it belongs, behind its header, which is nearly always as long as the one before.
                let from = start + self.header;
                let file = read_small(&dir, &name, *stat, &entry.path, &mut self.tar, from);
                let file = file.inspect_err(|_| self.tar.truncate(start))?;
                let content = &self.tar[from..];
                let (size, sha256) = (content.len() as u64, Digest::of(content));
                shared.read(size);
                entry.content = Content::File { size, sha256, sparse: file.stat.sparse };
                mark = mark.looked_at(&file.stat);
                entry.metadata = Metadata { xattrs: file.xattrs, ..file.stat.metadata };
                match file.changed {
                    Some(error) => {
                        mark.is_settled = false;
                        packed.problems.push((Problem::new(entry.path.clone(), &error), error));
                    }
                    None => {
                        if let Some(kept) = same(&mark, &sha256) {
                            self.tar.truncate(start);
                            shared.keep(size);
                            packed.lines.push(Line::Kept(kept));
                            return Ok(());
                        }
                        if let Some(target) = shared.contents.small(&entry, short(&sha256), self.number) {
                            self.tar.truncate(start);
                            entry.content = Content::Copy { target, size };
                            return self.add_header(entry, start, mark, packed, identity);
                        }
                    }
                }
                self.put_header(&entry, start, from, identity);
                self.pad(size);
            }
        }
        entry.at = Position::new(0, start as u64);
        packed.files += u64::from(matches!(entry.content, Content::File { .. }));
        packed.lines.push(Line::Entry(entry, (self.tar.len() - start) as u64, mark));
        Ok(())
    }

    fn add_header(
        &mut self,
        mut entry: Entry,
        start: usize,
        mark: Mark,
        packed: &mut Packed,
        identity: &mut Sha256,
    ) -> Result<()> {
        self.tar.extend_from_slice(&archive::header(&entry));
        identity.update(&self.tar[start..]);
        entry.at = Position::new(0, start as u64);
        packed.files += u64::from(matches!(entry.content, Content::Copy { .. }));
        packed.lines.push(Line::Entry(entry, (self.tar.len() - start) as u64, mark));
        Ok(())
    }

    fn add_file(&mut self, entry: &Entry, bytes: &[u8], identity: &mut Sha256) {
        let start = self.tar.len();
        self.put_header(entry, start, start, identity);
        self.tar.extend_from_slice(bytes);
        self.pad(bytes.len() as u64);
    }

    /// Puts a file's header into the room that was left for it.
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

    fn add_piece(
        &mut self,
        file: &Arc<LargeFile>,
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
                // The header is out already: the piece is zeros, and the file is named.
                bytes.fill(0);
                Some(unreadable(&file.path, error))
            }
        };
        shared.read(size);
        let sha256 = Digest::of_piece(&bytes, &mut self.digests);
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
                let result = self.compare(file, before, from, &bytes, packed, identity);
                self.content = bytes;
                if let Err(error) = result {
                    packed.problems.push((Problem::new(file.path.clone(), &error), error));
                }
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

    /// Stores the blocks of a piece that are not as they were.
    fn compare(
        &mut self,
        file: &LargeFile,
        before: &Before,
        from: u64,
        bytes: &[u8],
        packed: &mut Packed,
        identity: &mut Sha256,
    ) -> Result<()> {
        let first = from / Block::SIZE;
        let rows = before.table.rows(first, bytes.len().div_ceil(Block::SIZE as usize) as u64);
        let rows = rows.map_err(|e| Error::io("read the state's table of blocks", e))?;
        for (i, content) in bytes.chunks(Block::SIZE as usize).enumerate() {
            let (sha256, at) = (self.digests[i], from + i as u64 * Block::SIZE);
            let digest = keyed(&self.key, &sha256);
            let has = |place: RowPlace| match place {
                RowPlace::Segment(number) => before.linked.contains(&number),
                RowPlace::Base | RowPlace::Zero => true,
            };
            if let Some(row) = rows.get(i).filter(|row| row.digest == digest && has(row.place)) {
                packed.lines.push(Line::Block(None, *row));
                continue;
            }
            let mut block = Block {
                path: file.path.clone(),
                from: at,
                size: content.len() as u64,
                stored: None,
                base: before.base,
            };
            let start = self.tar.len();
            let mut place = RowPlace::Zero;
            if !is_zero(content) {
                block.stored = Some((sha256, Position::new(0, start as u64)));
                place = RowPlace::Segment(0);
                self.add_file(&block.entry(), content, identity);
            }
            let length = (self.tar.len() - start) as u64;
            packed.lines.push(Line::Block(Some((block, length)), Row { digest, place }));
        }
        Ok(())
    }
}

/// The node that is remembered, if this is its content and nothing else of it changed.
fn same(mark: &Mark, sha256: &Digest) -> Option<Vec<u8>> {
    let known = mark.known.as_ref()?;
    if known.digest != short(sha256) {
        return None;
    }
    let mut printed = Vec::new();
    known.print(&mut printed);
    Some(printed)
}
