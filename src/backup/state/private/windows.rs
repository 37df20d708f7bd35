//! Access lists. A new folder's names its owner and the system, and what is created in it inherits that.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use azs_backup_windows::{make_private, others};

use super::{FOREIGN, is_foreign};
use crate::error::{Error, ErrorKind, Result};

/// Refuses a folder that others can write to: they could forge a tree that hides changed files from a backup. Shuts out
/// others who can read it.
pub(in crate::backup::state) fn owned(folder: &Path) -> Result<()> {
    let failed = |e| Error::at("read", folder.display(), e);
    let opened = match open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    let refused =
        |what: &str| Err(Error::new(ErrorKind::AccessDenied, format!("{} {what}", folder.display())));
    let others = others(&opened).map_err(failed)?;
    if others.own {
        return refused("belongs to another user; give it to the one who backs up, or name another folder");
    }
    if others.write {
        return refused(
            "can be written to by others; make it private (icacls FOLDER /inheritance:r, then grant the owner and SYSTEM \
             full control) and begin anew with it empty",
        );
    }
    if others.read {
        if is_foreign(folder).map_err(failed)? {
            return refused(FOREIGN);
        }
        make_private(folder, &opened).map_err(failed)?;
    }
    Ok(())
}

/// Creates a folder that only its owner and the system can read.
pub(in crate::backup::state) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    make_private(folder, &open(folder)?)
}

/// Options for a file, which inherits the access list of its folder.
pub(in crate::backup::state) fn options() -> OpenOptions {
    File::options()
}

/// Opens a folder, just to see its access list.
fn open(folder: &Path) -> io::Result<File> {
    File::options().access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder)
}

// MS-SMB2 2.2.13.1; Win32, "CreateFileW".
const READ_CONTROL: u32 = 0x2_0000;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
