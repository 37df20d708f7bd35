//! Records what a run keeps and stores, in the order of the walk: what to remember about each entry, how much of each
//! segment counts, and which bytes make up the set's tar stream.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use openssl::sha::Sha256;

use super::dedup::Dedup;
use super::previous::Replaced;
use super::state::State;
use super::state::node::{Changed, Large, Node, NodeContent, own_name, short};
use super::state::table::{Row, RowPlace, Table, TableFile, TableWriter};
use super::state::tree::{TreeFile, TreeWriter};
use super::work_item::{LargeSource, Mark, NewLine};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SetName;
use crate::set::extents::{Extent, ExtentsWriter};
use crate::set::{Block, Change, Content, Counts, Digest, EntryPath, Part, archive};

pub(super) struct Ledger {
    /// Bytes of each segment that the index lists.
    pub(super) live: HashMap<u32, u64>,
    pub(super) counts: Counts,
    /// Number of lines in the index that count.
    pub(super) live_records: u64,
    /// Number of previous entries that were taken up and have ended.
    pub(super) ended: u64,
    /// Tables of blocks that are still needed.
    pub(super) tables: BTreeSet<u32>,
    pub(super) next_table: u32,
    extents: ExtentsWriter,
    state: Option<Arc<State>>,
    tree: Option<TreeWriter>,
    open: Option<OpenLarge>,
    node: Node,
    printed: Vec<u8>,
}

/// A large file whose parts or blocks are still coming.
struct OpenLarge {
    /// What is known of it so far; its content is set at the end.
    node: Node,
    table: Option<TableWriter>,
    /// Its parts as it was stored whole.
    parts: Vec<Extent>,
    form: Form,
}

/// How a large file is stored.
enum Form {
    /// Whole: its parts are coming. Path and digest are for copies of it.
    Whole { path: EntryPath, hasher: Sha256 },
    /// Only its changes: its blocks are coming.
    Changed {
        /// The header of the file as it was stored whole.
        base: Extent,
        /// Where each block is; these are its content in tar.
        rows: Vec<Row>,
        /// Bytes of the changed blocks, by segment.
        patches: BTreeMap<u32, u64>,
    },
}

impl Ledger {
    pub(super) fn new(
        state: Option<Arc<State>>,
        set: SetName,
        next_table: u32,
        head_room: usize,
    ) -> Result<Self> {
        let tree = state.as_ref().and_then(|state| state.new_tree(set));
        Ok(Self {
            live: HashMap::new(),
            counts: Counts::default(),
            live_records: 0,
            ended: 0,
            tables: BTreeSet::new(),
            next_table,
            extents: ExtentsWriter::new(head_room)?,
            state,
            tree,
            open: None,
            node: Node::default(),
            printed: Vec::new(),
        })
    }

    /// Records that an entry was stored.
    pub(super) fn entry(&mut self, new: &NewLine) -> Result<()> {
        let NewLine { entry, length, mark, replaced, content } = new;
        self.ended += u64::from(replaced.is_some());
        self.live_records += 1;
        let mut node = Node {
            depth: mark.depth,
            name: own_name(&entry.path, mark.depth),
            stamp: mark.stamp,
            is_stamp_reliable: mark.is_stamp_reliable,
            at: Extent::new(entry.at, *length),
            content: NodeContent::Folder,
        };
        node.content = match &entry.content {
            Content::Folder => NodeContent::Folder,
            Content::Symlink { .. } => NodeContent::Symlink,
            Content::HardLink { target } => NodeContent::HardLink { target: target.as_bytes().to_vec() },
            Content::Copy { target, .. } => {
                // The first file with a content is placed before its copies are.
                let place = content.as_ref().and_then(|place| place.get()).cloned();
                let content = place.ok_or_else(|| {
                    Error::new(ErrorKind::Internal, format!("{} is a copy of nothing", entry.path))
                })?;
                NodeContent::Copy { target: target.as_bytes().to_vec(), content }
            }
            Content::File { size, sha256, .. } => {
                if let Some(place) = content {
                    let size = size + archive::padding(*size);
                    let header = node.at.length.saturating_sub(size);
                    let _ = place.set(node.at.part(header, size).into_iter().collect());
                }
                let digest = short(sha256);
                if mark.is_memory { NodeContent::Memory { digest } } else { NodeContent::File { digest } }
            }
            Content::LargeFile { size, .. } => {
                node.stamp.size = *size;
                let form = Form::Whole { path: entry.path.clone(), hasher: Sha256::new() };
                self.open = Some(OpenLarge { node, table: self.new_table(), parts: Vec::new(), form });
                return Ok(());
            }
        };
        self.add(&node, &[])
    }

