//! What the last run knew of the source, held against what is there now.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::stat::{Kind, Stat};
use super::state::node::{Node, NodeKind};
use super::state::tree::TreeReader;

pub(super) struct Known {
    pub(super) tree: TreeReader,
    /// Segments that the new set has.
    pub(super) linked: Arc<BTreeSet<u32>>,
    /// Files that links lead to and that this run found as they were.
    stable: HashSet<Vec<u8>>,
    /// Whether to read everything, whatever its times say.
    pub(super) paranoid: bool,
}

impl Known {
    pub(super) fn new(tree: TreeReader, linked: BTreeSet<u32>, paranoid: bool) -> Self {
        Self { tree, linked: Arc::new(linked), stable: HashSet::new(), paranoid }
    }

    /// Whether the node ahead is what is there now, and the new set has all of it.
    pub(super) fn is_same(&self, stat: &Stat) -> bool {
        let Some(node) = self.tree.peek() else { return false };
        let is_kind = match node.kind {
            NodeKind::Folder => stat.kind == Kind::Folder,
            NodeKind::Symlink => stat.kind == Kind::Symlink,
            NodeKind::File | NodeKind::Large | NodeKind::Copy => stat.kind == Kind::File,
            NodeKind::HardLink => stat.kind == Kind::File && stat.linked.is_some(),
            NodeKind::Memory | NodeKind::Gone => false,
        };
        is_kind && node.stamp == stat.stamp() && node.is_settled && self.has(node)
    }

    /// Whether the new set has all that the node stands on.
    pub(super) fn has(&self, node: &Node) -> bool {
        let leads_to_stable = node.target.is_empty() || self.stable.contains(&node.target);
        leads_to_stable && node.stretches().all(|stretch| self.linked.contains(&stretch.segment))
    }

    /// Whether a large file's content is there as it was stored whole: then only what changed is stored.
    pub(super) fn has_base(&self, node: &Node) -> bool {
        let large = node.large.as_ref().filter(|large| large.table > 0);
        let parts = large.map(|large| std::iter::once(&node.at).chain(&large.parts));
        parts.is_some_and(|mut parts| parts.all(|stretch| self.linked.contains(&stretch.segment)))
    }

    /// Notes that a file is as it was, so that links which lead to it may be, too.
    pub(super) fn note_stable(&mut self, path: &[u8]) {
        if self.tree.targets.contains(path) {
            self.stable.insert(path.to_vec());
        }
    }

    /// Goes on from the node ahead, which stands for nothing any more; gives what is to be remembered of it: tar still
    /// has it, or something below it.
    pub(super) fn bury(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let Some(node) = self.tree.peek() else { return Ok(None) };
        let is_there = self.linked.range(node.since..=node.at.segment.max(node.since)).next().is_some();
        let gone = Node {
            kind: NodeKind::Gone,
            depth: node.depth,
            name: node.name.clone(),
            at: node.at,
            since: node.since,
            ..Node::default()
        };
        self.tree.advance()?;
        if !is_there && self.tree.peek().is_none_or(|next| next.depth <= gone.depth) {
            return Ok(None);
        }
        let mut printed = Vec::new();
        gone.print(&mut printed);
        Ok(Some(printed))
    }
}
