//! What all threads of a run have in common: its settings, what earlier sets have, its counts and its first failure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;

use super::dedup::Dedup;
use super::state::journal::Journal;
use super::state::{IndexPiece, NewState, State};
use crate::envelope::CertificateFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::observer::Progress;
use crate::set::record::StoredFile;
use crate::set::writer::{Finished, SetWriter};
use crate::set::{Counts, CoverSheet, Problem, Status, Stored};
use crate::stop::Stop;

pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) level: i32,
    /// Most bytes of one stored segment.
    pub(super) segment_size: usize,
    pub(super) naming_key: zeroize::Zeroizing<[u8; 32]>,
    /// This host's state, if there is any.
    pub(super) state: Option<Arc<State>>,
    /// What an interrupted run stored.
    pub(super) interrupted: Option<Journal>,
    /// What earlier sets have.
    pub(super) earlier: Earlier,
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
    stop: Stop,
    error: Mutex<Option<Error>>,
    pub(super) files: AtomicU64,
    pub(super) bytes: AtomicU64,
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
        self.stop.is_set()
    }

    pub(super) fn stop(&self) {
        self.stop.set();
    }

    /// Keeps the first failure and stops all threads, also one that waits for the share.
    pub(super) fn fail(&self, error: Error) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop();
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
    /// Segments that the new set already has.
    pub(super) segments: HashMap<u32, StoredFile>,
    /// The segments among them that belong to one large file alone.
    pub(super) whole: BTreeSet<u32>,
    pub(super) pieces: Vec<IndexPiece>,
    pub(super) next_segment: u32,
    pub(super) next_piece: u32,
    pub(super) next_table: u32,
}

/// A set as the threads have stored it, ready to be committed.
pub(super) struct StoredSet {
    /// Everything that the set stores, in the order of `SHA256SUMS`.
    pub(super) files: Vec<StoredFile>,
    /// The cover sheet, except for what is stored.
    pub(super) cover: CoverSheet,
    /// Number of previous entries that were taken up and have ended.
    pub(super) ended: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) stored: Stored,
    pub(super) taken_over: Stored,
    /// What to remember for the next run; `None` if this host cannot.
    pub(super) state: Option<NewState>,
    pub(super) warnings: Vec<String>,
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
        let run = std::panic::AssertUnwindSafe(|| shared.stop.run(&mut body));
        match std::panic::catch_unwind(run) {
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
