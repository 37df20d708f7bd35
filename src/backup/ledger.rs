//! Keeps the books of a run, in the order of the walk: what is to be remembered of each entry, how much of each segment
//! counts, and what recovery by hand has to do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use openssl::sha::Sha256;

use super::by_hand::ByHand;
use super::contents::Contents;
use super::state::State;
use super::state::node::{Large, Node, NodeKind, Stretch, own_name, short};
use super::state::table::{Row, RowPlace, Table, TableWriter};
use super::state::tree::TreeWriter;
use super::unit::{LargeFile, Mark};
use crate::layout::SetName;
use crate::set::archive;
use crate::set::{Block, Change, Content, Counts, Digest, Entry, EntryPath, Metadata, Part};

pub(super) struct Ledger {
    /// Bytes of tar of each segment that count.
    pub(super) live: HashMap<u32, u64>,
    pub(super) counts: Counts,
    /// Lines of the index that count.
    pub(super) live_records: u64,
    pub(super) by_hand: ByHand,
    /// Tables of blocks that are needed.
    pub(super) tables: BTreeSet<u32>,
    pub(super) next_table: u32,
    state: Option<Arc<State>>,
    tree: Option<TreeWriter>,
    open: Option<OpenLarge>,
    node: Node,
    printed: Vec<u8>,
}

/// A large file whose pieces are coming.
struct OpenLarge {
    node: Node,
    table: Option<TableWriter>,
    patches: BTreeMap<u32, u64>,
    /// Blocks of it that tar has, as `(number, is it zeros)`.
    blocks: Vec<(u64, bool)>,
    next_block: u64,
    /// What was stored whole, for copies of it.
    whole: Option<(EntryPath, Metadata, Sha256)>,
}

impl OpenLarge {
    fn new(node: Node, table: Option<TableWriter>) -> Self {
        Self { node, table, patches: BTreeMap::new(), blocks: Vec::new(), next_block: 0, whole: None }
    }
}

impl Ledger {
    pub(super) fn new(state: Option<Arc<State>>, set: SetName, next_table: u32) -> Self {
        let tree = state.as_ref().and_then(|state| state.new_tree(set));
        Self {
            live: HashMap::new(),
            counts: Counts::default(),
            live_records: 0,
            by_hand: ByHand::default(),
            tables: BTreeSet::new(),
            next_table,
            state,
            tree,
            open: None,
            node: Node::default(),
            printed: Vec::new(),
        }
    }

    /// An entry was stored, with this much of tar its own.
    pub(super) fn entry(&mut self, entry: &Entry, length: u64, mark: &Mark) {
        *self.live.entry(entry.at.segment).or_default() += length;
        self.live_records += 1;
        count(&mut self.counts, &entry.content);
        let is_memory =
            mark.stamp == super::state::node::Stamp { size: mark.stamp.size, ..Default::default() };
        let (kind, digest, target) = match &entry.content {
            Content::Folder => (NodeKind::Folder, None, None),
            Content::File { sha256, .. } if is_memory => (NodeKind::Memory, Some(short(sha256)), None),
            Content::File { sha256, .. } => (NodeKind::File, Some(short(sha256)), None),
            Content::Symlink { .. } => (NodeKind::Symlink, None, None),
            Content::HardLink { target } => (NodeKind::HardLink, None, Some(target)),
            Content::Copy { target, .. } => (NodeKind::Copy, None, Some(target)),
            Content::LargeFile { .. } => (NodeKind::Large, None, None),
        };
        let mut node = Node {
            kind,
            depth: mark.depth,
            name: own_name(&entry.path, mark.depth),
            stamp: mark.stamp,
            is_settled: mark.is_settled,
            at: Stretch { segment: entry.at.segment, length },
            since: mark.since.unwrap_or(entry.at.segment),
            stored_as: entry.stored_as.as_ref().map_or(Vec::new(), |path| path.as_bytes().to_vec()),
            digest: digest.unwrap_or_default(),
            target: target.map_or(Vec::new(), |path| path.as_bytes().to_vec()),
            large: None,
        };
        if let Content::LargeFile { size, .. } = entry.content {
            node.stamp.size = size;
            node.large = Some(Large { base: entry.at, ..owner(&entry.metadata) });
            let table = self.new_table();
            let is_apart = entry.stored_as.is_some();
            let whole = (!is_apart).then(|| (entry.path.clone(), entry.metadata.clone(), Sha256::new()));
            self.open = Some(OpenLarge { whole, ..OpenLarge::new(node, table) });
            return;
        }
        self.add(node);
    }

