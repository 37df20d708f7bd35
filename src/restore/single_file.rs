//! Restores one file, as bytes or to a writer. Nothing comes out before all of it is authenticated.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use super::Loss;
use super::assembler::{Assembler, Output};
use super::extract::{Extractor, Item, Job, Sink};
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::observer::{Observer, Progress, Ticker, Unobserved, observed};
use crate::set::filter::LineFilter;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Block, Content, Entry, EntryPath, Part};
use crate::signature::Demand;

/// The limit of [`Set::restore_bytes`] if you pass 0: 64 MiB.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// See [`Set::restore_bytes`].
pub(super) fn restore_bytes(set: &Set, opener: &Opener, path: &EntryPath, limit: u64) -> Result<Vec<u8>> {
    let mut room = Cursor::new(Vec::new());
    let limit = if limit == 0 { DEFAULT_LIMIT } else { limit };
    let file = File::find(set, opener, path)?;
    if file.entry.size() > limit {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("{path} has {} bytes, more than the {limit} allowed here", file.entry.size()),
        ));
    }
    file.extract(set, opener, &mut room, &mut Unobserved)?;
    Ok(room.into_inner())
}

/// See [`Set::restore_stream`].
pub(super) fn restore_stream(
    set: &Set,
    opener: &Opener,
    path: &EntryPath,
    demand: &Demand,
    mut writer: impl Write,
    observer: Option<&mut dyn Observer>,
) -> Result<Entry> {
    let (entry, mut room) = observed(observer, |observer| -> Result<_> {
        if demand.is_some() {
            set.require(demand)?;
        }
        let mut room = tempfile::spooled_tempfile(IN_MEMORY);
        let file = File::find(set, opener, path)?;
        file.extract(set, opener, &mut room, observer)?;
        Ok((file.entry, room))
    })?;
    // The writer is the caller's, and stays on its thread.
    let mut copy = || -> io::Result<()> {
        room.rewind()?;
        io::copy(&mut room, &mut writer)?;
        writer.flush()
    };
    copy().map_err(|e| Error::at("write", path, e))?;
    Ok(entry)
}

/// One file of a set, and where its bytes are.
struct File {
    entry: Entry,
    stored: Stored,
    catalog: Catalog,
}

/// Where the bytes of a file are.
enum Stored {
    /// Behind its header.
    Whole(Item),
    /// In the parts of a large file, and in the blocks that changed since.
    InParts(Assembler, Vec<Item>),
}

impl File {
    fn find(set: &Set, opener: &Opener, path: &EntryPath) -> Result<Self> {
        let catalog = set.catalog(opener)?;
        let (entry, stored) = find(set, opener, &catalog, path)?;
        let (entry, stored) = match &entry.content {
            Content::HardLink { target } => first(set, opener, &catalog, path, target)?,
            // A copy is a file of its own; only its bytes are stored with another.
            Content::Copy { target, size } => {
                let (other, stored) = first(set, opener, &catalog, path, target)?;
                if other.size() != *size {
                    let what = "is a copy of a file of another size";
                    return Err(damaged(&Loss::damaged(path.clone(), what)));
                }
                (entry, stored)
            }
            _ => {
                let message = format!("{path} is a folder or a link, not a file; restore it into a folder");
                (entry, stored.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, message))?)
            }
        };
        Ok(Self { entry, stored, catalog })
    }

    fn extract(
        &self,
        set: &Set,
        opener: &Opener,
        room: &mut (impl Write + Seek),
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let mut ticker = Ticker::new(observer, Some(self.entry.size()));
        let mut progress = Progress::default();
        let mut extractor = Extractor::new(None);
        let (large, items) = match &self.stored {
            Stored::Whole(item) => (None, std::slice::from_ref(item)),
            Stored::InParts(assembler, items) => (Some(assembler), &items[..]),
        };
        let mut into = FileOutput { room, large };
        let segment = |item: &Item| item.at().segment;
        for items in items.chunk_by(|a, b| segment(a) == segment(b)) {
            let job = Job::new(&self.catalog, items.to_vec())?;
            let done = extractor.extract(set, opener, &job, &mut into)?;
            if let Some(loss) = done.losses.first() {
                return Err(damaged(loss));
            }
            progress.bytes = progress.bytes.saturating_add(done.bytes);
            progress.stored_bytes = progress.stored_bytes.saturating_add(done.stored);
            ticker.tick(progress)?;
        }
        into.zeros()?;
        ticker.end(Progress { files: 1, bytes: self.entry.size(), ..progress })
    }
}

