//! The share as a place for whole objects: one trait, one home for each kind of share.
//!
//! Everything above this room stores and reads through [`Share`] and never opens a file of the share itself, so what
//! works on a folder works on any other home. Paths are [`SharePath`]s: relative to the root, of valid names only,
//! and never inside `MASBackup`.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFolder, SharePath};

mod check;
mod folder;
#[cfg(feature = "smb")]
mod smb;

pub use check::{CheckAlert, CheckReport, CheckedStep, Outcome, ShareCheck, Step};
pub use folder::{Durability, FolderShare};
#[cfg(feature = "smb")]
pub use smb::{Encryption, SmbAccount, SmbBuilder, SmbDialect, SmbFacts, SmbShare};

/// A place that holds folders and whole objects of at most a few tens of MiB.
///
/// Implementations may be used from many threads at once.
pub trait Share: fmt::Debug + Send + Sync {
    /// Where this is, for messages: `/mnt/backups` or `\\fileserver01.contoso.com\AzSBackups`.
    fn describe(&self) -> String;

    /// Writes a whole new object, which is seen under its name only when it is complete.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the name is taken, `NOT_FOUND` when its folder is missing, `OUT_OF_CAPACITY`,
    /// `ACCESS_DENIED`. A call that failed may simply be tried again.
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()>;

    /// Makes sure that what was put into this folder survives a power cut, names included.
    ///
    /// # Errors
    /// As the operating system has them.
    fn flush(&self, folder: &SharePath) -> Result<()>;

    /// The share's root, where it is a folder of this machine.
    fn local_root(&self) -> Option<std::path::PathBuf> {
        None
    }

    /// Reads a whole object into `buffer`, which is cleared first.
    ///
    /// # Errors
    /// `NOT_FOUND`; `LIMIT_EXCEEDED` when the object is longer than `limit` bytes, before it is read.
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()>;

    /// Lists a folder, in no particular order.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such folder.
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>>;

    /// Lists `MASBackup` or a folder inside it, in no particular order: for a review, which looks for what does not
    /// belong there. Nothing else is done there, ever.
    ///
    /// # Errors
    /// `UNSUPPORTED` where the share does not let anyone look; `NOT_FOUND`; `ACCESS_DENIED`.
    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        let message = format!("{folder}: the share {} does not show what is in MASBackup", self.describe());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Creates a new folder, and its parents where they are missing.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the folder itself is there already.
    fn create_folder(&self, folder: &SharePath) -> Result<()>;

    /// Gives an object one more name: a hard link. Deleting any of its names leaves the others whole.
    ///
    /// # Errors
    /// `UNSUPPORTED` where the share has no hard links; `LIMIT_EXCEEDED` when the object has as many names as it may
    /// (1,023 on NTFS); `NOT_FOUND` when the object or the new name's folder is not there; `ALREADY_EXISTS`.
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "hard links", object))
    }

    /// Copies an object where it lies: its bytes do not come here and go back. The copy is seen under its name only
    /// when it is complete.
    ///
    /// # Errors
    /// `UNSUPPORTED` where the share cannot; as [`put`](Self::put).
    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "copies made where an object lies", object))
    }

    /// Gives an object another name, in any folder of the share.
    ///
    /// # Errors
    /// `NOT_FOUND`; `ALREADY_EXISTS` when the name is taken.
    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "renaming", object))
    }

    /// How much room there is, for this account. A quota that the server does not tell about may leave less.
    ///
    /// # Errors
    /// `UNSUPPORTED` where the share does not say.
    fn space(&self) -> Result<Space> {
        Err(unsupported(self.describe(), "telling free space", &SharePath::root()))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not there.
    fn remove(&self, path: &SharePath) -> Result<()>;

    /// Deletes an empty folder.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not there; `IO` when it is not empty.
    fn remove_folder(&self, folder: &SharePath) -> Result<()>;
}

fn unsupported(share: String, what: &str, path: &SharePath) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{path}: the share {share} has no {what}"))
}

/// The refusal to go on without a folder whose name is typed in: made unasked it would hide a typing error, or a share that
/// is not mounted.
pub(crate) fn missing_folder(share: &dyn Share, folder: &SharePath, what: &str) -> Error {
    let message = format!(
        "{} has no {what} {folder}: is the share mounted there, and is the name right? To make the folder, ask for it to \
         be created",
        share.describe()
    );
    Error::new(ErrorKind::NotFound, message)
}

/// The room on a share, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What this account may still fill.
    pub free: u64,
}

impl Space {
    /// This much room, for implementations of [`Share`].
    #[must_use]
    pub fn new(total: u64, free: u64) -> Self {
        Self { total, free }
    }
}

/// One thing in a folder of the share.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// Its name as the share has it; a name that is not Unicode is shown as well as it can be.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Length in bytes; 0 for a folder.
    pub length: u64,
    /// When it was last written, by the share's clock, where the share says.
    pub modified: Option<Timestamp>,
}

impl Item {
    /// An item of a listing, for implementations of [`Share`].
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ItemKind, length: u64) -> Self {
        Self { name: name.into(), kind, length, modified: None }
    }

    /// The same item, last written at this time.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<Timestamp>) -> Self {
        self.modified = modified;
        self
    }
}

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ItemKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Anything else: a link, a device. Never followed.
    Other,
}
