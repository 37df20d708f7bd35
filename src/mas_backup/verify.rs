//! Verifies snapshots: with the PFX every byte, without it what can be seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::catalog::{Catalog, MicrosoftBackup, Readiness, Snapshot};
use super::contents::{Contents, SnapshotVisitor, describe};
use super::data_file::{self, Authentic, PREFIX, Plain, Prefix};
use super::document::MAX_DOCUMENT;
use super::finding::{Finding, FindingKind, Findings};
use super::key::{DataKey, Keys, Opened};
use super::metadata::SnapshotMetadata;
use super::scan::read_whole;
use super::zip::{self, Budget, INSIDE};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::share::{CLOCK_SKEW, Share};
use crate::string_enum::string_enum;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MasBackupReport {
    /// The worst state of all snapshots that were looked at; `verified` if there are none.
    pub state: SnapshotState,
    /// Each snapshot.
    pub snapshots: Vec<SnapshotCheck>,
    /// Each backup, newest first.
    pub backups: Vec<BackupCheck>,
    /// SHA-1 thumbprints of the certificates that were shown.
    pub shown: Vec<String>,
    /// SHA-1 thumbprints that snapshots name, and of which no certificate was shown.
    pub not_shown: Vec<String>,
    /// What is not as it should be, worst first: what the list shows, and what the verification found.
    pub findings: Vec<Finding>,
    /// Bytes of data files that were read.
    pub stored_bytes: u64,
    /// Bytes of the files in them.
    pub bytes: u64,
}

/// What is known of a snapshot, from good to bad.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum SnapshotState {
    /// Authenticated, decrypted, and every file in it compared with its checksum.
    Verified,
    /// Sound as far as that can be seen without a key: it was not authenticated.
    NotChecked,
    /// It is probably still being written, or it changed while it was read.
    InProgress,
    /// No key that was shown opens it.
    NotOpened,
    /// It cannot be read.
    Unreadable,
    /// It is damaged.
    Damaged,
}

string_enum!(SnapshotState, "state": "verified" => Verified, "not_checked" => NotChecked, "in_progress" => InProgress,
    "not_opened" => NotOpened, "unreadable" => Unreadable, "damaged" => Damaged);

/// What a verification found about one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SnapshotCheck {
    /// Its files, below `MASBackup` and without their extension.
    pub path: String,
    /// The id of its backup.
    pub backup_id: String,
    /// What is known of it.
    pub state: SnapshotState,
    /// The SHA-1 thumbprint of the certificate whose key opened it.
    pub opened_by: Option<String>,
    /// The digest of the padding of its wrapped key: `sha256`, or `sha1` of older versions.
    pub oaep: Option<&'static str>,
    /// Number of files in it, those in zips inside it included.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

/// What a verification found about one backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BackupCheck {
    /// Its id.
    pub id: String,
    /// Its store.
    pub store: String,
    /// When its latest snapshot was made.
    pub created: Option<Timestamp>,
    /// Whether the files that lie there are what a cloud recovery needs, by the rules known.
    pub readiness: Readiness,
    /// The worst state of the snapshots that it needs.
    pub state: SnapshotState,
    /// The snapshots that it needs and that are not verified, with their state.
    pub weakest: Vec<(String, SnapshotState)>,
}

/// Something that happens while snapshots are read.
pub(super) struct Seen<'t> {
    pub(super) stored_bytes: u64,
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Tells how far the work is; fails if it should stop.
    pub(super) tick: &'t mut dyn FnMut(u64, u64, u64) -> Result<()>,
}

impl Seen<'_> {
    pub(super) fn tick(&mut self) -> Result<()> {
        (self.tick)(self.files, self.bytes, self.stored_bytes)
    }
}

