//! Walks a folder tree and hands its entries to the planner, in an order that is the same each time.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, ReadDir};
use ignore::gitignore::Gitignore;

use super::plan::Planner;
use super::stat::{self, Inode, Kind, Stat};
use super::unit::{self, Item, LargeContent, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::set::{Content, Entry, EntryPath, Metadata};

/// Names of one folder that are sorted together; a folder with more is taken in lots of this many.
const LOT: usize = 20_000;
/// Files with several names that are remembered at once; a further one is stored once more under each name.
const MAX_LINKED: usize = 50_000;

/// The part of a walk that lasts from folder to folder.
#[derive(Default)]
pub(super) struct Links {
    first: HashMap<Inode, EntryPath>,
}

/// A folder on the way down.
struct Level {
    dir: Arc<Dir>,
    path: EntryPath,
    rest: ReadDir,
    /// Names of the current lot, last one first.
    lot: Vec<OsString>,
}

/// Adds the folder as `path`, and all below it that the patterns do not exclude.
pub(super) fn add(
    planner: &mut Planner,
    links: &mut Links,
    patterns: &Gitignore,
    dir: Dir,
    path: EntryPath,
) -> Result<()> {
    let top = path.clone();
    let mut levels = Vec::new();
    descend(planner, &mut levels, dir, path)?;
    while let Some(level) = levels.last_mut() {
        planner.tick()?;
        let name = match level.next() {
            Ok(Some(name)) => name,
            Ok(None) => {
                levels.pop();
                continue;
            }
            Err(error) => {
                let path = level.path.clone();
                levels.pop();
                planner.problem(&path, unit::unreadable(&path, error))?;
                continue;
            }
        };
        let (dir, parent) = (level.dir.clone(), level.path.clone());
        if let Err((path, error)) = visit(planner, links, patterns, &top, &mut levels, &dir, &parent, name)? {
            planner.problem(&path, error)?;
        }
    }
    Ok(())
}

impl Level {
    fn next(&mut self) -> std::io::Result<Option<OsString>> {
        if self.lot.is_empty() {
            for entry in self.rest.by_ref().take(LOT) {
                self.lot.push(entry?.file_name());
            }
            self.lot.sort_unstable_by(|a, b| b.cmp(a));
        }
        Ok(self.lot.pop())
    }
}

fn descend(planner: &mut Planner, levels: &mut Vec<Level>, dir: Dir, path: EntryPath) -> Result<()> {
    let look = || -> std::io::Result<(Metadata, ReadDir)> {
        let stat = Stat::from(&dir.dir_metadata()?);
        // A directory handle may be good for lookups only; attributes need one that is open for reading.
        Ok((Metadata { xattrs: stat::xattrs(&dir.open(".")?)?, ..stat.metadata }, dir.entries()?))
    };
    match look() {
        Ok((metadata, rest)) => {
            let entry = Entry::new(path.clone(), Content::Folder, metadata);
            planner.small(Item { entry, source: Source::Nothing }, 0)?;
            levels.push(Level { dir: Arc::new(dir), path, rest, lot: Vec::new() });
            Ok(())
        }
        Err(error) => planner.problem(&path, unit::unreadable(&path, error)),
    }
}

/// What is wrong with one source, to be judged by policy.
type Found = std::result::Result<(), (EntryPath, Error)>;

#[allow(clippy::too_many_arguments)]
fn visit(
    planner: &mut Planner,
    links: &mut Links,
    patterns: &Gitignore,
    top: &EntryPath,
    levels: &mut Vec<Level>,
    dir: &Arc<Dir>,
    parent: &EntryPath,
    name: OsString,
) -> Result<Found> {
    let path = match parent.join(name.as_encoded_bytes()) {
        Ok(path) => path,
        Err(error) => return Ok(Err((parent.clone(), error))),
    };
    let failed = |error| Ok(Err((path.clone(), unit::unreadable(&path, error))));
    let stat = match dir.symlink_metadata(&name) {
        Ok(metadata) => Stat::from(&metadata),
        Err(error) => return failed(error),
    };
    if !patterns.is_empty() && is_excluded(patterns, top, &path, stat.kind == Kind::Folder) {
        return Ok(Ok(()));
    }
    match stat.kind {
        Kind::Special(what) => planner.skip(&path, what),
        Kind::Folder => match dir.open_dir_nofollow(&name) {
            Ok(below) => descend(planner, levels, below, path)?,
            Err(error) => return failed(error),
        },
        Kind::Symlink => match dir.read_link_contents(&name) {
            Ok(target) => {
                let target = target.into_os_string().into_encoded_bytes().into();
                let entry = Entry::new(path, Content::Symlink { target }, stat.metadata);
                planner.small(Item { entry, source: Source::Nothing }, 0)?;
            }
            Err(error) => return failed(error),
        },
        Kind::File => {
            if let Some(inode) = stat.linked {
                if let Some(first) = links.first.get(&inode) {
                    let content = Content::HardLink { target: first.clone() };
                    let entry = Entry::new(path, content, stat.metadata);
                    planner.small(Item { entry, source: Source::Nothing }, 0)?;
                    return Ok(Ok(()));
                }
                // Later names may only point to a file that can be read.
                if let Err(error) = unit::open(dir, &name) {
                    return failed(error);
                }
                if links.first.len() < MAX_LINKED {
                    links.first.insert(inode, path.clone());
                }
            }
            return add_file(planner, dir, name, path, stat);
        }
    }
    Ok(Ok(()))
}

/// Adds one regular file.
pub(super) fn add_file(
    planner: &mut Planner,
    dir: &Arc<Dir>,
    name: OsString,
    path: EntryPath,
    stat: Stat,
) -> Result<Found> {
    if stat.size <= unit::SMALL {
        let size = stat.size;
        let entry = Entry::new(path, Content::Folder, Metadata::default());
        let source = Source::Disk { dir: dir.clone(), name, stat: Box::new(stat) };
        planner.small(Item { entry, source }, size)?;
        return Ok(Ok(()));
    }
    let look = || -> std::io::Result<_> {
        let file = unit::open(dir, &name)?;
        let stat = Stat::from(&cap_std::fs::Metadata::from_file(&file)?);
        let xattrs = stat::xattrs(&file)?;
        Ok((file, stat, xattrs))
    };
    match look() {
        Ok((file, stat, xattrs)) if stat.kind == Kind::File => {
            let metadata = Metadata { xattrs, ..stat.metadata.clone() };
            let (size, sparse) = (stat.size, stat.sparse);
            planner.large(path, size, sparse, metadata, LargeContent::Disk { file, stat: Box::new(stat) })?;
            Ok(Ok(()))
        }
        Ok(_) => {
            let error = Error::new(ErrorKind::SourceChanged, format!("{path} is no longer a file"));
            Ok(Err((path, error)))
        }
        Err(error) => {
            let error = unit::unreadable(&path, error);
            Ok(Err((path, error)))
        }
    }
}

/// Patterns see the path below the folder that was asked for.
fn is_excluded(patterns: &Gitignore, top: &EntryPath, path: &EntryPath, is_folder: bool) -> bool {
    let below = &path.as_bytes()[top.as_bytes().len() + 1..];
    // Patterns are text; a name that is not is matched as well as it can be.
    let below = String::from_utf8_lossy(below);
    patterns.matched(&*below, is_folder).is_ignore()
}
