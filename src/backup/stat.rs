//! What the file system says about a source: kind, size, times, owner, extended attributes.

use cap_std::fs::Dir;

use super::state::node::Stamp;
use crate::set::Metadata;
use crate::share::CLOCK_SKEW;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::is_remote;
#[cfg(unix)]
pub(super) use unix::{
    folder_xattrs, is_name_of_the_kernel, is_of_the_kernel, link_target, look, look_at, xattrs,
};
#[cfg(windows)]
use windows::is_remote;
#[cfg(windows)]
pub(super) use windows::{
    folder_xattrs, is_name_of_the_kernel, is_of_the_kernel, is_shown_like_any_other, link_target, look,
    look_at, xattrs,
};

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
    inode: u128,
    /// The file system that it is on, if the system has that.
    pub(super) device: u64,
}

/// Distinguishes a file from all others on this machine.
pub(super) type Inode = (u64, u128);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    /// A socket, a device, a pipe, a file whose content is elsewhere: nothing to back up.
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
        // Only ReFS has numbers of more than 64 bits.
        let inode = (self.inode ^ self.inode >> 64) as u64;
        Stamp { size, modified, changed: self.change, inode }
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

/// Most bytes of extended attributes of one entry: an index line must hold them.
const MAX_XATTRS: usize = 1 << 20;

/// Ticks of a file system's clock in nanoseconds: two seconds on FAT, a few milliseconds elsewhere.
const COARSE_TICK: i128 = 2_100_000_000;
const FINE_TICK: i128 = 25_000_000;
/// Both clocks may be off.
const SERVER_SKEW: i128 = 2 * CLOCK_SKEW.as_nanos();

/// Returns what distinguishes a folder from all others, if the system has that.
pub(super) fn identity_of(folder: &std::path::Path) -> Option<Inode> {
    let dir = Dir::open_ambient_dir(folder, cap_std::ambient_authority()).ok()?;
    look_at(&dir).ok().map(|stat| stat.identity()).filter(|identity| *identity != (0, 0))
}
