//! What a Unix system says about a file.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;

use cap_std::fs::Dir;

use super::{Kind, MAX_XATTRS, Stat};
use crate::set::{Metadata, Mtime, Text};

/// Looks at a name in a folder, without following it.
pub(in crate::backup) fn look(dir: &Dir, name: &OsStr) -> io::Result<Stat> {
    Ok(Stat::from(&rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?))
}

/// Looks at an open file or folder.
pub(in crate::backup) fn look_at(file: impl AsFd) -> io::Result<Stat> {
    Ok(Stat::from(&rustix::fs::fstat(file)?))
}

/// Returns where a symbolic link leads, as it says.
pub(in crate::backup) fn link_target(dir: &Dir, name: &OsStr) -> io::Result<Text> {
    Ok(dir.read_link_contents(name)?.into_os_string().into_encoded_bytes().into())
}

/// Returns the extended attributes of an open folder.
pub(in crate::backup) fn folder_xattrs(dir: &Dir) -> io::Result<Vec<(Text, Vec<u8>)>> {
    // A directory handle may only allow lookups; attributes need one that is open for reading.
    xattrs(&dir.open(".")?)
}

impl From<&rustix::fs::Stat> for Stat {
    fn from(m: &rustix::fs::Stat) -> Self {
        let kind = match m.st_mode & 0o170_000 {
            0o100_000 => Kind::File,
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Symlink,
            0o140_000 => Kind::Special("a socket"),
            0o010_000 => Kind::Special("a pipe"),
            _ => Kind::Special("a device"),
        };
        let nanoseconds = |n| u32::try_from(n).unwrap_or(0);
        let size = u64::try_from(m.st_size).unwrap_or(0);
        let blocks = u64::try_from(m.st_blocks).unwrap_or(u64::MAX);
        let metadata = Metadata {
            mode: Some(m.st_mode & 0o7777),
            uid: Some(m.st_uid),
            gid: Some(m.st_gid),
            mtime: Some(Mtime::new(m.st_mtime, nanoseconds(m.st_mtime_nsec))),
            ..Metadata::default()
        };
        Self {
            kind,
            size,
            sparse: kind == Kind::File && size >= 4096 && blocks.saturating_mul(512) < size,
            linked: (kind == Kind::File && m.st_nlink > 1).then_some((m.st_dev, m.st_ino.into())),
            metadata,
            change: (m.st_ctime, nanoseconds(m.st_ctime_nsec)),
            inode: m.st_ino.into(),
            device: m.st_dev,
        }
    }
}

/// Returns the extended attributes of an open file or folder.
pub(in crate::backup) fn xattrs(file: impl AsFd) -> io::Result<Vec<(Text, Vec<u8>)>> {
    use rustix::fs::{fgetxattr, flistxattr};
    use rustix::io::Errno;

    let mut buffer = [0_u8; 4096];
    let names = match flistxattr(&file, &mut buffer[..]) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Ok(length) => buffer[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut names = vec![0; 64 << 10];
            let length = flistxattr(&file, &mut names[..])?;
            names.truncate(length);
            names
        }
        Err(error) => return Err(error.into()),
    };
    let mut names: Vec<&[u8]> = names.split(|b| *b == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let mut attributes = Vec::with_capacity(names.len());
    let mut total = 0;
    // A value cannot be larger than this (Linux XATTR_SIZE_MAX).
    let mut value = vec![0; 64 << 10];
    for name in names {
        let length = match fgetxattr(&file, name, &mut value[..]) {
            Ok(length) => length,
            // Removed since the listing.
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(error.into()),
        };
        total += name.len() + length;
        if total > MAX_XATTRS {
            return Err(io::Error::other("its extended attributes have more than 1 MiB"));
        }
        attributes.push((Text::from(name.to_vec()), value[..length].to_vec()));
    }
    Ok(attributes)
}

/// Returns the type of a file system (statfs(2)).
#[cfg(target_os = "linux")]
fn file_system(at: impl AsFd) -> u32 {
    rustix::fs::fstatfs(at).map_or(0, |about| about.f_type as u32)
}

/// Whether files are on a server: NFS, SMB and CIFS, FUSE, 9p, Ceph, AFS.
#[cfg(target_os = "linux")]
pub(super) fn is_remote(dir: &Dir) -> bool {
    const REMOTE: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997, 0x00c3_6400, 0x5346_414f];
    REMOTE.contains(&file_system(dir))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_remote(_: &Dir) -> bool {
    false
}

/// Whether the kernel makes up a folder or file as it is read: `/proc`, `/sys` and the like contain nothing to back up.
#[cfg(target_os = "linux")]
pub(in crate::backup) fn is_of_the_kernel(at: impl AsFd) -> bool {
    const KERNEL: [u32; 21] = [
        0x9fa0,
        0x6265_6572,
        0x1cd1,
        0x0027_e0eb,
        0x6367_7270,
        0x6462_6720,
        0x7363_6673,
        0x7472_6163,
        0xcafe_4a11,
        0x6165_676c,
        0x6265_6570,
        0xde5e_81e4,
        0x1980_0202,
        0x4249_4e4d,
        0x6e73_6673,
        0x6759_6969,
        0x6e66_7364,
        0x6573_5543,
        0xf97c_ff8c,
        0x4341_5d53,
        0x0765_5821,
    ];
    KERNEL.contains(&file_system(at))
}

/// Does the same for a name in a folder, without opening it: that alone can change what the kernel makes.
#[cfg(target_os = "linux")]
pub(in crate::backup) fn is_name_of_the_kernel(dir: &Dir, name: &OsStr) -> bool {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).is_ok_and(is_of_the_kernel)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::backup) fn is_of_the_kernel(_: &Dir) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(in crate::backup) fn is_name_of_the_kernel(_: &Dir, _: &OsStr) -> bool {
    false
}
