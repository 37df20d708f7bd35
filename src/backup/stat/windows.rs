//! What Windows says about a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;

use azs_backup_windows::{Facts, facts};
use cap_std::fs::Dir;

use super::{Kind, Stat};
use crate::names::open_itself;
use crate::set::{Metadata, Mtime, Text};

mod records;

pub(in crate::backup) use records::{folder_xattrs, xattrs};

/// Looks at a name in a folder, without following it.
pub(in crate::backup) fn look(dir: &Dir, name: &OsStr) -> io::Result<Stat> {
    look_at(open_to_look(dir, name)?)
}

/// Looks at an open file or folder.
pub(in crate::backup) fn look_at(file: impl AsHandle) -> io::Result<Stat> {
    Ok(Stat::from(&facts(file)?))
}

/// Returns where a symbolic link or a junction leads, as it says.
pub(in crate::backup) fn link_target(dir: &Dir, name: &OsStr) -> io::Result<Text> {
    let link = azs_backup_windows::link(open_to_look(dir, name)?)?;
    Ok(link.target.into_encoded_bytes().into())
}

/// Opens it just to look at it: that is possible whatever other programs do with it.
fn open_to_look(dir: &Dir, name: &OsStr) -> io::Result<File> {
    open_itself(dir, name, File::options().access_mode(FILE_READ_ATTRIBUTES))
}

impl From<&Facts> for Stat {
    fn from(facts: &Facts) -> Self {
        let kind = kind(facts);
        let is_file = kind == Kind::File;
        let written =
            since_1970(facts.written).map(|(seconds, nanoseconds)| Mtime::new(seconds, nanoseconds));
        let is_sparse = facts.attributes & FILE_ATTRIBUTE_SPARSE_FILE != 0;
        Self {
            kind,
            size: if is_file { facts.size } else { 0 },
            sparse: is_file && is_sparse && facts.allocated < facts.size,
            linked: (is_file && facts.links > 1).then_some((facts.volume, facts.id)),
            metadata: Metadata { mtime: written, ..Metadata::default() },
            change: since_1970(facts.changed).unwrap_or_default(),
            inode: facts.id,
            device: facts.volume,
        }
    }
}

/// Tells what there is to back up. A reparse point is a link, a file or folder that a filter driver keeps in its own way
/// but shows like any other, or something that only its owner understands.
fn kind(facts: &Facts) -> Kind {
    let is = |attributes| facts.attributes & attributes != 0;
    match facts.reparse_tag {
        Some(IO_REPARSE_TAG_SYMLINK | IO_REPARSE_TAG_MOUNT_POINT) => return Kind::Symlink,
        Some(tag) if !is_shown_like_any_other(tag) => {
            return Kind::Special("a reparse point of a kind that only its owner understands");
        }
        _ => {}
    }
    if is(FILE_ATTRIBUTE_DIRECTORY) {
        Kind::Folder
    } else if is(FILE_ATTRIBUTE_RECALL_ON_OPEN | FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS) {
        Kind::Special("a placeholder: its content is elsewhere, and reading would fetch it")
    } else {
        Kind::File
    }
}

/// Whether a reader sees the content of such a reparse point, and need not know of it.
pub(in crate::backup) fn is_shown_like_any_other(tag: u32) -> bool {
    matches!(tag, IO_REPARSE_TAG_DEDUP | IO_REPARSE_TAG_WOF) || tag & !CLOUD_VERSION == IO_REPARSE_TAG_CLOUD
}

/// Converts a time to seconds and nanoseconds since 1970; `None` if there is none.
fn since_1970(steps: i64) -> Option<(i64, u32)> {
    /// From 1601 to 1970.
    const BETWEEN: i64 = 11_644_473_600;
    const STEPS: i64 = 10_000_000;
    let (seconds, rest) = (steps.div_euclid(STEPS), steps.rem_euclid(STEPS));
    (steps != 0).then_some((seconds - BETWEEN, rest as u32 * 100))
}

/// Whether files are on a server.
pub(super) fn is_remote(dir: &Dir) -> bool {
    azs_backup_windows::is_remote(dir)
}

/// Whether the kernel makes up a folder or file as it is read: not on this system.
pub(in crate::backup) fn is_of_the_kernel(_: &Dir) -> bool {
    false
}

pub(in crate::backup) fn is_name_of_the_kernel(_: &Dir, _: &OsStr) -> bool {
    false
}

// MS-FSCC 2.6.
const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
const FILE_ATTRIBUTE_SPARSE_FILE: u32 = 0x200;
const FILE_ATTRIBUTE_RECALL_ON_OPEN: u32 = 0x4_0000;
const FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS: u32 = 0x40_0000;

// MS-FSCC 2.1.2.1. OneDrive and its like have sixteen tags, one for each version.
const IO_REPARSE_TAG_MOUNT_POINT: u32 = 0xa000_0003;
const IO_REPARSE_TAG_SYMLINK: u32 = 0xa000_000c;
const IO_REPARSE_TAG_DEDUP: u32 = 0x8000_0013;
const IO_REPARSE_TAG_WOF: u32 = 0x8000_0017;
const IO_REPARSE_TAG_CLOUD: u32 = 0x9000_001a;
const CLOUD_VERSION: u32 = 0xf000;

// Win32, "CreateFileW"; MS-SMB2 2.2.13.1.
const FILE_READ_ATTRIBUTES: u32 = 0x80;
