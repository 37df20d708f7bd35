//! Names and files in a target on Unix.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};

/// On Unix an account has its rights at all times.
pub(super) fn take_rights() {}

/// Options for a file that nobody else can open before it is whole.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Creates a folder that nobody else can look into before it has its mode.
pub(super) fn create_private_folder(dir: &Dir, name: &OsStr) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    dir.create_dir_with(name, &builder)
}

/// Gives a folder the mode of another one.
pub(super) fn copy_mode(from: &Dir, to: &Dir) -> io::Result<()> {
    let mode = open_folder(from)?.metadata()?.permissions().mode() & 0o777;
    open_folder(to)?.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// Any file can have holes.
pub(in crate::restore) fn make_sparse(_: &File) {}

pub(super) fn write_all_at(file: &File, content: &[u8], from: u64) -> io::Result<()> {
    file.write_all_at(content, from)
}

pub(in crate::restore) fn os_text(bytes: &[u8]) -> io::Result<&OsStr> {
    Ok(OsStr::from_bytes(bytes))
}

/// Returns the name that an entry gets here: any name is one.
pub(super) fn os_name(bytes: &[u8]) -> io::Result<&OsStr> {
    os_text(bytes)
}

/// Opens a folder for reading: the handle that it is held by may only allow lookups.
pub(super) fn open_folder(dir: &Dir) -> io::Result<File> {
    Ok(dir.open(".")?.into_std())
}
