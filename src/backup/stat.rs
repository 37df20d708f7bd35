//! What the file system says of a source: kind, size, times, owner, extended attributes.

use std::io;

use cap_std::fs::Metadata as FsMetadata;

use crate::set::{Metadata, Mtime, Text};

/// A source as it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Fewer blocks than bytes: it has holes.
    pub(super) sparse: bool,
    /// Device and file number, where more than one name leads to the file.
    pub(super) linked: Option<Inode>,
    pub(super) metadata: Metadata,
    /// Changes whenever content or metadata change, where the system has it.
    change: (i64, i64),
}

/// What tells a file from all others on this machine.
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
    /// Whether content that was read between these two looks is one state of the file.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.size == other.size
            && self.change == other.change
            && self.metadata.mtime == other.metadata.mtime
    }
}

#[cfg(unix)]
impl From<&FsMetadata> for Stat {
    fn from(m: &FsMetadata) -> Self {
        use cap_std::fs::MetadataExt;

        let kind = match m.mode() & 0o170_000 {
            0o100_000 => Kind::File,
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Symlink,
            0o140_000 => Kind::Special("a socket"),
            0o010_000 => Kind::Special("a pipe"),
            _ => Kind::Special("a device"),
        };
        let nanoseconds = u32::try_from(m.mtime_nsec()).unwrap_or(0);
        let metadata = Metadata {
            mode: Some(m.mode() & 0o7777),
            uid: Some(m.uid()),
            gid: Some(m.gid()),
            mtime: Some(Mtime::new(m.mtime(), nanoseconds)),
            ..Metadata::default()
        };
        Self {
            kind,
            size: m.size(),
            sparse: kind == Kind::File && m.size() >= 4096 && m.blocks().saturating_mul(512) < m.size(),
            linked: (kind == Kind::File && m.nlink() > 1).then(|| (m.dev(), m.ino())),
            metadata,
            change: (m.ctime(), m.ctime_nsec()),
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
        Self { kind, size: m.len(), sparse: false, linked: None, metadata, change: (0, 0) }
    }
}

/// Most bytes of extended attributes that one entry may have: an index line has to hold them.
#[cfg(unix)]
const MAX_XATTRS: usize = 1 << 20;

/// The extended attributes of an open file or folder.
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
    // A value may not be larger than this (Linux XATTR_SIZE_MAX).
    let mut value = vec![0; 64 << 10];
    for name in names {
        let length = match fgetxattr(&file, name, &mut value[..]) {
            Ok(length) => length,
            // Gone since the listing.
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

/// The extended attributes of an open file or folder: none that we know of here.
#[cfg(not(unix))]
pub(super) fn xattrs<T>(_: T) -> io::Result<Vec<(Text, Vec<u8>)>> {
    Ok(Vec::new())
}
