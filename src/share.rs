//! The share as a store of whole objects: one trait, and an implementation for each kind of share.
//!
//! The rest of the library stores and reads through [`Share`] and never opens a file of the share itself, so whatever
//! works on a folder works on any other share. Paths are [`SharePath`]s: relative to the root, made of valid names
//! only, and never inside `MASBackup`.

use std::fmt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFile, MasBackupFolder, SetName, SharePath};

mod check;
mod folder;
#[cfg(any(feature = "smb", feature = "object-store"))]
mod limits;
#[cfg(feature = "object-store")]
mod object_store;
mod opening;
#[cfg(feature = "smb")]
mod smb;

pub use check::{CheckAlert, CheckReport, CheckedStep, ShareCheck, Step, StepOutcome};
pub use folder::{Durability, FolderShare};
#[cfg(feature = "object-store")]
pub use object_store::{LockMode, ObjectStoreBuilder, ObjectStoreShare, StoreCredentials};
pub use opening::{OpenShare, is_url, open};
#[cfg(feature = "smb")]
pub use smb::{Encryption, SmbAccount, SmbBuilder, SmbDialect, SmbFacts, SmbShare};

/// The names of the objects that a check writes, or how they begin.
const PROBE: &str = "azs-backup-check";

/// How far the clocks of two machines may differ: the five minutes that Kerberos allows (RFC 4120 5.2.3, by convention).
pub(crate) const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Whether a time is later than the clocks of two machines may differ.
pub(crate) fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time.as_second() > now.as_second() + CLOCK_SKEW.as_secs()
}

/// A store of folders and of whole objects of at most a few tens of MiB.
///
/// Implementations must allow use from many threads at once.
pub trait Share: fmt::Debug + Send + Sync {
    /// Returns where the share is, for messages: `/mnt/backups` or `\\fileserver01.contoso.com\AzSBackups`.
    fn describe(&self) -> String;

    /// Writes a whole new object, which appears under its name only once it is complete.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the name is taken, `NOT_FOUND` when its folder is missing, `OUT_OF_CAPACITY`,
    /// `ACCESS_DENIED`. You can simply repeat a call that failed.
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()>;

    /// Makes sure that what was put into this folder survives a power cut, names included.
    ///
    /// # Errors
    /// The operating system's.
    fn flush(&self, folder: &SharePath) -> Result<()>;

    /// What protects the way to the share; `None` for a folder of this machine.
    fn protection(&self) -> Option<ShareProtection> {
        None
    }

    /// The share's root, if that is a folder of this machine.
    fn local_root(&self) -> Option<PathBuf> {
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

    /// Lists `MASBackup` or a folder inside it, in no particular order. The library lists and
    /// [reads](Self::read_mas_backup) in there, and does nothing else, ever.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share does not allow it; `NOT_FOUND`; `ACCESS_DENIED`.
    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        let message = format!("{folder}: the share {} does not show what is in MASBackup", self.describe());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Reads bytes of a file in `MASBackup` from this offset on, and returns how many: fewer than fit into `buffer` only at
    /// the end of the file. Others may write to the file and replace it meanwhile: each call sees it as it is then.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share does not allow it; `NOT_FOUND`; `ACCESS_DENIED`.
    fn read_mas_backup(&self, file: &MasBackupFile, from: u64, buffer: &mut [u8]) -> Result<usize> {
        let _ = (from, buffer);
        let message = format!("{file}: the share {} does not let MASBackup be read", self.describe());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Creates a new folder, and any parents that are missing.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the folder itself exists.
    fn create_folder(&self, folder: &SharePath) -> Result<()>;

    /// Gives an object one more name: a hard link. Deleting any of its names leaves the others whole.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share has no hard links; `LIMIT_EXCEEDED` when the object has as many names as it may
    /// (1,023 on NTFS); `NOT_FOUND` when the object or the new name's folder does not exist; `ALREADY_EXISTS`.
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "link", "hard links", object))
    }

    /// Copies an object on the share itself, so its bytes do not travel to this host and back. The copy appears under
    /// its name only once it is complete.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share cannot copy; as [`put`](Self::put).
    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "copy", "server-side copies", object))
    }

    /// Renames an object, to any folder of the share.
    ///
    /// # Errors
    /// `NOT_FOUND`; `ALREADY_EXISTS` when the name is taken.
    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let _ = name;
        Err(unsupported(self.describe(), "rename", "renaming", object))
    }

    /// Returns how much room there is for this account. A quota that the server does not report may leave less.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share does not tell.
    fn space(&self) -> Result<Space> {
        Err(unsupported(self.describe(), "look for space on", "telling free space", &SharePath::root()))
    }

    /// Finds out whether this account may delete the files and folders that it creates in this folder; `None` if only
    /// an attempt to delete something can tell. A check asks this before it writes what it could not delete.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    fn may_delete(&self, folder: &SharePath) -> Result<Option<bool>> {
        let _ = folder;
        Ok(None)
    }

    /// Does everything that [`put`](Self::put) does in this folder, and reads the object back, but leaves nothing, even
    /// if this account may not delete. In that case a check writes with this.
    ///
    /// # Errors
    /// `UNSUPPORTED` when the share cannot; `DAMAGED` when something else came back; as [`put`](Self::put).
    fn write_and_discard(&self, folder: &SharePath, content: &[u8]) -> Result<()> {
        let _ = content;
        Err(unsupported(self.describe(), "write", "delete-on-close files", folder))
    }

    /// Returns until when the share refuses to delete this object, whoever asks; `None` if nothing is known to keep it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn locked_until(&self, path: &SharePath) -> Result<Option<Timestamp>> {
        let _ = path;
        Ok(None)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist; `ACCESS_DENIED` when it is [locked](Self::locked_until).
    fn remove(&self, path: &SharePath) -> Result<()>;

    /// Deletes an empty folder.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist; `IO` when it is not empty.
    fn remove_folder(&self, folder: &SharePath) -> Result<()>;
}

