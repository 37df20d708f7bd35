//! What the file system says about a source: kind, size, times, owner, extended attributes.

use std::io;

use cap_std::fs::Dir;
#[cfg(not(unix))]
use cap_std::fs::Metadata as FsMetadata;

use super::state::node::Stamp;
use crate::set::{Metadata, Mtime, Text};
use crate::share::CLOCK_SKEW;

/// The state of a source when it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Whether it has holes: fewer blocks than bytes.
    pub(super) sparse: bool,
    /// Device and file number, if more than one name leads to the file.
    pub(super) linked: Option<Inode>,
    pub(super) metadata: Metadata,
    /// Changes whenever content or metadata change, if the system has it.
    change: (i64, u32),
    /// File number, if the system has it.
    inode: u64,
    /// The file system that it is on, if the system has that.
    pub(super) device: u64,
}

/// Distinguishes a file from all others on this machine.
pub(super) type Inode = (u64, u64);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    /// A socket, a device, a pipe: nothing to back up.
    Special(&'static str),
}

impl Stat {
    /// Whether content read between these two looks is one state of the file.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.size == other.size
            && self.change == other.change
            && self.metadata.mtime == other.metadata.mtime
    }

    /// Returns what distinguishes it from all others on this machine.
    pub(super) fn identity(&self) -> Inode {
        (self.device, self.inode)
    }

    /// Returns what to remember in order to see whether it changed.
    pub(super) fn stamp(&self) -> Stamp {
        let modified = self.metadata.mtime.map_or((0, 0), |time| (time.seconds, time.nanoseconds));
        let size = if self.kind == Kind::Folder { 0 } else { self.size };
        Stamp { size, modified, changed: self.change, inode: self.inode }
    }
}

/// Decides which stamps to trust. A stamp as old as the run, or newer, says nothing about a later change, which may
/// fall into the same tick. The clock is read before any content (as git does with its index, and borg with its cache).
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When the run began, in nanoseconds since 1970.
    began: i128,
    /// How far another machine's clock may be behind this one's.
    skew: i128,
}

impl Default for Clock {
    /// Trusts nothing.
    fn default() -> Self {
        Self { began: 0, skew: 0 }
    }
}

impl Clock {
    /// Creates the clock of a run that began then, for files of this host.
    pub(super) fn new(began: jiff::Timestamp) -> Self {
        Self { began: began.as_nanosecond(), skew: 0 }
    }

    /// Returns the clock for the file system of this folder: on a server it is the server's clock.
    pub(super) fn of(self, dir: &Dir) -> Self {
        Self { skew: if is_remote(dir) { SERVER_SKEW } else { 0 }, ..self }
    }

    /// Whether a change after the run began will show in the stamp. A time without a fraction is taken to come from a
    /// clock without fractions.
    pub(super) fn is_stamp_reliable(&self, stat: &Stat) -> bool {
        let modified = stat.metadata.mtime.map_or((0, 0), |time| (time.seconds, time.nanoseconds));
        let (seconds, nanoseconds) = if stat.change == (0, 0) { modified } else { stat.change };
        let tick = if nanoseconds == 0 { COARSE_TICK } else { FINE_TICK };
        let stamp = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        stamp + tick + self.skew < self.began
    }
}

/// Ticks of a file system's clock in nanoseconds: two seconds on FAT, a few milliseconds elsewhere.
const COARSE_TICK: i128 = 2_100_000_000;
const FINE_TICK: i128 = 25_000_000;
/// Both clocks may be off.
const SERVER_SKEW: i128 = 2 * CLOCK_SKEW.as_nanos();

/// Returns the type of a file system (statfs(2)).
#[cfg(target_os = "linux")]
fn file_system(at: impl std::os::fd::AsFd) -> u32 {
    rustix::fs::fstatfs(at).map_or(0, |about| about.f_type as u32)
}

