//! A local or mounted folder as the share.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::{Item, PROBE, Share, Space, concerning, joined, too_long, unsupported};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFile, MasBackupFolder, Name, SharePath, is_mas_backup, unfinished_name};
use crate::names;
use crate::string_enum::string_enum;

mod direct;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::{has_no_hard_links, is_own, items, space};
#[cfg(windows)]
use windows::{has_no_hard_links, is_own, items, space};

/// How durable a write is when [`Share::put`] returns.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Durability {
    /// It is on the disk or server: a power cut loses nothing that was acknowledged.
    #[default]
    Flushed,
    /// The operating system has it: faster, and enough for a throw-away share.
    Cached,
}

string_enum!(Durability, "durability": "flushed" => Flushed, "cached" => Cached);

/// A [`Share`] in a folder of this machine: a local disk, or a share that the operating system has mounted.
///
/// It never reaches outside the folder: below the root it follows no symbolic links or junctions.
///
/// On ext4 and XFS it flushes and reads objects of 1 MiB and more past the page cache (`O_DIRECT`, open(2)). So a
/// backup does not evict what the host works with, and a verification sees what the disk has.
pub struct FolderShare {
    root: PathBuf,
    dir: Dir,
    durability: Durability,
    /// Whether large objects bypass the page cache.
    is_direct: bool,
}

impl FolderShare {
    /// Opens an existing folder as the root of a share.
    ///
    /// # Errors
    /// `NOT_FOUND`; `RESERVED_PATH` when the folder is `MASBackup` or is inside one.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let canonical = root.canonicalize().map_err(|e| Error::at("open share folder", root.display(), e))?;
        for path in [root, &canonical] {
            if path.components().any(|part| is_mas_backup(&part.as_os_str().to_string_lossy())) {
                let shown = root.display();
                let message = format!(
                    "{shown} lies in MASBackup, which belongs to Azure Stack Hub; use a folder beside it"
                );
                return Err(Error::new(ErrorKind::ReservedPath, message).doing("open share folder", shown));
            }
        }
        let dir = Dir::open_ambient_dir(&canonical, ambient_authority())
            .map_err(|e| Error::at("open share folder", root.display(), e))?;
        let is_direct = direct::is_worthwhile(&dir);
        Ok(Self { root: canonical, dir, durability: Durability::default(), is_direct })
    }

    /// The same share with another durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The root, with symbolic links resolved.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn shown(&self, path: &SharePath) -> String {
        joined(self.describe(), path)
    }

    fn failed(&self, doing: &'static str, path: &SharePath, error: io::Error) -> Error {
        let shown = self.shown(path);
        concerning(Error::io(format_args!("{doing} {shown}"), error), doing, shown, path)
    }

    /// Opens a folder name by name, to follow no link on the way.
    fn folder(&self, path: &SharePath) -> io::Result<Dir> {
        self.descend(path.names().iter().map(Name::as_str))
    }

    fn descend<'a>(&self, names: impl Iterator<Item = &'a str>) -> io::Result<Dir> {
        let mut dir = self.dir.try_clone()?;
        for name in names {
            dir = dir.open_dir_nofollow(name)?;
        }
        Ok(dir)
    }

    /// Returns the folder that contains `path`, and its name there.
    fn place<'a>(&self, action: &'static str, path: &'a SharePath) -> Result<(Dir, &'a Name)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{action}: the root of a share has no name"),
            ));
        };
        Ok((self.folder(&parent).map_err(|e| self.failed(action, path, e))?, name))
    }

    /// Makes the names in a folder survive a power cut; only Unix can do this.
    fn sync(&self, dir: &Dir) -> io::Result<()> {
        if cfg!(unix) && self.durability == Durability::Flushed {
            dir.open(".")?.sync_all()?;
        }
        Ok(())
    }

    /// Creates a new object, under a name that no reader takes for an object until every byte is there.
    fn create(
        &self,
        dir: &Dir,
        name: &Name,
        fill: impl FnOnce(&std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        if names::look(dir, name.as_str()).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let part = unfinished_name(name.as_str(), None);
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).follow(FollowSymlinks::No);
            let file = dir.open_with(&part, &options)?.into_std();
            fill(&file)?;
            if self.durability == Durability::Flushed {
                file.sync_data()?;
            }
            names::rename(dir, &part, dir, name.as_str())
        };
        write().inspect_err(|_| drop(names::remove(dir, &part)))
    }
}

impl Share for FolderShare {
    fn describe(&self) -> String {
        names::shown(&self.root)
    }

    fn local_root(&self) -> Option<PathBuf> {
        Some(self.root.clone())
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let (dir, name) = self.place("write", path)?;
        let is_direct = self.is_direct && self.durability == Durability::Flushed;
        let write = |mut file: &std::fs::File| {
            if is_direct { direct::write(file, content) } else { file.write_all(content) }
        };
        self.create(&dir, name, write).map_err(|e| self.failed("write", path, e))
    }

