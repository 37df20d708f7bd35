//! Names and places on the share: which are valid, how they are written, and that none is in `MASBackup`.
//!
//! Azure Stack Hub keeps its backups in `<root>\<external domain name>\<region>\MASBackup` and leaves the folders
//! beside it to the operator (best practices of the Infrastructure Backup Service). This module has types for those
//! names and paths. What parses follows the rules of MS-FSCC, MS-DFSC and Win32, prints in one normal form and parses
//! back to itself, also through serde. Lengths are checked on parsing; nothing here does any I/O.
//!
//! `MASBackup` belongs to Azure Stack Hub. A [`Name`] cannot be that name in any letter case or
//! [disguise](is_mas_backup), and every path consists of [`Name`]s, so no path can lead into it. What is in there has types
//! of its own, which are not paths: a [`MasBackupFolder`] can only be listed, a [`MasBackupFile`] only read:
//!
//! ```
//! use azs_backup::layout::{Component, Deployment, Place, UncPath};
//!
//! let root: UncPath = r"\\fileserver01.contoso.com\AzSBackups".parse()?;
//! let place = Place::new(Deployment::new("contoso.com", "nyc")?, Component::Switches);
//! assert_eq!(
//!     root.join(&place.folder()).to_string(),
//!     r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc\Switches",
//! );
//!
//! let error = r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc\masbackup.".parse::<UncPath>().unwrap_err();
//! assert_eq!(error.code(), "RESERVED_PATH");
//! # Ok::<(), azs_backup::Error>(())
//! ```
//!
//! Names cannot show everything: code that opens files must still watch for a symbolic link, junction or mount point
//! that leads there.

mod component;
mod deployment;
mod facts;
mod host;
mod key_file;
mod mas_backup_folder;
mod name;
mod refusal;
mod reserved;
mod set_name;
mod share_path;
mod unc_path;
mod unfinished;

pub use component::{Component, CustomComponent, ScaleUnit};
pub use deployment::{Deployment, Place};
pub use facts::facts;
pub use host::{Host, HostKind};
pub(crate) use key_file::is_key_file;
pub use mas_backup_folder::{MasBackupFile, MasBackupFolder};
pub use name::Name;
pub(crate) use name::check_windows_name;
pub(crate) use refusal::quoted;
pub use reserved::is_mas_backup;
pub use set_name::SetName;
pub use share_path::SharePath;
pub use unc_path::UncPath;
pub(crate) use unfinished::{finished_name, unfinished_name};

/// Serialises a type as the text that it prints, and parses it by the same rules.
macro_rules! text_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_serde;
