//! Restores symbolic links: the link itself, never what it leads to.

use std::ffi::OsStr;
use std::io;

use cap_std::fs::Dir;

use super::target::{LastFolder, Outcome, Target, os_text};
use crate::error::Result;
use crate::names;
use crate::set::{EntryPath, Metadata, Text};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::is_same_link;
#[cfg(windows)]
use windows::is_same_link;

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
            names::symlink(&dir, target, &temporary)?;
            self.finish_symlink(&dir, OsStr::new(&temporary), metadata, path);
            self.rename_into_place(&dir, &temporary, name, near)
                .inspect_err(|_| drop(names::remove(&dir, &temporary)))?;
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
        let same = there.is_symlink() && is_same_link(&names::read_link(dir, name)?, target);
        Ok(Some(if same { Outcome::Kept } else { Outcome::Differs }))
    }
}
