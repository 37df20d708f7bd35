//! Opening and reading sources on Windows.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};

use azs_backup_windows::{facts, has_data, privileges};
use cap_std::fs::Dir;

use crate::backup::stat::is_shown_like_any_other;
use crate::names::{open_itself, verbatim};

/// Switches on what privileges the account has, before anything is opened.
pub(in crate::backup) fn take_rights() {
    privileges();
}

/// Opens a file for reading, whatever has replaced it since it was looked at: never through a link. Other programs may
/// read, write, rename and delete it meanwhile; if one of them shares it with nobody, this fails.
pub(in crate::backup) fn open(dir: &Dir, name: &OsStr) -> io::Result<File> {
    let mut options = File::options();
    let file = open_itself(dir, name, options.read(true))?;
    let there = facts(&file)?;
    if there.attributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
        return Err(io::Error::other("it has become a folder"));
    }
    let Some(tag) = there.reparse_tag else { return Ok(file) };
    // This handle shows what the filter driver keeps in place of the content: open it once more by way of the driver.
    if !is_shown_like_any_other(tag) {
        return Err(io::Error::other("it has become a link"));
    }
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let file = options.open(verbatim(dir, name)?)?;
    let shown = facts(&file)?;
    if (shown.volume, shown.id) != (there.volume, there.id) {
        return Err(io::Error::other("another file has taken its name"));
    }
    Ok(file)
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    match file.seek_read(buffer, from) {
        // ERROR_HANDLE_EOF: the position is at or beyond the end.
        Err(error) if error.raw_os_error() == Some(38) => Ok(0),
        read => read,
    }
}

/// Whether a sparse file has only a hole there, which is not worth reading.
pub(super) fn is_hole(file: &File, from: u64, size: u64) -> bool {
    let is_within = file.metadata().is_ok_and(|there| there.len() >= from + size);
    is_within && has_data(file, from, size).is_ok_and(|has_data| !has_data)
}

// Win32, "CreateFileW"; MS-FSCC 2.6.
const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
