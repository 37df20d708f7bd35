//! Opening and reading sources on Unix.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use cap_std::fs::Dir;

/// On Unix an account has its rights at all times.
pub(in crate::backup) fn take_rights() {}

/// Opens a file for reading, whatever has replaced it since it was looked at: never through a link, and never waiting
/// for the other end of a pipe.
pub(in crate::backup) fn open(dir: &Dir, name: &OsStr) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // The name was listed in this very folder, so there is no path that could lead elsewhere.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?.into())
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    file.read_at(buffer, from)
}

/// Whether a sparse file has only a hole there, which is not worth reading.
#[cfg(target_os = "linux")]
pub(super) fn is_hole(file: &File, from: u64, size: u64) -> bool {
    use rustix::fs::{SeekFrom, seek};
    // NXIO: the position is beyond the end, or no data follows. Reading will show whether the file became shorter.
    match seek(file, SeekFrom::Data(from)) {
        Ok(data) => data >= from + size,
        Err(error) => {
            error == rustix::io::Errno::NXIO
                && seek(file, SeekFrom::End(0)).is_ok_and(|end| end >= from + size)
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_hole(_: &File, _: u64, _: u64) -> bool {
    false
}
