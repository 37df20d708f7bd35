//! From segments to contents: groups the index by segment, opens each segment once, and checks what comes out.

use super::Loss;
use super::written::Written;
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::set::archive;
use crate::set::digest::is_zero;
use crate::set::filter::LineFilter;
use crate::set::reader::{Catalog, Set};
use crate::set::record::{Record, StoredFile};
use crate::set::records::Records;
use crate::set::records::Unread;
use crate::set::segment::Frames;
use crate::set::{Block, Content, Digest, Entry, EntryPath, Part, Position};

/// Largest content that is assembled in memory: a small file, or a part of a large one.
const MAX_ITEM: u64 = 64 << 20;

/// Most items in one segment: more do not fit into the 64 MiB of tar that a segment may hold.
const MAX_ITEMS: usize = 1 << 18;

/// A worker's job: the wanted contents of one segment.
pub(super) struct Job {
    pub(super) segment: StoredFile,
    pub(super) items: Vec<Item>,
}

impl Job {
    /// Creates a job from the wanted items of one segment; there must be at least one.
    pub(super) fn new(catalog: &Catalog, items: Vec<Item>) -> Result<Self> {
        let number = items[0].at().segment;
        let segment = catalog.segment(number).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::Damaged,
                format!("the index places {} in segment {number}, which is not in the set", items[0].path()),
            )
        })?;
        Ok(Self { segment, items })
    }
}

/// An entry, a part of a large file, or a changed block of one.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Entry(Entry),
    Part(Part),
    /// The block, and where its bytes are.
    Block(Block, Position),
}

impl Item {
    pub(super) fn path(&self) -> &EntryPath {
        match self {
            Item::Entry(entry) => &entry.path,
            Item::Part(part) => &part.path,
            Item::Block(block, _) => &block.path,
        }
    }

    pub(super) fn at(&self) -> Position {
        match self {
            Item::Entry(entry) => entry.at,
            Item::Part(part) => part.at,
            Item::Block(_, at) => *at,
        }
    }
}

/// Reads the index and cuts it into jobs.
pub(super) struct Jobs<'a> {
    records: Records<'a>,
    catalog: &'a Catalog,
    /// The first item of the next segment.
    ready: Option<Item>,
}

impl<'a> Jobs<'a> {
    pub(super) fn new(set: &'a Set, opener: &'a Opener, catalog: &'a Catalog, filter: LineFilter) -> Self {
        Self { records: set.records(opener, catalog, filter), catalog, ready: None }
    }

    /// Returns the next job, with the items that `wanted` accepts; passes on what cannot be read.
    pub(super) fn next(
        &mut self,
        mut wanted: impl FnMut(&Record) -> Result<bool>,
        mut lost: impl FnMut(Unread) -> Result<()>,
    ) -> Result<Option<Job>> {
        loop {
            let items = self.of_one_segment(&mut wanted, &mut lost)?;
            let Some(number) = items.first().map(|item| item.at().segment) else { return Ok(None) };
            if self.catalog.segment(number).is_some() {
                return Job::new(self.catalog, items).map(Some);
            }
            for item in items {
                let path = item.path().clone();
                let message = format!("{path} lies in segment {number}, which is not in the set");
                lost(Unread { path: Some(path), error: Error::new(ErrorKind::Damaged, message) })?;
            }
        }
    }

    /// Returns the next wanted items of the index that are in one segment.
    fn of_one_segment(
        &mut self,
        wanted: &mut impl FnMut(&Record) -> Result<bool>,
        lost: &mut impl FnMut(Unread) -> Result<()>,
    ) -> Result<Vec<Item>> {
        let mut items: Vec<Item> = self.ready.take().into_iter().collect();
        loop {
            let record = match self.records.next() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(items),
                // An unreachable share is not damage.
                Err(unread) if unread.is_loss() => {
                    lost(unread)?;
                    continue;
                }
                Err(unread) => return Err(unread.error),
            };
            if !wanted(&record)? {
                continue;
            }
            let item = match record {
                Record::Entry(entry) => Item::Entry(entry),
                Record::Part(part) => Item::Part(part),
                // Only its header.
                Record::Change(change) => Item::Entry(change.entry()),
                Record::Block(block) => match block.stored {
                    Some((_, at)) => Item::Block(block, at),
                    None => continue,
                },
                _ => continue,
            };
            if items.first().is_some_and(|first| first.at().segment != item.at().segment) {
                self.ready = Some(item);
                return Ok(items);
            }
            items.push(item);
            if items.len() > MAX_ITEMS {
                return Err(Error::new(
                    ErrorKind::Damaged,
                    "the index lists more in one segment than fits into it",
                ));
            }
        }
    }
}

