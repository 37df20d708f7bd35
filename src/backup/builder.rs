//! Sets the options of a backup, checks them, and begins it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::excludes::Excludes;
use super::history::History;
use super::pipeline::Pipeline;
use super::plan::{BoxedObserver, Planner};
use super::previous::PreviousTree;
use super::report::Reuse;
use super::reuse::{self, ReuseRules};
use super::run::{Cover, Earlier, Settings, Shared};
use super::stat::{self, Clock};
use super::state::{self, Opened};
use super::tree::Rules;
use super::{Backup, tree};
use crate::envelope::{EncryptionCertificate, Sealer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName};
use crate::observer::{Observer, Progress, Ticker, Unobserved, watched};
use crate::set::writer::SetWriter;
use crate::share::Share;
use crate::string_enum::string_enum;

/// What to do about a source that cannot be read, or that changes while it is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SourceProblems {
    /// End the backup with an error that names the source; no set remains.
    #[default]
    Fail,
    /// Go on, name the source in the report, the index and the cover sheet's counts, and end as
    /// [`PartialSucceeded`](crate::set::Status::PartialSucceeded).
    Report,
}

string_enum!(SourceProblems, "source_problems": "fail" => Fail, "report" => Report);

/// What to do about a source that is empty, or holds less than half of what it held last time: perhaps it is not
/// mounted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShrunkenSources {
    /// Go on, and name it in the report's warnings.
    #[default]
    Warn,
    /// End the backup with `SOURCE_UNREADABLE`; no set remains.
    Fail,
}

string_enum!(ShrunkenSources, "shrunken_sources": "warn" => Warn, "fail" => Fail);

/// The options of a backup; [`start`](Self::start) begins it.
pub struct BackupBuilder {
    share: Arc<dyn Share>,
    place: Place,
    certificates: Vec<EncryptionCertificate>,
    allow_expired: bool,
    labels: BTreeMap<String, String>,
    patterns: Vec<String>,
    problems: SourceProblems,
    shrunken: ShrunkenSources,
    one_file_system: bool,
    create: bool,
    recheck: u32,
    renew_after_days: u32,
    level: i32,
    segment_size: usize,
    workers: usize,
    state: Option<PathBuf>,
    reread_everything: bool,
    distrusted: HashSet<String>,
    name: Option<SetName>,
    observer: BoxedObserver,
}

impl BackupBuilder {
    /// Prepares a backup with the default options.
    pub(super) fn new(share: Arc<dyn Share>, place: Place) -> Self {
        Self {
            share,
            place,
            certificates: Vec::new(),
            allow_expired: false,
            labels: BTreeMap::new(),
            patterns: Vec::new(),
            problems: SourceProblems::default(),
            shrunken: ShrunkenSources::default(),
            one_file_system: false,
            create: false,
            recheck: 7,
            renew_after_days: 180,
            level: 3,
            segment_size: 12 << 20,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            state: None,
            reread_everything: false,
            distrusted: HashSet::new(),
            name: None,
            observer: Box::new(Unobserved),
        }
    }

    /// Adds a certificate that can open the set. A backup needs at least one; add several while you change
    /// certificates.
    #[must_use]
    pub fn certificate(mut self, certificate: EncryptionCertificate) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Accepts certificates that are expired or not yet valid. By default they are refused.
    #[must_use]
    pub fn allow_expired_certificates(mut self, allow: bool) -> Self {
        self.allow_expired = allow;
        self
    }

    /// Writes a label on the cover sheet, in clear: vendor, model, serial, firmware, hardware generation, node count…
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Leaves out what this pattern matches below each folder. The syntax is gitignore's: `!` takes something back in,
    /// and the last pattern that matches decides. The report's warnings name each pattern that matched nothing; it may
    /// be misspelt.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Takes back in what an earlier [`exclude`](Self::exclude) left out: the same as excluding `!pattern`.
    #[must_use]
    pub fn include(self, pattern: impl std::fmt::Display) -> Self {
        self.exclude(format!("!{pattern}"))
    }

    /// Says what to do about sources that cannot be read or that change; by default the backup fails.
    #[must_use]
    pub fn source_problems(mut self, policy: SourceProblems) -> Self {
        self.problems = policy;
        self
    }

    /// Says what to do about sources that are empty, or much smaller than last time; the default is a warning. The
    /// library knows what they held last time only with a [state folder](Self::state).
    #[must_use]
    pub fn shrunken_sources(mut self, policy: ShrunkenSources) -> Self {
        self.shrunken = policy;
        self
    }

    /// Creates the region folder, and the folder of a component that is not one of Azure Stack Hub's own, if it is
    /// missing. By default that is an error: the share may not be mounted, or a name mistyped.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Leaves out what is mounted below a source, and names it in the report as skipped.
    #[must_use]
    pub fn one_file_system(mut self, one: bool) -> Self {
        self.one_file_system = one;
        self
    }