/// What protects the way to a share over SMB, as client and server agreed on it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShareProtection {
    /// The version of the protocol: `3.1.1`.
    pub dialect: String,
    /// The signing algorithm: `AesGmac`.
    pub signing: String,
    /// The cipher: `Aes128Gcm`; `None` if the traffic is signed only.
    pub cipher: Option<String>,
    /// The file server's path behind a DFS path; `None` without DFS.
    pub target: Option<String>,
    /// A line about it, if encryption was preferred but is not available.
    #[serde(skip)]
    pub fallback: Option<String>,
}

fn unsupported(share: String, doing: &'static str, what: &str, path: &SharePath) -> Error {
    let error = Error::new(ErrorKind::Unsupported, format!("{path}: the share {share} has no {what}"));
    concerning(error, doing, joined(share, path), path)
}

/// Returns a path on a share as people write it; `share` is what the share [tells](Share::describe) of itself.
pub(crate) fn joined(share: String, path: impl fmt::Display) -> String {
    let path = path.to_string();
    match path.is_empty() {
        true => share,
        // A UNC path, or `C:\…`. A path of Unix begins with `/`, whatever else is in it.
        false if share.contains('\\') && !share.starts_with('/') => {
            format!(r"{share}\{}", path.replace('/', r"\"))
        }
        false => format!("{share}/{path}"),
    }
}

/// Adds to a share's error what was done, with which path, and in which set.
pub(crate) fn concerning(
    error: Error,
    doing: &'static str,
    shown: impl fmt::Display,
    path: &SharePath,
) -> Error {
    let error = error.doing(doing, shown);
    match path.names().iter().rev().find(|name| name.as_str().parse::<SetName>().is_ok()) {
        Some(set) => error.in_set(set),
        None => error,
    }
}

/// What tells a share from others, however it was named.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Identity {
    /// A folder of this machine.
    Folder(PathBuf),
    /// What any other share says of itself.
    Described(String),
}

impl Identity {
    pub(crate) fn of(share: &dyn Share) -> Self {
        match share.local_root().and_then(|root| root.canonicalize().ok()) {
            Some(root) => Self::Folder(root),
            None => Self::Described(share.describe()),
        }
    }

    /// Whether both are the same share, or one is a folder in the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder(one), Self::Folder(other)) => one.starts_with(other) || other.starts_with(one),
            _ => self == other,
        }
    }
}

/// Refuses to read an object that is longer than the caller allows.
fn too_long(shown: impl fmt::Display, limit: u64, path: &SharePath) -> Error {
    let message = format!("{shown} is longer than the {limit} bytes allowed here");
    concerning(Error::new(ErrorKind::LimitExceeded, message), "read", shown, path)
}

/// Refuses to go on without a folder whose name somebody typed: creating it unasked would hide a typing error, or a
/// share that is not mounted.
pub(crate) fn missing_folder(share: &dyn Share, folder: &SharePath, what: &str) -> Error {
    let message = format!(
        "{} has no {what} {folder}: is the share mounted there, and is the name right? To make the folder, ask for it to \
         be created",
        share.describe()
    );
    concerning(Error::new(ErrorKind::NotFound, message), "open", joined(share.describe(), folder), folder)
}

/// The room on a share, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Space {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that this account may still fill.
    pub free: u64,
}

impl Space {
    /// Creates a value, for implementations of [`Share`].
    #[must_use]
    pub fn new(total: u64, free: u64) -> Self {
        Self { total, free }
    }

    /// Whether less than 30 % are free: the mark at which Azure Stack Hub's own service raises an alert.
    #[must_use]
    pub fn is_almost_full(&self) -> bool {
        u128::from(self.free) * 10 < u128::from(self.total) * 3
    }
}

/// One thing in a folder of the share.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// Its name as the share has it; a name that is not Unicode is shown as well as possible.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Length in bytes; 0 for a folder.
    pub length: u64,
    /// When it was last written, by the share's clock, if the share tells.
    pub modified: Option<Timestamp>,
}

impl Item {
    /// Creates an item of a listing, for implementations of [`Share`].
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ItemKind, length: u64) -> Self {
        Self { name: name.into(), kind, length, modified: None }
    }

    /// Returns the same item with its time of last writing.
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
