//! Restores hard links and copies: only of files that this restore wrote itself.

use std::collections::{HashMap, HashSet};
use std::io;

use super::compare;
use super::link_targets::{Fate, LinkTarget};
use super::select::Selection;
use super::stand_in::StandIn;
use super::target::{ExpectedContent, ExpectedFile, LastFolder, Outcome, Target};
use super::{Compare, Existing, Loss, Restore, RestoreReport};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::names;
use crate::observer::{Progress, Ticker};
use crate::set::record::Record;
use crate::set::{Content, Entry, EntryPath, Metadata};

/// How often to read the set again for links whose names the target refuses one after another.
const MOST_ROUNDS: usize = 16;

/// What the links of one round need in the next.
#[derive(Default)]
pub(super) struct Rounds {
    /// Number of finished rounds.
    count: usize,
    /// Names that are finished, of files that are needed again.
    handled: HashSet<EntryPath>,
}

impl Restore<'_> {
    /// Second pass: restores hard links and copies, whose files all exist now. Returns what must be restored from the
    /// set in place of files that this restore did not write.
    pub(super) fn links(
        &self,
        current: &Selection,
        rounds: &mut Rounds,
        report: &mut RestoreReport,
        ticker: &mut Ticker<'_>,
    ) -> Result<HashMap<EntryPath, StandIn>> {
        let is_first = rounds.count == 0;
        let mut missing = HashMap::new();
        let mut near = LastFolder::default();
        let mut records = self.set.records(self.opener, &self.catalog, self.selection.filter_of_links());
        loop {
            ticker.tick(Progress {
                files: report.files,
                bytes: report.bytes,
                stored_bytes: report.stored_bytes,
                total_bytes: None,
            })?;
            let entry = match records.next() {
                Ok(Some(Record::Entry(entry))) => entry,
                Ok(Some(_)) => continue,
                Ok(None) => break,
                // The first pass reported it.
                Err(unread) if unread.is_loss() => continue,
                Err(unread) => return Err(unread.error),
            };
            let (Content::Copy { target, .. } | Content::HardLink { target }) = &entry.content else {
                continue;
            };
            let stand_in = current.stand_in(target);
            if !self.selection.matches(&entry.path, false)
                || !is_first && (stand_in.is_none() || rounds.handled.contains(&entry.path))
            {
                continue;
            }
            let first = self.firsts.get(target);
            let lost = || {
                let what =
                    format!("has its content from {target}, which is not restored: the set cannot give it");
                Loss::damaged(entry.path.clone(), &what)
            };
            if stand_in.is_some_and(|stand_in| stand_in.path == entry.path) {
                rounds.handled.insert(entry.path.clone());
                if matches!(first.fate, Fate::Unseen) {
                    self.lose(report, lost())?;
                }
                continue;
            }
            let made = match &first.fate {
                Fate::Written(at) => self.target.make_link(&entry, at, &mut near),
                Fate::Lost => {
                    self.lose(report, lost())?;
                    continue;
                }
                Fate::Unseen if !is_first => {
                    self.lose(report, lost())?;
                    continue;
                }
                Fate::NotWritten | Fate::Unseen => match self.target.keep_link(&entry, &first, &mut near) {
                    Ok(None) if rounds.count < MOST_ROUNDS => {
                        StandIn::new(&entry).choose(&mut missing, target.clone());
                        continue;
                    }
                    Ok(None) => Err(Error::new(
                        ErrorKind::LimitExceeded,
                        format!("{}: the target refuses too many names of one file", entry.path),
                    )),
                    Ok(Some(kept)) => {
                        rounds.handled.insert(entry.path.clone());
                        Ok(kept)
                    }
                    Err(error) => Err(error),
                },
            };
            match made {
                Ok(Outcome::Written) if matches!(entry.content, Content::Copy { .. }) => {
                    self.firsts.note(&entry.path, Fate::Written(entry.path.clone()));
                    report.files += 1;
                    report.bytes = report.bytes.saturating_add(entry.size());
                }
                Ok(Outcome::Written) => report.links += 1,
                Ok(Outcome::Kept) => report.kept += 1,
                Ok(Outcome::Differs) => report.kept_differing.push(entry.path.clone()),
                Err(error) if error.scope() == Scope::Object => {
                    rounds.handled.insert(entry.path.clone());
                    self.lose(report, Loss::refused(entry.path.clone(), &error))?;
                }
                Err(error) => return Err(error),
            }
        }
        rounds.count += 1;
        for target in missing.keys() {
            self.firsts.forget(target);
        }
        Ok(missing)
    }
}

