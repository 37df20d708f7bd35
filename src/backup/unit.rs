//! The unit of work of a backup: what one worker reads, turns into tar and compresses in one go.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cap_std::fs::Dir;
use openssl::sha::Sha256;

use super::pipeline::Shared;
use super::stat::{self, Stat};
use super::state::node::{Node, Stamp, short};
use super::state::table::{Row, RowPlace, Table, keyed};
use crate::error::{Error, ErrorKind, Result};
use crate::set::archive;
use crate::set::digest::is_zero;
use crate::set::segment::Compressor;
use crate::set::{Block, Change, Content, Digest, Entry, EntryPath, Metadata, Part, Position, Problem};

/// Files up to this size are never cut: they stand whole in one segment.
pub(super) const SMALL: u64 = 2 << 20;
/// Larger ones are read, hashed and compressed in pieces of this size, by all workers at once.
pub(super) const PIECE: u64 = 1 << 20;
/// Bytes of tar that a bundle of small files is filled up to.
pub(super) const BUNDLE: u64 = 1 << 20;

/// Blocks of a large file that are looked at before it is compared as a whole.
const SAMPLES: u64 = 16;

/// How often a small file that changes under our eyes is read anew.
const TRIES: u32 = 3;

/// What one worker does in one go.
pub(super) enum Unit {
    /// Whole entries, and what is to be remembered between them.
    Bundle(Vec<Item>),
    /// Nothing but a problem, in its place in the order.
    Problem(Problem, Error),
    /// A piece of a large file.
    Piece { file: Arc<LargeFile>, from: u64, size: u64 },
    /// What comes next begins a segment; whether it has segments of its own until the next cut.
    Cut { whole: bool },
}

/// Something in the order of the walk.
pub(super) enum Item {
    /// An entry to be stored.
    Entry(Box<NewEntry>),
    /// A large file that has changed since it was stored whole.
    Change(Change, Mark),
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
}

/// What to remember of an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    /// How far below its source it is.
    pub(super) depth: u32,
    pub(super) stamp: Stamp,
    pub(super) is_settled: bool,
    /// The first segment that may have an entry of its path, if the last run knew of one.
    pub(super) since: Option<u32>,
    /// What is remembered of it, if it may be the same: kept when its content is.
    pub(super) known: Option<Box<Node>>,
}

impl Mark {
    pub(super) fn new(depth: u32, stat: &Stat) -> Self {
        Self { depth, stamp: stat.stamp(), is_settled: stat.is_settled(), since: None, known: None }
    }

    fn looked_at(self, stat: &Stat) -> Self {
        Self { stamp: stat.stamp(), is_settled: stat.is_settled(), ..self }
    }
}

pub(super) enum Source {
    /// Header only: a folder, a link, the start of a large file.
    Nothing,
    /// A small file on disk, looked at already.
    Disk { dir: Arc<Dir>, name: OsString, stat: Box<Stat> },
    /// Bytes handed over by the caller.
    Memory(Arc<[u8]>),
}

/// A file too large to be one unit.
pub(super) struct LargeFile {
    pub(super) path: EntryPath,
    pub(super) size: u64,
    pub(super) content: LargeContent,
    /// What was stored of it before, where only what changed is to be stored.
    pub(super) before: Option<Before>,
    /// Pieces not yet read; whoever reads the last one looks whether the file changed.
    pub(super) pending: AtomicU64,
    /// Whether something was said about it: once is enough.
    pub(super) named: AtomicBool,
}

/// A large file as it was stored.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) table: Table,
    /// Where its header stands.
    pub(super) base: Position,
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
    /// An entry whose header begins at its offset within the unit, the bytes of tar that are its own, and what to
    /// remember of it.
    Entry(Entry, u64, Mark),
    /// A piece, and the digests of its blocks.
    Part(Part, Vec<[u8; 16]>),
    Change(Change, Mark),
    /// A block of a large file, and its row; nothing to list where it is as it was.
    Block(Option<(Block, u64)>, Row),
    /// The large file has no more pieces.
    LargeEnds(Arc<LargeFile>),
    Kept(Vec<u8>),
    Gone(EntryPath),
}

