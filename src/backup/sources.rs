//! What callers add to a backup: folders, files, bytes, readers, and what they could not fetch.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::plan::NewLarge;
use super::run::Shared;
use super::stat::{self, Clock};
use super::state::SourceSize;
use super::tree::Walk;
use super::work_item::{self, LargeContent, Mark};
use super::{Backup, reading};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::check_windows_name;
use crate::names;
use crate::set::{EntryPath, Metadata, Mtime};

impl Backup {
    /// Adds a folder and everything below it, under the folder's own name.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add_folder(&mut self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        self.source(own_name(folder), |backup, path| backup.add_folder_at(path, folder))
    }

    /// Adds a folder and everything below it under this name.
    ///
    /// The folder itself may be a symbolic link; links below it are stored as links. The walk never enters the share,
    /// this host's state folder, or what the kernel makes up as it is read (`/proc`, `/sys`): if it meets one below the
    /// folder, the report names it as skipped. A file that vanishes between the listing of its folder and the first
    /// look at it counts as deleted before.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE`, also when the folder does not exist, and `SOURCE_CHANGED`, subject to
    /// [`SourceProblems`](super::SourceProblems); `INVALID_NAME`; `INVALID_ARGUMENT` when the folder is the share, lies
    /// among the sets, or is made by the kernel; `ALREADY_EXISTS` when you added something at, above or below this name
    /// before; the share's errors; `CANCELLED`.
    pub fn add_folder_as(&mut self, name: &str, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        self.source(Ok(name), |backup, path| backup.add_folder_at(path, folder))
    }

    fn add_folder_at(&mut self, path: EntryPath, folder: &Path) -> Result<()> {
        let opened = Dir::open_ambient_dir(folder, ambient_authority())
            .and_then(|dir| Ok((stat::look_at(&dir)?, dir)))
            .map_err(|e| unopened(folder, e));
        let (stat, dir) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.planner.problem(&path, error),
        };
        self.refuse_share(folder, &stat)?;
        refuse_kernel(folder, stat::is_of_the_kernel(&dir))?;
        let clock = self.clock.of(&dir);
        self.walk(path.clone(), true, clock, |walk| walk.add(dir, path))
    }

    /// Adds a source. After an error the run is over, even if the caller goes on: the source may be there by half, or not
    /// at all.
    fn source(
        &mut self,
        name: Result<impl AsRef<str>>,
        add: impl FnOnce(&mut Self, EntryPath) -> Result<()>,
    ) -> Result<()> {
        let mut panics = Panics(Some(self.shared.clone()));
        let added = name.and_then(|name| self.claim(name.as_ref())).and_then(|path| add(self, path));
        panics.0 = None;
        added.inspect_err(|error| self.shared.fail(error.clone()))
    }

    /// Runs one walk that adds a source, and checks how much it found.
    fn walk(
        &mut self,
        path: EntryPath,
        is_folder: bool,
        clock: Clock,
        work: impl FnOnce(&mut Walk<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut walk = Walk {
            planner: &mut self.planner,
            links: &mut self.links,
            rules: &self.rules,
            excludes: &mut self.excludes,
            clock,
            size: SourceSize::default(),
        };
        work(&mut walk)?;
        let size = walk.size;
        let before = self.sizes_before.iter().find(|(before, _)| *before == path).map(|(_, size)| size);
        if let Some(what) = size.shrunk(is_folder, before) {
            let message = format!("{path} {what}");
            if self.fail_on_shrunken {
                return Err(Error::new(ErrorKind::SourceUnreadable, message));
            }
            self.warnings.push(message);
        }
        self.sizes.push((path, size));
        Ok(())
    }

    /// A set must not contain the sets before it.
    fn refuse_share(&self, source: &Path, stat: &stat::Stat) -> Result<()> {
        let is_avoided = self.rules.avoided.iter().any(|(inode, _)| *inode == stat.identity());
        let is_among_sets = || {
            let (Some(sets), Ok(real)) = (&self.region_folder, names::real(source)) else { return false };
            real.starts_with(sets)
        };
        if is_avoided || is_among_sets() {
            let message = format!(
                "{} is the share, lies among its backup sets, or is the state folder: nothing to back up from",
                source.display()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }

    /// Adds one file under the file's own name.
    ///
    /// # Errors
    /// As [`add_file_as`](Self::add_file_as).
    pub fn add_file(&mut self, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        let name = refuse_stream(file).and_then(|()| own_name(file));
        self.source(name, |backup, path| backup.add_file_at(path, file))
    }

    /// Adds one file under this name, which may include folders: `tor1/running-config`.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as); `INVALID_ARGUMENT` when it is not a regular file. Files of `/proc`
    /// and `/sys` are not: read them, and [add their bytes](Self::add_bytes).
    pub fn add_file_as(&mut self, name: &str, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        self.source(refuse_stream(file).map(|()| name), |backup, path| backup.add_file_at(path, file))
    }

    fn add_file_at(&mut self, path: EntryPath, file: &Path) -> Result<()> {
        let invalid =
            |what: &str| Error::new(ErrorKind::InvalidArgument, format!("{} is not {what}", file.display()));
        let open = || -> std::io::Result<_> {
            let real = names::real(file)?;
            let (Some(parent), Some(own)) = (real.parent(), real.file_name()) else { return Ok(None) };
            let dir = Arc::new(Dir::open_ambient_dir(parent, ambient_authority())?);
            let stat = stat::look(&dir, own)?;
            Ok(Some((dir, own.to_owned(), stat)))
        };
        let opened = open().map_err(|e| unopened(file, e));
        let (dir, own, stat) = match opened {
            Ok(opened) => opened.ok_or_else(|| invalid("a file"))?,
            Err(error) => return self.planner.problem(&path, error),
        };
        if stat.kind != stat::Kind::File {
            return Err(invalid("a regular file"));
        }
        self.refuse_share(file, &stat)?;
        refuse_kernel(file, stat::is_name_of_the_kernel(&dir, &own))?;
        let clock = self.clock.of(&dir);
        let mut problem = None;
        self.walk(path.clone(), false, clock, |walk| {
            problem = walk.add_source(&dir, &own, path, stat)?.err();
            Ok(())
        })?;
        match problem {
            Some((path, error)) => self.planner.problem(&path, error),
            None => Ok(()),
        }
    }

    /// Adds a file or a folder under its own name.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add(&mut self, source: impl AsRef<Path>) -> Result<()> {
        let source = source.as_ref();
        // Treat a missing source like a missing folder: the policy decides.
        if std::fs::metadata(source).is_ok_and(|metadata| !metadata.is_dir()) {
            self.add_file(source)
        } else {
            self.add_folder(source)
        }
    }

    /// Adds bytes under this name: a running-config just fetched from a switch.
    ///
    /// Their time of last change is the present. With a [state folder](super::BackupBuilder::state), bytes that the
    /// last set already has under this name are not stored again and keep their earlier time.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add_bytes(&mut self, name: &str, bytes: impl Into<Arc<[u8]>>) -> Result<()> {
        self.source(Ok(name), |backup, path| backup.add_memory(path, bytes.into()))
    }

    /// Adds everything that a reader returns, under this name.
    ///
    /// Tar needs a file's size before its content, so up to 2 MiB are held in memory, and more in an unnamed temporary
    /// file of this host. If the reader fails, none of its content is stored.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as); an error of the reader is `SOURCE_UNREADABLE`, subject to
    /// [`SourceProblems`](super::SourceProblems).
    pub fn add_reader(&mut self, name: &str, reader: impl Read) -> Result<()> {
        self.source(Ok(name), |backup, path| backup.add_spooled(path, reader))
    }

    fn add_spooled(&mut self, path: EntryPath, reader: impl Read) -> Result<()> {
        match self.spool(reader)? {
            Ok(Spooled::Memory(bytes)) => self.add_memory(path, bytes.into()),
            Ok(Spooled::File(file, size)) => {
                self.planner.begin_source(&path)?;
                self.add_large(path, size, LargeContent::Spooled(file))
            }
            Err(error) => {
                let error = reading::unreadable(&path, error);
                if error.scope() == Scope::Caller { Err(error) } else { self.planner.problem(&path, error) }
            }
        }
    }

    /// Reads a reader to its end; the inner error is the reader's own. Calls the observer between any two answers of the
    /// reader, which may be slow.
    fn spool(&mut self, mut reader: impl Read) -> Result<std::io::Result<Spooled>> {
        let failed = |e| Error::io("write a temporary file", e);
        let mut answer = vec![0; READ];
        let (mut start, mut spooled) = (Vec::new(), None);
        loop {
            self.planner.tick()?;
            let bytes = match reader.read(&mut answer) {
                Ok(count) => &answer[..count],
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error)),
            };
            if bytes.is_empty() {
                return Ok(Ok(match spooled {
                    Some((file, size)) => Spooled::File(file, size),
                    None => Spooled::Memory(start),
                }));
            }
            match &mut spooled {
                Some((file, size)) => {
                    file.write_all(bytes).map_err(failed)?;
                    *size += bytes.len() as u64;
                }
                None => start.extend_from_slice(bytes),
            }
            if start.len() as u64 > work_item::SMALL {
                let mut file = tempfile::tempfile().map_err(failed)?;
                file.write_all(&start).map_err(failed)?;
                spooled = Some((file, std::mem::take(&mut start).len() as u64));
            }
        }
    }

    /// Records that something could not be fetched: "switch 7 did not answer". The set becomes
    /// [`PartialSucceeded`](crate::set::Status::PartialSucceeded), and its index and the report name it.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` with this message if the policy is [`SourceProblems::Fail`](super::SourceProblems::Fail);
    /// `INVALID_NAME`; `ALREADY_EXISTS` when you added something at, above or below this name before.
    pub fn add_problem(&mut self, name: &str, error: impl std::fmt::Display) -> Result<()> {
        self.source(Ok(name), |backup, path| {
            // Error messages are one line.
            let said = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            let error = Error::new(ErrorKind::SourceUnreadable, format!("{path} cannot be read: {said}"));
            backup.planner.problem(&path, error)
        })
    }

    fn add_large(&mut self, path: EntryPath, size: u64, content: LargeContent) -> Result<()> {
        let metadata = now();
        let is_known = self.planner.ahead().is_some();
        // Its times are of this run and say nothing about the content.
        let mark = Mark::default();
        let new =
            NewLarge { path: path.clone(), size, sparse: false, metadata, content, mark, is_linked: false };
        self.walk(path, false, self.clock, |walk| {
            walk.size.add(size);
            walk.add_large(new, is_known)
        })
    }

    fn add_memory(&mut self, path: EntryPath, bytes: Arc<[u8]>) -> Result<()> {
        let size = bytes.len() as u64;
        self.planner.begin_source(&path)?;
        if size > work_item::SMALL {
            return self.add_large(path, size, LargeContent::Memory(bytes));
        }
        self.walk(path.clone(), false, self.clock, |walk| walk.add_memory(path, bytes, now()))
    }

    /// Checks a name and reserves it: no source may be at, above or below another.
    fn claim(&mut self, name: &str) -> Result<EntryPath> {
        let path: EntryPath = name.parse()?;
        if let Some(long) = path.names().find(|name| name.len() > MAX_NAME) {
            let message = format!(
                "{path}: a name of {} bytes cannot be restored; the most that file systems take is {MAX_NAME}",
                long.len()
            );
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        let bytes = path.as_bytes();
        let mut above =
            (0..bytes.len()).filter(|i| bytes[*i] == b'/').filter_map(|i| EntryPath::new(&bytes[..i]).ok());
        // In byte order, everything below a path sorts after "path/" and a first control character.
        let below = self.names.range(path.join(b"\x01")?..).next().is_some_and(|n| n.is_below(&path));
        let clash = self.names.contains(&path) || above.any(|a| self.names.contains(&a)) || below;
        if clash {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("a source named {path}, or above or below it, was added before"),
            ));
        }
        if cfg!(windows)
            && let Some(why) = name.split('/').find_map(|name| check_windows_name(name).err())
        {
            self.warnings.push(format!("{path} cannot be restored on Windows, only elsewhere: {why}"));
        }
        self.names.insert(path.clone());
        Ok(path)
    }
}

