//! A folder inside `MASBackup`, which can be named only to be listed.

use std::fmt;

use super::name::Name;
use super::refusal::{invalid, quoted};
use super::share_path::SharePath;
use crate::Result;

/// `MASBackup` or a folder inside it, which can be listed and nothing else.
///
/// It is not a [`SharePath`] and cannot become one. Only [`Share::list_mas_backup`](crate::Share::list_mas_backup)
/// accepts it, so nothing in there can be read, written or deleted.
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
