//! Gives things their names in the target: whole or not at all, and never over anything that this restore wrote.

use std::ffi::OsStr;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use cap_std::fs::Dir;

use super::Existing;
use super::target::{LastFolder, RUN, Target};
use crate::names;

/// Beginning of all restores' temporary names.
const PREFIX: &str = ".azs-restore-";

impl Target {
    /// Returns a name that nothing else of this restore has.
    pub(super) fn temporary(&self) -> String {
        format!("{PREFIX}{}-{:x}", self.run, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives a whole thing its name. If that name is taken and may be replaced, its old holder goes now and not before.
    pub(super) fn rename_into_place(
        &self,
        dir: &Dir,
        temporary: &str,
        name: &OsStr,
        near: &mut LastFolder,
    ) -> io::Result<()> {
        match self.rename_new(dir, temporary, name) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            renamed => return renamed.and_then(|()| self.remember(dir, name, near)),
        }
        self.must_be_itself(dir, name, near)?;
        if self.existing != Existing::Replace {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something of this name is there"));
        }
        if names::look(dir, name)?.is_dir() {
            // This only removes an empty one.
            names::remove_folder(dir, name).map_err(|e| {
                io::Error::new(io::ErrorKind::AlreadyExists, format!("a folder is in its place ({e})"))
            })?;
            self.rename_new(dir, temporary, name)?;
        } else {
            names::rename(dir, temporary, dir, name)?;
        }
        self.remember(dir, name, near)
    }

    /// Records what this restore named, in case other names lead to it.
    pub(super) fn remember(&self, dir: &Dir, name: &OsStr, near: &mut LastFolder) -> io::Result<()> {
        let has_letters = name.as_encoded_bytes().iter().any(u8::is_ascii_alphabetic);
        if has_letters && *near.ignores_case.get_or_insert_with(|| ignores_case(dir, name)) {
            let id = id_of(&names::look(dir, name)?);
            self.written.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
        }
        Ok(())
    }

    fn is_own(&self, dir: &Dir, name: &OsStr) -> io::Result<bool> {
        let id = id_of(&names::look(dir, name)?);
        Ok(id.is_some_and(|id| self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)))
    }

    /// Renames to a name that is free in the target's file system.
    fn rename_new(&self, dir: &Dir, temporary: &str, name: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            use rustix::io::Errno;
            match renameat_with(dir, temporary, dir, name, RenameFlags::NOREPLACE) {
                // The file system cannot do this, or refuses the name: the plain way will tell.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                renamed => return Ok(renamed?),
            }
        }
        // Two workers may have names that are one name here.
        let _alone = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        names::rename_new(dir, temporary, name)
    }

    /// Fails if the existing thing has a different name that the target treats as this one: this restore may just have
    /// written it.
    pub(super) fn must_be_itself(&self, dir: &Dir, name: &OsStr, near: &mut LastFolder) -> io::Result<()> {
        // Some file systems list names differently from how they were given: recognise what was written by its number.
        if (is_plain(name) && !ignores_case(dir, name))
            || near.lists(dir, name)? && !self.is_own(dir, name)?
        {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the target treats this name as the same as that of an existing entry",
        ))
    }

    /// Removes what killed restores left half written in a folder.
    pub(super) fn sweep(&self, dir: &Dir) -> io::Result<()> {
        for name in names::list(dir)? {
            if is_left_over(&name, &self.run) && !names::look(dir, &name)?.is_dir() {
                names::remove(dir, &name)?;
            }
        }
        Ok(())
    }
}

impl LastFolder {
    /// Whether the folder lists exactly this name.
    fn lists(&mut self, dir: &Dir, name: &OsStr) -> io::Result<bool> {
        if self.names.contains(name) {
            return Ok(true);
        }
        self.names = names::list(dir)?.into_iter().collect();
        Ok(self.names.contains(name))
    }
}

/// Returns the number of a thing, which is the same under all its names.
#[cfg(unix)]
fn id_of(there: &cap_std::fs::Metadata) -> Option<(u64, u64)> {
    use cap_std::fs::MetadataExt;

    Some((there.dev(), there.ino()))
}

/// Here names are listed as they were given.
#[cfg(not(unix))]
fn id_of(_: &cap_std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Whether a name can only equal another by ignoring letter case.
fn is_plain(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.is_ascii() && !bytes.contains(&b'~') && !matches!(bytes.last(), Some(b'.' | b' '))
}

/// Whether a folder also finds this name with its letter case inverted.
fn ignores_case(dir: &Dir, name: &OsStr) -> bool {
    let Some(text) = name.to_str() else { return true };
    let turned: String = text
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    turned != text && names::look(dir, turned).is_ok()
}

/// Whether this is another restore's temporary name.
fn is_left_over(name: &OsStr, run: &str) -> bool {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    name.to_str()
        .and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'))
        .is_some_and(|(other, number)| other.len() == RUN && is_hex(other) && is_hex(number) && other != run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_names_of_other_restores_are_left_over() {
        let own = "00112233445566aa";
        for (name, is) in [
            (".azs-restore-0011223344556677-1f", true),
            (".azs-restore-00112233445566aa-1f", false),
            (".azs-restore-0011223344556677-", false),
            (".azs-restore-0011223344556677", false),
            (".azs-restore-notes-1", false),
            (".azs-restore-00112233445566zz-1", false),
            ("azs-restore-0011223344556677-1", false),
        ] {
            assert_eq!(is_left_over(OsStr::new(name), own), is, "{name}");
        }
    }
}
