//! Deduplicates what this run stores: a file with the same content as an earlier one becomes a copy, and is not stored
//! again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::set::extents::Extent;
use crate::set::{Entry, EntryPath};

/// Where a content is in the segments, including padding. It is set once the first file with it is placed in a segment,
/// before any of the copies are.
pub(super) type ContentPlace = Arc<OnceLock<Vec<Extent>>>;

/// What this run knows about a small file's content.
pub(super) enum Small {
    /// Nothing, and it will not be remembered.
    Unknown,
    /// It is the first: set its place here.
    First(ContentPlace),
    /// That file has the same.
    CopyOf(EntryPath, ContentPlace),
}

#[derive(Default)]
pub(super) struct Dedup {
    small: Mutex<HashMap<[u8; 16], FirstCopy>>,
    /// By size, which is known before the content is.
    large: Mutex<HashMap<u64, Large>>,
}

/// Large files of one size.
#[derive(Default)]
struct Large {
    /// Number of files to be stored, including those that have been.
    begun: u32,
    ended: u32,
    /// The digest of each content, and the first file that has it.
    stored: Vec<([u8; 16], FirstCopy)>,
}

/// The first file that has a content.
struct FirstCopy {
    /// The work item that contains it: only a later one can be its copy.
    work_item: u64,
    path: EntryPath,
    place: ContentPlace,
}

impl Dedup {
    /// Returns what is known about a small file's content; if nothing is, this file is the first with it.
    pub(super) fn small(&self, entry: &Entry, digest: [u8; 16], work_item: u64) -> Small {
        if entry.size() < WORTH_IT {
            return Small::Unknown;
        }
        let mut small = lock(&self.small);
        match small.get(&digest) {
            Some(first) if first.work_item <= work_item && first.path != entry.path => {
                return Small::CopyOf(first.path.clone(), first.place.clone());
            }
            // It was read earlier but comes later.
            Some(_) => {}
            None if small.len() >= MAX => return Small::Unknown,
            None => {}
        }
        let place = ContentPlace::default();
        small.insert(digest, FirstCopy { work_item, path: entry.path.clone(), place: place.clone() });
        Small::First(place)
    }

    /// Records that a large file of this size will be stored whole; returns whether there was one before.
    pub(super) fn begin_large(&self, size: u64) -> bool {
        let mut large = lock(&self.large);
        if large.len() >= MAX && !large.contains_key(&size) {
            return false;
        }
        let of_size = large.entry(size).or_default();
        of_size.begun += 1;
        of_size.begun > 1
    }

    /// Records that this is done, with the digest if the file was stored.
    pub(super) fn end_large(&self, size: u64, stored: Option<(&EntryPath, [u8; 16], Vec<Extent>)>) {
        let mut large = lock(&self.large);
        let Some(of_size) = large.get_mut(&size) else { return };
        of_size.ended += 1;
        if let Some((path, digest, content)) = stored
            && of_size.stored.len() < MAX_OF_A_SIZE
        {
            let place = Arc::new(OnceLock::from(content));
            of_size.stored.push((digest, FirstCopy { work_item: 0, path: path.clone(), place }));
        }
    }

    /// Returns the file that a large one is a copy of. The outer `None` means: unknown, since other files of this size
    /// are not done.
    pub(super) fn large(&self, size: u64, digest: [u8; 16]) -> Option<Option<(EntryPath, ContentPlace)>> {
        let large = lock(&self.large);
        let of_size = large.get(&size)?;
        let first = of_size.stored.iter().find(|(previous, _)| *previous == digest);
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
/// Most contents to remember: some 10 MB of paths.
const MAX: usize = 50_000;
const MAX_OF_A_SIZE: usize = 100;
