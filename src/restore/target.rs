//! The target folder. Nothing outside it is ever touched, and no link below it is followed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::durable::Durable;
use super::{Compare, Existing, RestoreOptions, Unrestored};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::is_mas_backup;
use crate::names;
use crate::set::digest::is_zero;
use crate::set::{Digest, EntryPath, Metadata, Mtime};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::{copy_mode, create_private_folder, open_folder, os_name, private, take_rights, write_all_at};
#[cfg(unix)]
pub(super) use unix::{make_sparse, os_text};
#[cfg(windows)]
use windows::{copy_mode, create_private_folder, open_folder, os_name, private, take_rights, write_all_at};
#[cfg(windows)]
pub(super) use windows::{make_sparse, os_text};

/// The target folder.
pub(crate) struct Target {
    pub(super) dir: Dir,
    shown: String,
    pub(super) existing: Existing,
    pub(super) compare: Compare,
    unrestored: Mutex<BTreeMap<&'static str, Unrestored>>,
    /// This restore's number, and how many temporary names it has made.
    pub(super) run: String,
    pub(super) made: AtomicU64,
    /// Held while a name is looked up and taken, if the system cannot do both at once.
    pub(super) naming: Mutex<()>,
    /// What this restore wrote, by device and number, if names may differ only in letter case.
    pub(super) written: Mutex<HashSet<(u64, u64)>>,
    /// Folders that were opened.
    folders: Mutex<HashMap<Vec<u8>, Folder>>,
    pub(super) durable: Durable,
}

/// Where a folder of the target comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Folder {
    /// It was there before this restore.
    Existed,
    /// This restore created it, for its owner alone.
    New,
    /// This restore created it, and gave it its own mode.
    Finished,
}

/// The outcome for one thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Written,
    /// It existed as the set has it.
    Kept,
    /// Something else existed and was kept.
    Differs,
}

/// What a file should be.
#[derive(Clone, Copy)]
pub(super) struct ExpectedFile<'a> {
    pub(super) size: u64,
    pub(super) mtime: Option<Mtime>,
    pub(super) content: ExpectedContent<'a>,
}

/// What is known about a file's content.
#[derive(Clone, Copy)]
pub(super) enum ExpectedContent<'a> {
    Bytes(&'a [u8]),
    Digest(Digest),
    /// Compare it part by part, as the parts arrive.
    Later,
}

/// The folder of the last written entry: its neighbours come next.
#[derive(Default)]
pub(crate) struct LastFolder {
    open: Option<(Vec<u8>, Arc<Dir>)>,
    /// Names that it is known to contain.
    pub(super) names: HashSet<OsString>,
    /// Whether it ignores letter case, if known.
    pub(super) ignores_case: Option<bool>,
}

/// Digits of the number by which a restore tells its temporary names from those of others.
pub(super) const RUN: usize = 16;

/// Length of a run of zeros that becomes a hole, in bytes.
const HOLE: usize = 4096;

impl Target {
    /// Refuses a folder in `MASBackup`, where nothing of ours is ever written.
    pub(crate) fn refuse_mas_backup(path: &Path) -> Result<()> {
        if !names::real_path(path).iter().any(|name| is_mas_backup(&name.to_string_lossy())) {
            return Ok(());
        }
        let shown = path.display();
        let message =
            format!("{shown} is in MASBackup, which belongs to Azure Stack Hub; name another folder");
        Err(Error::new(ErrorKind::ReservedPath, message).doing("open target folder", shown))
    }

