//! Gives back one file, as bytes or to a writer: none of it before all of it was found right.

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

/// Bytes that [`restore_bytes`] gives at most, where no other limit is said: 64 MiB.
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

/// Restores one file to a writer, and says what it was.
///
/// The writer gets nothing before all of the file was authenticated and compared with the index: until then up to
/// 16 MiB are held in memory, more in an unnamed temporary file of this host. A hard link gives the file that it leads
/// to.
///
/// # Errors
/// `NOT_FOUND` when the set has no entry of this path; `INVALID_ARGUMENT` when it is no file; `DAMAGED`;
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

/// One file of a set, and where its pieces lie.
struct File {
    entry: Entry,
    stored: Stored,
    catalog: Catalog,
}

/// How a file was stored.
#[derive(Default)]
struct Stored {
    /// Its bytes when it was stored whole.
    size: u64,
    /// Its pieces, and behind them the blocks that changed since.
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
        // It is a file of its own, of which only the bytes are another's.
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
        Ok(())
    }
}

/// The entry of this path as it is now, and how it was stored; the later of two wins.
fn find(set: &Set, opener: &Opener, catalog: &Catalog, path: &EntryPath) -> Result<(Entry, Stored)> {
    let mut found: Option<(Entry, Stored)> = None;
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
                let stored = Stored { size: entry.size(), pieces, zeros: Vec::new() };
                found = Some((catalog.current(entry), stored));
            }
            Ok(Some(Record::Part(part))) if part.path == *path => {
                let Some((_, stored)) = &mut found else { continue };
                let end = part.from.checked_add(part.size).filter(|_| part.from == listed);
                let Some(end) = end else {
                    let what = "has a piece that does not follow the one before";
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
                // Others may be in doubt.
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

/// The file that a link or copy leads to: without it the set is not what was written.
fn first(
    set: &Set,
    opener: &Opener,
    catalog: &Catalog,
    path: &EntryPath,
    target: &EntryPath,
) -> Result<(Entry, Stored)> {
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

/// Puts the pieces of one file where they belong.
struct Into<'a, R> {
    room: &'a mut R,
    /// The size that the file has now: what was stored behind it does not count any more.
    size: u64,
    /// Bytes of the file as it was stored whole.
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

/// What a file is held in memory up to.
const IN_MEMORY: usize = 16 << 20;
