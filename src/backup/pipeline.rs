//! The threads of a backup: workers read and compress, one packer fills segments in order, one storer seals and puts.
//!
//! Every queue is bounded, and no more units are on their way than there are tokens, so memory does not grow with the
//! source. The first failure stops everything and is the one that is reported.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};

use super::unit::{Packed, Unit, Worker};
use crate::error::{Error, ErrorKind, Result};
use crate::set::index::{IndexWriter, Piece, piece_name};
use crate::set::record::{Record, StoredFile};
use crate::set::segment;
use crate::set::writer::SetWriter;
use crate::set::{Content, Counts, Problem};

/// A segment is closed when it holds this much tar, however little that is compressed: what a restore lists in memory
/// for one segment stays small.
const MAX_CONTENT: u64 = 64 << 20;
/// How often a thread that waits looks whether it still should.
pub(super) const TICK: Duration = Duration::from_millis(100);

pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) level: i32,
    /// Most bytes of one stored segment.
    pub(super) segment_size: usize,
    pub(super) naming_key: zeroize::Zeroizing<[u8; 32]>,
    /// Whether problems of the source end the run.
    pub(super) fail_on_problem: bool,
}

/// What all threads see.
#[derive(Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
    pub(super) files: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) stored: AtomicU64,
}

impl Shared {
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Keeps the first failure and stops all threads.
    pub(super) fn fail(&self, error: Error) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, Ordering::Release);
    }

    /// The failure that stopped the threads.
    pub(super) fn failure(&self) -> Error {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "this backup has ended with an error before")
        })
    }
}

/// What the threads made.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) segments: Vec<StoredFile>,
    pub(super) pieces: Vec<StoredFile>,
    pub(super) counts: Counts,
    pub(super) problems: Vec<Problem>,
}

pub(super) struct Pipeline {
    units: Option<Sender<(u64, Unit)>>,
    tokens: Receiver<()>,
    next: u64,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    done: Receiver<Stored>,
}

impl Pipeline {
    pub(super) fn start(settings: Settings, writer: Arc<SetWriter>, shared: Arc<Shared>) -> Self {
        let workers = settings.workers.max(1);
        let in_flight = 2 * workers + 2;
        let (units_in, units_out) = bounded::<(u64, Unit)>(workers);
        let (tokens_in, tokens_out) = bounded(in_flight);
        for _ in 0..in_flight {
            tokens_in.send(()).expect("the channel has room for all tokens");
        }
        let (packed_in, packed_out) = bounded(in_flight);
        let (spare_in, spare_out) = bounded(in_flight);
        let (done_in, done_out) = bounded(1);
        let mut threads = Vec::new();
        for _ in 0..workers {
            let (units, packed, spare) = (units_out.clone(), packed_in.clone(), spare_out.clone());
            let (own, level) = (shared.clone(), settings.level);
            let body = move || work(level, &units, &packed, &spare, &own);
            threads.push(thread("azs-backup-read", &shared, body));
        }
        let returns = Returns { tokens: tokens_in, spare: spare_in };
        let packer_shared = shared.clone();
        threads.push(thread("azs-backup-pack", &shared, move || {
            let stored = Packer::run(&settings, &writer, &packer_shared, &packed_out, &returns)?;
            let _ = done_in.send(stored);
            Ok(())
        }));
        Self { units: Some(units_in), tokens: tokens_out, next: 0, shared, threads, done: done_out }
    }