    fn new_table(&self) -> Option<TableWriter> {
        let state = self.state.as_ref()?;
        state.keep(TableWriter::create(state.folder()))
    }

    /// Records that a part of the open large file was stored.
    pub(super) fn part(&mut self, part: &Part, length: u64, digests: &[[u8; 16]]) {
        self.live_records += 1;
        let Some(OpenLarge { parts, form: Form::Whole { hasher, .. }, .. }) = &mut self.open else { return };
        hasher.update(part.sha256.as_bytes());
        let extent = Extent::new(part.at, length);
        if !parts.last_mut().is_some_and(|last| last.extend(&extent)) {
            parts.push(extent);
        }
        for digest in digests {
            self.row(Row { digest: *digest, place: RowPlace::Base });
        }
    }

    fn row(&mut self, row: Row) {
        let Some(OpenLarge { table: Some(table), .. }) = &mut self.open else { return };
        let added = table.add(row);
        if let Some(state) = &self.state
            && state.keep(added).is_none()
            && let Some(open) = &mut self.open
        {
            open.table = None;
        }
    }

    /// Records that a large file has changed since it was stored whole; its blocks follow.
    pub(super) fn change(&mut self, change: &Change, length: u64, mark: &Mark, replaced: Replaced) {
        self.ended += 1;
        let before = *replaced.into_node();
        let base = before.base();
        let parts = before.large().map_or(Vec::new(), |large| large.parts.clone());
        let mut node = Node {
            at: Extent::new(change.at, length),
            stamp: mark.stamp,
            is_stamp_reliable: mark.is_stamp_reliable,
            ..before
        };
        node.stamp.size = change.size;
        self.live_records += change.size.div_ceil(super::work_item::PART) + 2;
        let form = Form::Changed { base, rows: Vec::new(), patches: BTreeMap::new() };
        self.open = Some(OpenLarge { node, table: self.new_table(), parts, form });
    }

    /// Records a block of the open large file, unchanged or new.
    pub(super) fn block(&mut self, block: Option<&Block>, mut row: Row) {
        if let Some((_, at)) = block.and_then(|block| block.stored) {
            row.place = RowPlace::Apart(at);
        }
        let Some(OpenLarge { node, form: Form::Changed { rows, patches, .. }, .. }) = &mut self.open else {
            return;
        };
        let from = rows.len() as u64 * Block::SIZE;
        let size = Block::SIZE.min(node.stamp.size.saturating_sub(from));
        rows.push(row);
        match row.place {
            RowPlace::Apart(at) => {
                *patches.entry(at.segment).or_default() += size + archive::padding(size);
                self.live_records += 1;
            }
            RowPlace::Zero => self.live_records += 1,
            RowPlace::Base => {}
        }
        self.row(row);
    }

    /// Records that the open large file has no more parts.
    pub(super) fn large_ends(&mut self, file: &LargeSource, dedup: &Dedup) -> Result<()> {
        let Some(OpenLarge { mut node, table, parts, form }) = self.open.take() else {
            return Ok(());
        };
        let is_sound = !file.named.load(Ordering::Acquire);
        node.is_stamp_reliable &= is_sound;
        let table = table.and_then(|table| self.finish_table(table));
        let (changed, rows) = match form {
            Form::Whole { path, hasher } => {
                let digest = short(&Digest::from_bytes(hasher.finish()));
                dedup.end_large(file.size, is_sound.then(|| (&path, digest, parts.clone())));
                (None, Vec::new())
            }
            Form::Changed { base, rows, patches } => {
                let patch = |(segment, length)| Extent { segment, offset: 0, length };
                (Some(Changed { base, patches: patches.into_iter().map(patch).collect() }), rows)
            }
        };
        node.content = NodeContent::Large(Large { parts, changed, table });
        self.add(&node, &rows)
    }

    fn finish_table(&mut self, table: TableWriter) -> Option<TableFile> {
        let state = self.state.as_ref()?;
        self.next_table += 1;
        let table = state.keep(table.finish(state.folder(), self.next_table))?;
        self.tables.insert(table.number);
        Some(table)
    }

    /// Records nodes of the last run's tree that are unchanged.
    pub(super) fn kept(&mut self, mut nodes: &[u8]) -> Result<()> {
        let mut node = std::mem::take(&mut self.node);
        while let Some(length) = node.parse(nodes) {
            let (printed, rest) = nodes.split_at(length);
            nodes = rest;
            self.kept_node(&node, printed)?;
        }
        self.node = node;
        Ok(())
    }

