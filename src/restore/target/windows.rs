//! Names and files in a target on Windows.
//!
//! The rule for names: an entry is restored under its own name, or it is named as refused; no name is changed. Refused
//! is what Windows would not store, or what its programs could not open afterwards: a name that is not Unicode, that has
//! a control character or one of `" \ / : | < > * ?`, that ends in a dot or a space, that is a device (`nul`, `con.txt`),
//! or that has more than 255 UTF-16 units ([`Name`](crate::layout::Name) has the sources); and a name that the folder
//! takes for that of another entry, because only the letter case differs or it is the other's 8.3 name (`naming.rs`).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use crate::layout::check_windows_name;

/// Switches on what privileges the account has, before anything is opened.
pub(super) fn take_rights() {
    azs_backup_windows::privileges();
}

/// Options for a file that is not whole yet. It inherits the access list of its folder, like any other.
pub(super) fn private() -> OpenOptions {
    OpenOptions::new()
}

/// Creates a folder. It inherits its access list, like any other.
pub(super) fn create_private_folder(dir: &Dir, name: &OsStr) -> io::Result<()> {
    crate::names::create_folder(dir, name)
}

/// A folder has the access list that it inherited.
pub(super) fn copy_mode(_: &Dir, _: &Dir) -> io::Result<()> {
    Ok(())
}

/// Lets a new file have holes; where the file system has none, its zeros take space.
pub(in crate::restore) fn make_sparse(file: &File) {
    let _ = azs_backup_windows::make_sparse(file);
}

pub(super) fn write_all_at(file: &File, mut content: &[u8], mut from: u64) -> io::Result<()> {
    while !content.is_empty() {
        let count = file.seek_write(content, from)?;
        content = &content[count..];
        from += count as u64;
    }
    Ok(())
}

pub(in crate::restore) fn os_text(bytes: &[u8]) -> io::Result<&OsStr> {
    text(bytes).map(OsStr::new)
}

/// Returns the name that an entry gets here, or why it gets none.
pub(super) fn os_name(bytes: &[u8]) -> io::Result<&OsStr> {
    let name = text(bytes)?;
    check_windows_name(name)?;
    Ok(OsStr::new(name))
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    str::from_utf8(bytes).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidFilename,
            "a name that is not Unicode, which Windows cannot store",
        )
    })
}

/// Opens a folder to give it its time and what else it had. The handle that a folder is held by only allows lookups.
pub(super) fn open_folder(dir: &Dir) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    Ok(dir.open_with(".", &options)?.into_std())
}

// MS-SMB2 2.2.13.1; Win32, "CreateFileW".
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
const READ_CONTROL: u32 = 0x2_0000;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
