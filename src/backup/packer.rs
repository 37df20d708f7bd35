//! Fills segments with finished work items in order, and writes the index alongside.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::finish::Finish;
use super::ledger::Ledger;
use super::run::{Settings, Shared, StoredSet, thread};
use super::storer::{Done, Job, Storer};
use super::work_item::{Line, Packed};
use crate::error::{Error, ErrorKind, Result};
use crate::set::index::{IndexWriter, Numbers, Piece, PieceKind};
use crate::set::record::Record;
use crate::set::segment;
use crate::set::writer::SetWriter;
use crate::set::{Content, Entry, EntryPath, Position, Problem, archive};

/// Most tar in a segment, however small it gets when compressed. This limits what a restore lists in memory for one
/// segment.
pub(super) const MAX_CONTENT: u64 = 64 << 20;

/// Threads that seal and put: while one waits for the share, the other works.
const STORERS: usize = 2;

/// What the packer returns for each work item that it took.
pub(super) struct Recycling {
    pub(super) tokens: Sender<()>,
    pub(super) spare: Sender<Vec<u8>>,
}

/// Fills segments with finished work items in order, and writes the index alongside.
pub(super) struct Packer<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    /// Lists what this run removes, and what it adds.
    removals: IndexWriter,
    additions: IndexWriter,
    ledger: Ledger,
    jobs: Sender<Job>,
    buffers: Receiver<Vec<u8>>,
    head_room: usize,
    segment: OpenSegment,
    /// Whether the next content gets segments of its own; and which segments are of that kind.
    is_whole: bool,
    whole: std::collections::BTreeSet<u32>,
    problems: Vec<Problem>,
    /// Files that are not whole, and so neither are their other names.
    torn: HashMap<EntryPath, Error>,
}

/// A segment that is being filled.
struct OpenSegment {
    number: u32,
    /// Room for the head of a message, then frames.
    buffer: Vec<u8>,
    /// Bytes of tar in the frames.
    content: u64,
    /// Identifies the content: what identifies each work item, in order.
    identity: Vec<u8>,
}

impl OpenSegment {
    /// Begins a segment in a used buffer.
    fn new(number: u32, mut buffer: Vec<u8>, head_room: usize, size: usize) -> Self {
        buffer.clear();
        // Reserve all of it at once: growing leaves the smaller buffers behind in memory.
        buffer.reserve_exact(size);
        buffer.resize(head_room, 0);
        Self { number, buffer, content: 0, identity: Vec::new() }
    }
}

/// What a packer leaves when everything is packed.
struct AllPacked {
    ledger: Ledger,
    problems: Vec<Problem>,
    next_segment: u32,
    whole: std::collections::BTreeSet<u32>,
}