    fn flush(&self, folder: &SharePath) -> Result<()> {
        let flush = || self.sync(&self.folder(folder)?);
        flush().map_err(|e| self.failed("flush", folder, e))
    }

    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        let (dir, name) = self.place("read", path)?;
        let failed = |e| self.failed("read", path, e);
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No);
        // Opening a pipe would wait for whoever writes to it.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(
            &mut options,
            rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
        );
        let file = dir.open_with(name.as_str(), &options).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")));
        }
        let length = metadata.len();
        let too_long = || too_long(self.shown(path), limit, path);
        if length > limit {
            return Err(too_long());
        }
        buffer.reserve_exact(usize::try_from(length).map_err(|_| too_long())?);
        let file = file.into_std();
        if self.is_direct {
            direct::read(&file, length as usize, buffer).map_err(failed)?;
        }
        let room = limit.saturating_add(1).saturating_sub(buffer.len() as u64);
        file.take(room).read_to_end(buffer).map_err(failed)?;
        if buffer.len() as u64 > limit {
            return Err(too_long());
        }
        Ok(())
    }

    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        self.folder(folder).and_then(|dir| items(&dir)).map_err(|e| self.failed("list", folder, e))
    }

    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        let items = self.descend(folder.names()).and_then(|dir| items(&dir));
        items.map_err(|e| Error::at("list", joined(self.describe(), folder), e))
    }

    fn read_mas_backup(&self, file: &MasBackupFile, from: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut read = || -> io::Result<usize> {
            let mut options = OpenOptions::new();
            options.read(true).follow(FollowSymlinks::No);
            let dir = self.descend(file.folder().names())?;
            // Opening a pipe would wait for whoever writes to it.
            if !names::look(&dir, file.name().as_str())?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
            }
            let mut opened = dir.open_with(file.name().as_str(), &options)?.into_std();
            opened.seek(SeekFrom::Start(from))?;
            let mut filled = 0;
            while filled < buffer.len() {
                match opened.read(&mut buffer[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        };
        read().map_err(|e| Error::at("read", format_args!("{}/{file}", self.root.display()), e))
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        let create = || -> io::Result<()> {
            let mut dir = self.dir.try_clone()?;
            let mut names = folder.names().iter().peekable();
            while let Some(name) = names.next() {
                match names::create_folder(&dir, name.as_str()) {
                    // Another host may just have created it, so sync it; if this account may not, it existed before.
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists && names.peek().is_some() => {
                        let _ = self.sync(&dir);
                    }
                    created => {
                        created?;
                        self.sync(&dir)?;
                    }
                }
                dir = dir.open_dir_nofollow(name.as_str())?;
            }
            Ok(())
        };
        create().map_err(|e| self.failed("create folder", folder, e))
    }

    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, old) = self.place("link", object)?;
        let (to, new) = self.place("link", name)?;
        names::hard_link(&from, old.as_str(), &to, new.as_str()).map_err(|e| {
            if has_no_hard_links(&e) {
                return unsupported(self.describe(), "link", "hard links", object).with_source(e);
            }
            self.failed("link", name, e)
        })
    }

    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, old) = self.place("copy", object)?;
        let (to, new) = self.place("copy", name)?;
        let failed = |e| self.failed("copy", name, e);
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No);
        let source = from.open_with(old.as_str(), &options).map_err(failed)?.into_std();
        // The kernel copies: it shares blocks if the file system can, and lets a mounted server copy for itself.
        self.create(&to, new, |mut target| io::copy(&mut &source, &mut target).map(drop)).map_err(failed)
    }

    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, old) = self.place("rename", object)?;
        let (to, new) = self.place("rename", name)?;
        let failed = |e| self.failed("rename", name, e);
        if names::look(&to, new.as_str()).is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        names::rename(&from, old.as_str(), &to, new.as_str()).map_err(failed)
    }

    fn space(&self) -> Result<Space> {
        space(&self.dir).map_err(|e| self.failed("look for space on", &SharePath::root(), e))
    }

    fn may_delete(&self, folder: &SharePath) -> Result<Option<bool>> {
        // Each put renames its file, which needs the same right. The name is always the same, so that at most one file
        // stays if this account lacks the right.
        let name = Name::new(PROBE)?;
        let path = folder.join(name.clone());
        let try_out = || -> io::Result<Option<io::Result<()>>> {
            let dir = self.folder(folder)?;
            // Anything else of this name belongs to somebody, and stays.
            let is_left_by_us = |found: &Metadata| found.is_file() && found.len() == 0 && is_own(found);
            if names::look(&dir, name.as_str()).is_ok_and(|found| !is_left_by_us(&found)) {
                return Ok(None);
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).follow(FollowSymlinks::No);
            drop(dir.open_with(name.as_str(), &options)?);
            match names::remove(&dir, name.as_str()) {
                // Another check of the same share removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Ok(()))),
                removed => Ok(Some(removed)),
            }
        };
        match try_out().map_err(|e| self.failed("write", &path, e))? {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(true)),
            Some(Err(error)) => {
                let shown = self.shown(&path);
                let message = format!(
                    "{shown} was created, but cannot be deleted: {error}; a backup to a folder needs this right, because it \
                     renames each file that it has written"
                );
                let denied = Error::new(ErrorKind::AccessDenied, message).with_source(error);
                Err(concerning(denied, "delete", shown, &path))
            }
        }
    }

    fn remove(&self, path: &SharePath) -> Result<()> {
        let (dir, name) = self.place("delete", path)?;
        names::remove(&dir, name.as_str()).map_err(|e| self.failed("delete", path, e))
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        let (dir, name) = self.place("delete folder", folder)?;
        names::remove_folder(&dir, name.as_str()).map_err(|e| self.failed("delete folder", folder, e))
    }
}

impl fmt::Debug for FolderShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderShare").field("root", &self.root).field("durability", &self.durability).finish()
    }
}
