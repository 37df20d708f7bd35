//! Restores one file, as bytes or to a writer. Nothing comes out before all of it is authenticated.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use super::Loss;
use super::extract::{Extractor, Item, Job, Sink};
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, ProgressHook, Ticker, no_progress};
use crate::set::filter::LineFilter;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Block, Content, Entry, EntryPath, Part};

/// The limit of [`restore_bytes`] if you pass 0: 64 MiB.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// Restores one file of at most `limit` bytes into memory; 0 means [`DEFAULT_LIMIT`].
///
/// # Errors
/// As [`restore_stream`]; `LIMIT_EXCEEDED` for a longer file, before any of it is read.
pub fn restore_bytes(set: &Set, opener: &Opener, path: &EntryPath, limit: u64) -> Result<Vec<u8>> {
    let mut room = Cursor::new(Vec::new());
    let mut hook = no_progress;
    let limit = if limit == 0 { DEFAULT_LIMIT } else { limit };
    let file = File::find(set, opener, path)?;
    if file.entry.size() > limit {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("{path} has {} bytes, more than the {limit} allowed here", file.entry.size()),
        ));
    }
    file.extract(set, opener, &mut room, &mut hook)?;
    Ok(room.into_inner())
}

/// Restores one file to a writer, and returns its entry.
///
/// The writer gets nothing before the whole file is authenticated and compared with the index. Until then up to 16 MiB
/// are held in memory, and more in an unnamed temporary file of this host. The path of a hard link restores the file
/// that it leads to.
///
/// # Errors
/// `NOT_FOUND` when the set has no entry of this path; `INVALID_ARGUMENT` when it is not a file; `DAMAGED`;
/// `WRONG_CERTIFICATE`; `CANCELLED`; the writer's own.
pub fn restore_stream(
    set: &Set,
    opener: &Opener,
    path: &EntryPath,
    mut writer: impl Write,
    hook: &mut ProgressHook<'_>,
) -> Result<Entry> {
    let mut room = tempfile::spooled_tempfile(IN_MEMORY);
    let file = File::find(set, opener, path)?;
    file.extract(set, opener, &mut room, hook)?;
    let mut copy = || -> io::Result<()> {
        room.rewind()?;
        io::copy(&mut room, &mut writer)?;
        writer.flush()
    };
    copy().map_err(|e| Error::io(format_args!("write {path}"), e))?;
    Ok(file.entry)
}

/// One file of a set, and where its pieces are.
struct File {
    entry: Entry,
    stored: Parts,
    catalog: Catalog,
}

/// How a file was stored.
#[derive(Default)]
struct Parts {
    /// Its size in bytes when it was stored whole.
    size: u64,
    /// Its pieces, followed by the blocks that changed since.
    pieces: Vec<Item>,
    /// Blocks that became zeros, which are not stored: first byte and length.
    zeros: Vec<(u64, u64)>,
}

impl File {
    fn find(set: &Set, opener: &Opener, path: &EntryPath) -> Result<Self> {
        let catalog = set.catalog(opener)?;
        let (mut entry, mut stored) = find(set, opener, &catalog, path)?;
        if let Content::HardLink { target } = &entry.content {
            (entry, stored) = first(set, opener, &catalog, path, &target.clone())?;
        }
        // A copy is a file of its own; only its bytes are stored with another.
        if let Content::Copy { target, size } = &entry.content {
            let (other, content) = first(set, opener, &catalog, path, target)?;
            if other.size() != *size {
                return Err(damaged(&Loss::damaged(path.clone(), "is a copy of a file of another size")));
            }
            stored = content;
        }
        if matches!(entry.content, Content::Folder | Content::Symlink { .. }) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{path} is a folder or a link, not a file; restore it into a folder"),
            ));
        }
        Ok(Self { entry, stored, catalog })
    }

    fn extract(
        &self,
        set: &Set,
        opener: &Opener,
        room: &mut (impl Write + Seek),
        hook: &mut ProgressHook<'_>,
    ) -> Result<()> {
        let mut ticker = Ticker::new(hook, Some(self.entry.size()));
        let mut progress = Progress::default();
        let mut extractor = Extractor::new(false);
        let mut into = Into { room, size: self.entry.size(), bytes: 0 };
        let segment = |piece: &Item| piece.at().segment;
        for pieces in self.stored.pieces.chunk_by(|a, b| segment(a) == segment(b)) {
            let job = Job::new(&self.catalog, pieces.to_vec())?;
            let done = extractor.extract(set, opener, &job, &mut into)?;
            if let Some(loss) = done.losses.first() {
                return Err(damaged(loss));
            }
            progress.bytes = progress.bytes.saturating_add(done.bytes);
            progress.stored_bytes = progress.stored_bytes.saturating_add(done.stored);
            ticker.tick(progress)?;
        }
        for (from, size) in &self.stored.zeros {
            let zeros = usize::try_from(*size).unwrap_or(usize::MAX).min(Block::SIZE as usize);
            into.write(*from, &vec![0; zeros])?;
        }
        if into.bytes != self.stored.size {
            return Err(damaged(&Loss::damaged(self.entry.path.clone(), "is not all in the set")));
        }
        ticker.end(Progress { files: 1, bytes: self.entry.size(), ..progress })
    }
}

