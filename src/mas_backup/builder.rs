//! What is done with `MASBackup`: list, verify, extract.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::MasBackup;
use super::assemble::assemble;
use super::catalog::{BackupRepository, Catalog, MicrosoftBackup, Snapshot};
use super::contents::{Nowhere, SnapshotVisitor};
use super::extract::{ExtractReport, Extraction, Wrote};
use super::finding::{Finding, Findings};
use super::key::Keys;
use super::name::same;
use super::scan::scan;
use super::verify::{MasBackupReport, Reader, Seen, SnapshotState, backups};
use crate::error::{Error, ErrorKind, Result};
use crate::names::real_path;
use crate::observer::{Observer, Progress, Ticker, observed};
use crate::options::from_json;
use crate::restore::{Existing, LastFolder, RestoreOptions, Target};

/// A list that [`run`](Self::run) makes.
#[must_use = "nothing is listed before `run`"]
pub struct ListBuilder<'a> {
    of: &'a MasBackup,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> ListBuilder<'a> {
    pub(super) fn new(of: &'a MasBackup) -> Self {
        Self { of, observer: None }
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Lists what lies there at this time, by listings and clear metadata alone.
    ///
    /// A file that cannot be read is a finding, and hides no other. Memory is bounded: at most 100,000 files and folders
    /// are looked at, and documents of at most 1 MiB are read.
    ///
    /// # Errors
    /// `UNSUPPORTED` and `ACCESS_DENIED` when `MASBackup` cannot be listed; `UNREACHABLE` and `TIMED_OUT`; `CANCELLED`.
    pub fn run(self, now: Timestamp) -> Result<Catalog> {
        let Self { of, observer } = self;
        observed(observer, |observer| {
            let mut ticker = Ticker::new(observer, None);
            let catalog = list(of, now, &mut ticker)?;
            ticker.end(Progress::default())?;
            Ok(catalog)
        })
    }
}

fn list(of: &MasBackup, now: Timestamp, ticker: &mut Ticker<'_>) -> Result<Catalog> {
    let scanned = scan(&*of.share, &of.folder, now, ticker)?;
    Ok(assemble(scanned, of.folder.to_string(), now))
}

/// A verification that [`run`](Self::run) does.
#[must_use = "nothing is verified before `run`"]
pub struct VerifyBuilder<'a> {
    of: &'a MasBackup,
    keys: Option<&'a Keys>,
    backup_id: Option<String>,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> VerifyBuilder<'a> {
    pub(super) fn new(of: &'a MasBackup) -> Self {
        Self { of, keys: None, backup_id: None, observer: None }
    }

    /// Shows the keys. Without any, only names, metadata, lengths and headers are compared.
    pub fn keys(mut self, keys: &'a Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Verifies only what the backup of this id needs; without it, all snapshots.
    pub fn backup(mut self, id: &str) -> Self {
        self.backup_id = Some(id.to_owned());
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Verifies snapshots as of this time.
    ///
    /// With the keys, each is authenticated as a whole (HMAC-SHA512 over the ciphertext, compared in constant time) before
    /// any of it is decrypted, and then each file in it is compared with its checksum and with both headers of the zip,
    /// also in zips inside and in files that are encrypted once more. A data file is read twice; memory is 64 MiB at most,
    /// whatever its size, and nothing is written anywhere.
    ///
    /// # Errors
    /// Only what prevents the check: `NOT_FOUND` when no backup has this id; the errors of [`ListBuilder::run`]. What is
    /// wrong with snapshots is in the report.
    pub fn run(self, now: Timestamp) -> Result<MasBackupReport> {
        let Self { of, keys, backup_id, observer } = self;
        let no_keys = Keys::default();
        let keys = keys.unwrap_or(&no_keys);
        observed(observer, |observer| {
            let mut ticker = Ticker::new(observer, None);
            let catalog = list(of, now, &mut ticker)?;
            let wanted = match &backup_id {
                None => snapshots(&catalog).collect(),
                Some(id) => needed(&catalog, find(&catalog, id)?, None),
            };
            let mut findings = Findings::default();
            let read = read_all(of, keys, now, &wanted, &mut ticker, &mut findings, |_| Box::new(Nowhere))?;
            let shown = keys.thumbprints();
            let named = wanted.iter().filter_map(|snapshot| snapshot.thumbprint.as_ref());
            let named: BTreeSet<_> = named.map(|text| text.to_ascii_uppercase()).collect();
            match &backup_id {
                Some(id) => findings.extend(of_backup(&catalog, id)),
                None => findings.extend(catalog.findings.iter().cloned()),
            }
            Ok(MasBackupReport {
                state: worst(&read.checks),
                backups: backups(&catalog, &read.checks),
                not_shown: named.into_iter().filter(|name| !shown.contains(name)).collect(),
                shown,
                findings: findings.sorted(),
                stored_bytes: read.stored_bytes,
                bytes: read.bytes,
                snapshots: read.checks,
            })
        })
    }
}

/// The options of an extraction, in JSON: `repository`, `existing` and `open_inner`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractOptions {
    repository: Option<String>,
    existing: Existing,
    open_inner: bool,
}

impl ExtractOptions {
    /// Reads options from JSON; what is missing has its default.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, or for an unknown option, naming the nearest one.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        from_json("options of an extraction", json)
    }
}

