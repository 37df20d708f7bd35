//! Makes backup sets. A backup ends as a verified set beside `MASBackup`, or as nothing that looks like one.
//!
//! Start a [`Backup`], add sources, commit. Reading, compressing, hashing, sealing and storing overlap on all cores
//! while you add; memory stays bounded whatever the sources are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::envelope::EncryptionCertificate;
use crate::error::Result;
use crate::layout::{Place, SetName};
use crate::observer::watched;
use crate::set::EntryPath;
use crate::set::record::StoredFile;
use crate::set::writer::SetWriter;
use crate::share::Share;
use crate::signature::Signer;

mod builder;
mod dedup;
mod excludes;
mod finish;
mod history;
mod ledger;
mod options;
mod packer;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod parsers;
mod pipeline;
mod plan;
mod previous;
mod reading;
mod report;
mod reuse;
mod run;
mod sources;
mod start;
mod stat;
mod state;
mod storer;
mod tree;
mod work_item;
mod worker;

pub use builder::{BackupBuilder, ShrunkenSources, SourceProblems};
pub use report::{BackupReport, Reuse};

use excludes::Excludes;
use history::History;
use plan::Planner;
use run::Shared;
use stat::Clock;
use state::SourceSize;
use tree::Rules;

/// A backup in the making.
///
/// The first error ends it, also one of a source's name: [`commit`](Self::commit) then returns that error, even if you go
/// on after it. If you drop it without `commit`, nothing stays behind that looks like a backup.
pub struct Backup {
    planner: Planner,
    writer: Arc<SetWriter>,
    rules: Rules,
    excludes: Excludes,
    clock: Clock,
    links: tree::Links,
    names: BTreeSet<EntryPath>,
    certificates: Vec<EncryptionCertificate>,
    signer: Option<Signer>,
    /// Where the sets of this region are, if that is a folder of this machine.
    region_folder: Option<PathBuf>,
    /// What each source held, this time and last time.
    sizes: Vec<(EntryPath, SourceSize)>,
    sizes_before: Vec<(EntryPath, SourceSize)>,
    fail_on_shrunken: bool,
    /// What is known about the files that this set takes from earlier ones.
    history: History,
    /// Interrupted sets that this one replaces.
    interrupted: BTreeSet<SetName>,
    /// Sets that may contain files of this one.
    sets: Vec<SetName>,
    shared: Arc<Shared>,
    reuse: Reuse,
    warnings: Vec<String>,
    created: Timestamp,
    begun: Instant,
    committed: bool,
}

impl Backup {
    /// Prepares a backup of this place to this share.
    #[must_use]
    pub fn builder(share: Arc<dyn Share>, place: Place) -> BackupBuilder {
        BackupBuilder::new(share, place)
    }

    /// Returns the name of the set.
    #[must_use]
    pub fn set(&self) -> SetName {
        self.writer.set()
    }

    /// Waits until everything is stored, then writes the digests, the signature if there is a signer, and last the
    /// cover sheet, which makes it a backup.
    ///
    /// # Errors
    /// Anything that went wrong with sources, sealing or the share since [`BackupBuilder::start`]; `CANCELLED`. The set
    /// is then removed.
    pub fn commit(mut self) -> Result<BackupReport> {
        let set = self.planner.finish()?;
        let (writer, shared, signer) = (&self.writer, &self.shared, &self.signer);
        let (cover, left) = watched(&mut self.planner.observer, shared.progress().at_end(), |_| {
            writer.commit(&set.files, set.cover, signer.as_ref())
        })?;
        self.committed = true;
        self.warnings.extend(set.warnings);
        if !left.is_empty() {
            self.warnings.push(format!(
                "the share did not remove what the set does not need: {}; a verification of the set names it",
                left.join(", ")
            ));
        }
        self.warnings.extend(self.excludes.warnings());
        if cover.content.files == 0 {
            self.warnings.push("the set holds no files at all: are its sources where they should be?".into());
        }
        let protection = self.writer.protection();
        self.warnings.extend(protection.as_ref().and_then(|protection| protection.fallback.clone()));
        self.remember(set.state, &set.files);
        let mut reuse = std::mem::take(&mut self.reuse);
        self.shared.report(&mut reuse);
        reuse.stored.files += set.stored.files;
        reuse.stored.bytes += set.stored.bytes;
        reuse.taken_over = set.taken_over;
        Ok(BackupReport {
            folder: self.writer.folder().clone(),
            cover,
            reuse,
            problems: set.problems,
            skipped: std::mem::take(&mut self.planner.skipped),
            warnings: std::mem::take(&mut self.warnings),
            protection,
            seconds: self.begun.elapsed().as_secs_f64(),
        })
    }

    /// Saves what the next run needs; the set is a backup whether or not that works.
    fn remember(&mut self, new: Option<state::NewState>, files: &[StoredFile]) {
        let Some(state) = self.rules.state.take() else { return };
        let new = new.map(|mut new| {
            new.recipients = start::thumbprints(&self.certificates);
            self.sets.push(self.writer.set());
            let old = self.sets.len().saturating_sub(MAX_SETS);
            new.sets = self.sets.split_off(old);
            new.sources = std::mem::take(&mut self.sizes);
            new.history = self.history.of(files, self.created);
            new
        });
        self.warnings.extend(state.save(self.writer.place(), new));
        let last_note = state.last_note();
        state.end();
        let (writer, interrupted) = (&self.writer, std::mem::take(&mut self.interrupted));
        if interrupted.is_empty() {
            return;
        }
        // The set is complete, whether or not the observer says stop.
        watched(&mut self.planner.observer, self.shared.progress().at_end(), |_| {
            interrupted.iter().for_each(|set| writer.clear_away(set, last_note));
        });
    }

    /// Gives up: the same as dropping the backup.
    pub fn abandon(self) {}
}

impl Drop for Backup {
    /// Removes what was stored from the share. If the share hangs, this waits a short while and a thread carries on
    /// alone; whatever that cannot remove is listed as incomplete. The journal stays for the next run to use.
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        // End the threads first, so that none stores anything after the removal.
        let Some(threads) = self.planner.pipeline.end() else { return };
        give_up(self.writer.clone(), threads);
    }
}

/// Removes what was stored, once these threads have ended. Waits for that a short while; then it goes on alone, on a
/// thread that nothing stops.
fn give_up(writer: Arc<SetWriter>, threads: Vec<JoinHandle<()>>) {
    let (done, ended) = crossbeam_channel::bounded::<()>(1);
    let clear_away = move || {
        threads.into_iter().for_each(|thread| drop(thread.join()));
        writer.abandon();
        drop(done);
    };
    if std::thread::Builder::new().name("azs-backup-end".into()).spawn(clear_away).is_ok() {
        let _ = ended.recv_timeout(PATIENCE);
    }
}

/// How long giving up waits for the share.
const PATIENCE: Duration = Duration::from_secs(3);

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("set", &self.writer.set()).finish_non_exhaustive()
    }
}

/// Number of earlier sets to remember: any of them may be the only one left.
const MAX_SETS: usize = 400;