    /// Reads each stored file that is taken over from an earlier set back at least once in this many runs, and stores
    /// its content again if it is damaged. The default is 7; 1 reads all of them in each run, 0 none. A run reads its
    /// share of the bytes: a seventh by default.
    #[must_use]
    pub fn recheck(mut self, runs: u32) -> Self {
        self.recheck = runs;
        self
    }

    /// Stores again what was stored more than this many days ago, even if nothing is wrong with it. The default is 180;
    /// 0 turns this off. One run renews at most a sixteenth of the stored files, the oldest first.
    #[must_use]
    pub fn renew_after_days(mut self, days: u32) -> Self {
        self.renew_after_days = days;
        self
    }

    /// Sets the zstd level, −7 to 19; the default is 3. Content that does not compress is stored as it is. Small files
    /// get level 1 if that makes them as small.
    #[must_use]
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// Sets the largest size of a stored segment in bytes, 4 to 64 MiB; the default is 12 MiB. Opening a segment by
    /// hand takes about three times as much memory.
    #[must_use]
    pub fn segment_size(mut self, bytes: usize) -> Self {
        self.segment_size = bytes;
        self
    }

    /// Sets the number of threads that read and compress, 1 to 256; the default is one for each core.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the state folder: a folder of this host, one for each job, that remembers the last set. With it a set costs
    /// only what changed since.
    ///
    /// The library creates it if it is missing, for its owner only. If it is damaged, another host's, read-only or in
    /// use, the backup does without: it makes a full set, and the report's warnings say why.
    #[must_use]
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Reads every file, whatever its times say, and reads back every stored file that is taken over from an earlier
    /// set.
    #[must_use]
    pub fn reread_everything(mut self, reread_everything: bool) -> Self {
        self.reread_everything = reread_everything;
        self
    }

    /// Takes none of these stored files over from an earlier set, and stores their content again. Use it for files that
    /// a verification found damaged; the names are those of [`Fault::file`](crate::restore::Fault::file).
    #[must_use]
    pub fn distrust(mut self, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.distrusted.extend(files.into_iter().map(Into::into));
        self
    }