/// Receives contents.
pub(super) trait Sink {
    /// Receives an entry, with its content if it is a file that is not large.
    fn entry(&mut self, entry: &Entry, content: &[u8]) -> Result<()>;

    /// Receives a part of a large file.
    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()>;

    /// Receives a changed block of a large file.
    fn block(&mut self, block: &Block, content: &[u8]) -> Result<()>;
}

/// A worker's buffers.
#[derive(Default)]
pub(super) struct Extractor<'a> {
    message: Vec<u8>,
    content: Vec<u8>,
    digests: Vec<Digest>,
    /// If every byte of a segment must be accounted for, and its stored form must be what was written.
    thorough: Option<&'a Written>,
}

/// The result of one job.
#[derive(Default)]
pub(super) struct Extracted {
    /// Bytes read from the share.
    pub(super) stored: u64,
    /// Files and bytes that were right.
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) losses: Vec<Loss>,
}

impl<'a> Extractor<'a> {
    pub(super) fn new(thorough: Option<&'a Written>) -> Self {
        Self { thorough, ..Self::default() }
    }

    /// Opens the segment and passes each item to the sink once it is checked. A failure only costs what it concerns.
    pub(super) fn extract(
        &mut self,
        set: &Set,
        opener: &Opener,
        job: &Job,
        sink: &mut impl Sink,
    ) -> Result<Extracted> {
        let mut done = Extracted { stored: job.segment.length, ..Extracted::default() };
        let mut message = std::mem::take(&mut self.message);
        let opened = self.open(set, opener, &job.segment, &mut message);
        match opened.and_then(|content| Frames::new(&message[content])) {
            Ok(frames) => self.items(job, frames, sink, &mut done)?,
            Err(error) if is_loss(&error) => {
                let lost = job
                    .items
                    .iter()
                    .map(|item| Loss::new(item.path().clone(), Some(&job.segment.name), &error));
                done.losses.extend(lost);
            }
            Err(error) => return Err(error),
        }
        self.message = message;
        Ok(done)
    }

    fn open(
        &self,
        set: &Set,
        opener: &Opener,
        segment: &StoredFile,
        message: &mut Vec<u8>,
    ) -> Result<std::ops::Range<usize>> {
        set.fetch(&segment.name, message)?;
        if self.thorough.is_some_and(|written| !written.is(segment, message)) {
            return Err(Error::new(
                ErrorKind::Damaged,
                format!("{} has another digest than SHA256SUMS says", segment.name),
            ));
        }
        set.open_fetched(opener, segment, message)
    }

    fn items(
        &mut self,
        job: &Job,
        mut frames: Frames<'_>,
        sink: &mut impl Sink,
        done: &mut Extracted,
    ) -> Result<()> {
        // Where the next item must begin. A segment that is listed completely has no gaps; after a loss this is
        // unknown.
        let is_whole = job.segment.live_length == job.segment.content_length;
        let (mut end, mut listed, mut lost) = (is_whole.then_some(0), 0_u64, false);
        for item in &job.items {
            let result = self.item(&mut frames, item, end, sink);
            match result {
                Ok(next) => {
                    listed = listed.saturating_add(next - item.at().offset);
                    end = is_whole.then_some(next);
                    match item {
                        Item::Entry(Entry {
                            content: Content::File { size, .. } | Content::Copy { size, .. },
                            ..
                        }) => {
                            done.files += 1;
                            done.bytes = done.bytes.saturating_add(*size);
                        }
                        Item::Part(part) => done.bytes = done.bytes.saturating_add(part.size),
                        Item::Entry(_) | Item::Block(..) => {}
                    }
                }
                Err(error) if is_loss(&error) => {
                    (end, lost) = (None, true);
                    done.losses.push(Loss::new(item.path().clone(), Some(&job.segment.name), &error));
                }
                Err(error) => return Err(error),
            }
        }
        let behind = job.segment.content_length;
        let is_longer = |frames: &mut Frames<'_>| Ok::<_, Error>(frames.at(behind)?.is_some());
        if self.thorough.is_some()
            && !lost
            && (listed != job.segment.live_length || is_longer(&mut frames).unwrap_or(true))
        {
            let error = Error::new(
                ErrorKind::Damaged,
                format!("{} holds bytes that the index does not list", job.segment.name),
            );
            done.losses.push(Loss::new(None, Some(&job.segment.name), &error));
        }
        Ok(())
    }