/// Whether files are on a server: NFS, SMB and CIFS, FUSE, 9p, Ceph, AFS.
#[cfg(target_os = "linux")]
fn is_remote(dir: &Dir) -> bool {
    const REMOTE: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997, 0x00c3_6400, 0x5346_414f];
    REMOTE.contains(&file_system(dir))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Dir) -> bool {
    false
}

/// Whether the kernel makes up a folder or file as it is read: `/proc`, `/sys` and the like contain nothing to back up.
#[cfg(target_os = "linux")]
pub(super) fn is_of_the_kernel(at: impl std::os::fd::AsFd) -> bool {
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
pub(super) fn is_name_of_the_kernel(dir: &Dir, name: &std::ffi::OsStr) -> bool {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).is_ok_and(is_of_the_kernel)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_of_the_kernel(_: &Dir) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_name_of_the_kernel(_: &Dir, _: &std::ffi::OsStr) -> bool {
    false
}

/// Returns what distinguishes a folder from all others, if the system has that.
pub(super) fn identity_of(folder: &std::path::Path) -> Option<Inode> {
    let dir = Dir::open_ambient_dir(folder, cap_std::ambient_authority()).ok()?;
    look_at(&dir).ok().map(|stat| stat.identity()).filter(|identity| *identity != (0, 0))
}

/// Looks at a name in a folder, without following it.
#[cfg(unix)]
pub(super) fn look(dir: &Dir, name: &std::ffi::OsStr) -> io::Result<Stat> {
    Ok(Stat::from(&rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?))
}

#[cfg(not(unix))]
pub(super) fn look(dir: &Dir, name: &std::ffi::OsStr) -> io::Result<Stat> {
    Ok(Stat::from(&dir.symlink_metadata(name)?))
}

/// Looks at an open file or folder.
#[cfg(unix)]
pub(super) fn look_at(file: impl std::os::fd::AsFd) -> io::Result<Stat> {
    Ok(Stat::from(&rustix::fs::fstat(file)?))
}

#[cfg(not(unix))]
pub(super) fn look_at(file: &std::fs::File) -> io::Result<Stat> {
    Ok(Stat::from(&FsMetadata::from_file(file)?))
}

#[cfg(unix)]
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
            linked: (kind == Kind::File && m.st_nlink > 1).then_some((m.st_dev, m.st_ino)),
            metadata,
            change: (m.st_ctime, nanoseconds(m.st_ctime_nsec)),
            inode: m.st_ino,
            device: m.st_dev,
        }
    }
}

#[cfg(not(unix))]
impl From<&FsMetadata> for Stat {
    fn from(m: &FsMetadata) -> Self {
        let kind = if m.is_file() {
            Kind::File
        } else if m.is_dir() {
            Kind::Folder
        } else if m.is_symlink() {
            Kind::Symlink
        } else {
            Kind::Special("a special file")
        };
        let mtime = m.modified().ok().and_then(|time| jiff::Timestamp::try_from(time.into_std()).ok());
        let mtime = mtime.map(|t| Mtime::new(t.as_second(), t.subsec_nanosecond().unsigned_abs()));
        let metadata = Metadata { mtime, ..Metadata::default() };
        Self {
            kind,
            size: m.len(),
            sparse: false,
            linked: None,
            metadata,
            change: (0, 0),
            inode: 0,
            device: 0,
        }
    }
}

/// Most bytes of extended attributes of one entry: an index line must hold them.
#[cfg(unix)]
const MAX_XATTRS: usize = 1 << 20;

/// Returns the extended attributes of an open file or folder.
#[cfg(unix)]
pub(super) fn xattrs(file: impl std::os::fd::AsFd) -> io::Result<Vec<(Text, Vec<u8>)>> {
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

/// Returns the extended attributes of an open file or folder: none on this system.
#[cfg(not(unix))]
pub(super) fn xattrs<T>(_: T) -> io::Result<Vec<(Text, Vec<u8>)>> {
    Ok(Vec::new())
}
