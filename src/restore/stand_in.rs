//! The name under which a link gets the content of a file that is not restored.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use crate::set::{Content, Entry, EntryPath, Metadata};

/// The name under which the content of a link or copy is restored if the file that it leads to is not.
#[derive(Clone, Debug)]
pub(super) struct StandIn {
    pub(super) path: EntryPath,
    /// A copy's own metadata. A hard link has the file's.
    pub(super) metadata: Option<Metadata>,
}

impl StandIn {
    pub(super) fn new(entry: &Entry) -> Self {
        let is_copy = matches!(entry.content, Content::Copy { .. });
        Self { path: entry.path.clone(), metadata: is_copy.then(|| entry.metadata.clone()) }
    }

    /// Prefers the first hard link, which others can link to; otherwise uses the first copy.
    pub(super) fn choose(self, stand_ins: &mut HashMap<EntryPath, StandIn>, target: EntryPath) {
        match stand_ins.entry(target) {
            Occupied(mut chosen) if chosen.get().metadata.is_some() && self.metadata.is_none() => {
                chosen.insert(self);
            }
            Occupied(_) => {}
            Vacant(place) => drop(place.insert(self)),
        }
    }
}