/// Reads snapshots, one after the other.
pub(super) struct Reader<'a> {
    pub(super) share: &'a dyn Share,
    pub(super) keys: &'a Keys,
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    /// Checks one snapshot. What is in it goes to `visitor`, file by file, once all of the snapshot is authenticated.
    pub(super) fn check(
        &self,
        snapshot: &Snapshot,
        visitor: &mut dyn SnapshotVisitor,
        seen: &mut Seen<'_>,
        findings: &mut Findings,
    ) -> Result<SnapshotCheck> {
        let mut check = SnapshotCheck {
            path: snapshot.path.clone(),
            backup_id: snapshot.backup_id.clone(),
            state: SnapshotState::NotChecked,
            opened_by: None,
            oaep: None,
            files: 0,
            bytes: 0,
        };
        let (files, bytes) = (seen.files, seen.bytes);
        let mut found = Vec::new();
        let checked = self.opened(snapshot, visitor, seen, &mut check, &mut found);
        check.files = seen.files - files;
        check.bytes = seen.bytes - bytes;
        match checked {
            Ok(state) => check.state = state,
            Err(error) if error.scope() != Scope::Object => return Err(error),
            Err(error) => {
                check.state = SnapshotState::Unreadable;
                found.push((FindingKind::FileUnreadable, String::new(), error.to_string()));
            }
        }
        // A damage that only shows in the content counts, too.
        if check.state == SnapshotState::Verified
            && found.iter().any(|(kind, ..)| kind.severity() == crate::severity::Severity::Critical)
        {
            check.state = SnapshotState::Damaged;
        }
        let data = snapshot.data_path();
        findings.extend(found.into_iter().map(|(kind, inside, what)| {
            let path = if inside.is_empty() { data.clone() } else { format!("{data}{INSIDE}{inside}") };
            Finding::new(kind, path, what).of_backup(&snapshot.backup_id)
        }));
        Ok(check)
    }

    fn opened(
        &self,
        snapshot: &Snapshot,
        visitor: &mut dyn SnapshotVisitor,
        seen: &mut Seen<'_>,
        check: &mut SnapshotCheck,
        found: &mut Vec<(FindingKind, String, String)>,
    ) -> Result<SnapshotState> {
        let file = snapshot.data();
        let is_young = snapshot
            .modified
            .is_some_and(|at| at > self.now - SignedDuration::from_hours(4) && at <= self.now + CLOCK_SKEW);
        let mut faulty = |fault: data_file::Fault| {
            let (kind, what) = describe(fault);
            let is_unfinished = matches!(kind, FindingKind::HeaderEmpty | FindingKind::DataLengthWrong);
            let (kind, state) = match kind {
                FindingKind::ChangedWhileRead => (kind, SnapshotState::InProgress),
                _ if is_young && is_unfinished => (FindingKind::InProgress, SnapshotState::InProgress),
                _ => (kind, SnapshotState::Damaged),
            };
            // The list says so of each wrong length.
            if kind != FindingKind::DataLengthWrong {
                found.push((kind, String::new(), what));
            }
            state
        };
        let length = snapshot.stored_bytes;
        if length < data_file::SHORTEST {
            return Ok(faulty(data_file::Fault::LengthWrong));
        }
        let mut start = [0; PREFIX];
        self.share.read_mas_backup(&file, 0, &mut start)?;
        if let Err(fault) = Prefix::parse(&start) {
            return Ok(faulty(fault));
        }
        if !(length - PREFIX as u64).is_multiple_of(16) {
            return Ok(faulty(data_file::Fault::LengthWrong));
        }
        if self.keys.is_empty() {
            return Ok(SnapshotState::NotChecked);
        }
        let Opened { keys, by, problems } = self.key_of(snapshot)?;
        let is_too_short = problems.iter().any(|(kind, _)| *kind == FindingKind::KeyTooShort);
        let is_named = problems.iter().any(|(kind, _)| *kind == FindingKind::KeyDoesNotOpen);
        let mut fault = data_file::Fault::TagMismatch;
        let mut authenticated = None;
        for key in &keys {
            let mut read = |from, buffer: &mut [u8]| {
                let count = self.share.read_mas_backup(&file, from, buffer)?;
                seen.stored_bytes += count as u64;
                seen.tick()?;
                Ok(count)
            };
            match data_file::authenticate(&mut read, length, key)? {
                Ok(authentic) => {
                    authenticated = Some((authentic, key));
                    break;
                }
                Err(other) => fault = other,
            }
        }
        let has_keys = !keys.is_empty();
        if !has_keys {
            found.extend(problems.into_iter().map(|(kind, what)| (kind, String::new(), what)));
            // A key of the right certificate that does not open is damage; one that nobody has shown is not.
            return Ok(if is_too_short || is_named && snapshot.thumbprint.is_some() {
                SnapshotState::Damaged
            } else {
                SnapshotState::NotOpened
            });
        }
        (check.opened_by, check.oaep) =
            by.map_or((None, None), |(thumbprint, digest)| (Some(thumbprint), Some(digest)));
        let state = match authenticated {
            None => faulty(fault),
            Some((authentic, key)) => self.content(snapshot, &authentic, key, visitor, seen, found)?,
        };
        found.extend(problems.into_iter().map(|(kind, what)| (kind, String::new(), what)));
        Ok(state)
    }

    /// Opens the data key that the metadata holds now.
    fn key_of(&self, snapshot: &Snapshot) -> Result<Opened> {
        let file = snapshot.metadata();
        let bytes = read_whole(self.share, file.folder(), file.name().clone(), MAX_DOCUMENT, MAX_DOCUMENT)?;
        let metadata =
            SnapshotMetadata::parse(&bytes).ok().filter(|metadata| metadata.backup_id == snapshot.backup_id);
        let Some(metadata) = metadata else {
            return Err(Error::new(ErrorKind::SourceChanged, format!("{file} changed since it was listed")));
        };
        Ok(self.keys.open(metadata.thumbprint.as_deref(), metadata.wrapped_key.as_deref()))
    }

    fn content(
        &self,
        snapshot: &Snapshot,
        authentic: &Authentic,
        key: &DataKey,
        visitor: &mut dyn SnapshotVisitor,
        seen: &mut Seen<'_>,
        found: &mut Vec<(FindingKind, String, String)>,
    ) -> Result<SnapshotState> {
        let file = snapshot.data();
        let stored = std::cell::Cell::new(seen.stored_bytes);
        let progress = std::cell::Cell::new((seen.files, seen.bytes));
        let mut read = |from, buffer: &mut [u8]| {
            let count = self.share.read_mas_backup(&file, from, buffer)?;
            stored.set(stored.get() + count as u64);
            let (files, bytes) = progress.get();
            (seen.tick)(files, bytes, stored.get())?;
            Ok(count)
        };
        let mut plain = Plain::new(authentic, &mut read, key)?;
        let mut contents = Contents { key, visitor, found, progress: &progress, extensions: BTreeSet::new() };
        let mut budget = Budget::new(snapshot.stored_bytes);
        let ended = zip::read(&mut plain, &mut budget, &mut contents);
        if ended.is_ok() {
            contents.end(&snapshot.repository);
        }
        let fault = plain.fault();
        drop(plain);
        (seen.files, seen.bytes) = progress.get();
        seen.stored_bytes = stored.get();
        let mut state = SnapshotState::Verified;
        match (ended, fault) {
            (Ok(()), None) => {}
            (_, Some(fault)) => {
                let (kind, what) = describe(fault);
                state = match kind {
                    FindingKind::ChangedWhileRead => SnapshotState::InProgress,
                    _ => SnapshotState::Damaged,
                };
                found.push((kind, String::new(), what));
            }
            (Err(zip::Fault::Zip(kind, what)), None) => {
                state = SnapshotState::Damaged;
                found.push((kind, String::new(), what));
            }
            (Err(zip::Fault::Io(error)), None) => return Err(Error::io("read a snapshot", error)),
        }
        Ok(state)
    }
}

/// Sums up what was found about each backup.
pub(super) fn backups(catalog: &Catalog, checks: &[SnapshotCheck]) -> Vec<BackupCheck> {
    let states: BTreeMap<&str, SnapshotState> =
        checks.iter().map(|check| (&*check.path, check.state)).collect();
    let sum = |backup: &MicrosoftBackup| {
        let needed = backup.paths().filter_map(|path| Some((path.clone(), *states.get(&**path)?)));
        let mut weakest: Vec<_> = needed.collect();
        let state = weakest.iter().map(|(_, state)| *state).max();
        weakest.retain(|(_, state)| *state != SnapshotState::Verified);
        Some(BackupCheck {
            id: backup.id.clone(),
            store: backup.store.clone(),
            created: backup.created,
            readiness: backup.readiness,
            state: state?,
            weakest,
        })
    };
    catalog.backups.iter().filter_map(sum).collect()
}
