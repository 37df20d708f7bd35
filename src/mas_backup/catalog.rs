//! What lies in `MASBackup`: stores, repositories, snapshots, chains, backups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::finding::Finding;
use super::registrations::Registration;
use crate::layout::{MasBackupFile, MasBackupFolder, Name};
use crate::string_enum::string_enum;

/// What lies in a `MASBackup`, by its clear metadata alone. Nothing in it is authenticated: anyone who can write to the
/// share can write the metadata.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Catalog {
    /// The folder.
    pub folder: String,
    /// The time for which it was made.
    pub now: Timestamp,
    /// The recovery point: Azure Stack Hub does not list older backups. `None` if there is none that can be read.
    pub recovery_point: Option<Timestamp>,
    /// Stores, one for each version of the stamp.
    pub stores: Vec<Store>,
    /// Backups, newest first.
    pub backups: Vec<MicrosoftBackup>,
    /// The certificates that the snapshots need, the one of the newest first.
    pub certificates: Vec<NeededCertificate>,
    /// What is not as it should be, worst first.
    pub findings: Vec<Finding>,
    /// What Azure Stack Hub's prune would remove as unrecognised: files, below `MASBackup`.
    pub prunable: Vec<String>,
}

/// The snapshots of one version of the stamp.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Store {
    /// The version: `1.2301.2.58`.
    pub name: String,
    /// The repositories that it knows; `None` if the list is missing or cannot be read.
    pub registrations: Option<Vec<Registration>>,
    /// Repositories with snapshots, by name.
    pub repositories: Vec<Repository>,
}

/// The snapshots of one repository of a store.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Repository {
    /// Role, component, partition and repository, joined by `;`.
    pub name: String,
    /// Snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Chains of snapshots, as positions in [`snapshots`](Self::snapshots): a full one, and those that follow it.
    pub chains: Vec<Vec<usize>>,
}

/// One snapshot of a repository: a data file and its metadata.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its files, below `MASBackup` and without their extension.
    pub path: String,
    /// The id of its backup.
    pub backup_id: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it is full, or follows others.
    pub kind: SnapshotKind,
    /// Whether it belongs to a backup of the whole stamp.
    pub is_contemporaneous: bool,
    /// Whether it was made on schedule.
    pub is_automatic: bool,
    /// The version of the stamp.
    pub stamp_version: String,
    /// The version of the OEM package.
    pub oem_version: Option<String>,
    /// The deployment.
    pub deployment_id: String,
    /// The version of the metadata.
    pub data_version: Option<String>,
    /// The backup id of the snapshot that it follows; that of none for a full one.
    pub previous_id: String,
    /// The backup id of the full snapshot of its chain; that of none for a full one.
    pub full_id: String,
    /// Its status in Azure Stack Hub's words; only `Succeeded` counts.
    pub status: String,
    /// The SHA-1 thumbprint of the certificate that it is encrypted to.
    pub thumbprint: Option<String>,
    /// Size of the content in KiB, as the metadata says.
    pub content_kib: Option<u64>,
    /// Size of the zip in KiB, as the metadata says.
    pub zip_kib: Option<u64>,
    /// Bytes of the data file.
    pub stored_bytes: u64,
    /// Metadata that is not known here.
    pub others: BTreeMap<String, String>,
    /// The repository, as the metadata names it.
    pub repository: String,
    #[serde(skip)]
    pub(super) folder: MasBackupFolder,
    #[serde(skip)]
    pub(super) metadata_name: Name,
    #[serde(skip)]
    pub(super) data_name: Name,
    #[serde(skip)]
    pub(super) modified: Option<Timestamp>,
    /// Whether the length and the header of its data are those of a whole file.
    #[serde(skip)]
    pub(super) looks_whole: bool,
}

impl Snapshot {
    pub(super) fn data(&self) -> MasBackupFile {
        self.folder.file(self.data_name.clone())
    }

    pub(super) fn metadata(&self) -> MasBackupFile {
        self.folder.file(self.metadata_name.clone())
    }

    /// The path of its data file, below `MASBackup`.
    #[must_use]
    pub fn data_path(&self) -> String {
        let (folder, _) = self.path.rsplit_once('/').unwrap_or_default();
        format!("{folder}/{}", self.data_name)
    }
}

/// The kind of a snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SnapshotKind {
    /// Everything.
    Full,
    /// What changed since the full one, or since the one before; it needs its chain.
    Progressive,
}

string_enum!(SnapshotKind, "kind": "full" => Full, "progressive" => Progressive);

/// A backup of Azure Stack Hub: the snapshots of all repositories with one id.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MicrosoftBackup {
    /// Its id.
    pub id: String,
    /// Its store; for a legacy backup the folder of its time.
    pub store: String,
    /// When its latest snapshot was made.
    pub created: Option<Timestamp>,
    /// Whether it has the layout of versions before 2102.
    pub is_legacy: bool,
    /// Whether it was made on schedule.
    pub is_automatic: bool,
    /// Whether Azure Stack Hub hides it because of the recovery point.
    pub is_hidden: bool,
    /// Whether the files that lie there are what a cloud recovery needs, by the rules known.
    pub readiness: Readiness,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// The status that its summary states, if it has one.
    pub stated_status: Option<String>,
    /// Whether its summary says that it is ready for cloud recovery.
    pub states_ready: Option<bool>,
    /// Its repositories.
    pub repositories: Vec<BackupRepository>,
    /// Thumbprints of the certificates that it needs.
    pub thumbprints: Vec<String>,
    /// Bytes of all data files that it needs, those of other backups included.
    pub stored_bytes: u64,
}

impl MicrosoftBackup {
    /// The paths of all snapshots that it needs, below `MASBackup` and without extension.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.repositories.iter().flat_map(|repository| &repository.chain)
    }
}

/// One repository of a backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BackupRepository {
    /// Its name.
    pub name: String,
    /// Whether every snapshot that it needs lies there and counts.
    pub is_complete: bool,
    /// Whether a cloud recovery needs it; `None` if nobody says.
    pub is_essential: Option<bool>,
    /// The snapshots that it needs, in order: paths below `MASBackup`, without extension.
    pub chain: Vec<String>,
    /// What is missing: names of files, with `*` for what is not known.
    pub missing: Vec<String>,
}

/// Whether a backup is ready for cloud recovery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Readiness {
    /// By the rules known, everything that a cloud recovery needs lies there. It does not say that a recovery succeeds.
    Ready,
    /// Something that a cloud recovery needs is missing.
    NotReady,
    /// It cannot be told.
    Unknown,
}

string_enum!(Readiness, "readiness": "ready" => Ready, "not_ready" => NotReady, "unknown" => Unknown);

/// A certificate that snapshots are encrypted to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NeededCertificate {
    /// SHA-1 of the certificate, in capitals.
    pub thumbprint: String,
    /// Number of snapshots.
    pub snapshots: usize,
    /// When the first of them was made.
    pub first: Option<Timestamp>,
    /// When the last of them was made.
    pub last: Option<Timestamp>,
}
