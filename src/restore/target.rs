//! The folder that is restored into. Nothing outside it is ever touched, and no link below it is followed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::{Existing, Unrestored};
use crate::error::{Error, ErrorKind, Result};
use crate::set::digest::is_zero;
use crate::set::{Entry, EntryPath, Metadata, Text};

/// The folder that is restored into.
pub(super) struct Target {
    dir: Dir,
    shown: String,
    pub(super) existing: Existing,
    pub(super) is_privileged: bool,
    unrestored: Mutex<BTreeMap<&'static str, Unrestored>>,
}

/// Whether something was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Written,
    /// Something was there, and was to be kept.
    Kept,
}

/// The folder of the entry that was written last: its neighbours come next.
#[derive(Default)]
pub(super) struct Near(Option<(Vec<u8>, Arc<Dir>)>);

/// Bytes of zero that become a hole.
const HOLE: usize = 4096;

impl Target {
    /// Opens the folder, or creates it.
    pub(super) fn open(path: &Path, existing: Existing) -> Result<Self> {
        let failed = |e| Error::io(format_args!("open target folder {}", path.display()), e);
        std::fs::create_dir_all(path).map_err(failed)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        if existing == Existing::Refuse && dir.entries().map_err(failed)?.next().is_some() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "target folder {} is not empty; choose an empty one, or say whether to keep or replace what is there",
                    path.display()
                ),
            ));
        }
        #[cfg(unix)]
        let is_privileged = rustix::process::geteuid().is_root();
        #[cfg(not(unix))]
        let is_privileged = false;
        Ok(Self {
            dir,
            shown: path.display().to_string(),
            existing,
            is_privileged,
            unrestored: Mutex::default(),
        })
    }

    pub(super) fn unrestored(&self) -> Vec<Unrestored> {
        self.unrestored.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Metadata that could not be put back is counted, with one example of each kind.
    pub(super) fn note(&self, what: &'static str, path: &EntryPath, why: &dyn std::fmt::Display) {
        let mut notes = self.unrestored.lock().unwrap_or_else(PoisonError::into_inner);
        let note = notes.entry(what).or_insert_with(|| Unrestored {
            what: what.into(),
            count: 0,
            example: format!("{path}: {why}"),
        });
        note.count += 1;
    }

    pub(super) fn failed(&self, path: &EntryPath, error: io::Error) -> Error {
        Error::io(format_args!("restore {}/{path}", self.shown), error)
    }

    /// Opens a folder of the target, creating what is missing; a link on the way is an error, or is replaced.
    pub(super) fn folder(&self, path: &[u8], near: &mut Near) -> io::Result<Arc<Dir>> {
        if let Some((near, dir)) = &near.0
            && near == path
        {
            return Ok(dir.clone());
        }
        let mut dir = self.dir.try_clone()?;
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            dir = self.step(&dir, os_name(name)?)?;
        }
        let dir = Arc::new(dir);
        near.0 = Some((path.to_vec(), dir.clone()));
        Ok(dir)
    }

    fn step(&self, dir: &Dir, name: &OsStr) -> io::Result<Dir> {
        loop {
            match dir.open_dir_nofollow(name) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => match dir.create_dir(name) {
                    // Another worker was faster.
                    Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                    _ => {}
                },
                Err(_) if self.existing == Existing::Replace && is_no_folder(dir, name) => {
                    dir.remove_file_or_symlink(name)?
                }
                Err(e) if is_no_folder(dir, name) => {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        format!("{} is no folder but should be one ({e})", name.to_string_lossy()),
                    ));
                }
                opened => return opened,
            }
        }
    }

    pub(super) fn place<'a>(
        &self,
        path: &'a EntryPath,
        near: &mut Near,
    ) -> io::Result<(Arc<Dir>, &'a OsStr)> {
        let name = os_name(path.names().next_back().unwrap_or_default())?;
        Ok((self.folder(path.parent().unwrap_or_default(), near)?, name))
    }

    /// Makes way for a new file or link; says no where what is there is to be kept.
    pub(super) fn clear(&self, dir: &Dir, name: &OsStr) -> io::Result<bool> {
        match dir.symlink_metadata(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(e) => Err(e),
            Ok(_) if self.existing == Existing::Keep => Ok(false),
            Ok(there) if self.existing == Existing::Replace && !there.is_dir() => {
                dir.remove_file_or_symlink(name).map(|()| true)
            }
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    /// Writes a file whose content is whole and checked.
    pub(super) fn write_file(
        &self,
        entry: &Entry,
        path: &EntryPath,
        content: &[u8],
        sparse: bool,
        near: &mut Near,
    ) -> Result<Outcome> {
        let write = |near: &mut Near| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            // Nearly always nothing is in the way.
            let file = match create(&dir, name) {
                Err(_) if !self.clear(&dir, name)? => return Ok(Outcome::Kept),
                Err(_) => create(&dir, name)?,
                Ok(file) => file,
            };
            let written = if sparse {
                file.set_len(content.len() as u64).and_then(|()| write_at(&file, content, 0, true))
            } else {
                (&file).write_all(content)
            };
            if let Err(error) = written {
                let _ = dir.remove_file(name);
                return Err(error);
            }
            self.finish_file(&file, &entry.metadata, path);
            Ok(Outcome::Written)
        };
        write(near).map_err(|e| self.failed(path, e))
    }

    pub(super) fn make_folder(&self, path: &EntryPath, near: &mut Near) -> Result<()> {
        self.folder(path.as_bytes(), near).map(drop).map_err(|e| self.failed(path, e))
    }

    pub(super) fn make_symlink(
        &self,
        path: &EntryPath,
        target: &Text,
        metadata: &Metadata,
        near: &mut Near,
    ) -> Result<Outcome> {
        let make = |near: &mut Near| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            if !self.clear(&dir, name)? {
                return Ok(Outcome::Kept);
            }
            dir.symlink_contents(os_text(target.as_bytes())?, name)?;
            #[cfg(unix)]
            self.finish_symlink(&dir, name, metadata, path);
            Ok(Outcome::Written)
        };
        make(near).map_err(|e| self.failed(path, e))
    }

    pub(super) fn make_hard_link(
        &self,
        path: &EntryPath,
        first: &EntryPath,
        near: &mut Near,
    ) -> Result<Outcome> {
        let make = |near: &mut Near| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            let (first_dir, first_name) = self.place(first, &mut Near::default())?;
            if !first_dir.symlink_metadata(first_name)?.is_file() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("{first}, which it is a second name of, was not restored"),
                ));
            }
            if !self.clear(&dir, name)? {
                return Ok(Outcome::Kept);
            }
            first_dir.hard_link(first_name, &dir, name)?;
            Ok(Outcome::Written)
        };
        make(near).map_err(|e| self.failed(path, e))
    }

    /// Gives a file of its own the content of one that was restored.
    pub(super) fn make_copy(
        &self,
        entry: &Entry,
        path: &EntryPath,
        first: &EntryPath,
        near: &mut Near,
    ) -> Result<Outcome> {
        let make = |near: &mut Near| -> io::Result<Outcome> {
            let (first_dir, first_name) = self.place(first, &mut Near::default())?;
            let mut options = OpenOptions::new();
            options.read(true).follow(FollowSymlinks::No);
            let opened = first_dir.open_with(first_name, &options)?.into_std();
            // Something else may stand there, if that file was lost or something was kept.
            if opened.metadata()?.len() != entry.size() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("{first}, which it is a copy of, was not restored"),
                ));
            }
            let (dir, name) = self.place(path, near)?;
            if !self.clear(&dir, name)? {
                return Ok(Outcome::Kept);
            }
            let file = create(&dir, name)?;
            if let Err(error) = io::copy(&mut &opened, &mut &file) {
                let _ = dir.remove_file(name);
                return Err(error);
            }
            self.finish_file(&file, &entry.metadata, path);
            Ok(Outcome::Written)
        };
        make(near).map_err(|e| self.failed(path, e))
    }

    /// Makes a copy of a file whose content was restored in its place already.
    pub(super) fn finish_copy(&self, entry: &Entry, path: &EntryPath, near: &mut Near) -> Result<()> {
        let finish = |near: &mut Near| -> io::Result<()> {
            let (dir, name) = self.place(path, near)?;
            let mut options = OpenOptions::new();
            options.read(true).follow(FollowSymlinks::No);
            self.finish_file(&dir.open_with(name, &options)?.into_std(), &entry.metadata, path);
            Ok(())
        };
        finish(near).map_err(|e| self.failed(path, e))
    }

    /// Puts a folder's metadata back, when nothing more will be written into it.
    pub(super) fn finish_folder(&self, path: &EntryPath, metadata: &Metadata) {
        // Open for reading: a handle that is good for lookups only changes nothing.
        match self.folder(path.as_bytes(), &mut Near::default()).and_then(|dir| dir.open(".")) {
            Ok(dir) => self.finish_file(&dir.into_std(), metadata, path),
            Err(error) => self.note("folder", path, &error),
        }
    }
}

