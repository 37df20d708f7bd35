//! Restores sets, whole or by pattern, and verifies them, which is a restore to nowhere.
//!
//! Every byte is authenticated and compared with the index before it reaches a file. A restore touches nothing outside
//! the target folder, whatever the set says and whatever links the target holds.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::envelope::Opener;
use crate::error::{Error, Result, Scope};
use crate::observer::{Observer, Progress, Ticker};
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::records::Unread;
use crate::set::{Content, EntryPath, Metadata, Status};
use crate::worker_pool;

mod assembler;
mod builder;
mod check_links;
mod compare;
mod durable;
mod extract;
#[cfg(test)]
mod forgery;
mod hard_links;
mod large;
mod link_targets;
mod metadata;
mod naming;
mod report;
mod select;
mod single_file;
mod stand_in;
mod stream;
mod symlink;
mod target;
mod verify;
mod writer;
mod written;

pub use builder::{RestoreBuilder, RestoreStream, VerifyBuilder};
pub use report::{Compare, Damage, Existing, Loss, RestoreOptions, RestoreReport, Unrestored};
pub use single_file::DEFAULT_LIMIT;
pub use verify::{Fault, FaultKind, VerifyReport};

use assembler::{Assembler, LargeFiles, Line};
use extract::{Extracted, Extractor, Job, Jobs};
use hard_links::Rounds;
use large::{Begun, LargeFile};
use link_targets::{Fate, LinkTargets};
use select::Selection;
pub(crate) use target::{LastFolder, Outcome, Target};
use writer::{Writer, Wrote};

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Restores a set into a folder, see [`RestoreBuilder::into`].
fn restore(
    set: &Set,
    opener: &Opener,
    target: &Path,
    options: &RestoreOptions,
    observer: &mut dyn Observer,
) -> Result<RestoreReport> {
    let catalog = set.catalog(opener)?;
    let mut selection = Selection::new(&options.patterns)?;
    let firsts = selection.find_links(set, opener, &catalog)?;
    let target = Target::open(target, options)?;
    let restore = Restore {
        set,
        opener,
        catalog,
        selection,
        firsts,
        target,
        damage: options.damage,
        large: Mutex::default(),
    };
    let is_wanted = |path: &EntryPath| restore.selection.place(path, false).is_some();
    let problems = restore.catalog.problems.iter().filter(|problem| is_wanted(&problem.path)).cloned();
    let mut report = RestoreReport::new(restore.selection.unmatched(), problems.collect());
    let total = options.patterns.is_empty().then_some(set.cover().content.bytes);
    let mut ticker = Ticker::new(observer, total);
    restore.all(&mut report, &mut ticker)?;
    restore.target.finish()?;
    ticker.end(Progress {
        files: report.files,
        bytes: report.bytes,
        stored_bytes: report.stored_bytes,
        total_bytes: None,
    })?;
    report.unrestored = restore.target.unrestored();
    let is_whole = report.losses.is_empty()
        && report.problems.is_empty()
        && report.kept_differing.is_empty()
        && report.unmatched.is_empty();
    if !is_whole {
        report.status = Status::PartialSucceeded;
    }
    Ok(report)
}

/// What has to wait until all files are in place.
#[derive(Default)]
struct Later {
    /// Folders that may still be written into.
    folders: Vec<(EntryPath, Metadata)>,
}

struct Restore<'a> {
    set: &'a Set,
    opener: &'a Opener,
    catalog: Catalog,
    selection: Selection,
    firsts: LinkTargets,
    target: Target,
    damage: Damage,
    large: Mutex<LargeFiles<LargeFile>>,
}

