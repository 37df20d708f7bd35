//! Begins a backup: checks the options, creates the set's folder, takes over what earlier sets have.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::builder::{BackupBuilder, ShrunkenSources, SourceProblems};
use super::excludes::Excludes;
use super::pipeline::Pipeline;
use super::plan::Planner;
use super::previous::PreviousTree;
use super::reading;
use super::report::Reuse;
use super::reuse::{self, ReuseRules, ReusedSet};
use super::run::{Cover, Settings, Shared};
use super::stat::{self, Clock};
use super::state::journal::Journal;
use super::state::{self, Opened};
use super::tree::Rules;
use super::{Backup, tree};
use crate::envelope::{EncryptionCertificate, Sealer};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Place, SetName};
use crate::names::real_path;
use crate::observer::{Fused, Observer, Progress, Ticker, Unobserved, watched};
use crate::set::writer::SetWriter;
use crate::share::Share;
use crate::worker_pool::join;

/// Most threads that read and compress.
const MAX_WORKERS: usize = 256;

impl BackupBuilder {
    /// Begins the backup: checks the options and creates the set's folder.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a missing certificate or an option out of range; `CERTIFICATE_EXPIRED`; the share's
    /// errors on creating the folder; `CANCELLED`.
    pub fn start(mut self) -> Result<Backup> {
        let mut observer = Fused::new(std::mem::replace(&mut self.observer, Box::new(Unobserved)));
        let mut backup = watched(&mut observer, Progress::default(), |observer| self.start_with(observer))?;
        backup.planner.observer = observer;
        Ok(backup)
    }

    fn start_with(self, observer: &mut dyn Observer) -> Result<Backup> {
        let created = Timestamp::now();
        self.check(created)?;
        reading::take_rights();
        let (root, state_folder) = self.folders()?;
        let excludes = Excludes::new(&self.patterns)?;
        let recipients = thumbprints(&self.certificates);
        let Opened { naming_key, state, last, interrupted, mut warnings } =
            state::open(self.state.as_deref(), &self.place)?;
        let interrupted = interrupted.filter(|journal| journal.recipients == recipients);
        let (share, place) = (&*self.share, &self.place);
        let (interrupted, required) = join(
            || interrupted.and_then(|journal| left(share, place, journal)),
            || crate::set::place::require(share, place, self.create),
        );
        required?;
        let interrupted_sets = interrupted.as_ref().map(|journal| journal.sets.clone()).unwrap_or_default();
        let sizes_before = last.as_ref().map(|(last, _)| last.sources.clone()).unwrap_or_default();

        let rules = self.reuse_rules(&recipients, created);
        let earlier = match last {
            Some((manifest, tree)) => or_full_set(reuse::find(&rules, &manifest)?, &mut warnings)
                .map(|folder| (manifest, tree, folder)),
            None => None,
        };
        let (writer, mut abandon) = self.create_set(created)?;
        let mut reuse = Reuse::default();
        let mut reused = None;
        if let Some(state) = &state {
            state.begin(writer.set(), &recipients, interrupted.is_some());
            if let Some((manifest, tree, folder)) = earlier {
                // Thousands of links over a network take a while.
                let mut ticker = Ticker::new(observer, None);
                let tick = || ticker.tick(Progress::default());
                let taken = reuse::take(&rules, &writer, state, (manifest, tree), &folder, &mut reuse, tick)?;
                reused = or_full_set(taken, &mut warnings);
                reuse.base = reused.is_some().then_some(folder);
            }
        }
        if !reuse.damaged.is_empty() {
            warnings.push(format!(
                "damaged on the share, in earlier sets, too: {}; what they held was stored again for this set: verify \
                 the earlier ones, and the share's disks",
                reuse.damaged.join(", ")
            ));
        }
        let ReusedSet { tree, stored, history, sets } = reused.unwrap_or_default();
        let previous = tree.map(|tree| {
            PreviousTree::new(tree, stored.segments.keys().copied().collect(), self.reread_everything)
        });

        let mut avoided = Vec::new();
        for (folder, why) in [(&root, "the share itself"), (&state_folder, "this host's state folder")] {
            avoided.extend(folder.as_deref().and_then(stat::identity_of).map(|inode| (inode, why)));
        }
        let state = state.map(Arc::new);
        let rules = Rules {
            avoided,
            one_file_system: self.one_file_system,
            state: state.clone(),
            key: naming_key.clone(),
        };
        let fail_on_problem = self.problems == SourceProblems::Fail;
        let settings = Settings {
            workers: self.workers,
            level: self.level,
            segment_size: self.segment_size,
            naming_key,
            state,
            interrupted,
            earlier: stored,
            fail_on_problem,
            cover: Cover {
                created,
                certificates: self.certificates.iter().map(|c| c.facts().clone()).collect(),
                labels: self.labels,
            },
        };
        let shared = Arc::new(Shared::default());
        let pipeline = Pipeline::start(settings, writer.clone(), shared.clone());
        abandon.0 = None;
        Ok(Backup {
            planner: Planner::new(
                pipeline,
                shared.clone(),
                Fused::new(self.observer),
                fail_on_problem,
                self.segment_size,
                previous,
            ),
            writer,
            rules,
            excludes,
            clock: Clock::new(created),
            links: tree::Links::default(),
            names: BTreeSet::new(),
            certificates: self.certificates,
            signer: self.signer,
            region_folder: root.map(|root| root.join(self.place.deployment().region_folder().to_relative())),
            sizes: Vec::new(),
            sizes_before,
            fail_on_shrunken: self.shrunken == ShrunkenSources::Fail,
            history,
            interrupted: interrupted_sets,
            sets,
            shared,
            reuse,
            warnings,
            created,
            begun: Instant::now(),
            committed: false,
        })
    }

