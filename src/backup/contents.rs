//! Contents that this run has stored: a file with one of them is a copy, and not stored again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::set::extents::Extent;
use crate::set::{Entry, EntryPath};

/// Where a content stands in the segments, padding included: known once its first file is placed in one, which is
/// before any of its copies is.
pub(super) type ContentPlace = Arc<OnceLock<Vec<Extent>>>;

/// What this run knows of a small file's content.
pub(super) enum Small {
    /// Nothing, and it is not remembered.
    Unknown,
    /// It is the first: where it comes to stand is to be told here.
    First(ContentPlace),
    /// That file has it.
    CopyOf(EntryPath, ContentPlace),
}

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
    place: ContentPlace,
}

impl Contents {
    /// What is known of a small file's content; if nothing is, it is the first that has it.
    pub(super) fn small(&self, entry: &Entry, digest: [u8; 16], unit: u64) -> Small {
        if entry.size() < WORTH_IT {
            return Small::Unknown;
        }
        let mut small = lock(&self.small);
        match small.get(&digest) {
            Some(first) if first.unit <= unit && first.path != entry.path => {
                return Small::CopyOf(first.path.clone(), first.place.clone());
            }
            // Read before it, but stands behind it.
            Some(_) => {}
            None if small.len() >= MAX => return Small::Unknown,
            None => {}
        }
        let place = ContentPlace::default();
        small.insert(digest, Stored { unit, path: entry.path.clone(), place: place.clone() });
        Small::First(place)
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
    pub(super) fn end_large(&self, size: u64, stored: Option<(&EntryPath, [u8; 16], Vec<Extent>)>) {
        let mut large = lock(&self.large);
        let Some(of_size) = large.get_mut(&size) else { return };
        of_size.ended += 1;
        if let Some((path, digest, content)) = stored
            && of_size.stored.len() < MAX_OF_A_SIZE
        {
            let place = Arc::new(OnceLock::from(content));
            of_size.stored.push((digest, Stored { unit: 0, path: path.clone(), place }));
        }
    }

    /// The file that a large one is a copy of; while some of its size are not done but this one, nothing is known.
    pub(super) fn large(&self, size: u64, digest: [u8; 16]) -> Option<Option<(EntryPath, ContentPlace)>> {
        let large = lock(&self.large);
        let of_size = large.get(&size)?;
        let first = of_size.stored.iter().find(|(known, _)| *known == digest);
        match first {
            Some((_, first)) => Some(Some((first.path.clone(), first.place.clone()))),
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
