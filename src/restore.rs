//! Gives back what a set holds: all of it, or by pattern; and verification, which is restore to nowhere.
//!
//! Every byte is authenticated and compared with the index before it reaches a file. Nothing outside the target folder
//! is touched, whatever the set says and whatever links the target holds.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crew;
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, ProgressHook, Ticker};
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{Block, Content, Entry, EntryPath, Metadata, Part, Status};

mod extract;
#[cfg(test)]
mod forgery;
mod large;
mod metadata;
mod one;
mod report;
mod select;
mod target;
mod verify;

pub use one::{DEFAULT_LIMIT, restore_bytes, restore_stream};
pub use report::{Damage, Existing, Loss, RestoreOptions, RestoreReport, Unrestored};
pub use verify::{Fault, FaultKind, VerifyReport, verify, verify_full};

use extract::{Extracted, Extractor, Job, Jobs, Sink};
use large::{LargeFile, LargeFiles};
use select::Selection;
use target::{Near, Outcome, Target};

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Restores a set into a folder.
///
/// # Errors
/// `ALREADY_EXISTS` when the folder is not empty and [`Existing`] says nothing else; `WRONG_CERTIFICATE`, naming the
/// thumbprint that is needed; `DAMAGED` when damage is not to be passed over; `NOT_FOUND` when no entry matches the
/// patterns; `CANCELLED`; what the target's file system says. What was restored until then stays.
pub fn restore(
    set: &Set,
    opener: &Opener,
    target: &Path,
    options: &RestoreOptions,
    hook: &mut ProgressHook<'_>,
) -> Result<RestoreReport> {
    let catalog = set.catalog(opener)?;
    let mut selection = Selection::new(&options.patterns)?;
    selection.find_stand_ins(set, opener, &catalog)?;
    let target = Target::open(target, options.existing)?;
    let restore =
        Restore { set, opener, catalog, selection, target, damage: options.damage, large: Mutex::default() };
    let is_wanted = |path: &EntryPath| restore.selection.place(path, false).is_some();
    let problems = restore.catalog.problems.iter().filter(|problem| is_wanted(&problem.path)).cloned();
    let mut report = RestoreReport {
        status: Status::Succeeded,
        files: 0,
        folders: 0,
        links: 0,
        bytes: 0,
        stored_bytes: 0,
        kept: 0,
        losses: Vec::new(),
        unrestored: Vec::new(),
        problems: problems.collect(),
    };
    let total = options.patterns.is_empty().then_some(set.cover().content.bytes);
    let mut ticker = Ticker::new(hook, total);
    let mut later = Later::default();
    let done = restore.contents(&mut later, &mut report, &mut ticker);
    for file in restore.large().take(true) {
        restore.target.discard_large(&file);
        if done.is_ok() {
            restore.lose(&mut report, Loss::damaged(file.entry.clone(), "is not all in the set"))?;
        }
    }
    done?;
    if later.has_links {
        restore.links(&mut report, &mut ticker)?;
    }
    restore.folders(later.folders);
    report.unrestored = restore.target.unrestored();
    if !report.losses.is_empty() || !report.problems.is_empty() {
        report.status = Status::PartialSucceeded;
    }
    Ok(report)
}

/// What has to wait until all files are there.
#[derive(Default)]
struct Later {
    /// Hard links and copies are listed somewhere.
    has_links: bool,
    /// Folders into which something may still be written.
    folders: Vec<(EntryPath, Metadata)>,
}

struct Restore<'a> {
    set: &'a Set,
    opener: &'a Opener,
    catalog: Catalog,
    selection: Selection,
    target: Target,
    damage: Damage,
    large: Mutex<LargeFiles>,
}