    fn new_table(&self) -> Option<TableWriter> {
        let state = self.state.as_ref()?;
        state.keep(TableWriter::create(state.folder()))
    }

    /// A piece of the open large file was stored.
    pub(super) fn part(&mut self, part: &Part, length: u64, digests: &[[u8; 16]]) {
        *self.live.entry(part.at.segment).or_default() += length;
        self.live_records += 1;
        let Some(open) = &mut self.open else { return };
        if let Some((_, _, hasher)) = &mut open.whole {
            hasher.update(part.sha256.as_bytes());
        }
        if let Some(large) = &mut open.node.large {
            match large.parts.last_mut() {
                Some(last) if last.segment == part.at.segment => last.length += length,
                _ => large.parts.push(Stretch { segment: part.at.segment, length }),
            }
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

    /// A large file has changed since it was stored whole; its blocks follow.
    pub(super) fn change(&mut self, change: &Change, mark: &Mark) {
        self.live_records += 1;
        self.counts.files += 1;
        self.counts.bytes += change.size;
        let before = mark.known.as_deref().cloned().unwrap_or_default();
        let known = before.large.unwrap_or_default();
        let mut node = Node {
            stamp: mark.stamp,
            is_settled: mark.is_settled,
            large: Some(Large {
                base: known.base,
                parts: known.parts,
                is_changed: true,
                ..owner(&change.metadata)
            }),
            ..before
        };
        node.stamp.size = change.size;
        *self.live.entry(node.at.segment).or_default() += node.at.length;
        for part in node.large.iter().flat_map(|large| &large.parts) {
            *self.live.entry(part.segment).or_default() += part.length;
        }
        self.live_records += change.size.div_ceil(super::unit::PIECE) + 1;
        let table = self.new_table();
        self.open = Some(OpenLarge::new(node, table));
    }

    /// A block of the open large file, as it was or anew; `length` bytes of tar are its own.
    pub(super) fn block(&mut self, block: Option<&Block>, length: u64, mut row: Row) {
        if let Some((_, at)) = block.and_then(|block| block.stored) {
            row.place = RowPlace::Segment(at.segment);
        }
        let Some(open) = &mut self.open else { return };
        let number = open.next_block;
        open.next_block += 1;
        match row.place {
            RowPlace::Segment(segment) => {
                // One that is as it was is as long as what is there now: its digest is the same.
                let size = Block::SIZE.min(open.node.stamp.size.saturating_sub(number * Block::SIZE));
                let length =
                    if length == 0 { archive::BLOCK + size + archive::padding(size) } else { length };
                *open.patches.entry(segment).or_default() += length;
                *self.live.entry(segment).or_default() += length;
                self.live_records += 1;
                open.blocks.push((number, false));
            }
            RowPlace::Zero => {
                self.live_records += 1;
                open.blocks.push((number, true));
            }
            RowPlace::Base => {}
        }
        self.row(row);
    }

    /// The open large file has no more pieces.
    pub(super) fn large_ends(&mut self, file: &LargeFile, contents: &Contents) {
        let Some(OpenLarge { mut node, table, patches, blocks, whole, .. }) = self.open.take() else {
            return;
        };
        let is_sound = !file.named.load(std::sync::atomic::Ordering::Acquire);
        node.is_settled &= is_sound;
        if file.before.is_none() {
            let whole = whole.filter(|_| is_sound);
            let whole = whole.map(|(path, metadata, hasher)| {
                (path, metadata, short(&Digest::from_bytes(hasher.finish())))
            });
            let whole = whole.as_ref().map(|(path, metadata, digest)| (path, metadata, *digest));
            contents.end_large(file.size, whole);
        }
        if let Some(large) = &mut node.large {
            large.patches =
                patches.into_iter().map(|(segment, length)| Stretch { segment, length }).collect();
            if let (Some(state), Some(table)) = (&self.state, table) {
                self.next_table += 1;
                if let Some(digest) = state.keep(table.finish(state.folder(), self.next_table)) {
                    large.table = self.next_table;
                    large.table_digest = digest;
                    self.tables.insert(self.next_table);
                }
            }
        }
        self.add_with_blocks(node, &blocks);
    }

    /// Nodes of the last run's tree that are as they were.
    pub(super) fn kept(&mut self, mut nodes: &[u8]) {
        let mut node = std::mem::take(&mut self.node);
        while let Some(length) = node.parse(nodes) {
            let (printed, rest) = nodes.split_at(length);
            nodes = rest;
            self.kept_node(&node, printed);
        }
        self.node = node;
    }

    fn kept_node(&mut self, node: &Node, printed: &[u8]) {
        let mut blocks = Vec::new();
        match node.kind {
            NodeKind::Gone => {}
            NodeKind::Folder => self.counts.folders += 1,
            NodeKind::Symlink | NodeKind::HardLink => self.counts.links += 1,
            NodeKind::File | NodeKind::Large | NodeKind::Copy | NodeKind::Memory => {
                self.counts.files += 1;
                self.counts.bytes += node.stamp.size;
            }
        }
        if node.kind != NodeKind::Gone {
            self.live_records += 1;
            for stretch in node.stretches() {
                *self.live.entry(stretch.segment).or_default() += stretch.length;
            }
        }
        if let Some(large) = &node.large {
            self.live_records += node.stamp.size.div_ceil(super::unit::PIECE);
            if large.table > 0 {
                self.tables.insert(large.table);
            }
            if large.is_changed {
                blocks = self.known_blocks(large);
                self.live_records += blocks.len() as u64 + 1;
            }
        }
        self.by_hand.node(node, &blocks);
        self.write(node, printed);
    }

    /// The blocks of a large file that tar has, as its table says.
    fn known_blocks(&mut self, large: &Large) -> Vec<(u64, bool)> {
        let mut blocks = Vec::new();
        let mut read = || -> io::Result<()> {
            let Some(state) = &self.state else { return Ok(()) };
            let table = Table::open(state.folder(), large.table, &large.table_digest)?;
            for from in (0..table.len()).step_by(4096) {
                for (number, row) in (from..).zip(table.rows(from, 4096)?) {
                    if row.place != RowPlace::Base {
                        blocks.push((number, row.place == RowPlace::Zero));
                    }
                }
            }
            Ok(())
        };
        if read().is_err() {
            self.by_hand.is_incomplete = true;
        }
        blocks
    }

    fn add(&mut self, node: Node) {
        self.add_with_blocks(node, &[]);
    }

    fn add_with_blocks(&mut self, node: Node, blocks: &[(u64, bool)]) {
        self.by_hand.node(&node, blocks);
        let mut printed = std::mem::take(&mut self.printed);
        printed.clear();
        node.print(&mut printed);
        self.write(&node, &printed);
        self.printed = printed;
    }

    fn write(&mut self, node: &Node, printed: &[u8]) {
        let (Some(state), Some(tree)) = (&self.state, &mut self.tree) else { return };
        if state.keep(tree.add(node, printed)).is_none() {
            self.tree = None;
        }
    }

    /// The finished tree.
    pub(super) fn finish(&mut self) -> Option<super::state::tree::TreeFile> {
        let (state, tree) = (self.state.as_ref()?, self.tree.take()?);
        state.finish_tree(tree)
    }
}

fn owner(metadata: &Metadata) -> Large {
    Large { mode: metadata.mode, uid: metadata.uid, gid: metadata.gid, ..Large::default() }
}

fn count(counts: &mut Counts, content: &Content) {
    match content {
        Content::Folder => counts.folders += 1,
        Content::HardLink { .. } | Content::Symlink { .. } => counts.links += 1,
        Content::Copy { size, .. } | Content::File { size, .. } | Content::LargeFile { size, .. } => {
            counts.files += 1;
            counts.bytes += size;
        }
    }
}
