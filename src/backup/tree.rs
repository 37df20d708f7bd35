//! Walks a folder tree and passes its entries to the planner, always in the same order.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use cap_std::fs::Dir;
use zeroize::Zeroizing;

use super::excludes::Excludes;
use super::plan::Planner;
use super::previous::Taken;
use super::reading;
use super::stat::{self, Clock, Inode, Kind, Stat};
use super::state::node::NodeContent;
use super::state::{SourceSize, State};
use super::work_item::Mark;
use crate::error::{Error, Result};
use crate::names;
use crate::set::{Content, EntryPath, Metadata};

mod file;

/// The reason for skipping something that has no content until somebody reads it.
const OF_THE_KERNEL: &str = "made by the kernel as it is read";

/// The state of one walk.
pub(super) struct Walk<'a> {
    pub(super) planner: &'a mut Planner,
    pub(super) links: &'a mut Links,
    pub(super) rules: &'a Rules,
    pub(super) excludes: &'a mut Excludes,
    /// The clock of the file system being walked.
    pub(super) clock: Clock,
    /// What was found so far.
    pub(super) size: SourceSize,
}

/// What applies to all walks of a run.
pub(super) struct Rules {
    /// Folders that are never entered, and why.
    pub(super) avoided: Vec<(Inode, &'static str)>,
    /// Whether other file systems below a source are left out.
    pub(super) one_file_system: bool,
    /// The folder of this host's state, and the key of its digests.
    pub(super) state: Option<Arc<State>>,
    pub(super) key: Zeroizing<[u8; 32]>,
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
    device: u64,
    /// Names in it, last one first.
    names: Vec<OsString>,
    /// Those that it listed once more, when one of them was not there.
    listed_again: HashSet<OsString>,
}

impl Level {
    /// Whether the folder does not list a name any more. Then it was removed since, and counts as removed before.
    ///
    /// A name that is listed but leads to nothing is another matter: there is something that this system cannot open.
    fn is_removed(&mut self, name: &OsStr) -> std::io::Result<bool> {
        if self.listed_again.is_empty() || self.listed_again.contains(name) {
            self.listed_again = match names::list(&self.dir) {
                // With its folder.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
                names => names?.into_iter().collect(),
            };
        }
        Ok(!self.listed_again.contains(name))
    }
}

/// A name that is being looked at.
struct Place<'a> {
    dir: &'a Arc<Dir>,
    name: &'a OsStr,
    path: EntryPath,
    depth: u32,
    /// Whether the node ahead has its name.
    is_known: bool,
}

/// A problem with one source, which the policy judges.
type Found = std::result::Result<(), (EntryPath, Error)>;

