//! Fills segments with finished units in their order and writes the index beside them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::closing::Closing;
use super::ledger::Ledger;
use super::pipeline::{Earlier, Made, Settings, Shared, thread};
use super::storer::{Done, Job, Storer};
use super::unit::{Line, Packed};
use crate::error::{Error, ErrorKind, Result};
use crate::set::index::IndexWriter;
use crate::set::record::Record;
use crate::set::segment::{self, Compressor, Of};
use crate::set::writer::SetWriter;
use crate::set::{Content, Digest, Entry, EntryPath, Metadata, Position, RESERVED, archive};

/// Longest list for recovery by hand: it goes into one segment.
const MAX_LIST: u64 = 60 << 20;

/// A segment is closed when it holds this much tar, however little that is compressed: what a restore lists in memory
/// for one segment stays small.
const MAX_CONTENT: u64 = 64 << 20;

/// Threads that seal and put: while one waits for the share, the other works.
const STORERS: usize = 2;

/// What the packer gives back for each unit that it took.
pub(super) struct Returns {
    pub(super) tokens: Sender<()>,
    pub(super) spare: Sender<Vec<u8>>,
}

/// Fills segments with finished units in their order, and writes the index beside.
pub(super) struct Packer<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    writer: &'a SetWriter,
    index: IndexWriter,
    ledger: Ledger,
    jobs: Sender<Job>,
    buffers: Receiver<Vec<u8>>,
    head_room: usize,
    buffer: Vec<u8>,
    content: u64,
    identity: Vec<u8>,
    number: u32,
    /// Whether what comes has segments of its own; and which segments are of that kind.
    is_whole: bool,
    whole: std::collections::BTreeSet<u32>,
    made: Made,
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
        let mut packer = Packer {
            settings,
            shared,
            writer,
            index: IndexWriter::new(writer.set(), writer.place().clone(), head_room, earlier.next_piece),
            ledger: Ledger::new(state, writer.set(), earlier.next_table),
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
        };
        packer.clear(Vec::new());
        let packing = packer.take_all(packed, returns);
        let last = packing.and_then(|()| packer.finish());
        let Packer { jobs, buffers, ledger, number, whole, made, .. } = packer;
        // The storers end when they have stored what is queued.
        drop((jobs, buffers));
        for storer in storers {
            let _ = storer.join();
        }
        let (by_hand, next_piece) = last?;
        if shared.is_stopped() {
            return Err(shared.failure());
        }
        let done = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
        let earlier = Earlier { interrupted: None, ..earlier };
        Closing {
            writer,
            shared,
            earlier,
            ledger,
            made,
            done,
            by_hand,
            next_piece,
            next_segment: number,
            whole,
        }
        .run()
    }

    fn take_all(&mut self, packed: &Receiver<(u64, Packed)>, returns: &Returns) -> Result<()> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, unit) in packed {
            waiting.insert(number, unit);
            while let Some(unit) = waiting.remove(&next) {
                next += 1;
                let frames = self.take(unit)?;
                let _ = returns.spare.try_send(frames);
                let _ = returns.tokens.try_send(());
            }
        }
        if !waiting.is_empty() || self.shared.is_stopped() {
            return Err(self.shared.failure());
        }
        Ok(())
    }

    /// Adds the list for recovery by hand and closes what is open.
    fn finish(&mut self) -> Result<(Option<Entry>, u32)> {
        let list = self.ledger.by_hand.list();
        let mut by_hand = None;
        if !list.is_empty() && list.len() as u64 <= MAX_LIST && !self.ledger.by_hand.is_incomplete {
            let path = EntryPath::new(format!("{RESERVED}/{}", self.writer.set()))?;
            let content = Content::File { size: list.len() as u64, sha256: Digest::of(&list), sparse: false };
            let mut entry = Entry::new(path, content, Metadata::default());
            let mut tar = archive::header(&entry);
            tar.extend_from_slice(&list);
            tar.resize(tar.len() + archive::padding(list.len() as u64) as usize, 0);
            let mut unit = Packed {
                length: tar.len() as u64,
                identity: *Digest::of(&tar).as_bytes(),
                ..Packed::default()
            };
            let failed = |e| Error::io("compress", e);
            let mut compressor = Compressor::new(self.settings.level).map_err(failed)?;
            compressor.compress(&tar, Of::Other, &mut unit.frames).map_err(failed)?;
            self.make_room(&unit)?;
            entry.at = Position::new(self.number, self.content);
            *self.ledger.live.entry(self.number).or_default() += unit.length;
            self.take(unit)?;
            by_hand = Some(entry);
        } else if !list.is_empty() {
            self.made.warnings.push(
                "the list for recovery by hand could not be written: by hand this set comes back with things in \
                 it that were gone"
                    .into(),
            );
        }
        if self.content > 0 {
            self.close()?;
        }
        let next = IndexWriter::new(self.writer.set(), self.writer.place().clone(), self.head_room, 0);
        let (last, next_piece) = std::mem::replace(&mut self.index, next).finish()?;
        if let Some(piece) = last {
            self.send(Job::Index(piece))?;
        }
        Ok((by_hand, next_piece))
    }

    /// Closes the segment where this unit does not fit in.
    fn make_room(&mut self, unit: &Packed) -> Result<()> {
        let room = self.settings.segment_size - crate::envelope::Sealer::TAIL_ROOM;
        let full = self.buffer.len() + unit.frames.len() > room || self.content + unit.length > MAX_CONTENT;
        if full && self.content > 0 { self.close() } else { Ok(()) }
    }

    fn take(&mut self, unit: Packed) -> Result<Vec<u8>> {
        for (problem, error) in unit.problems {
            if self.settings.fail_on_problem {
                return Err(error);
            }
            self.ledger.counts.problems += 1;
            self.made.problems.push(problem);
        }
        if let Some(whole) = unit.cut {
            if self.content > 0 {
                self.close()?;
            }
            self.is_whole = whole;
        }
        let unit = Packed { problems: Vec::new(), ..unit };
        self.make_room(&unit)?;
        let here = |at: &mut Position| *at = Position::new(self.number, at.offset + self.content);
        for line in unit.lines {
            let record = match line {
                Line::Entry(mut entry, length, mark) => {
                    here(&mut entry.at);
                    self.ledger.entry(&entry, length, &mark);
                    Record::Entry(entry)
                }
                Line::Part(mut part, digests) => {
                    here(&mut part.at);
                    let length = part.size + archive::padding(part.from + part.size);
                    self.ledger.part(&part, length, &digests);
                    Record::Part(part)
                }
                Line::Change(change, mark) => {
                    self.ledger.change(&change, &mark);
                    Record::Change(change)
                }
                Line::Block(None, row) => {
                    self.ledger.block(None, 0, row);
                    continue;
                }
                Line::Block(Some((mut block, length)), row) => {
                    if let Some((_, at)) = &mut block.stored {
                        here(at);
                    }
                    self.ledger.block(Some(&block), length, row);
                    Record::Block(block)
                }
                Line::LargeEnds(file) => {
                    self.ledger.large_ends(&file, &self.shared.contents);
                    continue;
                }
                Line::Kept(nodes) => {
                    self.ledger.kept(&nodes);
                    continue;
                }
                Line::Gone(path) => Record::Gone(path),
            };
            if let Some(piece) = self.index.write(&record)? {
                self.jobs.send(Job::Index(piece)).map_err(|_| self.shared.failure())?;
            }
        }
        self.buffer.extend_from_slice(&unit.frames);
        self.content += unit.length;
        if unit.length > 0 {
            self.identity.extend_from_slice(&unit.identity);
        }
        self.shared.files.fetch_add(unit.files, Ordering::Relaxed);
        Ok(unit.frames)
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

    /// Begins a segment in this buffer; gives the one before.
    fn clear(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        // At once: what grows leaves its smaller selves behind in memory.
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

/// HMAC-SHA-256 (RFC 2104), its first half.
fn keyed_digest(key: &[u8; 32], content: &[u8]) -> Result<[u8; 16]> {
    let failed = |e| Error::new(ErrorKind::Internal, "HMAC-SHA-256 failed").with_source(e);
    let key = openssl::pkey::PKey::hmac(key).map_err(failed)?;
    let mut signer =
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).map_err(failed)?;
    let digest = signer.sign_oneshot_to_vec(content).map_err(failed)?;
    Ok(digest[..16].try_into().expect("SHA-256 has 32 bytes"))
}
