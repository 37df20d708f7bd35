//! The regular files of a walk: unchanged, small, large, with several names, and bytes from the caller.

use std::ffi::OsStr;
use std::fs::File;
use std::sync::Arc;

use cap_std::fs::Dir;

use super::{Found, Place, Walk};
use crate::backup::plan::NewLarge;
use crate::backup::reading;
use crate::backup::stat::{self, Inode, Kind, Stat};
use crate::backup::state::node::{Node, NodeContent};
use crate::backup::state::table::Table;
use crate::backup::work_item::{self, Before, LargeContent, Mark, NewEntry, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::set::{Content, Entry, EntryPath, Metadata};

/// Most files with several names to remember; any more are stored once for each name.
const MAX_LINKED: usize = 50_000;

impl Walk<'_> {
    pub(super) fn file(&mut self, place: Place<'_>, stat: Stat) -> Result<Found> {
        let Some(inode) = stat.linked else { return self.add_file(place, stat) };
        let node = self.planner.ahead().filter(|_| place.is_known);
        if let Some(first) = self.links.first.get(&inode).cloned() {
            let leads_there = |node: &Node| matches!(&node.content, NodeContent::HardLink { target } if target == first.as_bytes());
            if node.is_some_and(leads_there) && self.is_same(&stat) {
                self.keep(&place.path)?;
                return Ok(Ok(()));
            }
            let taken = self.replace(&place.path, place.is_known)?;
            let mark = Mark::new(place.depth, &stat, self.clock);
            self.planner.header(
                place.path,
                Content::HardLink { target: first },
                stat.metadata,
                mark,
                taken,
            )?;
            return Ok(Ok(()));
        }
        if node.is_some_and(|node| node.target().is_none())
            && self.is_same(&stat)
            && !self.planner.previous.as_ref().is_some_and(|previous| previous.reread_everything)
        {
            self.remember_first(inode, &place.path);
            self.count(&stat);
            self.keep(&place.path)?;
            return Ok(Ok(()));
        }
        // Later names lead here, so it is stored whatever happens to this name from now on.
        match reading::open(place.dir, place.name) {
            Ok(file) => {
                self.remember_first(inode, &place.path);
                self.store_file(place, stat, Some(file))
            }
            Err(error) => self.unreadable(place, error),
        }
    }

    fn remember_first(&mut self, inode: Inode, path: &EntryPath) {
        if self.links.first.len() < MAX_LINKED {
            self.links.first.insert(inode, path.clone());
        }
    }

    /// Adds one regular file that is itself a source.
    pub(in crate::backup) fn add_source(
        &mut self,
        dir: &Arc<Dir>,
        name: &OsStr,
        path: EntryPath,
        stat: Stat,
    ) -> Result<Found> {
        self.planner.begin_source(&path)?;
        let is_known = self.planner.ahead().is_some();
        self.add_file(Place { dir, name, path, depth: 0, is_known }, stat)
    }

    fn add_file(&mut self, place: Place<'_>, stat: Stat) -> Result<Found> {
        let is_trusted = self.planner.previous.as_ref().is_some_and(|previous| !previous.reread_everything);
        if place.is_known && is_trusted && self.is_same(&stat) {
            self.count(&stat);
            self.keep(&place.path)?;
            return Ok(Ok(()));
        }
        self.store_file(place, stat, None)
    }

    fn count(&mut self, stat: &Stat) {
        self.size.add(stat.size);
    }

    /// Stores a file. `opened` is set for a file that other names lead to.
    fn store_file(&mut self, place: Place<'_>, stat: Stat, opened: Option<File>) -> Result<Found> {
        let Place { dir, name, path, depth, is_known } = place;
        self.count(&stat);
        if stat.size <= work_item::SMALL {
            // Read it all the same: if the content did not change, what is stored will do.
            let may_be_same = is_known
                && self.is_same(&stat)
                && self.planner.ahead().is_some_and(|node| matches!(node.content, NodeContent::File { .. }));
            let mark = Mark::new(depth, &stat, self.clock);
            let taken = self.replace(&path, is_known)?;
            let size = stat.size;
            let entry = Entry::new(path, Content::Folder, Metadata::default());
            let stat = Box::new(stat);
            let source = match opened {
                Some(file) => Source::Open { file, stat },
                None => Source::Disk { dir: dir.clone(), name: name.to_owned(), stat },
            };
            self.planner.small(NewEntry { entry, source, mark, taken, may_be_same }, size)?;
            return Ok(Ok(()));
        }
        let look = || -> std::io::Result<_> {
            let file = opened.map_or_else(|| reading::open(dir, name), Ok)?;
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
            Err(error) => return self.unreadable(Place { dir, name, path, depth, is_known }, error),
        };
        let new = NewLarge {
            path,
            size: stat.size,
            sparse: stat.sparse,
            metadata: Metadata { xattrs, ..stat.metadata.clone() },
            mark: Mark::new(depth, &stat, self.clock),
            is_linked: stat.linked.is_some(),
            content: LargeContent::Disk { file, stat: Box::new(stat) },
        };
        self.add_large(new, is_known)?;
        Ok(Ok(()))
    }

    /// Adds a large file, or only its changes if that is worth it.
    pub(in crate::backup) fn add_large(&mut self, new: NewLarge, is_known: bool) -> Result<()> {
        if is_known
            && let Some(before) = self.before(&new)
            && let Some(taken) = self.planner.take(&new.path)?
        {
            return self.planner.change(new, before, taken);
        }
        let taken = self.replace(&new.path, is_known)?;
        self.planner.large(new, taken)
    }

    /// Returns how a large file was stored, if it is worth storing only its changes.
    fn before(&self, new: &NewLarge) -> Option<Before> {
        let previous = self.planner.previous.as_ref()?;
        let node = previous.ahead().filter(|node| previous.has_base(node))?;
        let large = node.large()?;
        let patches = large.changed.iter().flat_map(|changed| &changed.patches);
        let patched: u64 = patches.map(|patch| patch.length).sum();
        if new.size <= work_item::SMALL || patched > new.size / 2 {
            return None;
        }
        // A damaged table only costs time.
        let folder = self.rules.state.as_ref()?.folder();
        let table = Table::open(folder, large.table.as_ref()?).ok()?;
        if !new.content.resembles(new.size, &table, &self.rules.key) {
            return None;
        }
        Some(Before { table, linked: previous.linked.clone() })
    }

    /// Adds bytes as a file, unless the last run had the same.
    pub(in crate::backup) fn add_memory(
        &mut self,
        path: EntryPath,
        bytes: Arc<[u8]>,
        metadata: Metadata,
    ) -> Result<()> {
        let is_known = self.planner.ahead().is_some();
        let size = bytes.len() as u64;
        self.size.add(size);
        let mut mark = Mark { is_stamp_reliable: true, is_memory: true, ..Mark::default() };
        mark.stamp.size = size;
        let previous = self.planner.previous.as_ref();
        let may_be_same = previous.is_some_and(|previous| {
            let is_memory = |node: &Node| matches!(node.content, NodeContent::Memory { .. });
            previous.ahead().is_some_and(|node| is_memory(node) && previous.has(node))
        });
        let taken = self.replace(&path, is_known)?;
        let entry = Entry::new(path, Content::Folder, metadata);
        let source = Source::Memory(bytes);
        self.planner.small(NewEntry { entry, source, mark, taken, may_be_same }, size)
    }
}
