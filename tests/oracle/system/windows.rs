//! Windows. Names are such that it can have them, and short: wine knows no path of more than 260 characters.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

use azs_backup_windows::{Facts, facts, set_attributes};

use super::Looked;
use crate::rng::Rng;

/// Names that are hard to handle.
pub const ODD_NAMES: &[&[u8]] = &[
    b"N1",
    b"nul-",
    b"caf\xc3\xa9",
    b"-rf",
    b" leading",
    b"x.tmp",
    b"cache",
    b".hidden",
    b"\xc3\xbc",
    b"longer~1.tex",
    b"--checkpoint=1",
    b"\xf0\x9f\x98\x80",
    b"'quoted' $(x)",
    b"set",
    b"a.b.c",
    b"100%",
];

/// Whether the README's lines for recovery can be run.
pub const RECOVERS_BY_HAND: bool = false;

/// Whether names that differ in letter case alone are one.
pub const IGNORES_CASE: bool = true;

/// Whether symbolic links can always be made: on Windows it takes a right, and wine makes none.
pub const MAKES_LINKS: bool = false;

pub fn bytes(name: &OsStr) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

pub fn os_name(name: &[u8]) -> OsString {
    String::from_utf8_lossy(name).into_owned().into()
}

pub fn look(path: &Path) -> io::Result<Looked> {
    let facts = facts_of(path)?;
    Ok(Looked {
        mode: facts.attributes & RESTORED,
        owner: (0, 0),
        mtime: (facts.written.div_euclid(STEPS), facts.written.rem_euclid(STEPS) * 100),
        inode: (facts.volume, facts.id as u64),
        xattrs: Vec::new(),
    })
}

/// Changes whenever a file does.
pub fn stamp(path: &Path) -> io::Result<[i64; 4]> {
    let facts = facts_of(path)?;
    Ok([facts.id as i64, facts.changed, facts.written, facts.size.cast_signed()])
}

fn facts_of(path: &Path) -> io::Result<Facts> {
    facts(open(path, FILE_READ_ATTRIBUTES)?)
}

pub fn set_time(path: &Path, time: SystemTime) -> io::Result<()> {
    open(path, FILE_WRITE_ATTRIBUTES)?.set_modified(time)
}

/// Opens something itself, be it a folder or a link.
fn open(path: &Path, access: u32) -> io::Result<File> {
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    File::options().access_mode(access).custom_flags(flags).open(path)
}

pub fn read_exact_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    let count = file.seek_read(bytes, from)?;
    if count == bytes.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

pub fn write_all_at(file: &File, bytes: &[u8], from: u64) -> io::Result<()> {
    let count = file.seek_write(bytes, from)?;
    if count == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Makes a link, where that can be done: it takes a right, and wine makes none.
pub fn symlink(to: &str, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, link)?;
    if link.is_symlink() { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// Gives a file or folder other attributes, and says which.
pub fn change_mode(path: &Path, rng: &mut Rng) -> io::Result<String> {
    let choice = [READ_ONLY | ARCHIVE, ARCHIVE, HIDDEN | ARCHIVE, 0, SYSTEM | HIDDEN];
    let attributes = *rng.pick(&choice).expect("not empty");
    set_attributes(open(path, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)?, attributes)?;
    Ok(format!("{attributes:#x}"))
}

pub fn change_owner(_: &Path, _: &mut Rng) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives it an attribute that the file system keeps beside the content.
pub fn set_attribute(_: &Path, _: &[u8]) -> io::Result<()> {
    Err(io::Error::other("wine makes streams, but does not list them"))
}

/// Removes a folder and all in it, read-only files, too.
pub fn remove_all(folder: &Path) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        let attributes = item.metadata()?.file_attributes();
        if attributes & READ_ONLY != 0 {
            let file = open(&item.path(), FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)?;
            set_attributes(file, attributes & RESTORED & !READ_ONLY)?;
        }
        match item.file_type()? {
            kind if kind.is_dir() => remove_all(&item.path())?,
            _ => fs::remove_file(item.path())?,
        }
    }
    fs::remove_dir(folder)
}

/// Ends this process at once: nothing is cleaned up by a process that is no more.
pub fn end_process() {
    std::process::abort();
}

const STEPS: i64 = 10_000_000;

// MS-FSCC 2.6.
const READ_ONLY: u32 = 0x1;
const HIDDEN: u32 = 0x2;
const SYSTEM: u32 = 0x4;
const ARCHIVE: u32 = 0x20;
const RESTORED: u32 = READ_ONLY | HIDDEN | SYSTEM | ARCHIVE;

// Win32, "CreateFileW"; MS-SMB2 2.2.13.1.
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