/// A worker's buffers.
pub(super) struct Worker {
    compressor: Compressor,
    key: zeroize::Zeroizing<[u8; 32]>,
    /// The number of the unit that it is at.
    number: u64,
    tar: Vec<u8>,
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
        self.compressor.compress(&self.tar, &mut packed.frames).map_err(|e| Error::io("compress", e))?;
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
                let mut bytes = std::mem::take(&mut self.content);
                let file = read_small(&dir, &name, *stat, &entry.path, &mut bytes)?;
                let size = bytes.len() as u64;
                shared.read(size);
                let sha256 = Digest::of(&bytes);
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
                            self.content = bytes;
                            shared.keep(size);
                            packed.lines.push(Line::Kept(kept));
                            return Ok(());
                        }
                        if let Some(target) = shared.contents.small(&entry, short(&sha256), self.number) {
                            self.content = bytes;
                            entry.content = Content::Copy { target, size };
                            return self.add_header(entry, start, mark, packed, identity);
                        }
                    }
                }
                self.add_file(&entry, &bytes, identity);
                self.content = bytes;
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
        self.tar.extend_from_slice(&archive::header(entry));
        identity.update(&self.tar[start..]);
        if let Content::File { sha256, .. } = &entry.content {
            identity.update(sha256.as_bytes());
        }
        self.tar.extend_from_slice(bytes);
        self.pad(bytes.len() as u64);
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
            let is_zero = is_zero(content);
            let mut block = Block {
                path: file.path.clone(),
                from: at,
                size: content.len() as u64,
                stored: None,
                base: before.base,
            };
            let start = self.tar.len();
            let mut place = RowPlace::Zero;
            if !is_zero {
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

impl LargeContent {
    fn read_at(&self, buffer: &mut Vec<u8>, from: u64, size: usize) -> io::Result<usize> {
        make_room(buffer, size);
        let file = match self {
            LargeContent::Disk { file, .. } | LargeContent::Spooled(file) => file,
            LargeContent::Memory(bytes) => {
                let bytes = &bytes[from as usize..][..size];
                buffer.copy_from_slice(bytes);
                return Ok(bytes.len());
            }
        };
        fill(buffer, size, |room, at| read_at(file, room, from + at))
    }

    /// The digest of all of it: of the digests of its pieces.
    pub(super) fn digest(&self, size: u64, mut tick: impl FnMut() -> Result<()>) -> Result<Option<[u8; 16]>> {
        let (mut hasher, mut buffer, mut blocks) = (Sha256::new(), Vec::new(), Vec::new());
        for from in (0..size).step_by(PIECE as usize) {
            tick()?;
            let length = PIECE.min(size - from) as usize;
            match self.read_at(&mut buffer, from, length) {
                Ok(got) if got == length => {}
                // Whoever stores it finds out what is wrong.
                _ => return Ok(None),
            }
            hasher.update(Digest::of_piece(&buffer, &mut blocks).as_bytes());
        }
        Ok(Some(short(&Digest::from_bytes(hasher.finish()))))
    }

    /// Whether most of a few blocks, spread over the file, are as the table has them.
    pub(super) fn resembles(&self, size: u64, table: &Table, key: &[u8; 32]) -> bool {
        let blocks = size / Block::SIZE;
        let (mut seen, mut same, mut buffer) = (0, 0, Vec::new());
        for number in (0..blocks).step_by((blocks / SAMPLES).max(1) as usize) {
            let read = self.read_at(&mut buffer, number * Block::SIZE, Block::SIZE as usize);
            let rows = table.rows(number, 1);
            if let (Ok(_), Ok(rows)) = (read, rows) {
                let digest = keyed(key, &Digest::of(&buffer));
                same += u32::from(rows.first().is_some_and(|row| row.digest == digest));
            }
            seen += 1;
        }
        same * 2 >= seen
    }
}

impl LargeFile {
    fn changed(&self) -> bool {
        let LargeContent::Disk { file, stat } = &self.content else {
            return false;
        };
        stat::look_at(file).map_or(true, |now| !now.is_same(stat))
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, from)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, from)
}

/// Opens a file for reading, whatever has taken its place since it was looked at: never through a link, and never
/// waiting for the other end of a pipe.
#[cfg(unix)]
pub(super) fn open(dir: &Dir, name: &OsStr) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // A name that was listed in this very folder: there is no path to go astray on.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
pub(super) fn open(dir: &Dir, name: &OsStr) -> io::Result<File> {
    use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
    let mut options = cap_std::fs::OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    Ok(dir.open_with(name, &options)?.into_std())
}

struct SmallFile {
    stat: Stat,
    xattrs: Vec<(crate::set::Text, Vec<u8>)>,
    changed: Option<Error>,
}

/// Reads a small file whole, again when it changes meanwhile.
fn read_small(
    dir: &Dir,
    name: &OsStr,
    mut before: Stat,
    path: &EntryPath,
    bytes: &mut Vec<u8>,
) -> Result<SmallFile> {
    let failed = |e| unreadable(path, e);
    let file = open(dir, name).map_err(failed)?;
    for attempt in 1.. {
        if before.kind != stat::Kind::File || before.size > SMALL {
            return Err(changed(path));
        }
        let size = before.size as usize;
        // Room for one byte more shows with the same call that a file grew; what grew behind our end is not read.
        make_room(bytes, size + 1);
        // An empty file is asked, too: some that say they are empty are not.
        let length = fill(bytes, size.max(1), |room, from| read_at(&file, room, from)).map_err(failed)?;
        let after = stat::look_at(&file).map_err(failed)?;
        let steady = length == size && after.is_same(&before);
        if steady || attempt == TRIES {
            bytes.truncate(length.min(size));
            let xattrs = stat::xattrs(&file).map_err(failed)?;
            return Ok(SmallFile { stat: after, xattrs, changed: (!steady).then(|| changed(path)) });
        }
        before = after;
    }
    unreachable!("the last attempt returns")
}

/// Gives a buffer that has served before this length; what is in it is going to be read over.
fn make_room(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    } else {
        buffer.truncate(length);
    }
}

/// Reads until `wanted` bytes are there or the end is reached.
fn fill(
    buffer: &mut [u8],
    wanted: usize,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < wanted {
        match read(&mut buffer[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

pub(super) fn unreadable(path: &EntryPath, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return changed(path).with_source(error);
    }
    Error::new(ErrorKind::SourceUnreadable, format!("{path} cannot be read: {error}")).with_source(error)
}

fn changed(path: &EntryPath) -> Error {
    Error::new(ErrorKind::SourceChanged, format!("{path} changed while it was read"))
}