impl Restore<'_> {
    fn large(&self) -> std::sync::MutexGuard<'_, LargeFiles<LargeFile>> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a loss. One in the set ends the restore under [`Damage::Stop`]; one that the target refused does not.
    fn lose(&self, report: &mut RestoreReport, loss: Loss) -> Result<()> {
        if self.damage == Damage::Stop && !loss.refused {
            let message = format!("{loss}; restore can go on past damage when told to");
            return Err(Error::new(loss.kind(), message));
        }
        report.losses.push(loss);
        Ok(())
    }

    /// Records which wanted entries are lost because part of the index cannot be read.
    fn lose_unread(&self, selection: &Selection, report: &mut RestoreReport, unread: &Unread) -> Result<()> {
        let Some(path) = &unread.path else {
            return self.lose(report, Loss::new(None, None, &unread.error));
        };
        // A large file in progress reports its own gaps when it ends.
        let wanted = selection.place(path, false).or_else(|| selection.place(path, true));
        let Some(wanted) = wanted.filter(|_| self.large().get(path).is_none()) else { return Ok(()) };
        self.firsts.note(path, Fate::Lost);
        self.lose(report, Loss::new(wanted, None, &unread.error))
    }

    /// Restores files, then links and copies; repeats for content whose own file was not written, as often as needed.
    fn all(&self, report: &mut RestoreReport, ticker: &mut Ticker<'_>) -> Result<()> {
        let mut later = Later::default();
        let mut again: Option<Selection> = None;
        let mut rounds = Rounds::default();
        loop {
            let current = again.as_ref().unwrap_or(&self.selection);
            let done = self.contents(current, again.is_none(), &mut later, report, ticker);
            let unfinished = self.large().take(|_| true);
            self.close(report, &unfinished, done)?;
            if self.firsts.is_empty() {
                break;
            }
            let missing = self.links(current, &mut rounds, report, ticker)?;
            if missing.is_empty() {
                break;
            }
            again = Some(Selection::of_stand_ins(missing));
        }
        self.folders(later.folders);
        Ok(())
    }

    /// First pass: restores files, symbolic links and the folders that they need, segment by segment on all cores.
    fn contents(
        &self,
        selection: &Selection,
        is_first: bool,
        later: &mut Later,
        report: &mut RestoreReport,
        ticker: &mut Ticker<'_>,
    ) -> Result<()> {
        let mut jobs = Jobs::new(self.set, self.opener, &self.catalog, selection.filter());
        let mut near = LastFolder::default();
        let report = std::cell::RefCell::new(report);
        worker_pool::run(
            workers(),
            || Ok(Extractor::new(None)),
            |extractor, job: Job| {
                let mut writer =
                    Writer { restore: self, selection, near: LastFolder::default(), wrote: Wrote::default() };
                let done = extractor.extract(self.set, self.opener, &job, &mut writer)?;
                Ok((job, done, writer.wrote))
            },
            || {
                jobs.next(
                    |record| self.is_wanted(selection, record, &mut near, later, &mut report.borrow_mut()),
                    |unread| match is_first {
                        true => self.lose_unread(selection, &mut report.borrow_mut(), &unread),
                        // Already reported.
                        false => Ok(()),
                    },
                )
            },
            |(job, done, wrote)| {
                let mut report = report.borrow_mut();
                report.kept += wrote.kept;
                report.files += wrote.files;
                report.folders += wrote.folders;
                report.links += wrote.links;
                report.kept_differing.extend(wrote.differing);
                for loss in wrote.refused {
                    self.lose(&mut report, loss)?;
                }
                self.account(selection, &mut report, &job, done)
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

    /// Decides whether a line of the index is wanted, and begins large files, on the calling thread.
    fn is_wanted(
        &self,
        selection: &Selection,
        record: &Record,
        near: &mut LastFolder,
        later: &mut Later,
        report: &mut RestoreReport,
    ) -> Result<bool> {
        let line = self.large().list(record);
        let Record::Entry(entry) = record else { return Ok(line == Line::Fits) };
        let Some(path) = selection.place(&entry.path, matches!(entry.content, Content::Folder)) else {
            return Ok(false);
        };
        match entry.content {
            Content::Copy { .. } | Content::HardLink { .. } => Ok(false),
            Content::LargeFile { sparse, .. } => {
                let change = self.catalog.change(entry);
                let (sparse, metadata) = match change {
                    Some(change) => (change.sparse, &change.metadata),
                    None => (sparse, &entry.metadata),
                };
                let assembler = Assembler::new(entry, &self.catalog);
                self.firsts.describe(&entry.path, &entry.content, assembler.size(), metadata);
                let metadata = selection.metadata(&entry.path, metadata);
                match self.target.begin_large(assembler, &path, sparse, metadata, near) {
                    Ok(Begun::Open(file)) => {
                        // The file of this path that is in progress reports it.
                        if let Err(twice) = self.large().begin(Arc::new(*file)) {
                            self.target.discard_large(&twice);
                        }
                    }
                    Ok(Begun::Kept(outcome)) => self.finished(report, &entry.path, path, outcome),
                    Err(error) => self.refuse(report, &entry.path, path, error)?,
                }
                Ok(false)
            }
            Content::Folder => {
                later.folders.push((path, entry.metadata.clone()));
                Ok(true)
            }
            Content::File { size, .. } => {
                self.firsts.describe(&entry.path, &entry.content, size, &entry.metadata);
                Ok(true)
            }
            Content::Symlink { .. } => Ok(true),
        }
    }

    /// Finishes large files of which nothing more will come; discards them after a failure, which it returns.
    fn close(&self, report: &mut RestoreReport, files: &[Arc<LargeFile>], result: Result<()>) -> Result<()> {
        files.iter().fold(result, |result, file| match result {
            Ok(()) => self.close_one(report, file),
            Err(error) => {
                self.target.discard_large(file);
                Err(error)
            }
        })
    }

    fn close_one(&self, report: &mut RestoreReport, file: &LargeFile) -> Result<()> {
        let entry = file.assembler.path();
        if let Some(loss) = file.assembler.loss() {
            self.target.discard_large(file);
            self.firsts.note(entry, if loss.refused { Fate::NotWritten } else { Fate::Lost });
            return self.lose(report, Loss { path: Some(file.path.clone()), ..loss });
        }
        match self.target.finish_large(file) {
            Ok(outcome) => self.finished(report, entry, file.path.clone(), outcome),
            Err(error) => self.refuse(report, entry, file.path.clone(), error)?,
        }
        Ok(())
    }

    /// Counts the outcome of a large file.
    fn finished(&self, report: &mut RestoreReport, entry: &EntryPath, path: EntryPath, outcome: Outcome) {
        let fate = match outcome {
            Outcome::Written => {
                report.files += 1;
                Fate::Written(path)
            }
            Outcome::Kept => {
                report.kept += 1;
                Fate::NotWritten
            }
            Outcome::Differs => {
                report.kept_differing.push(path);
                Fate::NotWritten
            }
        };
        self.firsts.note(entry, fate);
    }

    /// Records what the target refused, if that ends only this one entry.
    fn refuse(
        &self,
        report: &mut RestoreReport,
        entry: &EntryPath,
        path: EntryPath,
        error: Error,
    ) -> Result<()> {
        if error.scope() != Scope::Object {
            return Err(error);
        }
        self.firsts.note(entry, Fate::NotWritten);
        self.lose(report, Loss::refused(path, &error))
    }

    /// Takes in a worker's results, and finishes the large files that they complete.
    fn account(
        &self,
        selection: &Selection,
        report: &mut RestoreReport,
        job: &Job,
        done: Extracted,
    ) -> Result<()> {
        report.stored_bytes = report.stored_bytes.saturating_add(done.stored);
        report.bytes = report.bytes.saturating_add(done.bytes);
        let lost: HashMap<_, _> = done.losses.iter().map(|loss| (loss.path.as_ref(), loss)).collect();
        for item in &job.items {
            if let extract::Item::Part(_) | extract::Item::Block(..) = item
                && let Some(file) = self.large().get(item.path())
            {
                file.assembler.arrived(item, lost.get(&Some(item.path())).copied());
            }
        }
        let finished = self.large().take(Assembler::has_arrived);
        self.close(report, &finished, Ok(()))?;
        // A large file is one loss, however many of its parts are lost; it is named when its last part is done.
        let large: HashSet<_> = job
            .items
            .iter()
            .filter(|item| matches!(item, extract::Item::Part(_) | extract::Item::Block(..)))
            .map(extract::Item::path)
            .collect();
        for mut loss in done.losses {
            if self.damage == Damage::Stop || !loss.path.as_ref().is_some_and(|path| large.contains(path)) {
                if let Some(path) = &mut loss.path {
                    self.firsts.note(path, Fate::Lost);
                    // Name what the caller wanted.
                    if let Some(stand_in) = selection.stand_in(path) {
                        path.clone_from(&stand_in.path);
                    }
                }
                self.lose(report, loss)?;
            }
        }
        Ok(())
    }

    /// Sets the metadata of folders last, when nothing more is written into them, innermost first.
    fn folders(&self, mut folders: Vec<(EntryPath, Metadata)>) {
        folders.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        for (path, metadata) in folders {
            self.target.finish_folder(&path, &metadata);
        }
    }
}
