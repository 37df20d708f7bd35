//! The calls of Unix, by way of `cap-std`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, Metadata};

/// Returns a full path as people write it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Returns the full path of what is there, with all links resolved.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Returns the names in a folder.
pub(crate) fn list(dir: &Dir) -> io::Result<Vec<OsString>> {
    dir.entries()?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Looks at whatever has this name, without following it.
pub(crate) fn look(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<Metadata> {
    dir.symlink_metadata(name.as_ref())
}

/// Opens a folder in a folder, never through a link.
pub(crate) fn open_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<Dir> {
    dir.open_dir_nofollow(name.as_ref())
}

/// Creates a folder.
pub(crate) fn create_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    dir.create_dir(name.as_ref())
}

/// Gives something another name, perhaps in another folder. Whatever has that name goes.
pub(crate) fn rename(from: &Dir, old: impl AsRef<OsStr>, to: &Dir, new: impl AsRef<OsStr>) -> io::Result<()> {
    from.rename(old.as_ref(), to, new.as_ref())
}

/// Gives something another name in its folder, if that is free. Somebody else must not take it meanwhile.
pub(crate) fn rename_new(dir: &Dir, old: impl AsRef<OsStr>, new: impl AsRef<OsStr>) -> io::Result<()> {
    match look(dir, new.as_ref()) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => rename(dir, old, dir, new),
    }
}

/// Gives a file one more name.
pub(crate) fn hard_link(
    from: &Dir,
    old: impl AsRef<OsStr>,
    to: &Dir,
    new: impl AsRef<OsStr>,
) -> io::Result<()> {
    from.hard_link(old.as_ref(), to, new.as_ref())
}

/// Creates a symbolic link.
pub(crate) fn symlink(dir: &Dir, target: &OsStr, name: impl AsRef<OsStr>) -> io::Result<()> {
    dir.symlink_contents(target, name.as_ref())
}

/// Returns where a symbolic link leads, as it says.
pub(crate) fn read_link(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<OsString> {
    Ok(dir.read_link_contents(name.as_ref())?.into_os_string())
}

/// Removes a file or a symbolic link.
pub(crate) fn remove(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    dir.remove_file_or_symlink(name.as_ref())
}

/// Removes an empty folder.
pub(crate) fn remove_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    dir.remove_dir(name.as_ref())
}
