//! Counts how many sets hold each stored file: sets may share segments by hard link, and then a file's bytes exist
//! once.

use std::collections::HashMap;

use super::candidate::Candidate;
use crate::set::FileKey;

/// How many sets hold each stored file.
#[derive(Default)]
pub(crate) struct SharedFiles(HashMap<FileKey, u32>);

impl SharedFiles {
    /// Adds a set; returns how many of its bytes no set before it held.
    ///
    /// A set made from JSON has no known files and counts as sharing nothing.
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

    /// Removes a set; returns how many of its bytes no other set holds.
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
