//! Checks that each hard link and copy leads to a file of the set, for a full verification.

use std::collections::HashSet;

use super::Loss;
use super::link_targets::LinkTargets;
use super::select::Selection;
use crate::envelope::Opener;
use crate::error::Result;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Content, EntryPath};

/// The files that links and copies lead to, and the links and copies that lead nowhere.
pub(super) struct Linked {
    firsts: LinkTargets,
    losses: Vec<Loss>,
}

impl Linked {
    /// Reads the index once to find what links and copies lead to. This takes memory for each of them, but not for
    /// every file.
    pub(super) fn find(set: &Set, opener: &Opener, catalog: &Catalog) -> Result<Self> {
        let firsts = Selection::default().find_links(set, opener, catalog)?;
        Ok(Self { firsts, losses: Vec::new() })
    }

    /// Records a file, and checks a link or copy against what was listed before it.
    pub(super) fn note(&mut self, catalog: &Catalog, record: &Record) {
        let Record::Entry(entry) = record else { return };
        match &entry.content {
            Content::File { size, .. } => {
                self.firsts.describe(&entry.path, &entry.content, *size, &entry.metadata);
            }
            Content::LargeFile { size, .. } => {
                let size = catalog.change(entry).map_or(*size, |change| change.size);
                self.firsts.describe(&entry.path, &entry.content, size, &entry.metadata);
            }
            Content::HardLink { target } | Content::Copy { target, .. } => {
                let is_copy = matches!(entry.content, Content::Copy { .. });
                let what = match self.firsts.size(target) {
                    Some(size) if is_copy && size != entry.size() => {
                        format!("has {} bytes, and {target}, whose content it has, has {size}", entry.size())
                    }
                    Some(_) => return,
                    None => {
                        format!(
                            "has its content from {target}, which the index does not list before it as a file"
                        )
                    }
                };
                self.losses.push(Loss::damaged(entry.path.clone(), &what));
            }
            Content::Folder | Content::Symlink { .. } => {}
        }
    }

    /// Returns the links and copies that are lost, including those of lost files.
    pub(super) fn losses(
        mut self,
        set: &Set,
        opener: &Opener,
        catalog: &Catalog,
        lost: &[Loss],
    ) -> Result<Vec<Loss>> {
        let named: HashSet<EntryPath> =
            lost.iter().chain(&self.losses).filter_map(|loss| loss.path.clone()).collect();
        if !named.iter().any(|path| self.firsts.size(path).is_some()) {
            return Ok(self.losses);
        }
        let mut records = set.records(opener, catalog, Selection::default().filter_of_links());
        loop {
            let entry = match records.next() {
                Ok(Some(Record::Entry(entry))) => entry,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(self.losses),
                // Already reported.
                Err(unread) if unread.is_loss() => continue,
                Err(unread) => return Err(unread.error),
            };
            if let Content::HardLink { target } | Content::Copy { target, .. } = &entry.content
                && named.contains(target)
                && !named.contains(&entry.path)
            {
                let what = format!("has its content from {target}, which the set cannot give");
                self.losses.push(Loss::damaged(entry.path.clone(), &what));
            }
        }
    }
}
