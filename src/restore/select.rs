//! Which entries are wanted: all, or those that patterns match.

use std::collections::HashMap;

use ignore::gitignore::Gitignore;

use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::set::filter::LineFilter;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Content, EntryPath};

/// What to restore.
pub(super) struct Selection {
    patterns: Option<Gitignore>,
    /// A text from each pattern that is in every path it matches.
    texts: Vec<String>,
    /// Files that are not wanted by name, but whose content a wanted hard link has: restored under the link's name.
    stand_ins: HashMap<EntryPath, EntryPath>,
}

impl Selection {
    pub(super) fn new(patterns: &[String]) -> Result<Self> {
        if patterns.is_empty() {
            return Ok(Self { patterns: None, texts: Vec::new(), stand_ins: HashMap::new() });
        }
        let texts = patterns.iter().map(|pattern| crate::patterns::text_in(pattern).to_owned()).collect();
        Ok(Self { patterns: Some(crate::patterns::compile(patterns)?), texts, stand_ins: HashMap::new() })
    }

    /// Reads the index once for hard links that are wanted without the file they lead to.
    pub(super) fn find_stand_ins(&mut self, set: &Set, opener: &Opener, catalog: &Catalog) -> Result<()> {
        if self.patterns.is_none() {
            return Ok(());
        }
        let mut found = false;
        let mut records = set.records(opener, catalog, self.filter());
        loop {
            let record = match records.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                // Found again, and judged, by the pass that restores.
                Err(error) if error.kind() == ErrorKind::Damaged => continue,
                Err(error) => return Err(error),
            };
            let Record::Entry(entry) = record else { continue };
            if !self.matches(&entry.path, matches!(entry.content, Content::Folder)) {
                continue;
            }
            found = true;
            if let Content::Copy { target, .. } | Content::HardLink { target } = entry.content
                && !self.matches(&target, false)
            {
                self.stand_ins.entry(target).or_insert(entry.path);
            }
        }
        if found {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "no entry of the set matches the patterns"))
        }
    }

    /// Lets through the lines of an index that may be wanted.
    pub(super) fn filter(&self) -> LineFilter {
        if self.patterns.is_none() {
            return LineFilter::default();
        }
        let stand_ins = self.stand_ins.keys().map(EntryPath::as_bytes);
        LineFilter::new(self.texts.iter().map(String::as_bytes).chain(stand_ins))
    }

    fn matches(&self, path: &EntryPath, is_folder: bool) -> bool {
        let Some(patterns) = &self.patterns else {
            return true;
        };
        let text = String::from_utf8_lossy(path.as_bytes());
        patterns.matched_path_or_any_parents(&*text, is_folder).is_ignore()
    }

    /// Where an entry is to be restored; nothing when it is not wanted.
    pub(super) fn place(&self, path: &EntryPath, is_folder: bool) -> Option<EntryPath> {
        if self.matches(path, is_folder) { Some(path.clone()) } else { self.stand_ins.get(path).cloned() }
    }

    /// Where the file that a hard link leads to was restored.
    pub(super) fn first_name<'a>(&'a self, target: &'a EntryPath) -> &'a EntryPath {
        self.stand_ins.get(target).unwrap_or(target)
    }
}
