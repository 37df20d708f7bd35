//! A folder inside `MASBackup`, which can be named only in order to look at it.

use std::fmt;

use super::name::{Name, invalid, quoted};
use super::share_path::SharePath;
use crate::Result;

/// `MASBackup` or a folder inside it, to be listed and nothing else.
///
/// It is no [`SharePath`] and cannot be made one. The only call that takes it is
/// [`Share::list_mas_backup`](crate::Share::list_mas_backup), so nothing in there can be read, written or deleted.
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
    /// As the share writes it: other file servers than Windows' tell letter case apart.
    spelled: String,
    below: Vec<Name>,
}

impl MasBackupFolder {
    /// The `MASBackup` in the folder `above`, in the letter case in which the share has it.
    ///
    /// # Errors
    /// `INVALID_NAME` where `spelled` is another word.
    pub fn new(above: &SharePath, spelled: &str) -> Result<Self> {
        if !spelled.eq_ignore_ascii_case("MASBackup") {
            return Err(invalid(format!("{} is not MASBackup", quoted(spelled))));
        }
        Ok(Self { above: above.clone(), spelled: spelled.to_owned(), below: Vec::new() })
    }

    /// The folder of this name in this one.
    #[must_use]
    pub fn join(&self, name: Name) -> Self {
        let mut folder = self.clone();
        folder.below.push(name);
        folder
    }

    /// The names of the path, from the root of the share on, for implementations of [`Share`](crate::Share).
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