pub(super) fn create(dir: &Dir, name: &OsStr) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).follow(FollowSymlinks::No);
    #[cfg(unix)]
    cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(dir.open_with(name, &options)?.into_std())
}

/// Writes into a file that has its length already; with `sparse`, blocks of zeros stay holes.
pub(super) fn write_at(file: &File, content: &[u8], from: u64, sparse: bool) -> io::Result<()> {
    if !sparse {
        return write_all_at(file, content, from);
    }
    let mut start = 0;
    while start < content.len() {
        let is_hole = |at: usize| is_zero(&content[at..content.len().min(at + HOLE)]);
        let mut end = start;
        while end < content.len() && !is_hole(end) {
            end = content.len().min(end + HOLE);
        }
        if end > start {
            write_all_at(file, &content[start..end], from + start as u64)?;
        }
        start = end;
        while start < content.len() && is_hole(start) {
            start = content.len().min(start + HOLE);
        }
    }
    Ok(())
}

#[cfg(unix)]
fn write_all_at(file: &File, content: &[u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, content, from)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut content: &[u8], mut from: u64) -> io::Result<()> {
    while !content.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, content, from)?;
        content = &content[count..];
        from += count as u64;
    }
    Ok(())
}

fn is_no_folder(dir: &Dir, name: &OsStr) -> bool {
    dir.symlink_metadata(name).is_ok_and(|there| !there.is_dir())
}

#[cfg(unix)]
fn os_text(bytes: &[u8]) -> io::Result<&OsStr> {
    Ok(std::os::unix::ffi::OsStrExt::from_bytes(bytes))
}

#[cfg(not(unix))]
fn os_text(bytes: &[u8]) -> io::Result<&OsStr> {
    let text = str::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidFilename, "a name is not Unicode"))?;
    Ok(OsStr::new(text))
}

/// A single name; on Windows one that means nothing but itself.
fn os_name(bytes: &[u8]) -> io::Result<&OsStr> {
    #[cfg(windows)]
    if bytes.iter().any(|b| matches!(b, b'\\' | b':' | b'<' | b'>' | b'"' | b'|' | b'?' | b'*' | 0..32)) {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, "a name that this system does not allow"));
    }
    os_text(bytes)
}
