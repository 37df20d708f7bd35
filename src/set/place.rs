//! Checks that the folders for a new set exist: a misspelt name or an unmounted share must not create them.

use crate::error::{ErrorKind, Result};
use crate::layout::{Deployment, Place, SharePath};
use crate::share::{Share, missing_folder};

/// Checks that the folders of this place exist, or creates them if `create` is set.
///
/// # Errors
/// `NOT_FOUND`, naming the missing folder and what to do; the share's own errors.
pub(crate) fn require(share: &dyn Share, place: &Place, create: bool) -> Result<()> {
    place.required_folders().iter().try_for_each(|(folder, what)| require_folder(share, folder, what, create))
}

/// The same, of the region folder alone: nobody types the rest of a path that comes from another share.
pub(crate) fn require_region(share: &dyn Share, deployment: &Deployment, create: bool) -> Result<()> {
    require_folder(share, &deployment.region_folder(), "region folder", create)
}

fn require_folder(share: &dyn Share, folder: &SharePath, what: &str, create: bool) -> Result<()> {
    match share.list(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound && create => make(share, folder),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(missing_folder(share, folder, what).with_source(e)),
        found => found.map(drop),
    }
}

fn make(share: &dyn Share, folder: &SharePath) -> Result<()> {
    match share.create_folder(folder) {
        // Another host was faster.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::FolderShare;

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    #[test]
    fn folders_with_names_of_the_callers_own_are_made_by_wish_only() {
        let root = tempfile::tempdir().unwrap();
        let share = FolderShare::open(root.path()).unwrap();
        for (missing, at, what) in [
            ("contoso.com/nyc/Switches", "contoso.com/nyc", "region folder"),
            ("contoso.com/nyc/Swithces", "contoso.com/nyc/Swithces", "component folder"),
            ("contoso.com/nyc/Switches/su1", "contoso.com/nyc/Switches/su1", "scale unit's folder"),
            ("contoso.com/nyc/Firewalls/su1", "contoso.com/nyc/Firewalls", "component folder"),
        ] {
            let before = walked(root.path());
            let error = require(&share, &place(missing), false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains(&format!("no {what} {at}: is the share mounted")), "{error}");
            assert_eq!(walked(root.path()), before);
            require(&share, &place(missing), true).unwrap();
            require(&share, &place(missing), false).unwrap();
        }
        // A known component in an existing region needs no `create`.
        require(&share, &place("contoso.com/nyc/HLH"), false).unwrap();
    }

    fn walked(root: &std::path::Path) -> usize {
        let folders = std::fs::read_dir(root).unwrap().map(|item| item.unwrap().path());
        folders.map(|folder| 1 + walked(&folder)).sum()
    }
}
