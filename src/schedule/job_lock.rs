//! Whether a job that began is still running: while its process lives, it holds a lock on a file beside the log.
//!
//! The operating system releases the lock when the process ends, however it ends. A process ID would not do: it may
//! belong to another process by then.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::file_lock::FileLock;
use crate::set::Digest;

/// The process that runs a job, as recorded in the log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Process {
    /// The name of its host.
    pub host: String,
    /// Its process ID there.
    pub id: u32,
}

impl Process {
    /// Whether it is on this host, so that its lock can be tested.
    pub(super) fn is_here(&self) -> bool {
        self.host == host()
    }
}

/// The locks that this process holds, for the jobs that it began and has not ended.
static HELD: Mutex<Option<HashMap<PathBuf, FileLock>>> = Mutex::new(None);

fn with_held<T>(work: impl FnOnce(&mut HashMap<PathBuf, FileLock>) -> T) -> T {
    work(HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Takes the lock of a job that begins, and keeps it until [`release`]; `None` if the folder has no locks.
///
/// # Errors
/// `WouldBlock` when another process runs a job with the same ID.
pub(super) fn hold(log: &Path, job: &str) -> io::Result<Option<Process>> {
    let path = lock_file(log, job);
    let process = Process { host: host(), id: std::process::id() };
    with_held(|held| {
        if held.contains_key(&path) {
            return Ok(Some(process));
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match FileLock::take(file) {
            Ok(lock) => {
                held.insert(path, lock);
                Ok(Some(process))
            }
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    })
}

/// Releases the lock of a job that ended.
pub(super) fn release(log: &Path, job: &str) {
    let path = lock_file(log, job);
    // Delete a dead process's file, too: nobody tests the lock of a job that ended.
    let _ = std::fs::remove_file(&path);
    with_held(|held| drop(held.remove(&path)));
}

/// Whether some process of this host holds the lock of this job; `None` if that is unknown.
pub(super) fn is_held(log: &Path, job: &str) -> Option<bool> {
    match File::open(lock_file(log, job)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
        Ok(file) => FileLock::is_taken(&file).ok(),
    }
}

/// Returns the path of a lock beside the log. Hash the ID: it may be any text, and a file name may not.
fn lock_file(log: &Path, job: &str) -> PathBuf {
    let mut name = log.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.lock", Digest::of(job.as_bytes()).front()));
    log.with_file_name(name)
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