impl Restore<'_> {
    fn large(&self) -> std::sync::MutexGuard<'_, LargeFiles> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loss ends the restore, or goes into the report.
    fn lose(&self, report: &mut RestoreReport, loss: Loss) -> Result<()> {
        match self.damage {
            Damage::Continue => {
                report.losses.push(loss);
                Ok(())
            }
            Damage::Stop => Err(Error::new(
                ErrorKind::Damaged,
                format!("{loss}; restore can go on past damage when told to"),
            )),
        }
    }

    /// First pass: files, symbolic links, and the folders that they need, segment by segment on all cores.
    fn contents(
        &self,
        later: &mut Later,
        report: &mut RestoreReport,
        ticker: &mut Ticker<'_, '_>,
    ) -> Result<()> {
        let mut jobs = Jobs::new(self.set, self.opener, &self.catalog, self.selection.filter());
        let mut near = Near::default();
        let report = std::cell::RefCell::new(report);
        crew::run(
            workers(),
            || Ok(Extractor::new(false)),
            |extractor, job: Job| {
                let mut writer = Writer { restore: self, near: Near::default(), wrote: Wrote::default() };
                let done = extractor.extract(self.set, self.opener, &job, &mut writer)?;
                Ok((job, done, writer.wrote))
            },
            || {
                jobs.next(
                    |record| self.is_wanted(record, &mut near, later, &mut report.borrow_mut()),
                    |error| {
                        self.lose(
                            &mut report.borrow_mut(),
                            Loss { path: None, file: None, message: error.to_string() },
                        )
                    },
                )
            },
            |(job, done, wrote)| {
                let mut report = report.borrow_mut();
                report.kept += wrote.kept;
                report.files += wrote.files;
                report.folders += wrote.folders;
                report.links += wrote.links;
                self.account(&mut report, &job, done)
            },
            || {
                let report = report.borrow();
                ticker.tick(Progress {
                    files: report.files,
                    bytes: report.bytes,
                    stored_bytes: report.stored_bytes,
                    total_bytes: None,
                })
            },
        )
    }

    /// Decides about a line of the index, and begins large files, on the calling thread.
    fn is_wanted(
        &self,
        record: &Record,
        near: &mut Near,
        later: &mut Later,
        report: &mut RestoreReport,
    ) -> Result<bool> {
        let entry = match record {
            Record::Entry(entry) => entry,
            Record::Part(part) => {
                return Ok(self.large().get(&part.path).is_some_and(|file| file.list(part)));
            }
            Record::Block(block) => return Ok(self.large().get(&block.path).is_some()),
            _ => return Ok(false),
        };
        let Some(path) = self.selection.place(&entry.path, matches!(entry.content, Content::Folder)) else {
            return Ok(false);
        };
        match entry.content {
            Content::Copy { .. } | Content::HardLink { .. } => {
                later.has_links = true;
                Ok(false)
            }
            Content::LargeFile { size, sparse } => {
                let change = self.catalog.change(entry);
                let (size, sparse, metadata) = match change {
                    Some(change) => (change.size, change.sparse, &change.metadata),
                    None => (size, sparse, &entry.metadata),
                };
                match self.target.begin_large(&path, size, sparse, near)? {
                    Some(target) => {
                        let blocks = self.catalog.overlay().blocks_of(&entry.path);
                        let file = LargeFile::new(entry, metadata.clone(), target, blocks);
                        self.large().begin(Arc::new(file));
                    }
                    None => report.kept += 1,
                }
                Ok(false)
            }
            Content::Folder => {
                later.folders.push((path, entry.metadata.clone()));
                Ok(true)
            }
            Content::File { .. } | Content::Symlink { .. } => Ok(true),
        }
    }

    /// Takes in what a worker did, and finishes the large files that are complete with it.
    fn account(&self, report: &mut RestoreReport, job: &Job, done: Extracted) -> Result<()> {
        report.stored_bytes += done.stored;
        report.bytes += done.bytes;
        let lost: HashMap<_, _> = done.losses.iter().map(|loss| (loss.path.as_ref(), loss)).collect();
        for item in &job.items {
            let file = || self.large().get(item.path());
            let lost = || lost.get(&Some(item.path())).copied();
            match item {
                extract::Item::Part(part) => {
                    if let Some(file) = file() {
                        file.done(part.size, lost());
                    }
                }
                extract::Item::Block(..) => {
                    if let Some(file) = file() {
                        file.block_done(lost());
                    }
                }
                _ => {}
            }
        }
        let finished = self.large().take(false);
        for file in finished {
            match file.loss() {
                Some(loss) => {
                    self.target.discard_large(&file);
                    self.lose(report, loss)?;
                }
                None => {
                    self.target.finish_large(&file)?;
                    report.files += 1;
                }
            }
        }
        // A large file is one loss, however many of its pieces are gone; it is named when its last piece is done.
        let large: HashSet<_> = job
            .items
            .iter()
            .filter(|item| matches!(item, extract::Item::Part(_) | extract::Item::Block(..)))
            .map(extract::Item::path)
            .collect();
        for loss in done.losses {
            if self.damage == Damage::Stop || !loss.path.as_ref().is_some_and(|path| large.contains(path)) {
                self.lose(report, loss)?;
            }
        }
        Ok(())
    }

    /// Second pass: hard links and copies, whose files are all there now.
    fn links(&self, report: &mut RestoreReport, ticker: &mut Ticker<'_, '_>) -> Result<()> {
        let mut near = Near::default();
        let mut records = self.set.records(self.opener, &self.catalog, self.selection.filter());
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
                // Reported by the first pass.
                Err(error) if error.kind() == ErrorKind::Damaged => continue,
                Err(error) => return Err(error),
            };
            let (Content::Copy { target, .. } | Content::HardLink { target }) = &entry.content else {
                continue;
            };
            let Some(path) = self.selection.place(&entry.path, false) else {
                continue;
            };
            let first = self.selection.first_name(target);
            let made = match entry.content {
                // What was restored in its place is counted.
                Content::Copy { .. } if *first == path => {
                    self.target.finish_copy(&entry, &path, &mut near)?;
                    continue;
                }
                Content::Copy { .. } => self.target.make_copy(&entry, &path, first, &mut near),
                _ if *first == path => continue,
                _ => self.target.make_hard_link(&path, first, &mut near),
            };
            match (made, &entry.content) {
                (Ok(Outcome::Written), Content::Copy { size, .. }) => {
                    report.files += 1;
                    report.bytes += size;
                }
                (Ok(Outcome::Written), _) => report.links += 1,
                (Ok(Outcome::Kept), _) => report.kept += 1,
                (Err(e), _) if e.kind() == ErrorKind::NotFound => {
                    self.lose(report, Loss::new(entry.path.clone(), None, &e))?;
                }
                (Err(e), _) => return Err(e),
            }
        }
        Ok(())
    }

    /// At last the metadata of folders, into which nothing more is written, the innermost first.
    fn folders(&self, mut folders: Vec<(EntryPath, Metadata)>) {
        folders.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        for (path, metadata) in folders {
            self.target.finish_folder(&path, &metadata);
        }
    }
}

