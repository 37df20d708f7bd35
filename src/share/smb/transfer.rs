//! What passes from one connection to the next: a call that a used-up connection could not finish goes on with it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::failure::Failure;
use super::pool::Attempt;
use crate::error::ErrorKind;
use crate::layout::unfinished_name;

/// A file that is being written, under names for each attempt: the server may still write to what a broken connection
/// left. Listings show these files as belonging to no set, and retention deletes them.
#[derive(Clone)]
pub(super) struct Upload {
    /// The folder, with a backslash at its end, and the name that the file is to get.
    folder: String,
    name: String,
    state: Arc<Mutex<Uploaded>>,
}

#[derive(Default)]
struct Uploaded {
    used: BTreeSet<String>,
    /// The file that is being written, and how many of its bytes are there.
    begun: Option<(String, usize)>,
    /// Lost connections that were heard of, and whether it was looked at what they left.
    losses: u32,
    is_in_doubt: bool,
}

impl Upload {
    pub(super) fn new(folder: String, name: String) -> Self {
        Self { folder, name, state: Arc::default() }
    }

    /// Draws a new name for a new file.
    pub(super) fn name(&self) -> Result<String, Failure> {
        let mut random = [0; 4];
        openssl::rand::rand_bytes(&mut random)
            .map_err(|e| Failure::other(ErrorKind::Internal, format!("draw a name: {e}")))?;
        let name = unfinished_name(&self.name, Some(u32::from_be_bytes(random)));
        let part = format!("{}{name}", self.folder);
        lock(&self.state).used.insert(part.clone());
        Ok(part)
    }

    /// Records that the file of this name was created.
    pub(super) fn begin(&self, part: String) {
        lock(&self.state).begun = Some((part, 0));
    }

    /// Records that what was begun is deleted: the next attempt begins anew.
    pub(super) fn begin_anew(&self) {
        lock(&self.state).begun = None;
    }

    /// The file to go on with, and how much of it is there.
    pub(super) fn begun(&self) -> Option<(String, usize)> {
        lock(&self.state).begun.clone()
    }

    /// Records how much is there.
    pub(super) fn reached(&self, bytes: usize) {
        if let Some((_, done)) = &mut lock(&self.state).begun {
            *done = bytes;
        }
    }

    /// Whether a connection was lost, and nobody has looked since at what it left.
    pub(super) fn is_in_doubt(&self, attempt: Attempt) -> bool {
        let mut state = lock(&self.state);
        if attempt.losses > state.losses {
            *state = Uploaded {
                used: std::mem::take(&mut state.used),
                begun: None,
                losses: attempt.losses,
                is_in_doubt: true,
            };
        }
        state.is_in_doubt
    }

    /// Records that what was lost is not there: the file is to be written anew.
    pub(super) fn clear_doubt(&self) {
        lock(&self.state).is_in_doubt = false;
    }

    /// The names of files that may be left.
    pub(super) fn used(&self) -> BTreeSet<String> {
        lock(&self.state).used.clone()
    }
}

/// A file that is being read.
#[derive(Clone, Default)]
pub(super) struct Download {
    /// Its bytes, and how many of them were read.
    kept: Arc<Mutex<(Vec<u8>, usize)>>,
}

impl Download {
    /// Returns a buffer for a file of this size, and how much of it was read already.
    pub(super) fn take(&self, size: usize) -> (Vec<u8>, usize) {
        match std::mem::take(&mut *lock(&self.kept)) {
            (content, done) if content.len() == size => (content, done),
            _ => (vec![0; size], 0),
        }
    }

    pub(super) fn keep(&self, content: Vec<u8>, done: usize) {
        *lock(&self.kept) = (content, done);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
