//! A file server behind a proxy, a source, and backups that meet what a bad night brings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use azs_backup::alert::{AlertKind, Profile, classify_error};
use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::share::SmbBuilder;
use azs_backup::{Backup, Error, FolderShare, Place, Result, Set, Share, list_sets};
use tempfile::TempDir;

use super::proxy::{Fault, Proxy};
use super::samba::Samba;
use super::{Certificate, assert_same_tree, noise};

/// A file server, a proxy in front of it, and what is to be backed up.
pub struct Night {
    pub samba: Samba,
    pub proxy: Proxy,
    pub place: Place,
    certificate: Certificate,
    local: TempDir,
    state: Option<PathBuf>,
    longest: std::sync::Mutex<Duration>,
}

/// What came of one backup.
pub struct NightResult {
    pub result: Result<SharePath>,
    pub took: Duration,
}

impl NightResult {
    pub fn alert(&self) -> Option<AlertKind> {
        self.result.as_ref().err().map(alert)
    }

    /// Prints one line of the table of faults.
    pub fn say(&self, fault: &str) {
        let seen = match &self.result {
            Ok(_) => "completes".to_owned(),
            Err(error) => format!("{} {}: {error}", alert(error), error.code()),
        };
        println!("| {fault} | {:.1} s | {seen} |", self.took.as_secs_f64());
    }
}

pub fn alert(error: &Error) -> AlertKind {
    classify_error(error, Profile::Refined).kind()
}

impl Night {
    pub fn new() -> Self {
        Self::with("", "", 9_000_000)
    }

    /// With so many bytes to back up, besides some small files.
    pub fn with(globals: &str, shares: &str, bytes: usize) -> Self {
        let samba = Samba::with(globals, shares);
        let proxy = Proxy::new(samba.port());
        let local = tempfile::tempdir().unwrap();
        let source = local.path().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("large"), noise(1, bytes)).unwrap();
        for number in 0..20 {
            fs::write(source.join(format!("small {number}")), noise(number, 300 * number as usize)).unwrap();
        }
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let certificate = Certificate::new("azs-backup test");
        let longest = std::sync::Mutex::default();
        Self { samba, proxy, place, certificate, local, state: None, longest }
    }

    /// With a state folder, so that each backup costs what changed.
    pub fn incremental(mut self) -> Self {
        self.state = Some(self.local.path().join("state"));
        self
    }

    /// How to connect through the proxy, with limits that suit a test.
    pub fn builder(&self) -> SmbBuilder {
        let builder = self.samba.builder("data").port(self.proxy.port());
        builder
            .connect_limit(Duration::from_millis(1500))
            .silence_limit(Duration::from_millis(1500))
            .call_limit(Duration::from_secs(40))
            .attempts(3)
    }

    /// One backup, from connecting to the commit.
    pub fn backup(&self) -> NightResult {
        self.backup_by(self.builder())
    }

    pub fn backup_by(&self, builder: SmbBuilder) -> NightResult {
        let begun = Instant::now();
        let run = || -> Result<SharePath> {
            let share: Arc<dyn Share> = Arc::new(builder.connect()?);
            let mut builder = Backup::builder(share, self.place.clone())
                .certificate(self.certificate.encryption())
                .create(true)
                .segment_size(4 << 20);
            if let Some(state) = &self.state {
                // What is read back differs from run to run, and faults are set by what has passed.
                builder = builder.state(state).recheck(0);
            }
            let mut backup = builder.start()?;
            backup.add_folder_as("tree", self.local.path().join("source"))?;
            Ok(backup.commit()?.folder)
        };
        let result = run();
        let took = begun.elapsed();
        let mut longest = self.longest.lock().unwrap();
        *longest = took.max(*longest);
        NightResult { result, took }
    }

    pub fn longest(&self) -> Duration {
        *self.longest.lock().unwrap()
    }

    /// The share as it lies on the server's disk: no network in between.
    pub fn native(&self) -> Arc<dyn Share> {
        Arc::new(FolderShare::open(self.root()).unwrap())
    }

    pub fn root(&self) -> PathBuf {
        self.samba.path("data")
    }

    pub fn target(&self) -> PathBuf {
        self.local.path().join("target")
    }

    pub fn opener(&self) -> azs_backup::Opener {
        azs_backup::Opener::new(self.certificate.decryption())
    }

    /// Every set that says that it is complete is whole, and there are at least so many. Gives how many there are, and
    /// how many are unfinished.
    pub fn assert_no_false_set(&self, at_least: usize) -> (usize, usize) {
        let share = self.native();
        let sets = list_sets(share.clone(), self.place.deployment()).run().unwrap();
        let (complete, unfinished): (Vec<_>, Vec<_>) = sets.iter().partition(|set| set.is_complete());
        assert!(complete.len() >= at_least, "{} of {at_least} sets complete", complete.len());
        for set in &complete {
            let set = Set::open(share.clone(), set.folder.clone()).unwrap();
            let report = set.verify_full(&self.opener()).run().unwrap();
            assert!(report.is_sound(), "{report:#?}");
        }
        (complete.len(), unfinished.len())
    }

    /// The set gives back what went in.
    pub fn assert_restores(&self, folder: &SharePath) {
        let set = Set::open(self.native(), folder.clone()).unwrap();
        let target = self.target();
        set.restore(&self.opener()).into(&target).unwrap();
        assert_same_tree(&self.local.path().join("source"), &target.join("tree"));
        fs::remove_dir_all(target).unwrap();
    }

    /// Bytes that one undisturbed backup moves, which is then an earlier set to keep.
    pub fn first_backup(&self) -> u64 {
        let first = self.backup();
        self.assert_restores(first.result.as_ref().unwrap());
        self.proxy.passed()
    }

    /// What holds after every fault: no false set, the earlier ones whole, and a later run completes. Gives how many
    /// complete sets there are then.
    pub fn assert_recovers(&self, outcome: &NightResult, before: usize) -> usize {
        let now = before + usize::from(outcome.result.is_ok());
        let (complete, _) = self.assert_no_false_set(now);
        // When the last answer of all is lost, the set is complete, and the run does not know it.
        assert!(complete <= before + 1, "{complete} sets, {before} before");
        let later = self.backup();
        self.assert_restores(later.result.as_ref().unwrap_or_else(|e| panic!("{e:?}")));
        complete + 1
    }

    /// A backup, and something that happens when so many bytes of it have passed, while no more do.
    pub fn during(&self, bytes: u64, happen: impl Fn() + Sync) -> NightResult {
        self.during_by(self.builder(), bytes, happen)
    }

    pub fn during_by(&self, builder: SmbBuilder, bytes: u64, happen: impl Fn() + Sync) -> NightResult {
        self.proxy.set(Fault::None);
        self.proxy.after(bytes, Fault::Stall);
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !self.proxy.is_stalled() {
                    assert!(!ended.load(Ordering::Relaxed), "the backup ended before anything happened");
                    std::thread::sleep(Duration::from_millis(1));
                }
                happen();
                self.proxy.set(Fault::None);
            });
            let outcome = self.backup_by(builder);
            ended.store(true, Ordering::Relaxed);
            outcome
        })
    }
}

/// A folder and all that is in it.
pub fn walk(root: &Path) -> Vec<PathBuf> {
    let mut all = vec![root.to_owned()];
    let mut at = 0;
    while at < all.len() {
        if let Ok(items) = fs::read_dir(&all[at]) {
            all.extend(items.flatten().map(|item| item.path()));
        }
        at += 1;
    }
    all
}