    /// Names the set; by default its name has the time and a random suffix.
    #[must_use]
    pub fn set_name(mut self, name: SetName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the observer. It is called while the backup starts, while you add sources and during the commit, on the
    /// thread that asks for it.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Begins the backup: checks the options and creates the set's folder.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a missing certificate or an option out of range; `CERTIFICATE_EXPIRED`; the share's
    /// errors on creating the folder; `CANCELLED`.
    pub fn start(mut self) -> Result<Backup> {
        let mut observer = std::mem::replace(&mut self.observer, Box::new(Unobserved));
        let mut backup = watched(&mut *observer, Progress::default(), |observer| self.start_with(observer))?;
        backup.planner.observer = observer;
        Ok(backup)
    }

    fn start_with(mut self, observer: &mut dyn Observer) -> Result<Backup> {
        let invalid = |what: String| Err(Error::new(ErrorKind::InvalidArgument, what));
        if self.certificates.is_empty() {
            return invalid("a backup needs at least one encryption certificate (CER)".into());
        }
        if !(-7..=19).contains(&self.level) {
            return invalid(format!("zstd level {} is not between -7 and 19", self.level));
        }
        if !(4 << 20..=64 << 20).contains(&self.segment_size) {
            return invalid(format!(
                "a segment size of {} bytes is not between 4 and 64 MiB",
                self.segment_size
            ));
        }
        if !(1..=MAX_WORKERS).contains(&self.workers) {
            return invalid(format!("{} workers are not between 1 and {MAX_WORKERS}", self.workers));
        }
        let root = self.share.local_root();
        let state_folder = self.state.as_deref().map(real_path);
        if let (Some(root), Some(state)) = (&root, &state_folder)
            && state.starts_with(root)
        {
            return invalid(format!(
                "the state folder {} lies on the share: it holds names of files in clear and a key; use a folder of \
                 this host",
                state.display()
            ));
        }
        let created = Timestamp::now();
        if !self.allow_expired {
            for certificate in &self.certificates {
                certificate.check_validity(created)?;
            }
        }
        let excludes = Excludes::new(&self.patterns)?;
        let place = self.place.clone();
        let Opened { naming_key, state, last, interrupted, mut warnings } =
            state::open(self.state.as_deref(), &place)?;
        let recipients = thumbprints(&self.certificates);
        let mut reuse = Reuse::default();
        let mut base = None;
        let rules = ReuseRules {
            share: &self.share,
            place: &place,
            recipients: &recipients,
            distrusted: &self.distrusted,
            recheck: if self.reread_everything { 1 } else { self.recheck },
            renew_after: (self.renew_after_days > 0)
                .then(|| SignedDuration::from_hours(24 * i64::from(self.renew_after_days))),
            now: created,
            segment_size: self.segment_size,
        };
        let full = |why: &str| format!("this set is a full one: {why}");
        let sizes_before = last.as_ref().map(|(last, _)| last.sources.clone()).unwrap_or_default();
        let found = match (&state, last) {
            (Some(_), Some((manifest, tree))) => match reuse::find(&rules, &manifest)? {
                Ok(folder) => Some((manifest, tree, folder)),
                Err(why) => {
                    warnings.push(full(&why));
                    None
                }
            },
            _ => None,
        };
        let interrupted = interrupted.filter(|journal| journal.recipients == recipients);
        let writer = Arc::new(self.begin(created)?);
        let mut abandon = Abandon(Some(writer.clone()));
        if let Some(state) = &state {
            state.begin(writer.set(), &recipients, interrupted.is_some());
            if let Some((manifest, tree, folder)) = found {
                // Thousands of links over a network take a while.
                let mut ticker = Ticker::new(observer, None);
                let tick = || ticker.tick(Progress::default());
                let taken = reuse::take(&rules, &writer, state, (manifest, tree), &folder, &mut reuse, tick)?;
                match taken {
                    Ok(taken) => {
                        reuse.base = Some(folder);
                        base = Some(taken);
                    }
                    Err(why) => warnings.push(full(&why)),
                }
            }
        }
        let interrupted_sets = interrupted.as_ref().map(|journal| journal.sets.clone());
        let state = state.map(Arc::new);
        let mut before = Earlier { state: state.clone(), interrupted, ..Earlier::default() };
        let (mut previous, mut sets, mut history) = (None, Vec::new(), History::default());
        if !reuse.damaged.is_empty() {
            warnings.push(format!(
                "damaged on the share, in earlier sets, too: {}; what they held was stored again for this set: verify \
                 the earlier ones, and the share's disks",
                reuse.damaged.join(", ")
            ));
        }
        if let Some(base) = base {
            history = base.history;
            let linked = base.segments.keys().copied().collect();
            previous = Some(PreviousTree::new(base.tree, linked, self.reread_everything));
            sets = base.sets;
            before = Earlier {
                segments: base.segments,
                whole: base.whole,
                pieces: base.pieces,
                next_segment: base.next_segment,
                next_piece: base.next_piece,
                next_table: base.next_table,
                ..before
            };
        }
        let fail_on_problem = self.problems == SourceProblems::Fail;
        let mut avoided = Vec::new();
        for (folder, why) in [(&root, "the share itself"), (&state_folder, "this host's state folder")] {
            avoided.extend(folder.as_deref().and_then(stat::identity_of).map(|inode| (inode, why)));
        }
        let rules = Rules {
            avoided,
            one_file_system: self.one_file_system,
            state: state.clone(),
            key: naming_key.clone(),
        };
        let settings = Settings {
            workers: self.workers,
            level: self.level,
            segment_size: self.segment_size,
            naming_key,
            before,
            fail_on_problem,
            cover: Cover {
                created,
                certificates: self.certificates.iter().map(|c| c.facts().clone()).collect(),
                labels: std::mem::take(&mut self.labels),
            },
        };
        let shared = Arc::new(Shared::default());
        let pipeline = Pipeline::start(settings, writer.clone(), shared.clone());
        abandon.0 = None;
        Ok(Backup {
            planner: Planner::new(
                pipeline,
                shared.clone(),
                self.observer,
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
            region_folder: root.map(|root| root.join(place.deployment().region_folder().to_relative())),
            sizes: Vec::new(),
            sizes_before,
            fail_on_shrunken: self.shrunken == ShrunkenSources::Fail,
            history,
            interrupted: interrupted_sets.unwrap_or_default(),
            sets,
            shared,
            reuse,
            warnings,
            created,
            begun: Instant::now(),
            committed: false,
        })
    }

    /// Creates the set's folder.
    fn begin(&self, created: Timestamp) -> Result<SetWriter> {
        crate::set::place::require(&*self.share, &self.place, self.create)?;
        let sealer = || Sealer::new(&self.certificates);
        if let Some(name) = self.name {
            return SetWriter::create(self.share.clone(), self.place.clone(), name, sealer()?);
        }
        loop {
            let mut suffix = [0; 4];
            openssl::rand::rand_bytes(&mut suffix)
                .map_err(|e| Error::new(ErrorKind::Internal, "no random numbers").with_source(e))?;
            let name = SetName::new(created, u32::from_be_bytes(suffix))?;
            match SetWriter::create(self.share.clone(), self.place.clone(), name, sealer()?) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                done => return done,
            }
        }
    }
}

/// Resolves the links in the part of the path that exists.
fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match there {
        Some((above, real)) => real.join(absolute.strip_prefix(above).unwrap_or(Path::new(""))),
        None => absolute,
    }
}

/// Most threads that read and compress.
const MAX_WORKERS: usize = 256;

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