impl<'a> Packer<'a> {
    pub(super) fn run(
        mut settings: Settings,
        writer: &'a Arc<SetWriter>,
        shared: &'a Arc<Shared>,
        packed: &Receiver<(u64, Packed)>,
        returns: &Recycling,
    ) -> Result<StoredSet> {
        let (earlier, interrupted) = (std::mem::take(&mut settings.earlier), settings.interrupted.take());
        let (settings, interrupted) = (&settings, Arc::new(interrupted));
        let (jobs, jobs_out) = bounded(1);
        let (buffers_in, buffers) = bounded(STORERS + 1);
        let head_room = writer.head_room();
        for _ in 0..STORERS {
            let _ = buffers_in.send(Vec::new());
        }
        let done = Arc::new(Mutex::new(Done::default()));
        let storers: Vec<_> = (0..STORERS)
            .map(|_| {
                let storer = Storer {
                    writer: writer.clone(),
                    shared: shared.clone(),
                    state: settings.state.clone(),
                    interrupted: interrupted.clone(),
                    done: done.clone(),
                };
                let (jobs, buffers) = (jobs_out.clone(), buffers_in.clone());
                thread("azs-backup-store", shared, move || storer.run(&jobs, &buffers))
            })
            .collect();
        drop((jobs_out, buffers_in));
        let numbers = Numbers::from(earlier.next_piece);
        let index = |kind| {
            let (set, place) = (writer.set(), writer.place().clone());
            IndexWriter::new(set, place, head_room, kind, numbers.clone())
        };
        let packer = Packer {
            settings,
            shared,
            removals: index(PieceKind::Removals),
            additions: index(PieceKind::Additions),
            ledger: Ledger::new(settings.state.clone(), writer.set(), earlier.next_table, head_room)?,
            jobs,
            buffers,
            head_room,
            segment: OpenSegment::new(earlier.next_segment, Vec::new(), head_room, settings.segment_size),
            is_whole: false,
            whole: earlier.whole.clone(),
            problems: Vec::new(),
            torn: HashMap::new(),
        };
        // The storers end once the packer has, and what is queued is stored.
        let packed = packer.pack(packed, returns);
        for storer in storers {
            let _ = storer.join();
        }
        let AllPacked { ledger, problems, next_segment, whole } = packed?;
        if shared.is_stopped() {
            return Err(shared.failure());
        }
        let done = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
        Finish {
            writer,
            shared,
            state: settings.state.as_deref(),
            earlier,
            ledger,
            problems,
            warnings: Vec::new(),
            done,
            cover: &settings.cover,
            numbers,
            next_segment,
            whole,
        }
        .run()
    }

