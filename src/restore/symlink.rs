//! Restores symbolic links: the link itself, never what it leads to.

use std::ffi::OsStr;
use std::io;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;

#[cfg(unix)]
use super::metadata::timestamps;
use super::target::{LastFolder, Outcome, Target, os_text};
use crate::error::Result;
use crate::set::{EntryPath, Metadata, Text};

impl Target {
    /// Creates a link, or keeps what exists.
    pub(super) fn make_symlink(
        &self,
        path: &EntryPath,
        target: &Text,
        metadata: &Metadata,
        near: &mut LastFolder,
    ) -> Result<Outcome> {
        let make = |near: &mut LastFolder| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            let target = os_text(target.as_bytes())?;
            if let Some(kept) = self.keep_symlink(&dir, name, target, near)? {
                return Ok(kept);
            }
            let temporary = self.temporary();
            dir.symlink_contents(target, &temporary)?;
            #[cfg(unix)]
            self.finish_symlink(&dir, OsStr::new(&temporary), metadata, path);
            self.rename_into_place(&dir, &temporary, name, near)
                .inspect_err(|_| drop(dir.remove_file_or_symlink(&temporary)))?;
            Ok(Outcome::Written)
        };
        make(near).map_err(|e| self.failed(path, e))
    }

    /// If something exists and may be kept, returns whether it is this link.
    fn keep_symlink(
        &self,
        dir: &Dir,
        name: &OsStr,
        target: &OsStr,
        near: &mut LastFolder,
    ) -> io::Result<Option<Outcome>> {
        let Some(there) = self.kept(dir, name, near)? else { return Ok(None) };
        let same = there.is_symlink() && dir.read_link_contents(name)?.as_os_str() == target;
        Ok(Some(if same { Outcome::Kept } else { Outcome::Differs }))
    }

    /// Restores its owner and time, if the system permits it.
    #[cfg(unix)]
    fn finish_symlink(&self, dir: &Dir, name: &OsStr, metadata: &Metadata, path: &EntryPath) {
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