    /// Hands a unit to the workers; waits for room, calling `tick` about ten times a second.
    pub(super) fn send(&mut self, unit: Unit, tick: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        tick()?;
        while self.tokens.recv_timeout(TICK).is_err() {
            self.check()?;
            tick()?;
        }
        let units = self
            .units
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a finished backup got a unit"))?;
        let mut job = (self.next, unit);
        self.next += 1;
        loop {
            self.check()?;
            match units.send_timeout(job, TICK) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(self.shared.failure()),
            }
            tick()?;
        }
    }

    fn check(&self) -> Result<()> {
        if self.shared.is_stopped() { Err(self.shared.failure()) } else { Ok(()) }
    }

    /// Waits until everything that was sent is stored.
    pub(super) fn finish(&mut self, tick: &mut dyn FnMut() -> Result<()>) -> Result<Stored> {
        self.units = None;
        let stored = loop {
            match self.done.recv_timeout(TICK) {
                Ok(stored) => break stored,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => tick()?,
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return Err(self.shared.failure()),
            }
        };
        self.join();
        self.check()?;
        Ok(stored)
    }

    /// Stops all threads, whatever they are at, and waits for them.
    pub(super) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.units = None;
        self.join();
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Pipeline {
    /// No thread outlives the backup that it works for.
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a thread whose failure or panic becomes the backup's failure.
///
/// The failure is noted before the thread's ends of channels are dropped: whoever finds a channel closed finds it.
fn thread(
    name: &str,
    shared: &Arc<Shared>,
    mut body: impl FnMut() -> Result<()> + Send + 'static,
) -> JoinHandle<()> {
    let shared = shared.clone();
    let guarded = move || {
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut body)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => shared.fail(error),
            Err(_) => shared
                .fail(Error::new(ErrorKind::Internal, "a thread of the backup panicked; please report it")),
        }
        drop(body);
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(guarded)
        .expect("the operating system starts a thread")
}

fn work(
    level: i32,
    units: &Receiver<(u64, Unit)>,
    packed: &Sender<(u64, Packed)>,
    spare: &Receiver<Vec<u8>>,
    shared: &Shared,
) -> Result<()> {
    let mut worker = Worker::new(level).map_err(|e| Error::io("compress", e))?;
    for (number, unit) in units {
        if shared.is_stopped() {
            break;
        }
        let frames = spare.try_recv().unwrap_or_default();
        let result = worker.pack(unit, frames, &shared.bytes)?;
        if packed.send((number, result)).is_err() {
            break;
        }
    }
    Ok(())
}

/// What the packer gives back for each unit that it took.
struct Returns {
    tokens: Sender<()>,
    spare: Sender<Vec<u8>>,
}

/// Fills segments with finished units in their order, and writes the index beside.
struct Packer<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    index: IndexWriter,
    jobs: Sender<Job>,
    buffers: Receiver<Vec<u8>>,
    head_room: usize,
    buffer: Vec<u8>,
    content: u64,
    identity: Vec<u8>,
    number: u32,
    stored: Stored,
}

enum Job {
    Segment { name: String, number: u32, content: u64, buffer: Vec<u8> },
    Index(Piece),
}

impl<'a> Packer<'a> {
    fn run(
        settings: &'a Settings,
        writer: &Arc<SetWriter>,
        shared: &'a Arc<Shared>,
        packed: &Receiver<(u64, Packed)>,
        returns: &Returns,
    ) -> Result<Stored> {
        let (jobs, jobs_out) = bounded(1);
        let (buffers_in, buffers) = bounded(2);
        let (stored_in, stored_out) = bounded(1);
        let head_room = writer.head_room();
        let _ = buffers_in.send(Vec::new());
        let storer = {
            let (writer, shared) = (writer.clone(), shared.clone());
            thread("azs-backup-store", &shared.clone(), move || {
                let _ = stored_in.send(store(&writer, &shared, &jobs_out, &buffers_in)?);
                Ok(())
            })
        };
        let mut packer = Packer {
            settings,
            shared,
            index: IndexWriter::new(writer.set(), writer.place().clone(), head_room),
            jobs,
            buffers,
            head_room,
            buffer: vec![0; head_room],
            content: 0,
            identity: Vec::new(),
            number: 0,
            stored: Stored::default(),
        };
        let packing = packer.take_all(packed, returns);
        let Packer { jobs, buffers, index, mut stored, .. } = packer;
        // The storer ends when it has stored what is queued.
        drop((jobs, buffers));
        let files = stored_out.recv();
        let _ = storer.join();
        packing?;
        let Ok((segments, pieces)) = files else {
            return Err(shared.failure());
        };
        stored.segments = segments;
        stored.pieces = pieces;
        let segments = stored.segments.iter().cloned().map(Record::Segment);
        let pieces = stored.pieces.iter().cloned().map(Record::Index);
        let newest = index.finish(segments.chain(pieces))?;
        let newest = store_piece(writer, shared, newest)?;
        stored.pieces.push(newest);
        Ok(stored)
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
        if self.content > 0 { self.close() } else { Ok(()) }
    }