    /// Checks what can be judged without looking at anything else.
    fn check(&self, now: Timestamp) -> Result<()> {
        if self.certificates.is_empty() {
            let message = "a backup needs at least one encryption certificate (CER)";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.check_bounds()?;
        if !self.allow_expired {
            for certificate in &self.certificates {
                certificate.check_validity(now)?;
            }
            if let Some(signer) = &self.signer {
                signer.check_validity(now)?;
            }
        }
        Ok(())
    }

    /// Checks the options that have bounds, and names the first that is beyond them.
    pub(super) fn check_bounds(&self) -> Result<()> {
        let invalid = |what: String| Err(Error::new(ErrorKind::InvalidArgument, what));
        if !(-7..=19).contains(&self.level) {
            return invalid(format!("level {} of zstd is not between -7 and 19", self.level));
        }
        if !(4 << 20..=64 << 20).contains(&self.segment_size) {
            return invalid(format!(
                "segment_size {} is not between 4 and 64 MiB, in bytes",
                self.segment_size
            ));
        }
        if !(1..=MAX_WORKERS).contains(&self.workers) {
            return invalid(format!("{} workers are not between 1 and {MAX_WORKERS}", self.workers));
        }
        if self.state.as_ref().is_some_and(|folder| folder.as_os_str().is_empty()) {
            return invalid("the path of the state folder is empty".into());
        }
        Ok(())
    }

    /// Returns where the share and the state are on this host; refuses a state that lies on the share.
    fn folders(&self) -> Result<(Option<PathBuf>, Option<PathBuf>)> {
        let root = self.share.local_root();
        let state = self.state.as_deref().map(real_path);
        if let (Some(root), Some(state)) = (&root, &state)
            && state.starts_with(root)
        {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the state folder {} lies on the share: it holds names of files in clear and a key; use a folder \
                     of this host",
                    state.display()
                ),
            ));
        }
        Ok((root, state))
    }

    fn reuse_rules<'a>(&'a self, recipients: &'a BTreeSet<String>, now: Timestamp) -> ReuseRules<'a> {
        let renew_after = SignedDuration::from_hours(24 * i64::from(self.renew_after_days));
        ReuseRules {
            share: &self.share,
            place: &self.place,
            recipients,
            distrusted: &self.distrusted,
            recheck: if self.reread_everything { 1 } else { self.recheck },
            renew_after: (self.renew_after_days > 0).then_some(renew_after),
            now,
            segment_size: self.segment_size,
        }
    }

    /// Creates the set's folder in that of its place.
    fn create_set(&self, created: Timestamp) -> Result<(Arc<SetWriter>, Abandon)> {
        let mut taken = 0;
        loop {
            let name = self.name.map_or_else(|| random_name(created), Ok)?;
            let sealer = Sealer::new(&self.certificates)?;
            let writer = Arc::new(SetWriter::new(self.share.clone(), self.place.clone(), name, sealer));
            let mut abandon = Abandon(Some(writer.clone()));
            match writer.create() {
                Ok(()) => return Ok((writer, abandon)),
                Err(error) => {
                    // A call that was stopped or lost may have created it.
                    if error.scope() == Scope::Object {
                        abandon.0 = None;
                    }
                    taken += 1;
                    // Who has all names that one draws at random takes any question for that.
                    let is_another_free = self.name.is_none() && taken < MAX_TAKEN;
                    if !is_another_free || error.kind() != ErrorKind::AlreadyExists {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Names that are drawn at random for one set.
const MAX_TAKEN: u32 = 8;

/// Returns what interrupted runs have left on the share.
fn left(share: &dyn Share, place: &Place, journal: Journal) -> Option<Journal> {
    // Without a listing, it shows when a segment is taken over.
    let Ok(listing) = share.list(&place.folder()) else { return Some(journal) };
    let there: BTreeSet<SetName> = listing.iter().filter_map(|item| item.name.parse().ok()).collect();
    journal.retain(|set| there.contains(set))
}

fn random_name(created: Timestamp) -> Result<SetName> {
    let mut suffix = [0; 4];
    openssl::rand::rand_bytes(&mut suffix)
        .map_err(|e| Error::new(ErrorKind::Internal, "no random numbers").with_source(e))?;
    SetName::new(created, u32::from_be_bytes(suffix))
}

/// Returns what was found. If something prevents that, this set becomes a full one, and a warning says why.
fn or_full_set<T>(found: std::result::Result<T, String>, warnings: &mut Vec<String>) -> Option<T> {
    found.map_err(|why| warnings.push(format!("this set is a full one: {why}"))).ok()
}

/// Removes the begun set if starting the backup fails.
struct Abandon(Option<Arc<SetWriter>>);

impl Drop for Abandon {
    fn drop(&mut self) {
        if let Some(writer) = self.0.take() {
            super::give_up(writer, Vec::new());
        }
    }
}

/// The thumbprints of the certificates that a set is sealed to.
pub(super) fn thumbprints(certificates: &[EncryptionCertificate]) -> BTreeSet<String> {
    certificates.iter().map(|certificate| certificate.facts().sha256_thumbprint.clone()).collect()
}
