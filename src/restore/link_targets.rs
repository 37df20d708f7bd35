//! The files that links and copies lead to, and what became of each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::set::{Content, Digest, EntryPath, Metadata, Mtime};

/// The files that links and copies lead to, and what became of each.
#[derive(Default)]
pub(super) struct LinkTargets(HashMap<EntryPath, Mutex<LinkTarget>>);

#[derive(Clone, Default)]
pub(super) struct LinkTarget {
    pub(super) fate: Fate,
    /// What an existing link to it should be like.
    pub(super) facts: Option<(u64, Option<Mtime>, Option<Digest>)>,
}

/// What became of a file.
#[derive(Clone, Debug, Default)]
pub(super) enum Fate {
    /// It has not been seen.
    #[default]
    Unseen,
    /// This restore wrote it, under this name.
    Written(EntryPath),
    /// It existed, or the target refused it.
    NotWritten,
    /// The set has lost it.
    Lost,
}

impl LinkTargets {
    pub(super) fn add(&mut self, path: &EntryPath) {
        if !self.0.contains_key(path) {
            self.0.insert(path.clone(), Mutex::default());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn with<T>(&self, path: &EntryPath, look: impl FnOnce(&mut LinkTarget) -> T) -> Option<T> {
        let first = self.0.get(path)?;
        Some(look(&mut first.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Records what a file is like.
    pub(super) fn describe(&self, path: &EntryPath, content: &Content, size: u64, metadata: &Metadata) {
        let digest = if let Content::File { sha256, .. } = content { Some(*sha256) } else { None };
        self.with(path, |first| first.facts = Some((size, metadata.mtime, digest)));
    }

    /// Returns the size of a file, if it was recorded.
    pub(super) fn size(&self, path: &EntryPath) -> Option<u64> {
        self.with(path, |first| first.facts.map(|(size, ..)| size)).flatten()
    }

    /// Records what became of a file. Once written, it stays written.
    pub(super) fn note(&self, path: &EntryPath, fate: Fate) {
        self.with(path, |first| {
            if !matches!(first.fate, Fate::Written(_)) {
                first.fate = fate;
            }
        });
    }

    pub(super) fn get(&self, path: &EntryPath) -> LinkTarget {
        self.with(path, |first| first.clone()).unwrap_or_default()
    }

    pub(super) fn forget(&self, path: &EntryPath) {
        self.with(path, |first| first.fate = Fate::Unseen);
    }
}
