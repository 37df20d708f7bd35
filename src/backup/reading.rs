//! Reads sources: small files whole, large ones in parts.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::sync::Arc;

use cap_std::fs::Dir;
use openssl::sha::Sha256;

use super::stat::{self, Stat};
use super::state::node::short;
use super::state::table::{Table, keyed};
use super::work_item::{LargeContent, LargeSource, PART, SMALL};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::set::{Block, Digest, EntryPath};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::{is_hole, read_at};
#[cfg(unix)]
pub(super) use unix::{open, take_rights};
#[cfg(windows)]
use windows::{is_hole, read_at};
#[cfg(windows)]
pub(super) use windows::{open, take_rights};

/// Number of blocks of a large file to look at before comparing all of it.
const SAMPLES: u64 = 16;

/// How often to read a small file that keeps changing.
const TRIES: u32 = 3;

impl LargeContent {
    pub(super) fn read_at(&self, buffer: &mut Vec<u8>, from: u64, size: usize) -> io::Result<usize> {
        make_room(buffer, size);
        let file = match self {
            LargeContent::Disk { file, stat } if stat.sparse && is_hole(file, from, size as u64) => {
                buffer.fill(0);
                return Ok(size);
            }
            LargeContent::Disk { file, .. } | LargeContent::Spooled(file) => file,
            LargeContent::Memory(bytes) => {
                let bytes = &bytes[from as usize..][..size];
                buffer.copy_from_slice(bytes);
                return Ok(bytes.len());
            }
        };
        fill(buffer, size, |room, at| read_at(file, room, from + at))
    }

    /// Returns the digest of all of it: the digest of the digests of its parts.
    pub(super) fn digest(&self, size: u64, mut tick: impl FnMut() -> Result<()>) -> Result<Option<[u8; 16]>> {
        let (mut hasher, mut buffer, mut blocks) = (Sha256::new(), Vec::new(), Vec::new());
        for from in (0..size).step_by(PART as usize) {
            tick()?;
            let length = PART.min(size - from) as usize;
            match self.read_at(&mut buffer, from, length) {
                Ok(got) if got == length => {}
                // Storing it will show what is wrong.
                _ => return Ok(None),
            }
            hasher.update(Digest::of_part(&buffer, &mut blocks).as_bytes());
        }
        Ok(Some(short(&Digest::from_bytes(hasher.finish()))))
    }

    /// Whether most of a few blocks, spread over the file, match the table.
    pub(super) fn resembles(&self, size: u64, table: &Table, key: &[u8; 32]) -> bool {
        let blocks = size / Block::SIZE;
        let (mut seen, mut same, mut buffer) = (0, 0, Vec::new());
        for number in (0..blocks).step_by((blocks / SAMPLES).max(1) as usize) {
            let read = self.read_at(&mut buffer, number * Block::SIZE, Block::SIZE as usize);
            let rows = table.rows(number, 1);
            if let (Ok(_), Ok(rows)) = (read, rows) {
                let digest = keyed(key, &Digest::of(&buffer));
                same += u32::from(rows.first().is_some_and(|row| row.digest == digest));
            }
            seen += 1;
        }
        same * 2 >= seen
    }
}

impl LargeSource {
    /// Whether it has changed since it was looked at.
    pub(super) fn changed(&self) -> bool {
        let LargeContent::Disk { file, stat } = &self.content else {
            return false;
        };
        stat::look_at(file).map_or(true, |now| !now.is_same(stat))
    }
}

/// Where a small file is read.
pub(super) enum SmallSource {
    /// Under its name.
    Named(Arc<Dir>, OsString),
    /// Through a handle: other names lead to it, so something must be stored under this one.
    Open(File),
}

pub(super) struct SmallFile {
    pub(super) stat: Stat,
    pub(super) xattrs: Vec<(crate::set::Text, Vec<u8>)>,
    /// What is not as it was.
    pub(super) problem: Option<Error>,
}

/// Reads a small file whole, to `from` in the buffer. Reads it again if it changes meanwhile.
///
/// # Errors
/// Fails if none of it can be stored. From an open file something always can be: what cannot be read becomes zeros.
pub(super) fn read_small(
    source: &SmallSource,
    mut before: Stat,
    path: &EntryPath,
    bytes: &mut Vec<u8>,
    from: usize,
) -> Result<SmallFile> {
    let failed = |e| unreadable(path, e);
    let opened;
    let file = match source {
        SmallSource::Open(file) => file,
        SmallSource::Named(dir, name) => {
            opened = open(dir, name).map_err(failed)?;
            &opened
        }
    };
    let is_bound = matches!(source, SmallSource::Open(_));
    for attempt in 1.. {
        let is_small = before.kind == stat::Kind::File && before.size <= SMALL;
        if !is_small && !is_bound {
            return Err(changed(path));
        }
        let size = before.size.min(SMALL) as usize;
        // Room for one more byte shows in the same call that a file grew; bytes beyond the expected end are not read.
        make_room(bytes, from + size + 1);
        // Read an empty file, too: some claim to be empty and are not.
        let read = fill(&mut bytes[from..], size.max(1), |room, at| read_at(file, room, at));
        let (length, mut problem) = match read {
            Ok(length) => (length, None),
            Err(error) if is_bound => {
                bytes[from..from + size].fill(0);
                (size, Some(unreadable(path, error)))
            }
            Err(error) => return Err(failed(error)),
        };
        let after = stat::look_at(file).map_err(failed)?;
        let is_steady = is_small && length == size && after.is_same(&before);
        if is_steady || attempt == TRIES {
            bytes.truncate(from + length.min(size));
            let xattrs = match stat::xattrs(file) {
                Err(error) if is_bound => {
                    problem = Some(unreadable(path, error));
                    Vec::new()
                }
                xattrs => xattrs.map_err(failed)?,
            };
            if !is_steady {
                problem.get_or_insert_with(|| changed(path));
            }
            return Ok(SmallFile { stat: after, xattrs, problem });
        }
        before = after;
    }
    unreachable!("the last attempt returns")
}

/// Gives a used buffer this length; its content will be overwritten.
fn make_room(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    } else {
        buffer.truncate(length);
    }
}

/// Reads until `wanted` bytes are read or the end is reached.
fn fill(
    buffer: &mut [u8],
    wanted: usize,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < wanted {
        match read(&mut buffer[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

pub(super) fn unreadable(path: &EntryPath, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return changed(path).with_source(error);
    }
    // An error of the caller's own reader may be about the caller: a cancellation, for example.
    let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    if let Some(own) = own.filter(|own| own.scope() == Scope::Caller) {
        return own.clone();
    }
    Error::new(ErrorKind::SourceUnreadable, format!("{path} cannot be read: {error}"))
        .with_source(error)
        .doing("read", path)
}

pub(super) fn changed(path: &EntryPath) -> Error {
    Error::new(ErrorKind::SourceChanged, format!("{path} changed while it was read")).doing("read", path)
}
