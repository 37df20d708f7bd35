//! Which stored files are held by how many sets: sets may share segments by hard link, and a file's bytes are there once.

use std::collections::HashMap;

use super::candidate::Candidate;
use crate::set::FileKey;

/// How many sets hold each stored file.
#[derive(Default)]
pub(crate) struct Held(HashMap<FileKey, u32>);

impl Held {
    /// Counts a set in; gives the bytes of it that no set before it held.
    ///
    /// A set of which no files are known, for it was made of JSON, is taken to share nothing.
    pub(crate) fn add(&mut self, set: &Candidate) -> u64 {
        let Some(files) = set.files() else { return set.bytes };
        let mut bytes = 0_u64;
        for file in files {
            let count = self.0.entry(*file).or_default();
            *count += 1;
            if *count == 1 {
                bytes = bytes.saturating_add(file.bytes);
            }
        }
        bytes
    }

    /// Counts a set out again; gives the bytes of it that no other set holds.
    pub(crate) fn remove(&mut self, set: &Candidate) -> u64 {
        let Some(files) = set.files() else { return set.bytes };
        let mut bytes = 0_u64;
        for file in files {
            let Some(count) = self.0.get_mut(file) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(file);
                bytes = bytes.saturating_add(file.bytes);
            }
        }
        bytes
    }
}
