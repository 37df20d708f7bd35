//! Gives back one file, as bytes or to a writer: none of it before all of it was found right.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use super::Loss;
use super::extract::{Extractor, Item, Job, Sink};
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, ProgressHook, Ticker, no_progress};
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Content, Entry, EntryPath, Part};

/// Restores one file of at most `limit` bytes into memory.
///
/// # Errors
/// As [`restore_stream`]; `LIMIT_EXCEEDED` for a longer file, before any of it is read.
pub fn restore_bytes(set: &Set, opener: &Opener, path: &EntryPath, limit: u64) -> Result<Vec<u8>> {
    let mut room = Cursor::new(Vec::new());
    let mut hook = no_progress;
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
    pieces: Vec<Item>,
    catalog: Catalog,
}

impl File {
    fn find(set: &Set, opener: &Opener, path: &EntryPath) -> Result<Self> {
        let catalog = set.catalog(opener)?;
        let (mut entry, mut pieces) = find(set, opener, &catalog, path)?;
        if let Content::HardLink { target } = &entry.content {
            (entry, pieces) = find(set, opener, &catalog, &target.clone())?;
        }
        if matches!(entry.content, Content::Folder | Content::Symlink { .. }) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{path} is a folder or a link, not a file; restore it into a folder"),
            ));
        }
        Ok(Self { entry, pieces, catalog })
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
        let mut into = Into { room, bytes: 0 };
        let segment = |piece: &Item| piece.at().segment;
        for pieces in self.pieces.chunk_by(|a, b| segment(a) == segment(b)) {
            let job = Job::new(&self.catalog, pieces.to_vec())?;
            let done = extractor.extract(set, opener, &job, &mut into)?;
            if let Some(loss) = done.losses.first() {
                return Err(damaged(loss));
            }
            progress.bytes += done.bytes;
            progress.stored_bytes += done.stored;
            ticker.tick(progress)?;
        }
        if into.bytes != self.entry.size() {
            return Err(damaged(&Loss::damaged(self.entry.path.clone(), "is not all in the set")));
        }
        Ok(())
    }
}

/// The entry of this path and its pieces; the later of two wins.
fn find(set: &Set, opener: &Opener, catalog: &Catalog, path: &EntryPath) -> Result<(Entry, Vec<Item>)> {
    let mut found: Option<(Entry, Vec<Item>)> = None;
    let mut listed = 0;
    let mut index_damage = None;
    let mut records = set.records(opener, catalog);
    loop {
        match records.next() {
            Ok(None) => break,
            Ok(Some(Record::Entry(entry))) if entry.path == *path => {
                listed = 0;
                let pieces = match entry.content {
                    Content::File { .. } => vec![Item::Entry(entry.clone())],
                    _ => Vec::new(),
                };
                found = Some((entry, pieces));
            }
            Ok(Some(Record::Part(part))) if part.path == *path => {
                let Some((_, pieces)) = &mut found else { continue };
                if part.from != listed {
                    let what = "has a piece that does not follow the one before";
                    return Err(damaged(&Loss::damaged(part.path, what)));
                }
                listed += part.size;
                pieces.push(Item::Part(part));
            }
            Ok(Some(_)) => {}
            Err(error) if error.kind() == ErrorKind::Damaged => index_damage = Some(error),
            Err(error) => return Err(error),
        }
    }
    let missing = || Error::new(ErrorKind::NotFound, format!("the set has no entry {path}"));
    found.ok_or_else(|| index_damage.unwrap_or_else(missing))
}

fn damaged(loss: &Loss) -> Error {
    Error::new(ErrorKind::Damaged, format!("{loss}; restore it from another set"))
}

/// Puts the pieces of one file where they belong.
struct Into<'a, R> {
    room: &'a mut R,
    bytes: u64,
}

impl<R: Write + Seek> Into<'_, R> {
    fn write(&mut self, from: u64, content: &[u8]) -> Result<()> {
        self.bytes += content.len() as u64;
        let mut write = || {
            self.room.seek(SeekFrom::Start(from))?;
            self.room.write_all(content)
        };
        write().map_err(|e| Error::io("put a file together", e))
    }
}

impl<R: Write + Seek> Sink for Into<'_, R> {
    fn entry(&mut self, _: &Entry, content: &[u8]) -> Result<()> {
        self.write(0, content)
    }

    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()> {
        self.write(part.from, content)
    }
}

/// What a file is held in memory up to.
const IN_MEMORY: usize = 16 << 20;
