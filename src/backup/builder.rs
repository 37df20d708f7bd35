//! The options of a backup.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::envelope::EncryptionCertificate;
use crate::layout::{Place, SetName};
use crate::observer::{BoxedObserver, Observer, Unobserved};
use crate::share::Share;
use crate::signature::Signer;
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

/// The options of a backup; [`start`](Self::start) checks them and begins it.
pub struct BackupBuilder {
    pub(super) share: Arc<dyn Share>,
    pub(super) place: Place,
    pub(super) certificates: Vec<EncryptionCertificate>,
    pub(super) signer: Option<Signer>,
    pub(super) allow_expired: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) patterns: Vec<String>,
    pub(super) problems: SourceProblems,
    pub(super) shrunken: ShrunkenSources,
    pub(super) one_file_system: bool,
    pub(super) create: bool,
    pub(super) recheck: u32,
    pub(super) renew_after_days: u32,
    pub(super) level: i32,
    pub(super) segment_size: usize,
    pub(super) workers: usize,
    pub(super) state: Option<PathBuf>,
    pub(super) reread_everything: bool,
    pub(super) distrusted: HashSet<String>,
    pub(super) name: Option<SetName>,
    pub(super) observer: BoxedObserver,
}

impl BackupBuilder {
    /// Prepares a backup with the default options.
    pub(super) fn new(share: Arc<dyn Share>, place: Place) -> Self {
        Self {
            share,
            place,
            certificates: Vec::new(),
            signer: None,
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
    /// certificates. One that is added twice counts once.
    #[must_use]
    pub fn certificate(mut self, certificate: EncryptionCertificate) -> Self {
        if self.certificates.iter().all(|held| held.facts() != certificate.facts()) {
            self.certificates.push(certificate);
        }
        self
    }

    /// Signs the set: `backup.json.p7s` is written beside the cover sheet, and says who made the set. Without it, anyone
    /// who has the CER and may write to the share can make a set that looks like this host's.
    #[must_use]
    pub fn signer(mut self, signer: Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Accepts certificates that are expired or not yet valid, the signer's, too. By default they are refused. A
    /// signature by one that is not valid is not valid, either.
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

    /// Reads back each stored file that is taken over from an earlier set, at least once in this many runs, and stores
    /// its content again if it is damaged. The default is 7; 1 reads all of them in each run, 0 none. A run reads its
    /// share of the bytes: a seventh by default. Index pieces are read back in each run, unless it is 0: without one of
    /// them the whole set is lost.
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
    /// only what changed since: a file whose kind, size, number and times are those that the last set recorded, and older
    /// than that run, is not read again.
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
}