impl Target {
    /// Returns the outcome for an existing link or copy; `None` if its content must come from the set.
    fn keep_link(&self, entry: &Entry, first: &LinkTarget, near: &mut LastFolder) -> Result<Option<Outcome>> {
        let Some((size, mtime, digest)) = first.facts else { return Ok(None) };
        let content = match (digest, self.compare) {
            (Some(digest), _) => ExpectedContent::Digest(digest),
            (None, Compare::Metadata) => ExpectedContent::Later,
            // Its pieces are compared one by one.
            (None, Compare::Content) => return Ok(None),
        };
        let mtime = if matches!(entry.content, Content::Copy { .. }) { entry.metadata.mtime } else { mtime };
        let mut keep = || {
            let (dir, name) = self.place(&entry.path, near)?;
            self.keep_file(&dir, name, ExpectedFile { size, mtime, content }, near)
        };
        keep().map_err(|e| self.failed(&entry.path, e))
    }

    /// Makes a hard link or a copy of a file that this restore wrote.
    fn make_link(&self, entry: &Entry, first: &EntryPath, near: &mut LastFolder) -> Result<Outcome> {
        let path = &entry.path;
        let mut make = || -> io::Result<Outcome> {
            let (first_dir, first_name) = self.place(first, &mut LastFolder::default())?;
            let source = compare::open(&first_dir, first_name)?;
            let there = source.metadata()?;
            let is_copy = matches!(entry.content, Content::Copy { .. });
            if !there.is_file() || is_copy && there.len() != entry.size() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("{first}, which has its content, was changed by somebody else"),
                ));
            }
            if self.existing == Existing::Keep
                && let Some(kept) = self.keep_beside(entry, &source, near)?
            {
                return Ok(kept);
            }
            let copy = |metadata: &Metadata, near: &mut LastFolder| {
                self.make_file(path, metadata, near, |file| compare::copy(&source, file))
            };
            if is_copy {
                return copy(&entry.metadata, near);
            }
            let (dir, name) = self.place(path, near)?;
            let temporary = self.temporary();
            match names::hard_link(&first_dir, first_name, &dir, &temporary) {
                Ok(()) => {
                    let settled = self.rename_into_place(&dir, &temporary, name, near);
                    // A rename to another name of the same file does nothing.
                    let _ = names::remove(&dir, &temporary);
                    settled.map(|()| Outcome::Written)
                }
                Err(e) if Error::io("", io::Error::from(e.kind())).scope() != Scope::Object => Err(e),
                // The file system has no hard links, or no more for this file: make a separate file.
                Err(error) => {
                    let made = copy(&Self::metadata_of(&source), near)?;
                    self.note("hard link, now a file of its own", path, &error);
                    Ok(made)
                }
            }
        };
        make().map_err(|e| self.failed(path, e))
    }

    /// Returns the outcome for something that exists under the name of a link, whose file this restore wrote.
    fn keep_beside(
        &self,
        entry: &Entry,
        source: &std::fs::File,
        near: &mut LastFolder,
    ) -> io::Result<Option<Outcome>> {
        let (dir, name) = self.place(&entry.path, near)?;
        let size = source.metadata()?.len();
        let mtime = match entry.content {
            Content::Copy { .. } => entry.metadata.mtime,
            _ => Self::metadata_of(source).mtime,
        };
        let wanted = ExpectedFile { size, mtime, content: ExpectedContent::Later };
        let kept = self.keep_file(&dir, name, wanted, near)?;
        if kept == Some(Outcome::Kept) && self.compare == Compare::Content {
            let same = compare::is_same(source, &compare::open(&dir, name)?)?;
            return Ok(Some(if same { Outcome::Kept } else { Outcome::Differs }));
        }
        Ok(kept)
    }

    /// Returns mode and time of a file that this restore wrote.
    fn metadata_of(file: &std::fs::File) -> Metadata {
        let mut metadata = Metadata::default();
        let Ok(there) = file.metadata() else { return metadata };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            metadata.mode = Some(there.mode() & 0o7777);
            metadata.uid = Some(there.uid());
            metadata.gid = Some(there.gid());
        }
        metadata.mtime = there.modified().ok().map(compare::mtime_of);
        metadata
    }
}