impl Walk<'_> {
    /// Adds the folder as `path`, and everything below it that the patterns do not exclude.
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
            if let Err((path, error)) = self.visit(&top, &mut levels, &dir, &parent, depth, &name)? {
                self.planner.problem(&path, error)?;
            }
        }
    }

    /// Adds a folder and enters it. `is_known`: the node ahead has its name.
    fn descend(
        &mut self,
        levels: &mut Vec<Level>,
        dir: Dir,
        path: EntryPath,
        depth: u32,
        is_known: bool,
    ) -> Result<()> {
        let looked = stat::look_at(&dir).and_then(|stat| {
            if let Some(why) = self.avoided(&dir, &stat, levels.last()) {
                return Ok(Err(why));
            }
            let names = last_first(names::list(&dir)?);
            if is_known && self.is_same(&stat) {
                return Ok(Ok((stat, names, None)));
            }
            let xattrs = stat::folder_xattrs(&dir)?;
            let metadata = Metadata { xattrs, ..stat.metadata.clone() };
            Ok(Ok((stat, names, Some(metadata))))
        });
        let (stat, names, metadata) = match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(why)) => {
                self.forget(&path, is_known)?;
                self.planner.skip(&path, why);
                return Ok(());
            }
            Err(error) => {
                self.forget(&path, is_known)?;
                return self.planner.problem(&path, reading::unreadable(&path, error));
            }
        };
        match metadata {
            None => self.planner.keep()?,
            Some(metadata) => {
                // The nodes below a folder stay, whatever was here before.
                let taken = if is_known { self.planner.take(&path)? } else { None };
                let mark = Mark::new(depth, &stat, self.clock);
                self.planner.header(path.clone(), Content::Folder, metadata, mark, taken)?;
            }
        }
        let listed_again = HashSet::new();
        levels.push(Level { dir: Arc::new(dir), path, device: stat.device, names, listed_again });
        Ok(())
    }

    /// Returns why a folder is not entered, if it is not.
    fn avoided(&self, dir: &Dir, stat: &Stat, above: Option<&Level>) -> Option<&'static str> {
        if let Some((_, why)) = self.rules.avoided.iter().find(|(inode, _)| *inode == stat.identity()) {
            return Some(why);
        }
        let is_mounted = above.is_none_or(|above| above.device != stat.device);
        if is_mounted && stat::is_of_the_kernel(dir) {
            return Some(OF_THE_KERNEL);
        }
        (self.rules.one_file_system && is_mounted && above.is_some()).then_some("on another file system")
    }

    fn is_same(&self, stat: &Stat) -> bool {
        self.planner.previous.as_ref().is_some_and(|previous| previous.is_same(stat))
    }

    fn visit(
        &mut self,
        top: &EntryPath,
        levels: &mut Vec<Level>,
        dir: &Arc<Dir>,
        parent: &EntryPath,
        depth: u32,
        name: &OsStr,
    ) -> Result<Found> {
        let path = match parent.join(name.as_encoded_bytes()) {
            Ok(path) => path,
            Err(error) => return Ok(Err((parent.clone(), error))),
        };
        let is_known = self.planner.find(parent, depth, name.as_encoded_bytes())?;
        let place = Place { dir, name, path, depth, is_known };
        let stat = match stat::look(dir, name) {
            Ok(stat) => stat,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let what = "its folder lists it, but the system finds nothing of this name";
                return match levels.last_mut().map_or(Ok(true), |level| level.is_removed(name)) {
                    Ok(true) => self.forget(&place.path, is_known).map(Ok),
                    Ok(false) => self.unreadable(place, std::io::Error::other(what)),
                    Err(error) => self.unreadable(place, error),
                };
            }
            Err(error) => return self.unreadable(place, error),
        };
        if self.excludes.leave_out(top, &place.path, stat.kind == Kind::Folder) {
            self.forget(&place.path, is_known)?;
            return Ok(Ok(()));
        }
        match stat.kind {
            Kind::Special(what) => {
                self.forget(&place.path, is_known)?;
                self.planner.skip(&place.path, what);
                Ok(Ok(()))
            }
            Kind::Folder => match names::open_folder(dir, name) {
                Ok(below) => {
                    self.descend(levels, below, place.path, depth, is_known)?;
                    Ok(Ok(()))
                }
                Err(error) => self.unreadable(place, error),
            },
            Kind::Symlink => self.symlink(place, stat),
            // A file that is mounted by itself, like the names of namespaces.
            Kind::File
                if levels.last().is_some_and(|level| level.device != stat.device)
                    && stat::is_name_of_the_kernel(dir, name) =>
            {
                self.forget(&place.path, is_known)?;
                self.planner.skip(&place.path, OF_THE_KERNEL);
                Ok(Ok(()))
            }
            Kind::File => self.file(place, stat),
        }
    }

    fn symlink(&mut self, place: Place<'_>, stat: Stat) -> Result<Found> {
        if place.is_known && self.is_same(&stat) {
            self.keep(&place.path)?;
            return Ok(Ok(()));
        }
        let target = match stat::link_target(place.dir, place.name) {
            Ok(target) => target,
            Err(error) => return self.unreadable(place, error),
        };
        let taken = self.replace(&place.path, place.is_known)?;
        let mark = Mark::new(place.depth, &stat, self.clock);
        self.planner.header(place.path, Content::Symlink { target }, stat.metadata, mark, taken)?;
        Ok(Ok(()))
    }

    /// Keeps the node ahead, which is unchanged.
    fn keep(&mut self, path: &EntryPath) -> Result<()> {
        if let Some(previous) = &mut self.planner.previous {
            previous.note_stable(path.as_bytes());
        }
        let depth = self.planner.ahead().map_or(0, |node| node.depth);
        self.planner.keep()?;
        self.planner.end_below(depth)
    }

    /// Replaces the node ahead by something that is not a folder: the nodes below it are gone.
    fn replace(&mut self, path: &EntryPath, is_known: bool) -> Result<Option<Taken>> {
        if !is_known {
            return Ok(None);
        }
        let taken = self.planner.take(path)?;
        if let Some(taken) = &taken
            && taken.node().content == NodeContent::Folder
        {
            self.planner.gone(path)?;
            self.planner.end_below(taken.node().depth)?;
        }
        Ok(taken)
    }

    fn forget(&mut self, path: &EntryPath, is_known: bool) -> Result<()> {
        if is_known { self.planner.forget(path) } else { Ok(()) }
    }

    fn unreadable(&mut self, place: Place<'_>, error: std::io::Error) -> Result<Found> {
        let Place { path, is_known, .. } = place;
        self.forget(&path, is_known)?;
        let error = reading::unreadable(&path, error);
        Ok(Err((path, error)))
    }
}

/// Sorts the names in a folder.
///
/// They are all held in memory to compare them with what the last run knew: some 50 bytes for each.
fn last_first(mut names: Vec<OsString>) -> Vec<OsString> {
    names.sort_unstable_by(|a, b| b.as_encoded_bytes().cmp(a.as_encoded_bytes()));
    // Some file systems list a name twice while the folder changes (readdir(3)).
    names.dedup();
    names
}
