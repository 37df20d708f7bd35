//! Walks a folder tree and hands its entries to the planner, in an order that is the same each time.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;
use ignore::gitignore::Gitignore;

use super::plan::{NewLarge, Planner};
use super::reading;
use super::stat::{self, Inode, Kind, Stat};
use super::state::node::NodeKind;
use super::state::table::Table;
use super::unit::{self, Before, LargeContent, Mark, NewEntry, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SetName;
use crate::set::{Content, Entry, EntryPath, Metadata};

/// Files with several names that are remembered at once; a further one is stored once more under each name.
const MAX_LINKED: usize = 50_000;

/// The part of a walk that lasts from folder to folder.
pub(super) struct Walk<'a> {
    pub(super) planner: &'a mut Planner,
    pub(super) links: &'a mut Links,
    pub(super) patterns: &'a Gitignore,
    /// The set that is being made.
    pub(super) set: SetName,
    /// The folder of this host's state, and the key of its digests.
    pub(super) state: Option<&'a std::path::Path>,
    pub(super) key: &'a [u8; 32],
}

/// Files with several names, by the first of them.
#[derive(Default)]
pub(super) struct Links {
    first: HashMap<Inode, EntryPath>,
}

/// A folder on the way down.
struct Level {
    dir: Arc<Dir>,
    path: EntryPath,
    /// Names in it, the last one first.
    names: Vec<OsString>,
}

/// What is wrong with one source, to be judged by policy.
type Found = std::result::Result<(), (EntryPath, Error)>;

