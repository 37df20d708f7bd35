//! The unit of work of a backup: what one worker reads, turns into tar and compresses in one go.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use openssl::sha::Sha256;

use super::stat::{self, Stat};
use crate::error::{Error, ErrorKind, Result};
use crate::set::archive;
use crate::set::record::Record;
use crate::set::segment::Compressor;
use crate::set::{Content, Digest, Entry, EntryPath, Metadata, Part, Position, Problem};

/// Files up to this size are never cut: they stand whole in one segment.
pub(super) const SMALL: u64 = 2 << 20;
/// Larger ones are read, hashed and compressed in pieces of this size, by all workers at once.
pub(super) const PIECE: u64 = 1 << 20;
/// Bytes of tar that a bundle of small files is filled up to.
pub(super) const BUNDLE: u64 = 1 << 20;

/// How often a small file that changes under our eyes is read anew.
const TRIES: u32 = 3;

/// What one worker does in one go.
pub(super) enum Unit {
    /// Whole entries.
    Bundle(Vec<Item>),
    /// Nothing but a problem, in its place in the order.
    Problem(Problem, Error),
    /// A piece of a large file.
    Piece { file: Arc<LargeFile>, from: u64, size: u64 },
}

/// An entry and where its content is.
pub(super) struct Item {
    pub(super) entry: Entry,
    pub(super) source: Source,
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
    /// Pieces not yet read; whoever reads the last one looks whether the file changed.
    pub(super) pending: AtomicU64,
    /// Whether something was said about it: once is enough.
    pub(super) named: AtomicBool,
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

/// A finished unit: frames for a segment, lines for the index.
pub(super) struct Packed {
    pub(super) frames: Vec<u8>,
    /// Bytes of tar in the frames.
    pub(super) length: u64,
    /// Entries and parts, with offsets within this unit.
    pub(super) records: Vec<Record>,
    pub(super) problems: Vec<(Problem, Error)>,
    /// Files that are done with it.
    pub(super) files: u64,
    /// Identifies the unit's content: headers and content digests.
    pub(super) identity: [u8; 32],
}

/// A worker's buffers.
pub(super) struct Worker {
    compressor: Compressor,
    tar: Vec<u8>,
    content: Vec<u8>,
}

impl Worker {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(level)?, tar: Vec::new(), content: Vec::new() })
    }

    /// Reads, hashes and compresses a unit, into a buffer that has served before. What is wrong with a source is in the result, to be judged by policy.
    pub(super) fn pack(&mut self, unit: Unit, mut frames: Vec<u8>, read: &AtomicU64) -> Result<Packed> {
        frames.clear();
        let mut packed = Packed {
            frames,
            length: 0,
            records: Vec::new(),
            problems: Vec::new(),
            files: 0,
            identity: [0; 32],
        };
        let mut identity = Sha256::new();
        match unit {
            Unit::Bundle(items) => {
                self.tar.clear();
                for item in items {
                    let path = item.entry.path.clone();
                    if let Err(error) = self.add_item(item, &mut packed, &mut identity, read) {
                        packed.problems.push((Problem::new(path, &error), error));
                    }
                }
            }
            Unit::Problem(problem, error) => {
                self.tar.clear();
                packed.problems.push((problem, error));
            }
            Unit::Piece { file, from, size } => {
                self.add_piece(&file, from, size, &mut packed, &mut identity, read)?
            }
        }
        packed.length = self.tar.len() as u64;
        self.compressor.compress(&self.tar, &mut packed.frames).map_err(|e| Error::io("compress", e))?;
        packed.identity = identity.finish();
        Ok(packed)
    }

    fn add_item(
        &mut self,
        item: Item,
        packed: &mut Packed,
        identity: &mut Sha256,
        read: &AtomicU64,
    ) -> Result<()> {
        let Item { mut entry, source } = item;
        let start = self.tar.len();
        match source {
            Source::Nothing => {
                self.tar.extend_from_slice(&archive::header(&entry));
                identity.update(&self.tar[start..]);
            }
            Source::Memory(bytes) => {
                entry.content =
                    Content::File { size: bytes.len() as u64, sha256: Digest::of(&bytes), sparse: false };
                self.add_file(&entry, &bytes, identity);
                read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            Source::Disk { dir, name, stat } => {
                let mut bytes = std::mem::take(&mut self.content);
                let file = read_small(&dir, &name, *stat, &entry.path, &mut bytes)?;
                let size = bytes.len() as u64;
                entry.content = Content::File { size, sha256: Digest::of(&bytes), sparse: file.stat.sparse };
                entry.metadata = Metadata { xattrs: file.xattrs, ..file.stat.metadata };
                self.add_file(&entry, &bytes, identity);
                self.content = bytes;
                read.fetch_add(size, Ordering::Relaxed);
                if let Some(error) = file.changed {
                    packed.problems.push((Problem::new(entry.path.clone(), &error), error));
                }
            }
        }
        entry.at = Position::new(0, start as u64);
        packed.files += u64::from(matches!(entry.content, Content::File { .. }));
        packed.records.push(Record::Entry(entry));
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
        file: &LargeFile,
        from: u64,
        size: u64,
        packed: &mut Packed,
        identity: &mut Sha256,
        read: &AtomicU64,
    ) -> Result<()> {
        self.tar.resize(size as usize, 0);
        let got = file.read_at(&mut self.tar, from);
        let problem = match got {
            Ok(got) if got == self.tar.len() => None,
            Ok(got) => {
                self.tar[got..].fill(0);
                Some(changed(&file.path))
            }
            Err(error) => {
                // The header is out already: the piece is zeros, and the file is named.
                self.tar.fill(0);
                Some(unreadable(&file.path, error))
            }
        };
        let sha256 = Digest::of(&self.tar);
        identity.update(sha256.as_bytes());
        read.fetch_add(size, Ordering::Relaxed);
        packed.records.push(Record::Part(Part {
            path: file.path.clone(),
            from,
            size,
            sha256,
            at: Position::default(),
        }));
        if from + size == file.size {
            self.pad(file.size);
        }
        let last = file.pending.fetch_sub(1, Ordering::AcqRel) == 1;
        packed.files += u64::from(last);
        let problem = problem.or_else(|| (last && file.changed()).then(|| changed(&file.path)));
        if let Some(error) = problem
            && !file.named.swap(true, Ordering::AcqRel)
        {
            packed.problems.push((Problem::new(file.path.clone(), &error), error));
        }
        Ok(())
    }
}

impl LargeFile {
    fn read_at(&self, buffer: &mut [u8], from: u64) -> io::Result<usize> {
        let file = match &self.content {
            LargeContent::Disk { file, .. } | LargeContent::Spooled(file) => file,
            LargeContent::Memory(bytes) => {
                let bytes = &bytes[from as usize..][..buffer.len()];
                buffer.copy_from_slice(bytes);
                return Ok(bytes.len());
            }
        };
        let wanted = buffer.len();
        fill(buffer, wanted, |room, at| read_at(file, room, from + at))
    }

    fn changed(&self) -> bool {
        let LargeContent::Disk { file, stat } = &self.content else {
            return false;
        };
        cap_std::fs::Metadata::from_file(file).map_or(true, |now| !Stat::from(&now).is_same(stat))
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
pub(super) fn open(dir: &Dir, name: &OsString) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
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
    name: &OsString,
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
        bytes.resize(size + 1, 0);
        // An empty file is asked, too: some that say they are empty are not.
        let length = fill(bytes, size.max(1), |room, from| read_at(&file, room, from)).map_err(failed)?;
        let after = Stat::from(&cap_std::fs::Metadata::from_file(&file).map_err(failed)?);
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