/// Finds the entry of this path as it is now, and how it was stored. If two have the path, the later one counts.
fn find(set: &Set, opener: &Opener, catalog: &Catalog, path: &EntryPath) -> Result<(Entry, Parts)> {
    let mut found: Option<(Entry, Parts)> = None;
    let mut listed = 0_u64;
    let mut index_damage = None;
    let mut records = set.records(opener, catalog, LineFilter::new([path.as_bytes()]));
    loop {
        match records.next() {
            Ok(None) => break,
            Ok(Some(Record::Entry(entry))) if entry.path == *path => {
                listed = 0;
                let pieces = match entry.content {
                    Content::File { .. } => vec![Item::Entry(entry.clone())],
                    _ => Vec::new(),
                };
                let stored = Parts { size: entry.size(), pieces, zeros: Vec::new() };
                found = Some((catalog.current(entry), stored));
            }
            Ok(Some(Record::Part(part))) if part.path == *path => {
                let Some((_, stored)) = &mut found else { continue };
                let end = part.from.checked_add(part.size).filter(|_| part.from == listed);
                let Some(end) = end else {
                    let what = "has a part that does not follow the one before";
                    return Err(damaged(&Loss::damaged(part.path, what)));
                };
                listed = end;
                stored.pieces.push(Item::Part(part));
            }
            Ok(Some(Record::Block(block))) if block.path == *path => {
                let Some((_, stored)) = &mut found else { continue };
                match block.stored {
                    Some((_, at)) => stored.pieces.push(Item::Block(block.clone(), at)),
                    None => stored.zeros.push((block.from, block.size)),
                }
            }
            Ok(Some(_)) => {}
            Err(unread) if unread.is_loss() => {
                // The doubt may be about other entries.
                if unread.path.is_none_or(|of| of == *path) {
                    index_damage = Some(unread.error);
                }
            }
            Err(unread) => return Err(unread.error),
        }
    }
    let missing = || Error::new(ErrorKind::NotFound, format!("the set has no entry {path}"));
    found.ok_or_else(|| index_damage.unwrap_or_else(missing))
}

/// Finds the file that a link or copy leads to; without it the set is damaged.
fn first(
    set: &Set,
    opener: &Opener,
    catalog: &Catalog,
    path: &EntryPath,
    target: &EntryPath,
) -> Result<(Entry, Parts)> {
    find(set, opener, catalog, target).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let what = format!("has its content from {target}, which is not in the set");
            damaged(&Loss::damaged(path.clone(), &what)).with_source(error)
        }
        _ => error,
    })
}

fn damaged(loss: &Loss) -> Error {
    Error::new(loss.kind(), format!("{loss}; restore it from another set"))
}

/// Writes the pieces of one file where they belong.
struct Into<'a, R> {
    room: &'a mut R,
    /// The size that the file has now; anything stored beyond it no longer counts.
    size: u64,
    /// Bytes that the file has had written.
    bytes: u64,
}

impl<R: Write + Seek> Into<'_, R> {
    fn write(&mut self, from: u64, content: &[u8]) -> Result<()> {
        let room = usize::try_from(self.size.saturating_sub(from)).unwrap_or(usize::MAX);
        let content = &content[..content.len().min(room)];
        if content.is_empty() {
            return Ok(());
        }
        let mut write = || {
            self.room.seek(SeekFrom::Start(from))?;
            self.room.write_all(content)
        };
        write().map_err(|e| Error::io("put a file together", e))
    }
}

impl<R: Write + Seek> Sink for Into<'_, R> {
    fn entry(&mut self, _: &Entry, content: &[u8]) -> Result<()> {
        self.bytes += content.len() as u64;
        self.write(0, content)
    }

    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()> {
        self.bytes += content.len() as u64;
        self.write(part.from, content)
    }

    fn block(&mut self, block: &Block, content: &[u8]) -> Result<()> {
        self.write(block.from, content)
    }
}

/// Largest file that is held in memory.
const IN_MEMORY: usize = 16 << 20;