    fn kept_node(&mut self, node: &Node, printed: &[u8]) -> Result<()> {
        self.live_records += 1;
        let mut rows = Vec::new();
        if let Some(large) = node.large() {
            self.live_records += node.stamp.size.div_ceil(super::work_item::PART);
            self.tables.extend(large.table.as_ref().map(|table| table.number));
            if large.changed.is_some() {
                rows = self.known_rows(large)?;
                let is_listed = |row: &&Row| row.place != RowPlace::Base;
                self.live_records += rows.iter().filter(is_listed).count() as u64 + 1;
            }
        }
        self.add_printed(node, printed, &rows)
    }

    /// Returns where the blocks of a changed large file are, by its table.
    fn known_rows(&self, large: &Large) -> Result<Vec<Row>> {
        let read = || -> io::Result<Vec<Row>> {
            let (Some(state), Some(table)) = (&self.state, &large.table) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let table = Table::open(state.folder(), table)?;
            table.rows(0, table.len())
        };
        read().map_err(|e| {
            // Unchanged files stay unchanged: every run from now on would fail here, unless the next one begins anew.
            if let Some(state) = &self.state {
                state.forget();
            }
            let message = format!(
                "read a table of blocks in the state folder: {e}; back up again: the next set is a full one and does without"
            );
            Error::new(ErrorKind::Io, message).with_source(e)
        })
    }

    fn add(&mut self, node: &Node, rows: &[Row]) -> Result<()> {
        let mut printed = std::mem::take(&mut self.printed);
        printed.clear();
        node.print(&mut printed);
        let added = self.add_printed(node, &printed, rows);
        self.printed = printed;
        added
    }

    /// Adds the next entry of the set.
    fn add_printed(&mut self, node: &Node, printed: &[u8], rows: &[Row]) -> Result<()> {
        match node.content {
            NodeContent::Folder => self.counts.folders += 1,
            NodeContent::Symlink | NodeContent::HardLink { .. } => self.counts.links += 1,
            NodeContent::File { .. }
            | NodeContent::Large(_)
            | NodeContent::Copy { .. }
            | NodeContent::Memory { .. } => {
                self.counts.files += 1;
                self.counts.bytes += node.stamp.size;
            }
        }
        for extent in node.extents() {
            *self.live.entry(extent.segment).or_default() += extent.length;
        }
        self.stream(node, rows)?;
        if let (Some(state), Some(tree)) = (&self.state, &mut self.tree)
            && state.keep(tree.add(node, printed)).is_none()
        {
            self.tree = None;
        }
        Ok(())
    }

    /// Adds the bytes of an entry, as they are in tar.
    fn stream(&mut self, node: &Node, rows: &[Row]) -> Result<()> {
        self.extents.add(node.at)?;
        let large = match &node.content {
            NodeContent::Copy { content, .. } => {
                return content.iter().try_for_each(|extent| self.extents.add(*extent));
            }
            NodeContent::Large(large) => large,
            _ => return Ok(()),
        };
        if large.changed.is_none() {
            return large.parts.iter().try_for_each(|extent| self.extents.add(*extent));
        }
        let size = node.stamp.size;
        let (mut parts, mut begins) = (large.parts.iter().peekable(), 0);
        for (number, row) in (0..).zip(rows) {
            let from = number * Block::SIZE;
            let length = Block::SIZE.min(size.saturating_sub(from));
            match row.place {
                RowPlace::Apart(at) => self.extents.add(Extent::new(at, length))?,
                RowPlace::Zero => self.extents.zeros(length)?,
                RowPlace::Base => {
                    let (mut from, mut left) = (from, length);
                    while left > 0
                        && let Some(part) = parts.peek()
                    {
                        match part.part(from - begins, left) {
                            Some(extent) => {
                                self.extents.add(extent)?;
                                from += extent.length;
                                left -= extent.length;
                            }
                            None => {
                                begins += part.length;
                                parts.next();
                            }
                        }
                    }
                    if left > 0 {
                        let message = "a table of blocks in the state folder does not fit its file";
                        return Err(Error::new(ErrorKind::Internal, message));
                    }
                }
            }
        }
        self.extents.zeros(archive::padding(size))
    }

    /// Finishes the tree.
    pub(super) fn finish_tree(&mut self) -> Option<TreeFile> {
        let (state, tree) = (self.state.as_ref()?, self.tree.take()?);
        state.finish_tree(tree)
    }

    /// Finishes the list of extents; returns it behind free bytes, and the length of its text.
    pub(super) fn finish_extents(&mut self) -> Result<(Vec<u8>, u64)> {
        std::mem::replace(&mut self.extents, ExtentsWriter::new(0)?).finish()
    }
}