/// An extraction that [`into`](Self::into) does.
#[must_use = "nothing is extracted before `into`"]
pub struct ExtractBuilder<'a> {
    of: &'a MasBackup,
    keys: &'a Keys,
    backup_id: String,
    options: ExtractOptions,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> ExtractBuilder<'a> {
    pub(super) fn new(of: &'a MasBackup, keys: &'a Keys, backup_id: &str) -> Self {
        Self { of, keys, backup_id: backup_id.to_owned(), options: ExtractOptions::default(), observer: None }
    }

    /// Extracts only what the backup needs of this repository.
    pub fn repository(mut self, name: &str) -> Self {
        self.options.repository = Some(name.to_owned());
        self
    }

    /// Says what to do about things that already exist. A file that is kept is compared by size and time.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.options.existing = existing;
        self
    }

    /// Writes the zips of composite repositories as folders, and files that are encrypted once more decrypted. Without
    /// this, both are written as they are.
    pub fn open_inner(mut self) -> Self {
        self.options.open_inner = true;
        self
    }

    /// Sets all options at once.
    pub fn options(mut self, options: &ExtractOptions) -> Self {
        self.options = options.clone();
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Extracts the snapshots that the backup needs, each into the folder `<repository>/<snapshot>` of this one.
    ///
    /// A snapshot is authenticated as a whole before anything of it is written, and a file gets its name once its content
    /// is compared with its checksum. Names that are not safe on Windows, duplicates and what follows damage are not
    /// written; the findings name them. Files are the account's own: nobody else may read them (on Unix).
    ///
    /// # Errors
    /// `NOT_FOUND` when no backup has this id, or it has no such repository; `WRONG_CERTIFICATE` when no key that was shown
    /// opens any snapshot; `ALREADY_EXISTS` when the folder is not empty and [`Existing`] does not allow that;
    /// `OUT_OF_CAPACITY`; the errors of [`ListBuilder::run`].
    pub fn into(self, folder: impl AsRef<Path>, now: Timestamp) -> Result<ExtractReport> {
        let Self { of, keys, backup_id, options, observer } = self;
        let ExtractOptions { repository, existing, open_inner: opens } = options;
        let folder = folder.as_ref();
        observed(observer, |observer| {
            let mut ticker = Ticker::new(observer, None);
            let catalog = list(of, now, &mut ticker)?;
            let backup = find(&catalog, &backup_id)?;
            let wanted = needed(&catalog, backup, repository.as_deref());
            if wanted.is_empty() {
                let what = repository.unwrap_or_else(|| "any repository".into());
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("the backup {backup_id} has no snapshot of {what}"),
                ));
            }
            Target::refuse_mas_backup(folder)?;
            refuse_share(of, folder)?;
            let target = Target::open(folder, &RestoreOptions::default().existing(existing))?;
            let mut findings = Findings::default();
            let wrote = std::cell::RefCell::new(Wrote::default());
            let read = read_all(of, keys, now, &wanted, &mut ticker, &mut findings, |snapshot| {
                let name = snapshot.path.rsplit('/').next().unwrap_or_default();
                let folder = format!("{}/{name}", snapshot.repository);
                let near = LastFolder::default();
                Box::new(Extraction { target: &target, folder, opens, near, wrote: &wrote })
            })?;
            target.finish()?;
            if read.checks.iter().all(|check| check.state == SnapshotState::NotOpened) {
                let needed: BTreeSet<_> =
                    wanted.iter().filter_map(|snapshot| snapshot.thumbprint.clone()).collect();
                let needed = needed.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("the backup {backup_id} needs the PFX of {needed}");
                return Err(Error::new(ErrorKind::WrongCertificate, message));
            }
            findings.extend(of_backup(&catalog, &backup_id));
            let Wrote { files, bytes, kept, kept_differing, refused } = wrote.into_inner();
            Ok(ExtractReport {
                state: worst(&read.checks),
                missing: chosen(backup, repository.as_deref()).flat_map(|of| of.missing.clone()).collect(),
                snapshots: read.checks,
                files,
                bytes,
                kept,
                kept_differing,
                refused,
                unrestored: target.unrestored(),
                findings: findings.sorted(),
            })
        })
    }
}

