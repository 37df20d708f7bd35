//! Fills segments with finished work items in order, and writes the index alongside.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::finish::Finish;
use super::ledger::Ledger;
use super::run::{Earlier, Made, Settings, Shared, thread};
use super::storer::{Done, Job, Storer};
use super::work_item::{Line, Packed};
use crate::error::{Error, ErrorKind, Result};
use crate::set::index::{IndexWriter, Lines, Numbers, Piece};
use crate::set::record::Record;
use crate::set::segment;
use crate::set::writer::SetWriter;
use crate::set::{Content, Entry, EntryPath, Position, Problem, archive};

/// Most tar in a segment, however small it gets when compressed. This limits what a restore lists in memory for one
/// segment.
const MAX_CONTENT: u64 = 64 << 20;

/// Threads that seal and put: while one waits for the share, the other works.
const STORERS: usize = 2;

/// What the packer returns for each work item that it took.
pub(super) struct Returns {
    pub(super) tokens: Sender<()>,
    pub(super) spare: Sender<Vec<u8>>,
}

/// Fills segments with finished work items in order, and writes the index alongside.
pub(super) struct Packer<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    /// Lists what this run removes, and what it adds; `None` once finished.
    removals: Option<IndexWriter>,
    additions: Option<IndexWriter>,
    ledger: Ledger,
    jobs: Sender<Job>,
    buffers: Receiver<Vec<u8>>,
    head_room: usize,
    buffer: Vec<u8>,
    content: u64,
    identity: Vec<u8>,
    number: u32,
    /// Whether the next content gets segments of its own; and which segments are of that kind.
    is_whole: bool,
    whole: std::collections::BTreeSet<u32>,
    made: Made,
    /// Files that are not whole; neither are they under any other name.
    torn: HashMap<EntryPath, Error>,
}

impl<'a> Packer<'a> {
    pub(super) fn run(
        mut settings: Settings,
        writer: &'a Arc<SetWriter>,
        shared: &'a Arc<Shared>,
        packed: &Receiver<(u64, Packed)>,
        returns: &Returns,
    ) -> Result<Made> {
        let earlier = std::mem::take(&mut settings.before);
        let settings = &settings;
        let (jobs, jobs_out) = bounded(1);
        let (buffers_in, buffers) = bounded(STORERS + 1);
        let head_room = writer.head_room();
        for _ in 0..STORERS {
            let _ = buffers_in.send(Vec::new());
        }
        let done = Arc::new(Mutex::new(Done::default()));
        let interrupted = Arc::new(earlier.interrupted);
        let storers: Vec<_> = (0..STORERS)
            .map(|_| {
                let storer = Storer {
                    writer: writer.clone(),
                    shared: shared.clone(),
                    state: earlier.state.clone(),
                    interrupted: interrupted.clone(),
                    done: done.clone(),
                };
                let (jobs, buffers) = (jobs_out.clone(), buffers_in.clone());
                thread("azs-backup-store", shared, move || storer.run(&jobs, &buffers))
            })
            .collect();
        drop((jobs_out, buffers_in));
        let state = earlier.state.clone();
        let numbers = Numbers::from(earlier.next_piece);
        let index = |lines| {
            let (set, place) = (writer.set(), writer.place().clone());
            Some(IndexWriter::new(set, place, head_room, lines, numbers.clone()))
        };
        let mut packer = Packer {
            settings,
            shared,
            removals: index(Lines::Removals),
            additions: index(Lines::Additions),
            ledger: Ledger::new(state, writer.set(), earlier.next_table, head_room)?,
            jobs,
            buffers,
            head_room,
            buffer: Vec::new(),
            content: 0,
            identity: Vec::new(),
            number: earlier.next_segment,
            is_whole: false,
            whole: earlier.whole.clone(),
            made: Made::default(),
            torn: HashMap::new(),
        };
        packer.clear(Vec::new());
        let packing = packer.take_all(packed, returns);
        let last = packing.and_then(|()| packer.finish());
        let Packer { jobs, buffers, ledger, number, whole, made, .. } = packer;
        // The storers end once they have stored what is queued.
        drop((jobs, buffers));
        for storer in storers {
            let _ = storer.join();
        }
        last?;
        if shared.is_stopped() {
            return Err(shared.failure());
        }
        let done = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
        let earlier = Earlier { interrupted: None, ..earlier };
        Finish {
            writer,
            shared,
            earlier,
            ledger,
            made,
            done,
            cover: &settings.cover,
            numbers,
            next_segment: number,
            whole,
        }
        .run()
    }

    fn take_all(&mut self, packed: &Receiver<(u64, Packed)>, returns: &Returns) -> Result<()> {
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

    /// Closes whatever is open.
    fn finish(&mut self) -> Result<()> {
        if self.content > 0 {
            self.close()?;
        }
        for index in [self.removals.take(), self.additions.take()].into_iter().flatten() {
            if let Some(piece) = index.finish()? {
                self.send(Job::Index(piece))?;
            }
        }
        Ok(())
    }

    /// Closes the segment if this work item does not fit.
    fn make_room(&mut self, work_item: &Packed) -> Result<()> {
        let room = self.settings.segment_size - crate::envelope::Sealer::TAIL_ROOM;
        let full = self.buffer.len() + work_item.frames.len() > room
            || self.content + work_item.length > MAX_CONTENT;
        if full && self.content > 0 { self.close() } else { Ok(()) }
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
            if self.content > 0 {
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
            if let Some(record) = self.book(line)?
                && let Some(piece) = self.index(&record)?
            {
                self.send(Job::Index(piece))?;
            }
        }
        self.buffer.extend_from_slice(&work_item.frames);
        self.content += work_item.length;
        if work_item.length > 0 {
            self.identity.extend_from_slice(&work_item.identity);
        }
        self.shared.files.fetch_add(work_item.files, Ordering::Relaxed);
        Ok(work_item.frames)
    }

    fn name(&mut self, problem: Problem) {
        self.ledger.counts.problems += 1;
        self.made.problems.push(problem);
    }

    /// Reports another name of a file that is not whole.
    fn name_link(&mut self, entry: &Entry) {
        let Content::HardLink { target } = &entry.content else { return };
        let Some(error) = self.torn.get(target) else { return };
        let error = Error::new(error.kind(), format!("{}, the same file as {target}: {error}", entry.path));
        self.name(Problem::new(entry.path.clone(), &error));
    }

    /// Enters a line into the books; returns what the index needs to say.
    fn book(&mut self, line: Line) -> Result<Option<Record>> {
        let (number, content) = (self.number, self.content);
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
        index.as_mut().map_or(Ok(None), |index| index.write(record))
    }

    fn close(&mut self) -> Result<()> {
        if self.number > 999_999 {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has more than 1,000,000 segments; use larger ones",
            ));
        }
        let name = segment::name(self.number, &keyed_digest(&self.settings.naming_key, &self.identity)?);
        if self.is_whole {
            self.whole.insert(self.number);
        }
        let next = self.buffers.recv().map_err(|_| self.shared.failure())?;
        let (number, content) = (self.number, self.content);
        let buffer = self.clear(next);
        self.send(Job::Segment { name, number, content, buffer })?;
        self.number += 1;
        Ok(())
    }

    /// Begins a segment in this buffer; returns the one before.
    fn clear(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        // Reserve all of it at once: growing leaves the smaller buffers behind in memory.
        next.reserve_exact(self.settings.segment_size);
        next.resize(self.head_room, 0);
        self.content = 0;
        self.identity.clear();
        std::mem::replace(&mut self.buffer, next)
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
