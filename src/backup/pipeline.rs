//! The threads of a backup: workers read and compress, one packer fills segments in order, storers seal and put.
//!
//! Every queue is bounded, and there are never more work items in progress than tokens, so memory does not grow with
//! the source. The first failure stops everything and is the one that is reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use jiff::Timestamp;

use super::dedup::Dedup;
use super::packer::{Packer, Returns};
use super::state::journal::Journal;
use super::state::{IndexPiece, NewState, State};
use super::work_item::{Packed, WorkItem};
use super::worker::Worker;
use crate::envelope::CertificateFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::set::record::StoredFile;
use crate::set::writer::{Finished, SetWriter};
use crate::set::{Counts, CoverSheet, Problem, Status, Stored};

/// How often a waiting thread checks whether it still should wait.
pub(super) const TICK: Duration = Duration::from_millis(100);

pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) level: i32,
    /// Most bytes of one stored segment.
    pub(super) segment_size: usize,
    pub(super) naming_key: zeroize::Zeroizing<[u8; 32]>,
    /// What earlier sets have.
    pub(super) before: Earlier,
    /// Whether a problem with a source ends the run.
    pub(super) fail_on_problem: bool,
    pub(super) cover: Cover,
}

/// The part of the cover sheet that is known from the beginning.
pub(super) struct Cover {
    pub(super) created: Timestamp,
    pub(super) certificates: Vec<CertificateFacts>,
    pub(super) labels: BTreeMap<String, String>,
}

impl Cover {
    /// Makes the sheet of a run that ends now; what it stores is not known yet.
    pub(super) fn sheet(&self, writer: &SetWriter, content: Counts) -> CoverSheet {
        let is_partial = content.problems > 0;
        let finished = Finished {
            created: self.created,
            finished: Timestamp::now(),
            status: if is_partial { Status::PartialSucceeded } else { Status::Succeeded },
            certificates: self.certificates.clone(),
            content,
            labels: self.labels.clone(),
        };
        finished.cover(writer)
    }
}

/// State that all threads share.
#[derive(Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
    pub(super) files: AtomicU64,
    bytes: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) dedup: Dedup,
    read_files: AtomicU64,
    kept_files: AtomicU64,
    kept_bytes: AtomicU64,
}

impl Shared {
    /// Counts content that was read, of a file or of a part of one.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn read_file(&self) {
        self.read_files.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an unchanged file.
    pub(super) fn keep(&self, bytes: u64) {
        self.kept_files.fetch_add(1, Ordering::Relaxed);
        self.kept_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How far the work is.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            stored_bytes: self.stored.load(Ordering::Relaxed),
            total_bytes: None,
        }
    }

    /// Adds the counts to a report.
    pub(super) fn report(&self, reuse: &mut super::report::Reuse) {
        reuse.files_read = self.read_files.load(Ordering::Relaxed);
        reuse.bytes_read = self.bytes.load(Ordering::Relaxed);
        reuse.files_kept = self.kept_files.load(Ordering::Relaxed);
        reuse.bytes_kept = self.kept_bytes.load(Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Keeps the first failure and stops all threads.
    pub(super) fn fail(&self, error: Error) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, Ordering::Release);
    }

    /// Returns the failure that stopped the threads: always the first one.
    pub(super) fn failure(&self) -> Error {
        let first = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        first.unwrap_or_else(|| Error::new(ErrorKind::InvalidArgument, "this backup was given up before"))
    }
}

/// What earlier sets have, so that this one need not store it again.
#[derive(Default)]
pub(super) struct Earlier {
    /// This host's state, if there is any.
    pub(super) state: Option<Arc<State>>,
    /// Segments that the new set already has.
    pub(super) segments: HashMap<u32, StoredFile>,
    pub(super) whole: BTreeSet<u32>,
    pub(super) pieces: Vec<IndexPiece>,
    pub(super) next_segment: u32,
    pub(super) next_piece: u32,
    pub(super) next_table: u32,
    /// What an interrupted run stored.
    pub(super) interrupted: Option<Journal>,
}

/// The result of the threads.
#[derive(Default)]
pub(super) struct Made {
    /// Everything that the set stores, in the order of `SHA256SUMS`.
    pub(super) files: Vec<StoredFile>,
    /// The cover sheet, except for what is stored.
    pub(super) cover: Option<CoverSheet>,
    /// Number of previous entries that were taken up and have ended.
    pub(super) ended: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) stored: Stored,
    pub(super) taken_over: Stored,
    /// What to remember.
    pub(super) outcome: Option<NewState>,
    pub(super) warnings: Vec<String>,
}