struct AllRead {
    checks: Vec<super::SnapshotCheck>,
    stored_bytes: u64,
    bytes: u64,
}

/// Reads snapshots one after the other: so one of any size fits into the memory that is promised.
fn read_all<'v>(
    of: &MasBackup,
    keys: &Keys,
    now: Timestamp,
    wanted: &[&Snapshot],
    ticker: &mut Ticker<'_>,
    findings: &mut Findings,
    mut visitor: impl FnMut(&Snapshot) -> Box<dyn SnapshotVisitor + 'v>,
) -> Result<AllRead> {
    let reader = Reader { share: &*of.share, keys, now };
    let mut tick =
        |files, bytes, stored_bytes| ticker.tick(Progress { files, bytes, stored_bytes, total_bytes: None });
    let mut seen = Seen { stored_bytes: 0, files: 0, bytes: 0, tick: &mut tick };
    let mut checks = Vec::new();
    for snapshot in wanted {
        seen.tick()?;
        checks.push(reader.check(snapshot, &mut *visitor(snapshot), &mut seen, findings)?);
    }
    let Seen { stored_bytes, files, bytes, .. } = seen;
    ticker.end(Progress { files, bytes, stored_bytes, total_bytes: None })?;
    Ok(AllRead { checks, stored_bytes, bytes })
}

fn worst(checks: &[super::SnapshotCheck]) -> SnapshotState {
    checks.iter().map(|check| check.state).max().unwrap_or(SnapshotState::Verified)
}

fn snapshots(catalog: &Catalog) -> impl Iterator<Item = &Snapshot> {
    catalog.stores.iter().flat_map(|store| &store.repositories).flat_map(|repository| &repository.snapshots)
}

fn find<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a MicrosoftBackup> {
    let found = catalog.backups.iter().find(|backup| same(&backup.id, id));
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no backup {}", super::finding::shown(id)))
    })
}

/// The snapshots that a backup needs, of one repository or of all.
fn needed<'a>(catalog: &'a Catalog, backup: &MicrosoftBackup, repository: Option<&str>) -> Vec<&'a Snapshot> {
    let paths: BTreeSet<&String> = chosen(backup, repository).flat_map(|of| &of.chain).collect();
    snapshots(catalog).filter(|snapshot| paths.contains(&snapshot.path)).collect()
}

/// The repositories of a backup: one, or all.
fn chosen<'a>(
    backup: &'a MicrosoftBackup,
    repository: Option<&'a str>,
) -> impl Iterator<Item = &'a BackupRepository> {
    backup.repositories.iter().filter(move |of| repository.is_none_or(|name| same(name, &of.name)))
}

/// What the list says of this backup, and of no other: also of what its chains need of others.
fn of_backup<'a>(catalog: &'a Catalog, id: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let needed: BTreeSet<_> = catalog
        .backups
        .iter()
        .filter(|of| same(&of.id, id))
        .flat_map(|of| of.paths())
        .map(String::as_str)
        .collect();
    let is_of = move |finding: &&Finding| {
        let is_needed = finding.path.rsplit_once('.').is_some_and(|(stem, _)| needed.contains(stem));
        is_needed || finding.backup.as_ref().is_none_or(|of| same(of, id))
    };
    catalog.findings.iter().filter(is_of).cloned()
}

/// Refuses to put plaintext on the share, beside the backups that it was kept in for a reason.
fn refuse_share(of: &MasBackup, folder: &Path) -> Result<()> {
    let real = real_path(folder);
    if of.share.local_root().is_some_and(|root| real.starts_with(root)) {
        let shown = folder.display();
        let message = format!("{shown} is on the share: name a folder of this host that only you can read");
        return Err(Error::new(ErrorKind::InvalidArgument, message).doing("extract", shown));
    }
    Ok(())
}
