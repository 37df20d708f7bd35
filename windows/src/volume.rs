//! Where an open file or folder is, and what takes its path.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_REMOTE_PROTOCOL_INFO, FileRemoteProtocolInfo, GETFINALPATHNAMEBYHANDLE_FLAGS, GetDiskFreeSpaceExW,
    GetFinalPathNameByHandleW, MoveFileExW, VOLUME_NAME_DOS, VOLUME_NAME_NT,
};

use crate::query::{Plain, query};

/// Bytes of a volume, as far as the account's quota reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Space {
    /// All of them.
    pub total: u64,
    /// Those that can still be written.
    pub available: u64,
}

/// Returns the full path of an open file or folder as Windows has it: `\\?\C:\…`, or `\\?\UNC\server\share\…`. Links are
/// resolved, and nothing in it is interpreted any more: not `.`, not `nul`, not a dot at the end.
///
/// A volume that has no letter and is mounted nowhere, such as a shadow copy, has no such path: then it is
/// `\\?\GLOBALROOT\Device\…`.
///
/// # Errors
/// Whatever the file system answers.
pub fn path(file: impl AsHandle) -> io::Result<PathBuf> {
    let file = file.as_handle();
    let found = path_as(file, VOLUME_NAME_DOS).or_else(|error| {
        let device = path_as(file, VOLUME_NAME_NT).map_err(|_| error)?;
        Ok::<_, io::Error>(of_device(&device))
    });
    found.map(PathBuf::from)
}

/// Returns a path of a device as programs can open it.
fn of_device(path: &OsStr) -> OsString {
    let mut whole = OsString::from(r"\\?\GLOBALROOT");
    whole.push(path);
    whole
}

fn path_as(file: BorrowedHandle<'_>, form: GETFINALPATHNAMEBYHANDLE_FLAGS) -> io::Result<OsString> {
    let mut buffer = vec![0_u16; 512];
    loop {
        // SAFETY: the handle is open as long as it is borrowed, and the buffer is as long as we say.
        let length = unsafe {
            GetFinalPathNameByHandleW(file.as_raw_handle(), buffer.as_mut_ptr(), buffer.len() as u32, form)
        } as usize;
        match length {
            0 => return Err(io::Error::last_os_error()),
            // If it is too short, Windows says how long it must be.
            length if length > buffer.len() => buffer.resize(length, 0),
            length => return Ok(OsString::from_wide(&buffer[..length])),
        }
    }
}

/// Returns how much space the volume of an open folder has.
///
/// # Errors
/// Whatever the file system answers.
pub fn space(folder: impl AsHandle) -> io::Result<Space> {
    // A share must end in a backslash (GetDiskFreeSpaceExW, "lpDirectoryName").
    let path: Vec<u16> = path(folder)?.join("").as_os_str().encode_wide().chain([0]).collect();
    let (mut available, mut total) = (0, 0);
    // SAFETY: the path ends in a zero, and both numbers outlive the call.
    let done = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &raw mut available, &raw mut total, null_mut()) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Space { total, available }) }
}

/// Gives a file or folder another name, if nothing has that one.
///
/// # Errors
/// `AlreadyExists`; whatever the file system answers.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let wide = |path: &Path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<u16>>();
    let (from, to) = (wide(from), wide(to));
    // SAFETY: both paths end in a zero.
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

// SAFETY: integers only.
unsafe impl Plain for FILE_REMOTE_PROTOCOL_INFO {}

/// Whether an open file or folder is on a file server: a local file system does not know the question.
#[must_use]
pub fn is_remote(file: impl AsHandle) -> bool {
    query::<FILE_REMOTE_PROTOCOL_INFO>(file.as_handle(), FileRemoteProtocolInfo).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_without_a_letter_has_the_path_of_its_device() {
        let shadow = r"\Device\HarddiskVolumeShadowCopy1\t";
        assert_eq!(of_device(OsStr::new(shadow)), OsStr::new(&format!(r"\\?\GLOBALROOT{shadow}")));
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let device = path_as(file.as_handle(), VOLUME_NAME_NT).unwrap().into_string().unwrap();
        assert!(device.starts_with(r"\Device\") && device.ends_with(".exe"), "{device}");
    }
}