pub(super) struct Pipeline {
    work_items: Option<Sender<(u64, WorkItem)>>,
    tokens: Receiver<()>,
    next: u64,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    done: Receiver<Made>,
    process: u32,
}

impl Pipeline {
    pub(super) fn start(settings: Settings, writer: Arc<SetWriter>, shared: Arc<Shared>) -> Self {
        let workers = settings.workers.max(1);
        let in_flight = workers + 2;
        let (units_in, units_out) = bounded::<(u64, WorkItem)>(workers);
        let (tokens_in, tokens_out) = bounded(in_flight);
        for _ in 0..in_flight {
            tokens_in.send(()).expect("the channel has room for all tokens");
        }
        let (packed_in, packed_out) = bounded(in_flight);
        let (spare_in, spare_out) = bounded(in_flight);
        let (done_in, done_out) = bounded(1);
        let mut threads = Vec::new();
        for _ in 0..workers {
            let (work_items, packed, spare) = (units_out.clone(), packed_in.clone(), spare_out.clone());
            let (own, level, key) = (shared.clone(), settings.level, settings.naming_key.clone());
            let body = move || work(level, &key, &work_items, &packed, &spare, &own);
            threads.push(thread("azs-backup-read", &shared, body));
        }
        let returns = Returns { tokens: tokens_in, spare: spare_in };
        let packer_shared = shared.clone();
        let mut settings = Some(settings);
        threads.push(thread("azs-backup-pack", &shared, move || {
            let settings = settings.take().expect("a thread runs once");
            let stored = Packer::run(settings, &writer, &packer_shared, &packed_out, &returns)?;
            let _ = done_in.send(stored);
            Ok(())
        }));
        Self {
            work_items: Some(units_in),
            tokens: tokens_out,
            next: 0,
            shared,
            threads,
            done: done_out,
            process: std::process::id(),
        }
    }

    /// Passes a work item to the workers; waits for room, calling `tick` about ten times a second.
    pub(super) fn send(&mut self, work_item: WorkItem, tick: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        tick()?;
        while self.tokens.recv_timeout(TICK).is_err() {
            self.check()?;
            tick()?;
        }
        let work_items = self
            .work_items
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a finished backup got a unit"))?;
        let mut job = (self.next, work_item);
        self.next += 1;
        loop {
            self.check()?;
            match work_items.send_timeout(job, TICK) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(self.shared.failure()),
            }
            tick()?;
        }
    }

    /// Returns the failure that stopped the threads, if one did.
    pub(super) fn check(&self) -> Result<()> {
        if self.shared.is_stopped() { Err(self.shared.failure()) } else { Ok(()) }
    }

    /// Waits until everything that was sent is stored.
    pub(super) fn finish(&mut self, tick: &mut dyn FnMut() -> Result<()>) -> Result<Made> {
        self.work_items = None;
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

    /// Stops all threads, whatever they are doing, and returns them to wait for; `None` in a forked process, which has
    /// none of them.
    pub(super) fn end(&mut self) -> Option<Vec<JoinHandle<()>>> {
        if self.process != std::process::id() {
            self.leave();
            return None;
        }
        self.shared.stop.store(true, Ordering::Release);
        self.work_items = None;
        Some(std::mem::take(&mut self.threads))
    }

    /// A forked process has none of the threads, and what they had locked when it began stays locked in it.
    fn leave(&mut self) {
        std::mem::forget(self.work_items.take());
        std::mem::forget(std::mem::replace(&mut self.tokens, crossbeam_channel::never()));
        std::mem::forget(std::mem::replace(&mut self.done, crossbeam_channel::never()));
        std::mem::forget(std::mem::take(&mut self.threads));
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
        for thread in self.end().into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

/// Starts a thread whose failure or panic becomes the backup's failure.
///
/// The failure is recorded before the thread drops its channel ends, so anyone who finds a channel closed also finds
/// the failure.
pub(super) fn thread(
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
    key: &zeroize::Zeroizing<[u8; 32]>,
    work_items: &Receiver<(u64, WorkItem)>,
    packed: &Sender<(u64, Packed)>,
    spare: &Receiver<Vec<u8>>,
    shared: &Shared,
) -> Result<()> {
    let mut worker = Worker::new(level, key.clone()).map_err(|e| Error::io("compress", e))?;
    for (number, work_item) in work_items {
        if shared.is_stopped() {
            break;
        }
        let frames = spare.try_recv().unwrap_or_default();
        let result = worker.pack(number, work_item, frames, shared)?;
        if packed.send((number, result)).is_err() {
            break;
        }
    }
    Ok(())
}