    /// Extracts one item; returns the position after it.
    fn item(
        &mut self,
        frames: &mut Frames<'_>,
        item: &Item,
        end: Option<u64>,
        sink: &mut impl Sink,
    ) -> Result<u64> {
        let Self { content, digests, thorough, .. } = self;
        let wrong = |what: &str| Error::new(ErrorKind::Damaged, format!("{} {what}", item.path()));
        if thorough.is_some() && end.is_some_and(|end| item.at().offset != end) {
            return Err(wrong("does not follow what is listed before it"));
        }
        let mut at = item.at().offset;
        let (size, digest, padding) = match item {
            Item::Entry(entry) => {
                let header = archive::header(entry);
                if bytes(content, frames, at, header.len() as u64, item.path())? != header {
                    return Err(wrong("has another tar header than the index says"));
                }
                at = at.checked_add(header.len() as u64).ok_or_else(|| wrong("is out of bounds"))?;
                match &entry.content {
                    Content::File { size, sha256, .. } => (*size, Some(sha256), archive::padding(*size)),
                    _ => (0, None, 0),
                }
            }
            // Every part but the last ends at a block, so the padding after it is the file's.
            Item::Part(part) => {
                (part.size, Some(&part.sha256), archive::padding(part.from.wrapping_add(part.size)))
            }
            Item::Block(block, _) => {
                (block.size, block.stored.as_ref().map(|(sha256, _)| sha256), archive::padding(block.size))
            }
        };
        let found = bytes(content, frames, at, size, item.path())?;
        if let Some(digest) = digest {
            let actual = match item {
                Item::Part(_) => Digest::of_part(found, digests),
                _ => Digest::of(found),
            };
            if *digest != actual {
                return Err(wrong("has another content than the index says"));
            }
        }
        match item {
            Item::Entry(entry) => sink.entry(entry, found)?,
            Item::Part(part) => sink.part(part, found)?,
            Item::Block(block, _) => sink.block(block, found)?,
        }
        at += size;
        if thorough.is_some() {
            if !is_zero(bytes(content, frames, at, padding, item.path())?) {
                return Err(wrong("has padding that is not zero"));
            }
            at += padding;
        }
        Ok(at)
    }
}

/// Returns bytes of a segment's content: in place, or assembled if they are in more than one frame.
fn bytes<'b>(
    together: &'b mut Vec<u8>,
    frames: &'b mut Frames<'_>,
    mut at: u64,
    size: u64,
    path: &EntryPath,
) -> Result<&'b [u8]> {
    let wrong = |what: &str| Error::new(ErrorKind::Damaged, format!("{path} {what}"));
    let broken = |e: Error| wrong(&format!("cannot be decompressed: {e}")).with_source(e);
    if size > MAX_ITEM {
        return Err(wrong("has a part of more than 64 MiB"));
    }
    if size == 0 {
        return Ok(&[]);
    }
    let missing = || wrong("is not all there");
    let there = frames.at(at).map_err(broken)?.ok_or_else(missing)?.len();
    if there as u64 >= size {
        // Look it up again: a borrow returned by one branch would last through the other.
        let frame = frames.at(at).map_err(broken)?.ok_or_else(missing)?;
        return Ok(&frame[..size as usize]);
    }
    together.clear();
    while (together.len() as u64) < size {
        let frame = frames.at(at).map_err(broken)?.ok_or_else(missing)?;
        let take = frame.len().min(size as usize - together.len());
        together.extend_from_slice(&frame[..take]);
        at = at.checked_add(take as u64).ok_or_else(|| wrong("is out of bounds"))?;
    }
    Ok(together)
}

/// Whether a failure only costs what it concerns, and does not end the work.
fn is_loss(error: &Error) -> bool {
    error.scope() == Scope::Object
}