    /// Opens or creates the folder.
    pub(crate) fn open(path: &Path, options: &RestoreOptions) -> Result<Self> {
        take_rights();
        let failed = |e| Error::at("open target folder", path.display(), e);
        Self::refuse_mas_backup(path)?;
        std::fs::create_dir_all(path).map_err(failed)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        if options.existing == Existing::Refuse && !names::list(&dir).map_err(failed)?.is_empty() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "target folder {} is not empty; choose an empty one, or say whether to keep or replace what is there",
                    path.display()
                ),
            ));
        }
        let target = Self {
            dir,
            shown: path.display().to_string(),
            existing: options.existing,
            compare: options.compare,
            unrestored: Mutex::default(),
            run: run().map_err(failed)?,
            made: AtomicU64::new(0),
            naming: Mutex::default(),
            written: Mutex::default(),
            folders: Mutex::new(HashMap::from([(Vec::new(), Folder::Existed)])),
            durable: Durable::new(path).map_err(failed)?,
        };
        if options.existing != Existing::Refuse {
            target.sweep(&target.dir).map_err(failed)?;
        }
        Ok(target)
    }

    pub(crate) fn unrestored(&self) -> Vec<Unrestored> {
        self.unrestored.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Counts what could not be restored, with one example of each kind.
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
        Error::at("restore", format_args!("{}/{path}", self.shown), error)
    }

    /// Opens a folder of the target and creates what is missing; a link on the way is an error, or is replaced.
    pub(super) fn folder(&self, path: &[u8], near: &mut LastFolder) -> io::Result<Arc<Dir>> {
        if let Some((near, dir)) = &near.open
            && near == path
        {
            return Ok(dir.clone());
        }
        let mut dir = self.dir.try_clone()?;
        let mut names = LastFolder::default();
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut start = 0;
        for end in ends.chain([path.len()]).filter(|_| !path.is_empty()) {
            dir = self.step(&dir, &path[..end], os_name(&path[start..end])?, &mut names)?;
            start = end + 1;
        }
        let dir = Arc::new(dir);
        *near = LastFolder { open: Some((path.to_vec(), dir.clone())), ..LastFolder::default() };
        Ok(dir)
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Folder>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, dir: &Dir, path: &[u8], name: &OsStr, near: &mut LastFolder) -> io::Result<Dir> {
        // The first worker creates it while the others wait.
        let mut folders = self.folders();
        if folders.contains_key(path) {
            drop(folders);
            return dir.open_dir_nofollow(name);
        }
        let mut is_new = match create_private_folder(dir, name) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
            created => created.map(|()| true)?,
        };
        *near = LastFolder::default();
        if !is_new {
            self.must_be_itself(dir, name, near)?;
            if !names::look(dir, name)?.is_dir() {
                if self.existing != Existing::Replace {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        format!("{} is not a folder, but must be one", name.to_string_lossy()),
                    ));
                }
                self.replace_by_folder(dir, name)?;
                is_new = true;
            }
        }
        let opened = dir.open_dir_nofollow(name)?;
        self.remember(dir, name, near)?;
        if !is_new {
            self.durable.note(&opened)?;
            // If it cannot be listed or changed, writing into it will report that.
            let _ = self.sweep(&opened);
        }
        folders.insert(path.to_vec(), if is_new { Folder::New } else { Folder::Existed });
        Ok(opened)
    }

    /// Replaces a file or link by a new folder; if that fails, the file or link stays.
    fn replace_by_folder(&self, dir: &Dir, name: &OsStr) -> io::Result<()> {
        let (folder, aside) = (self.temporary(), self.temporary());
        create_private_folder(dir, OsStr::new(&folder))?;
        let moved = names::rename(dir, name, dir, &aside).and_then(|()| {
            names::rename(dir, &folder, dir, name)
                .inspect_err(|_| drop(names::rename(dir, &aside, dir, name)))
        });
        if moved.is_err() {
            let _ = names::remove_folder(dir, &folder);
        }
        moved?;
        names::remove(dir, &aside)
    }

    pub(super) fn place<'a>(
        &self,
        path: &'a EntryPath,
        near: &mut LastFolder,
    ) -> io::Result<(Arc<Dir>, &'a OsStr)> {
        let name = os_name(path.names().next_back().unwrap_or_default())?;
        Ok((self.folder(path.parent().unwrap_or_default(), near)?, name))
    }

    /// Creates a file under a temporary name and gives it its own name once it is whole.
    pub(super) fn make_file(
        &self,
        path: &EntryPath,
        metadata: &Metadata,
        near: &mut LastFolder,
        fill: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<Outcome> {
        let (dir, name) = self.place(path, near)?;
        let temporary = self.temporary();
        let file = create(&dir, OsStr::new(&temporary))?;
        let make = || {
            fill(&file)?;
            self.finish_file(&file, metadata, path);
            self.durable.file(&file)?;
            drop(file);
            self.rename_into_place(&dir, &temporary, name, near)
        };
        make().inspect_err(|_| drop(names::remove(&dir, &temporary)))?;
        Ok(Outcome::Written)
    }

    /// Writes a file whose content is whole and checked.
    pub(super) fn write_file(
        &self,
        path: &EntryPath,
        metadata: &Metadata,
        content: &[u8],
        sparse: bool,
        near: &mut LastFolder,
    ) -> Result<Outcome> {
        let write = |near: &mut LastFolder| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            let wanted = ExpectedFile {
                size: content.len() as u64,
                mtime: metadata.mtime,
                content: ExpectedContent::Bytes(content),
            };
            if let Some(kept) = self.keep_file(&dir, name, wanted, near)? {
                return Ok(kept);
            }
            self.make_file(path, metadata, near, |mut file| {
                if sparse {
                    make_sparse(file);
                    file.set_len(content.len() as u64)?;
                    write_at(file, content, 0, true)
                } else {
                    file.write_all(content)
                }
            })
        };
        write(near).map_err(|e| self.failed(path, e))
    }

    pub(crate) fn make_folder(&self, path: &EntryPath, near: &mut LastFolder) -> Result<()> {
        self.folder(path.as_bytes(), near).map(drop).map_err(|e| self.failed(path, e))
    }

    /// Restores a folder's metadata once nothing more is written into it. One that existed and is to be kept is not
    /// changed.
    pub(super) fn finish_folder(&self, path: &EntryPath, metadata: &Metadata) {
        // One that could not be created is reported as lost.
        let Some(is_new) = self.folders().get(path.as_bytes()).map(|of| *of != Folder::Existed) else {
            return;
        };
        let opened =
            self.folder(path.as_bytes(), &mut LastFolder::default()).and_then(|dir| open_folder(&dir));
        match opened {
            Ok(folder) if is_new || self.existing != Existing::Keep => {
                if !is_new {
                    self.strip_folder(&folder, metadata, path);
                }
                self.finish_file(&folder, metadata, path);
                if is_new && metadata.mode.is_some() {
                    self.folders().insert(path.as_bytes().to_vec(), Folder::Finished);
                }
            }
            Ok(folder) => self.compare_folder(&folder, metadata, path),
            Err(error) => self.note("folder", path, &error),
        }
    }

    /// Opens new folders to whom the target folder is open, if nobody said what mode they have: parents of what was
    /// restored, and those of a system without modes. Then waits until the disk has everything.
    pub(crate) fn finish(&self) -> Result<()> {
        let folders = self.folders().clone();
        for (path, _) in folders.iter().filter(|(_, of)| **of == Folder::New) {
            let opened = self.folder(path, &mut LastFolder::default());
            let copied = opened.and_then(|dir| copy_mode(&self.dir, &dir));
            if let (Err(error), Ok(path)) = (copied, EntryPath::new(&**path)) {
                self.note("folder", &path, &error);
            }
        }
        let sync = || -> io::Result<()> {
            if self.durable.asks_each() {
                for path in folders.keys() {
                    let dir = self.folder(path, &mut LastFolder::default())?;
                    self.durable.folder(&dir)?;
                }
            }
            self.durable.all()
        };
        let what = format_args!("bring what was restored to the disk of {}", self.shown);
        sync().map_err(|e| Error::io(what, e))
    }
}

pub(super) fn create(dir: &Dir, name: &OsStr) -> io::Result<File> {
    let mut options = private();
    options.write(true).create_new(true).follow(FollowSymlinks::No);
    Ok(dir.open_with(name, &options)?.into_std())
}

/// Writes into a file that already has its length; with `sparse`, blocks of zeros stay holes.
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

/// Draws a restore's own number.
fn run() -> io::Result<String> {
    let mut random = [0; RUN / 2];
    openssl::rand::rand_bytes(&mut random).map_err(io::Error::other)?;
    Ok(crate::set::digest::hex(&random))
}
