//! What is inside `MASBackup`, which can be named only to be listed and read.

use std::fmt;

use super::name::Name;
use super::refusal::{invalid, quoted};
use super::share_path::SharePath;
use crate::Result;

/// `MASBackup` or a folder inside it, which can be listed and nothing else.
///
/// It is not a [`SharePath`] and cannot become one. Only [`Share::list_mas_backup`](crate::Share::list_mas_backup)
/// accepts it, and only [`Share::read_mas_backup`](crate::Share::read_mas_backup) its files, so nothing in there can be
/// written, renamed, linked or deleted.
///
/// ```
/// use azs_backup::layout::MasBackupFolder;
///
/// let region = "contoso.com/nyc".parse()?;
/// let folder = MasBackupFolder::new(&region, "MASBackup")?;
/// assert_eq!(folder.join("ProgressiveBackup".parse()?).to_string(), "contoso.com/nyc/MASBackup/ProgressiveBackup");
/// assert!(MasBackupFolder::new(&region, "Switches").is_err());
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MasBackupFolder {
    above: SharePath,
    /// As the share spells it: file servers other than Windows' may be case-sensitive.
    spelled: String,
    below: Vec<Name>,
}

impl MasBackupFolder {
    /// Names the `MASBackup` in the folder `above`, in the letter case in which the share has it.
    ///
    /// # Errors
    /// `INVALID_NAME` when `spelled` is another word.
    pub fn new(above: &SharePath, spelled: &str) -> Result<Self> {
        if !spelled.eq_ignore_ascii_case("MASBackup") {
            return Err(invalid(format!("{} is not MASBackup", quoted(spelled))));
        }
        Ok(Self { above: above.clone(), spelled: spelled.to_owned(), below: Vec::new() })
    }

    /// Returns the folder of this name in this one.
    #[must_use]
    pub fn join(&self, name: Name) -> Self {
        let mut folder = self.clone();
        folder.below.push(name);
        folder
    }

    /// Returns the file of this name in this folder.
    #[must_use]
    pub fn file(&self, name: Name) -> MasBackupFile {
        MasBackupFile { folder: self.clone(), name }
    }

    /// Returns the names of the path, starting at the root of the share, for implementations of
    /// [`Share`](crate::Share).
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let above = self.above.names().iter().map(Name::as_str);
        above.chain([&*self.spelled]).chain(self.below.iter().map(Name::as_str))
    }
}

impl fmt::Display for MasBackupFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.names().enumerate() {
            write!(f, "{}{name}", if at > 0 { "/" } else { "" })?;
        }
        Ok(())
    }
}

/// A file inside `MASBackup`, which can be read and nothing else.
///
/// Only [`Share::read_mas_backup`](crate::Share::read_mas_backup) accepts it.
///
/// ```
/// use azs_backup::layout::MasBackupFolder;
///
/// let folder = MasBackupFolder::new(&"contoso.com/nyc".parse()?, "MASBackup")?;
/// assert_eq!(folder.file("recoverypoint.json".parse()?).to_string(), "contoso.com/nyc/MASBackup/recoverypoint.json");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MasBackupFile {
    folder: MasBackupFolder,
    name: Name,
}

impl MasBackupFile {
    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &MasBackupFolder {
        &self.folder
    }

    /// Its name in the folder.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl fmt::Display for MasBackupFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.folder, self.name)
    }
}