/// Finds the entry of this path as it is now, and how it was stored. If two have the path, the later one counts.
fn find(set: &Set, opener: &Opener, catalog: &Catalog, path: &EntryPath) -> Result<(Entry, Option<Stored>)> {
    let mut found: Option<(Entry, Option<Stored>)> = None;
    let mut index_damage = None;
    let mut records = set.records(opener, catalog, LineFilter::new([path.as_bytes()]));
    loop {
        match records.next() {
            Ok(None) => break,
            Ok(Some(Record::Entry(entry))) if entry.path == *path => {
                let stored = match entry.content {
                    Content::File { .. } => Some(Stored::Whole(Item::Entry(entry.clone()))),
                    Content::LargeFile { .. } => {
                        Some(Stored::InParts(Assembler::new(&entry, catalog), Vec::new()))
                    }
                    _ => None,
                };
                found = Some((catalog.current(entry), stored));
            }
            Ok(Some(Record::Part(part))) if part.path == *path => {
                if let Some((_, Some(Stored::InParts(large, items)))) = &mut found
                    && large.list_part(&part)
                {
                    items.push(Item::Part(part));
                }
            }
            Ok(Some(Record::Block(block))) if block.path == *path => {
                if let Some((_, Some(Stored::InParts(large, items)))) = &mut found
                    && large.list_block(&block)
                    && let Some((_, at)) = block.stored
                {
                    items.push(Item::Block(block, at));
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
    let found = found.ok_or_else(|| index_damage.unwrap_or_else(missing))?;
    if let Some(Stored::InParts(large, _)) = &found.1
        && let Some(loss) = large.loss()
    {
        return Err(damaged(&loss));
    }
    Ok(found)
}

/// Finds the file that a link or copy leads to; without it the set is damaged.
fn first(
    set: &Set,
    opener: &Opener,
    catalog: &Catalog,
    path: &EntryPath,
    target: &EntryPath,
) -> Result<(Entry, Stored)> {
    let wrong = |what: &str| {
        damaged(&Loss::damaged(path.clone(), &format!("has its content from {target}, which is {what}")))
    };
    match find(set, opener, catalog, target) {
        Ok((entry, stored)) => Ok((entry, stored.ok_or_else(|| wrong("no file"))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(wrong("not in the set").with_source(error)),
        Err(error) => Err(error),
    }
}

fn damaged(loss: &Loss) -> Error {
    Error::new(loss.kind(), format!("{loss}; restore it from another set"))
}

/// Writes the bytes of one file where they belong.
struct FileOutput<'a, R> {
    room: &'a mut R,
    large: Option<&'a Assembler>,
}

/// Whatever holds the file until it is whole.
struct Holder<'a, R>(&'a mut R);

impl<R: Write + Seek> Output for Holder<'_, R> {
    fn put(&mut self, content: &[u8], from: u64) -> io::Result<()> {
        if content.is_empty() {
            return Ok(());
        }
        self.0.seek(SeekFrom::Start(from))?;
        self.0.write_all(content)
    }
}

impl<R: Write + Seek> FileOutput<'_, R> {
    fn put(&mut self, put: impl FnOnce(&Assembler, &mut Holder<'_, R>) -> io::Result<()>) -> Result<()> {
        let done = self.large.map_or(Ok(()), |large| put(large, &mut Holder(self.room)));
        done.map_err(failed)
    }

    fn zeros(&mut self) -> Result<()> {
        self.put(|large, room| large.put_zeros(room))
    }
}

impl<R: Write + Seek> Sink for FileOutput<'_, R> {
    fn entry(&mut self, _: &Entry, content: &[u8]) -> Result<()> {
        self.room.write_all(content).map_err(failed)
    }

    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()> {
        self.put(|large, room| large.put_part(content, part.from, room))
    }

    fn block(&mut self, block: &Block, content: &[u8]) -> Result<()> {
        self.put(|large, room| large.put_block(content, block.from, room))
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("put a file together", error)
}

/// Largest file that is held in memory.
const IN_MEMORY: usize = 16 << 20;
