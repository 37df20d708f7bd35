//! A lock on a file, which this process holds until it is dropped.
//!
//! The operating system releases it when the process ends, however it ends.

use std::fs::{File, TryLockError};

/// An exclusive lock.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    /// The process that took it. A forked child has a copy of this, and must not release it.
    process: u32,
}

impl FileLock {
    /// Takes the lock of this file.
    ///
    /// # Errors
    /// `WouldBlock` when another process or handle has it.
    pub(crate) fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self { file, process: std::process::id() })
    }

    /// Whether somebody has the lock of this file.
    ///
    /// # Errors
    /// When the file system has no locks.
    pub(crate) fn is_taken(file: &File) -> std::io::Result<bool> {
        // A shared lock: two that test at once do not mistake each other for an owner.
        match file.try_lock_shared() {
            Ok(()) => {
                // It was free, whatever this says: wine 8 reports that a file which was locked once is not locked twice.
                let _ = file.unlock();
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file would not do: a child that was forked meanwhile has it open, too, be it that another thread is
        // starting a program.
        if self.process == std::process::id() {
            let _ = self.file.unlock();
        }
    }
}
