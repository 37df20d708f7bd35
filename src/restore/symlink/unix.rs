//! What Unix knows about a symbolic link.

use std::ffi::OsStr;

use cap_std::fs::Dir;

use crate::restore::metadata::timestamps;
use crate::restore::target::Target;
use crate::set::{EntryPath, Metadata};

/// Whether a link that is there says what the set's says.
pub(super) fn is_same_link(there: &OsStr, wanted: &OsStr) -> bool {
    there == wanted
}

impl Target {
    /// Restores its owner and time, if the system permits it.
    pub(super) fn finish_symlink(&self, dir: &Dir, name: &OsStr, metadata: &Metadata, path: &EntryPath) {
        use rustix::fs::{AtFlags, chownat, statat, utimensat};

        let look = || statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
        self.restore_owner(metadata, path, look, |uid, gid| {
            chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        });
        if let Some((name, _)) = metadata.xattrs.first() {
            self.note("extended attributes", path, &format_args!("{name}: it is a symbolic link"));
        }
        if let Some(times) = timestamps(metadata)
            && let Err(error) = utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        {
            self.note("time of last change", path, &error);
        }
    }
}