/// A worker's way into the target.
struct Writer<'a, 'r> {
    restore: &'a Restore<'r>,
    near: Near,
    wrote: Wrote,
}

/// What a worker wrote for one segment.
#[derive(Default)]
struct Wrote {
    kept: u64,
    files: u64,
    folders: u64,
    links: u64,
}

impl Sink for Writer<'_, '_> {
    fn entry(&mut self, entry: &Entry, content: &[u8]) -> Result<()> {
        let Restore { selection, target, .. } = self.restore;
        let is_folder = matches!(entry.content, Content::Folder);
        let Some(path) = selection.place(&entry.path, is_folder) else {
            return Ok(());
        };
        let outcome = match &entry.content {
            Content::File { sparse, .. } => {
                let outcome = target.write_file(entry, &path, content, *sparse, &mut self.near)?;
                self.wrote.files += u64::from(outcome == Outcome::Written);
                outcome
            }
            Content::Symlink { target: to } => {
                let outcome = target.make_symlink(&path, to, &entry.metadata, &mut self.near)?;
                self.wrote.links += u64::from(outcome == Outcome::Written);
                outcome
            }
            Content::Folder => {
                target.make_folder(&path, &mut self.near)?;
                self.wrote.folders += 1;
                return Ok(());
            }
            Content::Copy { .. } | Content::HardLink { .. } | Content::LargeFile { .. } => return Ok(()),
        };
        self.wrote.kept += u64::from(outcome == Outcome::Kept);
        Ok(())
    }

    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()> {
        let Some(file) = self.restore.large().get(&part.path) else {
            return Ok(());
        };
        self.restore.target.write_piece(&file, content, part.from, &mut self.near)
    }

    fn block(&mut self, block: &Block, content: &[u8]) -> Result<()> {
        let Some(file) = self.restore.large().get(&block.path) else {
            return Ok(());
        };
        self.restore.target.write_block(&file, content, block.from, &mut self.near)
    }
}
