//! What Windows knows about a symbolic link.

use std::ffi::OsStr;

use cap_std::fs::Dir;

use crate::restore::target::Target;
use crate::set::{EntryPath, Metadata};

/// Whether a link that is there says what the set's says; the one of a set made on Unix has `/` between its names.
pub(super) fn is_same_link(there: &OsStr, wanted: &OsStr) -> bool {
    let names = |link: &OsStr| link.to_string_lossy().replace('/', "\\");
    names(there) == names(wanted)
}

impl Target {
    /// Restores its owner and time: not on this system, where a link has the time at which it was made.
    pub(super) fn finish_symlink(&self, _: &Dir, _: &OsStr, _: &Metadata, _: &EntryPath) {}
}