    fn take_all(&mut self, packed: &Receiver<(u64, Packed)>, returns: &Recycling) -> Result<()> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, work_item) in packed {
            waiting.insert(number, work_item);
            while let Some(work_item) = waiting.remove(&next) {
                next += 1;
                let frames = self.take(work_item)?;
                let _ = returns.spare.try_send(frames);
                let _ = returns.tokens.try_send(());
            }
        }
        if !waiting.is_empty() || self.shared.is_stopped() {
            return Err(self.shared.failure());
        }
        Ok(())
    }

    /// Packs everything, and closes what is open.
    fn pack(mut self, packed: &Receiver<(u64, Packed)>, returns: &Recycling) -> Result<AllPacked> {
        self.take_all(packed, returns)?;
        if self.segment.content > 0 {
            self.close()?;
        }
        let Self { removals, additions, jobs, shared, ledger, problems, segment, whole, .. } = self;
        for index in [removals, additions] {
            if let Some(piece) = index.finish()? {
                jobs.send(Job::Index(piece)).map_err(|_| shared.failure())?;
            }
        }
        Ok(AllPacked { ledger, problems, next_segment: segment.number, whole })
    }

    /// Closes the segment if this work item does not fit.
    fn make_room(&mut self, work_item: &Packed) -> Result<()> {
        let room = self.settings.segment_size - crate::envelope::Sealer::TAIL_ROOM;
        let OpenSegment { buffer, content, .. } = &self.segment;
        let full = buffer.len() + work_item.frames.len() > room || content + work_item.length > MAX_CONTENT;
        if full && *content > 0 { self.close() } else { Ok(()) }
    }

    fn take(&mut self, work_item: Packed) -> Result<Vec<u8>> {
        for (problem, error) in work_item.problems {
            if self.settings.fail_on_problem {
                return Err(error);
            }
            self.torn.insert(problem.path.clone(), error);
            self.name(problem);
        }
        if let Some(whole) = work_item.cut {
            if self.segment.content > 0 {
                self.close()?;
            }
            self.is_whole = whole;
        }
        let work_item = Packed { problems: Vec::new(), ..work_item };
        self.make_room(&work_item)?;
        for line in work_item.lines {
            if let Line::Entry(new) = &line {
                self.name_link(&new.entry);
            }
            if let Some(record) = self.enter(line)?
                && let Some(piece) = self.index(&record)?
            {
                self.send(Job::Index(piece))?;
            }
        }
        self.segment.buffer.extend_from_slice(&work_item.frames);
        self.segment.content += work_item.length;
        if work_item.length > 0 {
            self.segment.identity.extend_from_slice(&work_item.identity);
        }
        self.shared.files.fetch_add(work_item.files, Ordering::Relaxed);
        Ok(work_item.frames)
    }

    fn name(&mut self, problem: Problem) {
        self.ledger.counts.problems += 1;
        self.problems.push(problem);
    }

    /// Reports another name of a file that is not whole.
    fn name_link(&mut self, entry: &Entry) {
        let Content::HardLink { target } = &entry.content else { return };
        let Some(error) = self.torn.get(target) else { return };
        let error = Error::new(error.kind(), format!("{}, the same file as {target}: {error}", entry.path));
        self.name(Problem::new(entry.path.clone(), &error));
    }

    /// Enters a line into the ledger; returns what the index needs to say.
    fn enter(&mut self, line: Line) -> Result<Option<Record>> {
        let (number, content) = (self.segment.number, self.segment.content);
        let here = |at: &mut Position| *at = Position::new(number, at.offset + content);
        let Self { ledger, shared, .. } = self;
        Ok(Some(match line {
            Line::Entry(mut new) => {
                here(&mut new.entry.at);
                ledger.entry(&new)?;
                Record::Entry(new.entry)
            }
            Line::Part(mut part, digests) => {
                here(&mut part.at);
                let length = part.size + archive::padding(part.from + part.size);
                ledger.part(&part, length, &digests);
                Record::Part(part)
            }
            Line::Change(mut change, length, mark, replaced) => {
                here(&mut change.at);
                ledger.change(&change, length, &mark, replaced);
                Record::Change(change)
            }
            Line::Block(mut block, row) => {
                if let Some((_, at)) = block.as_mut().and_then(|block| block.stored.as_mut()) {
                    here(at);
                }
                ledger.block(block.as_ref(), row);
                return Ok(block.map(Record::Block));
            }
            Line::LargeEnds(file) => {
                ledger.large_ends(&file, &shared.dedup)?;
                return Ok(None);
            }
            Line::Kept(nodes) => {
                ledger.kept(&nodes)?;
                return Ok(None);
            }
            Line::Same(kept) => {
                let mut printed = Vec::new();
                kept.into_node().print(&mut printed);
                ledger.ended += 1;
                ledger.kept(&printed)?;
                return Ok(None);
            }
            Line::Gone(path) => Record::Gone(path),
            Line::Ended(gone) => {
                ledger.ended += 1;
                Record::Gone(gone.into_path())
            }
        }))
    }

    /// Writes a line of the index to the writer for lines of its kind.
    fn index(&mut self, record: &Record) -> Result<Option<Piece>> {
        let index = if matches!(record, Record::Gone(_)) { &mut self.removals } else { &mut self.additions };
        index.write(record)
    }

    fn close(&mut self) -> Result<()> {
        let number = self.segment.number;
        if number > 999_999 {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has more than 1,000,000 segments; use larger ones",
            ));
        }
        if self.is_whole {
            self.whole.insert(number);
        }
        let next = self.buffers.recv().map_err(|_| self.shared.failure())?;
        let next = OpenSegment::new(number + 1, next, self.head_room, self.settings.segment_size);
        let OpenSegment { buffer, content, identity, .. } = std::mem::replace(&mut self.segment, next);
        let name = segment::name(number, &keyed_digest(&self.settings.naming_key, &identity)?);
        self.send(Job::Segment { name, number, content, buffer })
    }

    fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| self.shared.failure())
    }
}

/// Returns the first half of an HMAC-SHA-256 (RFC 2104).
fn keyed_digest(key: &[u8; 32], content: &[u8]) -> Result<[u8; 16]> {
    let failed = |e| Error::new(ErrorKind::Internal, "HMAC-SHA-256 failed").with_source(e);
    let key = openssl::pkey::PKey::hmac(key).map_err(failed)?;
    let mut signer =
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).map_err(failed)?;
    let digest = signer.sign_oneshot_to_vec(content).map_err(failed)?;
    Ok(digest[..16].try_into().expect("SHA-256 has 32 bytes"))
}
