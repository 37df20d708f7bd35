//! What a share holds of a set that is being written: does it have all that it acknowledged, and nothing else?

use std::collections::HashMap;
use std::time::Duration;

use super::cover;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Name, SharePath};
use crate::share::{Item, ItemKind, Share, concerning, joined};
use crate::worker_pool::join;

/// Waits in milliseconds before each attempt to remove what failed writes left behind.
pub(super) const SWEEPS: [u64; 6] = [0, 100, 200, 400, 800, 1600];

/// The folder of a set that is being written.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) share: &'a dyn Share,
    pub(crate) folder: &'a SharePath,
}

impl Held<'_> {
    /// Makes sure that the share has these files, and that they survive a power cut; removes what is left beside them.
    /// Returns what stays all the same.
    pub(crate) fn flush_and_check(
        self,
        files: &HashMap<&str, u64>,
        is_left: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let (flushed, checked) = join(|| self.share.flush(self.folder), || self.check(files, is_left));
        checked.and_then(|left| flushed.map(|()| left))
    }

    /// Checks that the share has what it acknowledged, at full length, and removes what is left beside it.
    fn check(self, files: &HashMap<&str, u64>, is_left: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let list = || -> Result<(Vec<Item>, Vec<String>)> {
            let items = self.share.list(self.folder)?;
            let left = files_of_a_set(&items).filter(|item| is_left(&item.name));
            let left = left.map(|item| item.name.clone()).collect();
            Ok((items, left))
        };
        let (mut items, mut left) = list()?;
        // A broken connection may hold its file open for a moment. If the file stays after all, it belongs to no set,
        // and verification reports it.
        for pause in SWEEPS {
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(pause));
            left.iter().for_each(|name| _ = self.remove(name));
            (items, left) = list()?;
        }
        let there: HashMap<String, u64> = items.into_iter().map(|item| (item.name, item.length)).collect();
        match files.iter().filter(|(name, length)| there.get(**name) != Some(length)).min() {
            None => Ok(left),
            Some((name, length)) => {
                let message = format!(
                    "the share acknowledged {name} ({length} bytes) but does not have it whole; check the share and \
                     try again"
                );
                let folder = joined(self.share.describe(), self.folder);
                Err(concerning(Error::new(ErrorKind::Damaged, message), "write", folder, self.folder))
            }
        }
    }

    /// Removes a file that the set turns out not to need; returns whether it is gone. Tries twice: another file may get its
    /// name.
    pub(super) fn remove(self, name: &str) -> bool {
        let Ok(name) = Name::new(name) else { return true };
        let path = self.folder.join(name);
        let removed = self.share.remove(&path).or_else(|_| self.share.remove(&path));
        removed.map_or_else(|e| e.kind() == ErrorKind::NotFound, |()| true)
    }

    /// Removes what was listed of a set that has no cover sheet, and its folder. What belongs to no set stays.
    pub(crate) fn remove_all(self, items: &[Item]) {
        for item in files_of_a_set(items) {
            if let Ok(name) = Name::new(item.name.as_str()) {
                let _ = self.share.remove(&self.folder.join(name));
            }
        }
        let _ = self.share.remove_folder(self.folder);
    }
}

/// The files that belong to a set; nobody writes folders.
pub(super) fn files_of_a_set(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| item.kind == ItemKind::File && cover::is_file_of_a_set(&item.name))
}