/// Ends the run if a source or an observer panics while something is added: the caller may catch that and go on, without
/// the source or with half of it.
struct Panics(Option<Arc<Shared>>);

impl Drop for Panics {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.fail(Error::new(
                ErrorKind::Internal,
                "a source or the observer panicked while something was added",
            ));
        }
    }
}

/// What a reader returned.
enum Spooled {
    Memory(Vec<u8>),
    File(std::fs::File, u64),
}

/// Most bytes that a reader is asked for at once.
const READ: usize = 256 << 10;

/// Longest name that file systems allow, in bytes (NAME_MAX on Linux; NTFS and SMB count 255 UTF-16 units).
const MAX_NAME: usize = 255;

fn now() -> Metadata {
    Metadata { mtime: Some(Mtime::now()), ..Metadata::default() }
}

/// The failure of a source that cannot be opened, be it that it is not there: nothing is wrong with the share.
fn unopened(source: &Path, error: std::io::Error) -> Error {
    let message = format!("source {} cannot be opened: {error}", source.display());
    Error::new(ErrorKind::SourceUnreadable, message).with_source(error).doing("open", source.display())
}

/// Refuses what the kernel makes up as it is read: its size is never right, and nobody means to back it up.
fn refuse_kernel(source: &Path, is_of_the_kernel: bool) -> Result<()> {
    if !is_of_the_kernel {
        return Ok(());
    }
    let source = source.display();
    let message = format!(
        "{source} is made by the kernel as it is read: read what is wanted of it, and add those bytes"
    );
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// A pipe, a socket or a device has no content of its own; a shell's `/dev/fd/63` leads to one that has no path.
fn refuse_stream(file: &Path) -> Result<()> {
    let is_stream = std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir());
    if !is_stream {
        return Ok(());
    }
    let shown = file.display();
    let message =
        format!("{shown} is a pipe, a socket or a device: read it, and add the bytes or the reader");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// Returns a source's own name, also for `.`, `..` and paths that end in them.
fn own_name(path: &Path) -> Result<String> {
    let name = match path.file_name() {
        Some(name) => Some(name.to_owned()),
        None => {
            let real = names::real(path).map_err(|e| unopened(path, e))?;
            real.file_name().map(ToOwned::to_owned)
        }
    };
    name.and_then(|name| name.into_string().ok()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidName,
            format!("{} has no name that is text; add it under a name", path.display()),
        )
    })
}
