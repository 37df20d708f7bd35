//! Contents that this run has stored: a file with one of them is a copy, and not stored again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::set::{Entry, EntryPath, Metadata};

#[derive(Default)]
pub(super) struct Contents {
    small: Mutex<HashMap<[u8; 16], Stored>>,
    /// By size, since that is known before the content is.
    large: Mutex<HashMap<u64, Large>>,
}

/// Large files of one size.
#[derive(Default)]
struct Large {
    /// Those that are to be stored, and those that have been.
    begun: u32,
    ended: u32,
    /// The digest of each content, and the first file that has it.
    stored: Vec<([u8; 16], Stored)>,
}

/// The first file that has a content.
struct Stored {
    /// The unit that it is in: only what comes behind it can be its copy.
    unit: u64,
    path: EntryPath,
    owner: Owner,
}

/// What a copy has in common with its file, so that recovery by hand gets it right with the content.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Owner(Option<u32>, Option<u32>, Option<u32>);

impl Owner {
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.xattrs.is_empty().then_some(Self(metadata.mode, metadata.uid, metadata.gid))
    }
}

impl Contents {
    /// The file that a small one is a copy of; if there is none yet, it is the one.
    pub(super) fn small(&self, entry: &Entry, digest: [u8; 16], unit: u64) -> Option<EntryPath> {
        if entry.size() < WORTH_IT || entry.stored_as.is_some() {
            return None;
        }
        let owner = Owner::of(&entry.metadata)?;
        let mut small = lock(&self.small);
        match small.get(&digest) {
            Some(first) if first.unit <= unit && first.path != entry.path => {
                return (first.owner == owner).then(|| first.path.clone());
            }
            // Read before it, but stands behind it.
            Some(_) => {}
            None if small.len() >= MAX => return None,
            None => {}
        }
        small.insert(digest, Stored { unit, path: entry.path.clone(), owner });
        None
    }

    /// Notes that a large file of this size is to be stored whole; says whether there was one before.
    pub(super) fn begin_large(&self, size: u64) -> bool {
        let mut large = lock(&self.large);
        if large.len() >= MAX && !large.contains_key(&size) {
            return false;
        }
        let of_size = large.entry(size).or_default();
        of_size.begun += 1;
        of_size.begun > 1
    }

    /// Notes that it was, if it was, with its digest.
    pub(super) fn end_large(&self, size: u64, stored: Option<(&EntryPath, &Metadata, [u8; 16])>) {
        let mut large = lock(&self.large);
        let Some(of_size) = large.get_mut(&size) else { return };
        of_size.ended += 1;
        if let Some((path, metadata, digest)) = stored
            && let Some(owner) = Owner::of(metadata)
            && of_size.stored.len() < MAX_OF_A_SIZE
        {
            of_size.stored.push((digest, Stored { unit: 0, path: path.clone(), owner }));
        }
    }

    /// The file that a large one is a copy of; while some of its size are not done but this one, nothing is known.
    pub(super) fn large(
        &self,
        size: u64,
        metadata: &Metadata,
        digest: [u8; 16],
    ) -> Option<Option<EntryPath>> {
        let large = lock(&self.large);
        let of_size = large.get(&size)?;
        let owner = Owner::of(metadata);
        let first =
            of_size.stored.iter().find(|(known, first)| *known == digest && Some(first.owner) == owner);
        match first {
            Some((_, first)) => Some(Some(first.path.clone())),
            None if of_size.ended + 1 < of_size.begun => None,
            None => Some(None),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Smaller files cost less in their bundle than a line that says where they are.
const WORTH_IT: u64 = 4096;
/// Contents that are remembered: some 10 MB of paths.
const MAX: usize = 50_000;
const MAX_OF_A_SIZE: usize = 100;
