//! The holes of a sparse file.

use std::io;
use std::os::windows::io::AsHandle;

use windows_sys::Win32::System::Ioctl::{FSCTL_QUERY_ALLOCATED_RANGES, FSCTL_SET_SPARSE};

use crate::query::control;

/// Makes an open file one that can have holes: what is not written to then takes no space.
///
/// # Errors
/// Whatever the file system answers; FAT has no such files.
pub fn make_sparse(file: impl AsHandle) -> io::Result<()> {
    control(file.as_handle(), FSCTL_SET_SPARSE, &[], &mut []).map(drop)
}

/// Whether any of these bytes take space on the disk; the others are zeros.
///
/// # Errors
/// Whatever the file system answers.
pub fn has_data(file: impl AsHandle, from: u64, length: u64) -> io::Result<bool> {
    // FILE_ALLOCATED_RANGE_BUFFER (MS-FSCC 2.3.52): offset and length.
    let asked = [from.to_le_bytes(), length.to_le_bytes()].concat();
    let mut first = [0; 16];
    match control(file.as_handle(), FSCTL_QUERY_ALLOCATED_RANGES, &asked, &mut first) {
        Ok(filled) => Ok(filled > 0),
        // ERROR_MORE_DATA: there is more than one range.
        Err(error) if error.raw_os_error() == Some(234) => Ok(true),
        Err(error) => Err(error),
    }
}