impl Walk<'_> {
    /// Adds the folder as `path`, and all below it that the patterns do not exclude.
    pub(super) fn add(&mut self, dir: Dir, path: EntryPath) -> Result<()> {
        let top = path.clone();
        let mut levels = Vec::new();
        self.planner.begin_source(&path)?;
        let is_known = self.planner.ahead().is_some();
        self.descend(&mut levels, dir, path, 0, is_known)?;
        loop {
            self.planner.tick()?;
            let depth = levels.len() as u32;
            let Some(level) = levels.last_mut() else { return Ok(()) };
            let Some(name) = level.names.pop() else {
                let path = level.path.clone();
                levels.pop();
                self.planner.leave(&path, depth - 1)?;
                continue;
            };
            let (dir, parent) = (level.dir.clone(), level.path.clone());
            if let Err((path, error)) = self.visit(&top, &mut levels, &dir, &parent, depth, name)? {
                self.planner.problem(&path, error)?;
            }
        }
    }

    /// Adds a folder and goes into it. `is_known`: the node ahead has its name.
    fn descend(
        &mut self,
        levels: &mut Vec<Level>,
        dir: Dir,
        path: EntryPath,
        depth: u32,
        is_known: bool,
    ) -> Result<()> {
        let look = || -> std::io::Result<(Stat, Vec<OsString>)> { Ok((stat::look_at(&dir)?, names(&dir)?)) };
        let looked = look().and_then(|(stat, names)| {
            if is_known && self.planner.known.as_ref().is_some_and(|known| known.is_same(&stat)) {
                return Ok((stat, names, None));
            }
            // A directory handle may be good for lookups only; attributes need one that is open for reading.
            let xattrs = stat::xattrs(&dir.open(".")?)?;
            let metadata = Metadata { xattrs, ..stat.metadata.clone() };
            Ok((stat, names, Some(metadata)))
        });
        match looked {
            Ok((_, names, None)) => {
                self.planner.keep()?;
                levels.push(Level { dir: Arc::new(dir), path, names });
                Ok(())
            }
            Ok((stat, names, Some(metadata))) => {
                if is_known {
                    self.planner.take()?;
                }
                let mark = Mark::new(depth, &stat);
                self.planner.header(path.clone(), Content::Folder, metadata, mark, None)?;
                levels.push(Level { dir: Arc::new(dir), path, names });
                Ok(())
            }
            Err(error) => {
                if is_known {
                    self.planner.forget(&path)?;
                }
                self.planner.problem(&path, reading::unreadable(&path, error))
            }
        }
    }

    fn visit(
        &mut self,
        top: &EntryPath,
        levels: &mut Vec<Level>,
        dir: &Arc<Dir>,
        parent: &EntryPath,
        depth: u32,
        name: OsString,
    ) -> Result<Found> {
        let path = match parent.join(name.as_encoded_bytes()) {
            Ok(path) => path,
            Err(error) => return Ok(Err((parent.clone(), error))),
        };
        let is_known = self.planner.find(parent, depth, name.as_encoded_bytes())?;
        let found = self.visit_known(top, levels, dir, path, depth, &name, is_known)?;
        Ok(found)
    }

    #[allow(clippy::too_many_arguments)]
    fn visit_known(
        &mut self,
        top: &EntryPath,
        levels: &mut Vec<Level>,
        dir: &Arc<Dir>,
        path: EntryPath,
        depth: u32,
        name: &OsStr,
        is_known: bool,
    ) -> Result<Found> {
        let stat = match stat::look(dir, name) {
            Ok(stat) => stat,
            Err(error) => return self.unreadable(path, is_known, error),
        };
        if !self.patterns.is_empty() && is_excluded(self.patterns, top, &path, stat.kind == Kind::Folder) {
            self.forget(&path, is_known)?;
            return Ok(Ok(()));
        }
        match stat.kind {
            Kind::Special(what) => {
                self.forget(&path, is_known)?;
                self.planner.skip(&path, what);
            }
            Kind::Folder => match dir.open_dir_nofollow(name) {
                Ok(below) => self.descend(levels, below, path, depth, is_known)?,
                Err(error) => return self.unreadable(path, is_known, error),
            },
            Kind::Symlink => {
                if is_known && self.planner.known.as_ref().is_some_and(|known| known.is_same(&stat)) {
                    self.keep(&path)?;
                    return Ok(Ok(()));
                }
                let target = match dir.read_link_contents(name) {
                    Ok(target) => target.into_os_string().into_encoded_bytes().into(),
                    Err(error) => return self.unreadable(path, is_known, error),
                };
                let stored_as = self.replace(&path, is_known)?;
                let mark = Mark::new(depth, &stat);
                self.planner.header(path, Content::Symlink { target }, stat.metadata, mark, stored_as)?;
            }
            Kind::File => return self.file(dir, name, path, depth, stat, is_known),
        }
        Ok(Ok(()))
    }

    fn file(
        &mut self,
        dir: &Arc<Dir>,
        name: &OsStr,
        path: EntryPath,
        depth: u32,
        stat: Stat,
        is_known: bool,
    ) -> Result<Found> {
        if let Some(inode) = stat.linked {
            let first = self.links.first.get(&inode).cloned();
            let kind = if is_known { self.planner.ahead().map(|node| node.kind) } else { None };
            if let Some(first) = first {
                let leads_there = |planner: &Planner| {
                    planner.ahead().is_some_and(|node| node.target == first.as_bytes())
                        && planner.known.as_ref().is_some_and(|known| known.is_same(&stat))
                };
                if kind == Some(NodeKind::HardLink) && leads_there(self.planner) {
                    self.keep(&path)?;
                    return Ok(Ok(()));
                }
                let stored_as = self.replace(&path, is_known)?;
                let mut mark = Mark::new(depth, &stat);
                // Where a file stands aside, its other names would lead to nothing in tar.
                mark.is_settled &= stored_as.is_none();
                self.planner.header(
                    path,
                    Content::HardLink { target: first },
                    stat.metadata,
                    mark,
                    stored_as,
                )?;
                return Ok(Ok(()));
            }
            // Later names may only point to a file that can be read.
            if let Err(error) = reading::open(dir, name) {
                return self.unreadable(path, is_known, error);
            }
            // It was another name of a file: now it is the first.
            if is_known && kind == Some(NodeKind::HardLink) {
                self.remember_first(inode, &path);
                return self.store_file(dir, name, path, depth, stat, is_known);
            }
            self.remember_first(inode, &path);
        }
        self.add_file(dir, name, path, depth, stat, is_known)
    }

    fn remember_first(&mut self, inode: Inode, path: &EntryPath) {
        if self.links.first.len() < MAX_LINKED {
            self.links.first.insert(inode, path.clone());
        }
    }

    /// Adds one regular file. `is_known`: the node ahead has its name.
    pub(super) fn add_file(
        &mut self,
        dir: &Arc<Dir>,
        name: &OsStr,
        path: EntryPath,
        depth: u32,
        stat: Stat,
        is_known: bool,
    ) -> Result<Found> {
        if is_known
            && let Some(known) = &self.planner.known
            && known.is_same(&stat)
            && !known.paranoid
        {
            self.keep(&path)?;
            return Ok(Ok(()));
        }
        self.store_file(dir, name, path, depth, stat, is_known)
    }

    fn store_file(
        &mut self,
        dir: &Arc<Dir>,
        name: &OsStr,
        path: EntryPath,
        depth: u32,
        stat: Stat,
        is_known: bool,
    ) -> Result<Found> {
        if stat.size <= unit::SMALL {
            let mut mark = Mark::new(depth, &stat);
            // Read all the same: what was stored serves if the content is that.
            if is_known
                && let Some(known) = &self.planner.known
                && known.paranoid
                && known.is_same(&stat)
                && let Some(node) = known.tree.peek()
                && node.kind == NodeKind::File
            {
                mark.known = Some(Box::new(node.clone()));
            }
            let stored_as = self.replace(&path, is_known)?;
            let size = stat.size;
            let entry = Entry { stored_as, ..Entry::new(path, Content::Folder, Metadata::default()) };
            let source = Source::Disk { dir: dir.clone(), name: name.to_owned(), stat: Box::new(stat) };
            self.planner.small(NewEntry { entry, source, mark }, size)?;
            return Ok(Ok(()));
        }
        let look = || -> std::io::Result<_> {
            let file = reading::open(dir, name)?;
            let stat = stat::look_at(&file)?;
            let xattrs = stat::xattrs(&file)?;
            Ok((file, stat, xattrs))
        };
        let (file, stat, xattrs) = match look() {
            Ok((file, stat, xattrs)) if stat.kind == Kind::File => (file, stat, xattrs),
            Ok(_) => {
                self.forget(&path, is_known)?;
                let error = Error::new(ErrorKind::SourceChanged, format!("{path} is no longer a file"));
                return Ok(Err((path, error)));
            }
            Err(error) => return self.unreadable(path, is_known, error),
        };
        let new = NewLarge {
            path,
            size: stat.size,
            sparse: stat.sparse,
            metadata: Metadata { xattrs, ..stat.metadata.clone() },
            mark: Mark::new(depth, &stat),
            content: LargeContent::Disk { file, stat: Box::new(stat) },
            stored_as: None,
        };
        self.add_large(new, is_known)?;
        Ok(Ok(()))
    }

    /// Adds a large file: what changed of it, where that is worth it.
    pub(super) fn add_large(&mut self, mut new: NewLarge, is_known: bool) -> Result<()> {
        if is_known && let Some(before) = self.before(&new) {
            let node = self.planner.take()?;
            new.mark.known = node.map(Box::new);
            return self.planner.change(new, before);
        }
        new.stored_as = self.replace(&new.path, is_known)?;
        self.planner.large(new)
    }

    /// How a large file was stored, if it is worth to store what changed of it alone.
    fn before(&self, new: &NewLarge) -> Option<Before> {
        let known = self.planner.known.as_ref()?;
        let node = known.tree.peek().filter(|node| known.has_base(node))?;
        let large = node.large.as_ref()?;
        let patched: u64 = large.patches.iter().map(|patch| patch.length).sum();
        if new.size <= unit::SMALL || patched > new.size / 2 {
            return None;
        }
        // A damaged table costs time, no more.
        let table = Table::open(self.state?, large.table, &large.table_digest).ok()?;
        if !new.content.resembles(new.size, &table, self.key) {
            return None;
        }
        Some(Before { table, base: large.base, linked: known.linked.clone() })
    }

    /// The node ahead is as it was.
    pub(super) fn keep(&mut self, path: &EntryPath) -> Result<()> {
        if let Some(known) = &mut self.planner.known {
            known.note_stable(path.as_bytes());
        }
        let depth = self.planner.ahead().map_or(0, |node| node.depth);
        self.planner.keep()?;
        self.planner.bury_below(depth)
    }

    /// Something that is no folder takes the place of the node ahead. Where tar has things below that, it needs another
    /// name there: `tar` puts no file in the place of a folder that is not empty.
    fn replace(&mut self, path: &EntryPath, is_known: bool) -> Result<Option<EntryPath>> {
        if !is_known {
            return Ok(None);
        }
        let Some(node) = self.planner.take()? else { return Ok(None) };
        let has_more = self.planner.ahead().is_some_and(|next| next.depth > node.depth);
        if node.is_folder() {
            self.planner.gone(path)?;
        }
        Ok(if has_more { Some(self.planner.aside(self.set)?) } else { None })
    }

    fn forget(&mut self, path: &EntryPath, is_known: bool) -> Result<()> {
        if is_known { self.planner.forget(path) } else { Ok(()) }
    }

    fn unreadable(&mut self, path: EntryPath, is_known: bool, error: std::io::Error) -> Result<Found> {
        self.forget(&path, is_known)?;
        let error = reading::unreadable(&path, error);
        Ok(Err((path, error)))
    }

    /// Adds bytes as a file, unless the last run had the same.
    pub(super) fn add_memory(&mut self, path: EntryPath, bytes: Arc<[u8]>, metadata: Metadata) -> Result<()> {
        let is_known = self.planner.ahead().is_some();
        let mut mark = Mark { is_settled: true, ..Mark::default() };
        mark.stamp.size = bytes.len() as u64;
        let size = bytes.len() as u64;
        if is_known
            && let Some(known) = &self.planner.known
            && let Some(node) = known.tree.peek()
            && node.kind == NodeKind::Memory
            && known.has(node)
        {
            mark.known = Some(Box::new(node.clone()));
        }
        let stored_as = self.replace(&path, is_known)?;
        let entry = Entry { stored_as, ..Entry::new(path, Content::Folder, metadata) };
        let new = NewEntry { entry, source: Source::Memory(bytes), mark };
        self.planner.small(new, size)
    }
}

/// The names in a folder, the last one first.
///
/// All are held, so that what the last run knew can be held against them: some 50 bytes for each.
fn names(dir: &Dir) -> std::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in dir.entries()? {
        names.push(entry?.file_name());
    }
    names.sort_unstable_by(|a, b| b.as_encoded_bytes().cmp(a.as_encoded_bytes()));
    Ok(names)
}

/// Patterns see the path below the folder that was asked for.
fn is_excluded(patterns: &Gitignore, top: &EntryPath, path: &EntryPath, is_folder: bool) -> bool {
    let below = &path.as_bytes()[top.as_bytes().len() + 1..];
    // Patterns are text; a name that is not is matched as well as it can be.
    let below = String::from_utf8_lossy(below);
    patterns.matched(&*below, is_folder).is_ignore()
}