    fn take(&mut self, unit: Packed) -> Result<Vec<u8>> {
        for (problem, error) in unit.problems {
            if self.settings.fail_on_problem {
                return Err(error);
            }
            self.stored.counts.problems += 1;
            self.line(&Record::Problem(problem.clone()))?;
            self.stored.problems.push(problem);
        }
        let room = self.settings.segment_size - crate::envelope::Sealer::TAIL_ROOM;
        let full = self.buffer.len() + unit.frames.len() > room || self.content + unit.length > MAX_CONTENT;
        if full && self.content > 0 {
            self.close()?;
        }
        for mut record in unit.records {
            match &mut record {
                Record::Entry(entry) => {
                    entry.at.segment = self.number;
                    entry.at.offset += self.content;
                    count(&mut self.stored.counts, &entry.content);
                }
                Record::Part(part) => {
                    part.at.segment = self.number;
                    part.at.offset += self.content;
                }
                _ => {}
            }
            self.line(&record)?;
        }
        self.buffer.extend_from_slice(&unit.frames);
        self.content += unit.length;
        self.identity.extend_from_slice(&unit.identity);
        self.shared.files.fetch_add(unit.files, Ordering::Relaxed);
        Ok(unit.frames)
    }

    fn line(&mut self, record: &Record) -> Result<()> {
        match self.index.write(record)? {
            Some(piece) => self.send(Job::Index(piece)),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<()> {
        if self.number > 999_999 {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has more than 1,000,000 segments; use larger ones",
            ));
        }
        let name = segment::name(self.number, &keyed_digest(&self.settings.naming_key, &self.identity)?);
        let mut next = self.buffers.recv().map_err(|_| self.shared.failure())?;
        next.clear();
        next.resize(self.head_room, 0);
        let buffer = std::mem::replace(&mut self.buffer, next);
        self.send(Job::Segment { name, number: self.number, content: self.content, buffer })?;
        self.number += 1;
        self.content = 0;
        self.identity.clear();
        Ok(())
    }

    fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| self.shared.failure())
    }
}

fn count(counts: &mut Counts, content: &Content) {
    match content {
        Content::Folder => counts.folders += 1,
        Content::HardLink { .. } | Content::Symlink { .. } => counts.links += 1,
        Content::File { size, .. } | Content::LargeFile { size, .. } => {
            counts.files += 1;
            counts.bytes += size;
        }
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

fn store(
    writer: &SetWriter,
    shared: &Shared,
    jobs: &Receiver<Job>,
    buffers: &Sender<Vec<u8>>,
) -> Result<(Vec<StoredFile>, Vec<StoredFile>)> {
    let (mut segments, mut pieces) = (Vec::new(), Vec::new());
    for job in jobs {
        if shared.is_stopped() {
            break;
        }
        match job {
            Job::Segment { name, number, content, mut buffer } => {
                let file = writer.store(name, number, content, &mut buffer)?;
                shared.stored.fetch_add(file.length, Ordering::Relaxed);
                segments.push(file);
                let _ = buffers.try_send(buffer);
            }
            Job::Index(piece) => pieces.push(store_piece(writer, shared, piece)?),
        }
    }
    Ok((segments, pieces))
}

fn store_piece(writer: &SetWriter, shared: &Shared, mut piece: Piece) -> Result<StoredFile> {
    let file =
        writer.store(piece_name(piece.number), piece.number, piece.content_length, &mut piece.buffer)?;
    shared.stored.fetch_add(file.length, Ordering::Relaxed);
    Ok(file)
}
