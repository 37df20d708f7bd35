//! Which entries are wanted: all, or those that match patterns.

use std::collections::HashMap;

use ignore::gitignore::Gitignore;

use super::link_targets::LinkTargets;
use super::stand_in::StandIn;
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::set::filter::LineFilter;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Content, EntryPath, Metadata};

/// What to restore.
#[derive(Default)]
pub(super) struct Selection {
    wanted: Wanted,
    /// For each pattern, a text that every path it matches contains.
    texts: Vec<String>,
    /// Patterns that have matched nothing so far, each by itself.
    unmatched: Vec<(String, Gitignore)>,
    /// Files not wanted themselves whose content a wanted link or copy has: restored under that name.
    stand_ins: HashMap<EntryPath, StandIn>,
}

#[derive(Default)]
enum Wanted {
    #[default]
    All,
    Matching(Gitignore),
    /// Only the stand-ins.
    StandIns,
}

impl Selection {
    pub(super) fn new(patterns: &[String]) -> Result<Self> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self {
            wanted: Wanted::Matching(crate::patterns::compile(patterns)?),
            texts: patterns.iter().map(|pattern| crate::patterns::text_in(pattern).to_owned()).collect(),
            unmatched: crate::patterns::each(patterns)?,
            stand_ins: HashMap::new(),
        })
    }

    /// Selects only the content of these files, under other names.
    pub(super) fn of_stand_ins(stand_ins: HashMap<EntryPath, StandIn>) -> Self {
        Self { wanted: Wanted::StandIns, stand_ins, ..Self::default() }
    }

    /// Reads the index once. Returns the files that wanted links and copies lead to, and chooses stand-ins for those
    /// that are not wanted themselves.
    pub(super) fn find_links(
        &mut self,
        set: &Set,
        opener: &Opener,
        catalog: &Catalog,
    ) -> Result<LinkTargets> {
        let mut firsts = LinkTargets::default();
        let mut found = matches!(self.wanted, Wanted::All);
        let filter = if found { LineFilter::new(LINK_KINDS) } else { self.filter() };
        let mut records = set.records(opener, catalog, filter);
        loop {
            let record = match records.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                // The pass that restores will find and judge it.
                Err(unread) if unread.is_loss() => continue,
                Err(unread) => return Err(unread.error),
            };
            let Record::Entry(entry) = record else { continue };
            let is_folder = matches!(entry.content, Content::Folder);
            self.unmatched.retain(|(_, pattern)| !is_match(pattern, &entry.path, is_folder));
            if !self.matches(&entry.path, is_folder) {
                continue;
            }
            found = true;
            if let Content::Copy { target, .. } | Content::HardLink { target } = &entry.content {
                firsts.add(target);
                if !self.matches(target, false) {
                    StandIn::new(&entry).choose(&mut self.stand_ins, target.clone());
                }
            }
        }
        if found {
            Ok(firsts)
        } else {
            Err(Error::new(ErrorKind::NotFound, "no entry of the set matches the patterns"))
        }
    }

    /// Returns the patterns that match nothing in the set.
    pub(super) fn unmatched(&self) -> Vec<String> {
        self.unmatched.iter().map(|(pattern, _)| pattern.clone()).collect()
    }

    /// Passes the index lines that may be wanted.
    pub(super) fn filter(&self) -> LineFilter {
        if matches!(self.wanted, Wanted::All) {
            return LineFilter::default();
        }
        let stand_ins = self.stand_ins.keys().map(EntryPath::as_bytes);
        LineFilter::new(self.texts.iter().map(String::as_bytes).chain(stand_ins))
    }

    /// Does the same, for links and copies only.
    pub(super) fn filter_of_links(&self) -> LineFilter {
        if matches!(self.wanted, Wanted::All) { LineFilter::new(LINK_KINDS) } else { self.filter() }
    }

    pub(super) fn matches(&self, path: &EntryPath, is_folder: bool) -> bool {
        match &self.wanted {
            Wanted::All => true,
            Wanted::Matching(patterns) => is_match(patterns, path, is_folder),
            Wanted::StandIns => false,
        }
    }

    /// Returns where to restore an entry; `None` if it is not wanted.
    pub(super) fn place(&self, path: &EntryPath, is_folder: bool) -> Option<EntryPath> {
        if self.matches(path, is_folder) {
            Some(path.clone())
        } else {
            self.stand_ins.get(path).map(|stand_in| stand_in.path.clone())
        }
    }

    /// Returns what is restored in place of this file.
    pub(super) fn stand_in(&self, path: &EntryPath) -> Option<&StandIn> {
        self.stand_ins.get(path)
    }

    /// Returns the metadata to restore an entry with.
    pub(super) fn metadata<'a>(&'a self, path: &EntryPath, own: &'a Metadata) -> &'a Metadata {
        self.stand_ins.get(path).and_then(|stand_in| stand_in.metadata.as_ref()).unwrap_or(own)
    }
}

/// Texts that the lines of links and copies contain.
const LINK_KINDS: [&str; 2] = [r#""hard_link""#, r#""copy""#];

fn is_match(patterns: &Gitignore, path: &EntryPath, is_folder: bool) -> bool {
    let text = String::from_utf8_lossy(path.as_bytes());
    patterns.matched_path_or_any_parents(&*text, is_folder).is_ignore()
}
