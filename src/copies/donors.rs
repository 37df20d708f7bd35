//! Where the other share already holds a stored file: sets of one place mostly consist of the same files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Result, Scope};
use crate::layout::{Name, SharePath};
use crate::set::{Digest, FileKey, Set, SetSummary};
use crate::share::{Item, Share};

/// The copies of one place at the other share, complete or not.
#[derive(Default)]
pub(super) struct Donors(Vec<Donor>);

struct Donor {
    /// The folder of the copy.
    folder: SharePath,
    /// The folder of the set at the first share, as long as the copy is not complete.
    begun_from: Option<SharePath>,
    files: Arc<[FileKey]>,
}

/// A file that the other share holds.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) path: SharePath,
    /// Whether it was ever compared. A run that was cut off may not have come to that.
    pub(super) is_compared: bool,
}

impl Donors {
    /// Adds a set that is complete at the other share.
    pub(super) fn add(&mut self, folder: SharePath, set: &SetSummary) {
        self.0.push(Donor { folder, begun_from: None, files: set.files.clone() });
    }

    /// Adds a set of the first share of which the other share has a part.
    pub(super) fn add_begun(&mut self, folder: SharePath, set: &SetSummary) {
        self.0.push(Donor { folder, begun_from: Some(set.folder.clone()), files: set.files.clone() });
    }

    /// Finds these files in the copies. It reads `SHA256SUMS` of as few sets as hold them.
    pub(super) fn find<'f>(
        &self,
        [from, to]: [&Arc<dyn Share>; 2],
        files: impl Iterator<Item = (&'f Digest, u64)>,
    ) -> Result<HashMap<Digest, Found>> {
        let mut wanted: HashSet<FileKey> = files.map(|(digest, bytes)| FileKey::of(digest, bytes)).collect();
        let mut left: Vec<_> = self.0.iter().collect();
        let mut found = HashMap::new();
        while !wanted.is_empty() {
            let hits = |donor: &Donor| donor.files.iter().filter(|file| wanted.contains(file)).count();
            // What was compared is better than what may have been.
            let best = left.iter().enumerate();
            let best = best.map(|(at, donor)| (hits(donor), donor.begun_from.is_none(), at)).max();
            let Some((1.., _, at)) = best else { break };
            match left.swap_remove(at).look([from, to], &mut wanted, &mut found) {
                Err(e) if e.scope() != Scope::Object => return Err(e),
                _ => {}
            }
        }
        Ok(found)
    }
}

impl Donor {
    /// Moves what the copy holds from `wanted` to `found`.
    fn look(
        &self,
        [from, to]: [&Arc<dyn Share>; 2],
        wanted: &mut HashSet<FileKey>,
        found: &mut HashMap<Digest, Found>,
    ) -> Result<()> {
        let items = to.list(&self.folder)?;
        let set = match &self.begun_from {
            None => Set::open_listed(to.clone(), self.folder.clone(), &items)?,
            Some(folder) => Set::open(from.clone(), folder.clone())?,
        };
        let there: HashMap<&str, &Item> = items.iter().map(|item| (item.name.as_str(), item)).collect();
        for (name, digest) in set.sums() {
            let Some(item) = there.get(name.as_str()) else { continue };
            if wanted.remove(&FileKey::of(digest, item.length)) {
                let path = self.folder.join(Name::new(name.as_str())?);
                found.insert(*digest, Found { path, is_compared: self.begun_from.is_none() });
            }
        }
        Ok(())
    }
}
