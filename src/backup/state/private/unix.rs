//! Modes and owners.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{FOREIGN, is_foreign};
use crate::error::{Error, ErrorKind, Result};

/// Refuses a folder that others can write to: they could forge a tree that hides changed files from a backup. Shuts out
/// others who can read it.
pub(in crate::backup::state) fn owned(folder: &Path) -> Result<()> {
    let failed = |e| Error::at("read", folder.display(), e);
    let there = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there.map_err(failed)?,
    };
    let refused =
        |what: &str| Err(Error::new(ErrorKind::AccessDenied, format!("{} {what}", folder.display())));
    if there.uid() != rustix::process::geteuid().as_raw() {
        return refused("belongs to another user; give it to the one who backs up, or name another folder");
    }
    if there.mode() & 0o022 != 0 {
        return refused(
            "can be written to by others; make it private (chmod 700) and begin anew with it empty",
        );
    }
    if there.mode() & 0o055 != 0 {
        if is_foreign(folder).map_err(failed)? {
            return refused(FOREIGN);
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Creates a folder that only its owner can read.
pub(in crate::backup::state) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Options for a file that only its owner can read.
pub(in crate::backup::state) fn options() -> OpenOptions {
    let mut options = File::options();
    options.mode(0o600);
    options
}
