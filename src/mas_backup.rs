//! Reads `MASBackup`, where Azure Stack Hub's own backups lie, and judges them: lists, verifies, extracts. It never
//! writes there.
//!
//! Azure Stack Hub's infrastructure backup service writes its backups beside those of this library, encrypted to the same
//! kind of certificate. Whether they would open on the day of need, nothing tells but a recovery. This module reads what
//! lies there: which backups there are, and what each needs; with the PFX it authenticates, decrypts and checks every
//! snapshot, and can extract it.
//!
//! It does not say that Azure Stack Hub can recover from a backup. It says what it checked, by rules that
//! docs/masbackup.md lists with their sources; some of them are inferred from metadata of Microsoft's programs, and no
//! file of a real stamp was seen. What is unknown to it (elements, versions, repositories) is carried along, not refused.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use azs_backup::mas_backup::{MasBackup, Readiness};
//! use azs_backup::{FolderShare, Share};
//!
//! let share: Arc<dyn Share> = Arc::new(FolderShare::open("/mnt/backups")?);
//! let theirs = MasBackup::open(share, &"contoso.com/nyc".parse()?)?;
//! let catalog = theirs.list().run(azs_backup::jiff::Timestamp::now())?;
//! for backup in &catalog.backups {
//!     println!("{} {:?} {}", backup.id, backup.created, backup.readiness);
//! }
//! # Ok::<(), azs_backup::Error>(())
//! ```

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFolder, SharePath};
use crate::share::{ItemKind, Share, joined};

mod agree;
mod assemble;
mod builder;
mod catalog;
mod chain;
mod contents;
mod data_file;
mod document;
mod extract;
mod finding;
mod key;
mod metadata;
mod name;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod parsers;
mod registrations;
mod scan;
mod snapshot_place;
mod verify;
mod zip;

pub use crate::severity::Severity;
pub use builder::{ExtractBuilder, ExtractOptions, ListBuilder, VerifyBuilder};
pub use catalog::{
    BackupRepository, Catalog, MicrosoftBackup, NeededCertificate, Readiness, Repository, Snapshot,
    SnapshotKind, Store,
};
pub use extract::{ExtractReport, Refused};
pub use finding::{Finding, FindingKind};
pub use key::Keys;
pub use registrations::Registration;
pub use verify::{BackupCheck, MasBackupReport, SnapshotCheck, SnapshotState};

/// The `MASBackup` in one folder of a share. It can be read and nothing else.
#[derive(Clone, Debug)]
pub struct MasBackup {
    share: Arc<dyn Share>,
    folder: MasBackupFolder,
}

impl MasBackup {
    /// Finds `MASBackup`, in any letter case, in this folder: that of a region, or the root of the share.
    ///
    /// # Errors
    /// `NOT_FOUND` when the folder has no `MASBackup`; the share's own.
    pub fn open(share: Arc<dyn Share>, folder: &SharePath) -> Result<Self> {
        let items = share.list(folder)?;
        let is_it = |name: &str| name.eq_ignore_ascii_case("MASBackup");
        let found = items.iter().filter(|item| item.kind == ItemKind::Folder && is_it(&item.name));
        // Where letter case counts there may be others.
        let found = found.max_by_key(|item| item.name == "MASBackup");
        let Some(found) = found else {
            let shown = joined(share.describe(), folder);
            let message =
                format!("{shown} holds no MASBackup: give the folder that Azure Stack Hub backs up to");
            return Err(Error::new(ErrorKind::NotFound, message).doing("open", shown));
        };
        let folder = MasBackupFolder::new(folder, &found.name)?;
        Ok(Self { share, folder })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &MasBackupFolder {
        &self.folder
    }

    /// Prepares a list of what lies there. It needs no key; [`run`](ListBuilder::run) makes it.
    pub fn list(&self) -> ListBuilder<'_> {
        ListBuilder::new(self)
    }

    /// Prepares a verification; [`run`](VerifyBuilder::run) does it.
    pub fn verify(&self) -> VerifyBuilder<'_> {
        VerifyBuilder::new(self)
    }

    /// Prepares an extraction of the snapshots that a backup needs, or of some of them;
    /// [`into`](ExtractBuilder::into) does it.
    pub fn extract<'a>(&'a self, keys: &'a Keys, backup_id: &str) -> ExtractBuilder<'a> {
        ExtractBuilder::new(self, keys, backup_id)
    }
}
