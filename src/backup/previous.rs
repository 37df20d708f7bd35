//! What the last run knew about the sources, read in step with this run's walk.
//!
//! Each previous entry ends in one of three ways: it is kept, replaced, or gone. Most are kept or gone at once. One
//! that a worker must read first is [`Taken`], which only these three ends consume. At the end of a run the counts must
//! balance, or there is no set.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::stat::{Kind, Stat};
use super::state::node::{Node, NodeContent};
use super::state::tree::TreeReader;
use crate::error::{Error, ErrorKind, Result};
use crate::set::EntryPath;
use crate::set::extents::Extent;

pub(super) struct PreviousTree {
    tree: TreeReader,
    /// Segments that the new set has.
    pub(super) linked: Arc<BTreeSet<u32>>,
    /// Files that links lead to and that this run found unchanged.
    stable: HashSet<Vec<u8>>,
    /// Whether to read everything, whatever its times say.
    pub(super) reread_everything: bool,
    tally: Tally,
}

/// Number of previous entries that ended, and of those that a worker has to end.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kept: u64,
    gone: u64,
    taken: u64,
}

/// A previous entry that this run has taken up: how it ends depends on its source, which is yet to be read.
#[must_use = "a previous entry is kept, replaced or gone"]
pub(super) struct Taken {
    node: Box<Node>,
    path: EntryPath,
}

/// A previous entry that stays unchanged.
pub(super) struct Kept(Box<Node>);

/// A previous entry that this run replaces by another one.
pub(super) struct Replaced(Box<Node>);

/// A previous entry that the set no longer holds.
pub(super) struct Gone(EntryPath);

impl Taken {
    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn kept(self) -> Kept {
        Kept(self.node)
    }

    pub(super) fn replaced(self) -> Replaced {
        Replaced(self.node)
    }

    pub(super) fn gone(self) -> Gone {
        Gone(self.path)
    }
}

impl Kept {
    pub(super) fn into_node(self) -> Box<Node> {
        self.0
    }
}

impl Replaced {
    pub(super) fn into_node(self) -> Box<Node> {
        self.0
    }
}

impl Gone {
    pub(super) fn into_path(self) -> EntryPath {
        self.0
    }
}

impl PreviousTree {
    pub(super) fn new(tree: TreeReader, linked: BTreeSet<u32>, reread_everything: bool) -> Self {
        Self {
            tree,
            linked: Arc::new(linked),
            stable: HashSet::new(),
            reread_everything,
            tally: Tally::default(),
        }
    }

    /// Returns the node ahead.
    pub(super) fn ahead(&self) -> Option<&Node> {
        self.tree.peek()
    }

    /// Moves to what was known about a source; the nodes ahead must have ended before.
    pub(super) fn begin(&mut self, source: &[u8]) -> Result<()> {
        self.tree.begin(source).map(drop).map_err(lost)
    }

    /// Returns the sources that nobody asked for yet.
    pub(super) fn sources_left(&self) -> Vec<Vec<u8>> {
        let mut left: Vec<_> = self.tree.sources.keys().cloned().collect();
        left.sort_unstable();
        left
    }

    /// Whether the node ahead describes what exists now, and the new set has all of it.
    pub(super) fn is_same(&self, stat: &Stat) -> bool {
        let Some(node) = self.tree.peek() else { return false };
        let is_kind = match node.content {
            NodeContent::Folder => stat.kind == Kind::Folder,
            NodeContent::Symlink => stat.kind == Kind::Symlink,
            NodeContent::File { .. } | NodeContent::Large(_) | NodeContent::Copy { .. } => {
                stat.kind == Kind::File
            }
            NodeContent::HardLink { .. } => stat.kind == Kind::File && stat.linked.is_some(),
            NodeContent::Memory { .. } => false,
        };
        is_kind && node.stamp == stat.stamp() && node.is_stamp_reliable && self.has(node)
    }

    /// Whether the new set has everything that the node depends on.
    pub(super) fn has(&self, node: &Node) -> bool {
        let has = |extent: Extent| self.linked.contains(&extent.segment);
        let has_content = match &node.content {
            NodeContent::Copy { content, .. } => content.iter().copied().all(has),
            _ => true,
        };
        let leads_to_stable = node.target().is_none_or(|target| self.stable.contains(target));
        leads_to_stable && has_content && node.extents().all(has)
    }

    /// Whether the set has a large file's content as it was stored whole: then only changes are stored.
    pub(super) fn has_base(&self, node: &Node) -> bool {
        let Some(large) = node.large().filter(|large| large.table.is_some()) else { return false };
        let base = node.base();
        std::iter::once(&base).chain(&large.parts).all(|extent| self.linked.contains(&extent.segment))
    }

    /// Records that a file is unchanged, so that links to it may be, too.
    pub(super) fn note_stable(&mut self, path: &[u8]) {
        if self.tree.targets.contains(path) {
            self.stable.insert(path.to_vec());
        }
    }

    /// Keeps the node ahead; appends its printed form.
    pub(super) fn keep(&mut self, into: &mut Vec<u8>) -> Result<()> {
        if self.tree.peek().is_some() {
            self.tally.kept += 1;
            into.extend_from_slice(self.tree.printed());
        }
        self.tree.advance().map_err(lost)
    }

    /// Ends the node ahead as gone, with or without its own line: a line for something above it may cover it.
    pub(super) fn end_gone(&mut self) -> Result<()> {
        self.tally.gone += u64::from(self.tree.peek().is_some());
        self.tree.advance().map_err(lost)
    }

    /// Takes up the node ahead, which has this path.
    pub(super) fn take(&mut self, path: &EntryPath) -> Result<Option<Taken>> {
        let Some(node) = self.tree.peek() else { return Ok(None) };
        let taken = Taken { node: Box::new(node.clone()), path: path.clone() };
        self.tally.taken += 1;
        self.tree.advance().map_err(lost)?;
        Ok(Some(taken))
    }

    /// Checks that each previous entry has ended. `ended` is how many of those taken up have.
    pub(super) fn balance(&self, ended: u64) -> Result<()> {
        let Tally { kept, gone, taken } = self.tally;
        if kept + gone + taken == self.tree.count && taken == ended {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            format!(
                "of {} previous entries {kept} were kept, {gone} went and {taken} were taken up, of which {ended} \
                 ended: please report it, and begin anew with an empty state folder",
                self.tree.count
            ),
        ))
    }
}

/// The state was whole when the run began.
fn lost(error: std::io::Error) -> Error {
    Error::io("read the state folder", error)
}
