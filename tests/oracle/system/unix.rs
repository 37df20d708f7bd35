//! Unix.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use super::Looked;
use crate::rng::Rng;

/// Names that are hard to handle.
pub const ODD_NAMES: &[&[u8]] = &[
    b"N1",
    b"a\nb",
    b"caf\xe9",
    b"-rf",
    b"trailing ",
    b"x.tmp",
    b"cache",
    b".hidden",
    b"\xc3\xbc",
    b"*",
    b"--checkpoint=1",
    b"back\\slash",
    b"'quoted\" $(x)",
    b"set",
    &[b'l'; 255],
    &[b'm'; 255],
];

/// Whether the README's lines for recovery can be run.
pub const RECOVERS_BY_HAND: bool = true;

/// Whether names that differ in letter case alone are one.
pub const IGNORES_CASE: bool = false;

/// Whether symbolic links can always be made: on Windows it takes a right, and wine makes none.
pub const MAKES_LINKS: bool = true;

pub fn bytes(name: &OsStr) -> Vec<u8> {
    name.as_bytes().to_vec()
}

pub fn os_name(name: &[u8]) -> OsString {
    OsString::from_vec(name.to_vec())
}

pub fn look(path: &Path) -> io::Result<Looked> {
    let m = fs::symlink_metadata(path)?;
    Ok(Looked {
        mode: m.mode() & 0o7777,
        owner: (m.uid(), m.gid()),
        mtime: (m.mtime(), m.mtime_nsec()),
        inode: (m.dev(), m.ino()),
        xattrs: if m.is_dir() || m.is_file() { xattrs(path) } else { Vec::new() },
    })
}

/// Changes whenever a file does.
pub fn stamp(path: &Path) -> io::Result<[i64; 4]> {
    let m = fs::metadata(path)?;
    Ok([m.ino().cast_signed(), m.ctime(), m.ctime_nsec(), m.len().cast_signed()])
}

pub fn set_time(path: &Path, time: SystemTime) -> io::Result<()> {
    File::open(path)?.set_modified(time)
}

pub fn read_exact_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    file.read_exact_at(bytes, from)
}

pub fn write_all_at(file: &File, bytes: &[u8], from: u64) -> io::Result<()> {
    file.write_all_at(bytes, from)
}

pub fn symlink(to: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

/// Gives a file or folder another mode, and says which.
pub fn change_mode(path: &Path, rng: &mut Rng) -> io::Result<String> {
    let mode = *rng.pick(&[0o600, 0o644, 0o755, 0o444, 0o400, 0o4755, 0o700]).expect("not empty");
    // A folder stays one that we can change.
    let is_special = rustix::process::geteuid().is_root();
    let mode = if path.is_dir() {
        mode & 0o777 | 0o700
    } else if is_special {
        mode
    } else {
        mode & 0o777 | 0o400
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(format!("{mode:o}"))
}

pub fn change_owner(path: &Path, rng: &mut Rng) -> io::Result<String> {
    let id = 1000 + rng.below(3) as u32;
    std::os::unix::fs::lchown(path, Some(id), Some(id))?;
    Ok(id.to_string())
}

/// Gives it an attribute that the file system keeps beside the content.
pub fn set_attribute(path: &Path, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::lsetxattr(path, "user.azs", value, rustix::fs::XattrFlags::empty())?)
}

/// Removes a folder and all in it.
pub fn remove_all(folder: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder)
}

/// Ends this process at once: nothing is cleaned up by a process that is no more.
pub fn end_process() {
    let me = rustix::process::getpid();
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
}

fn xattrs(place: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = [0_u8; 4096];
    let length = rustix::fs::llistxattr(place, &mut names[..]).unwrap_or(0);
    let mut found = Vec::new();
    for name in names[..length].split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 64 << 10];
        if let Ok(length) = rustix::fs::lgetxattr(place, name, &mut value[..]) {
            found.push((name.to_vec(), value[..length].to_vec()));
        }
    }
    found.sort();
    found
}
