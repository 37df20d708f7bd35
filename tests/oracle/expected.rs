//! What a set must contain, if the source may have changed while it was read.

use std::collections::BTreeMap;

use super::model::{Detail, Inode, Node, Tree, above, shown};

/// What a set has to hold.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// What did not change during the run.
    pub tree: Tree,
    /// What did: each state that it had, or nothing.
    moving: BTreeMap<Vec<u8>, Vec<Option<Node>>>,
    /// What the run itself said it could not have whole: anything is right at and below it.
    named: Vec<Vec<u8>>,
}

impl Expected {
    /// From the states of the source during the run, the first one first.
    pub fn new(states: &[Tree]) -> Self {
        let (first, later) = states.split_first().expect("a source has a state");
        let mut expected = Self { tree: first.clone(), ..Self::default() };
        let mut paths: Vec<_> = later.iter().flat_map(Tree::keys).chain(first.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            if later.iter().all(|state| state.get(path) == first.get(path)) {
                continue;
            }
            expected.tree.remove(path);
            let mut had: Vec<Option<Node>> = Vec::new();
            for state in states {
                let node = state.get(path).cloned();
                if !had.contains(&node) {
                    had.push(node);
                }
            }
            expected.moving.insert(path.clone(), had);
        }
        expected
    }

    pub fn is_moving(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Takes in what the run named as not whole.
    pub fn name(&mut self, path: &[u8]) {
        self.named.push(path.to_vec());
    }

    pub fn is_named(&self, path: &[u8]) -> bool {
        self.named.iter().any(|named| named == path || above(path).any(|above| above == named))
    }

    /// Whether this is right at a path; nothing for what cannot be wrong.
    pub fn allows(&self, path: &[u8], found: Option<&Node>, how: Detail) -> bool {
        if self.is_named(path) {
            return true;
        }
        if let Some(had) = self.moving.get(path) {
            let how = Detail { links: false, ..how };
            // A file may change under another of its names, which it keeps when this one goes.
            let mut shared = had.iter().flatten().filter(|node| node.has_others);
            if shared.any(|node| found.is_some_and(|found| self.was_ever(node.inode, found))) {
                return true;
            }
            // A folder's time is that of one of many moments.
            let is_it = |node: &Node, found: &Node| {
                node.is_met_by(found, how) || node.is_folder() && found.is_folder()
            };
            return had.iter().any(|node| match (node, found) {
                (Some(node), Some(found)) => is_it(node, found),
                (None, None) => true,
                _ => false,
            });
        }
        match (self.tree.get(path), found) {
            (Some(node), Some(found)) => node.is_met_by(found, how),
            (None, None) => true,
            // A folder that nobody asked for, on the way to something that somebody did.
            (None, Some(found)) => found.is_folder() && self.has_below(path),
            _ => false,
        }
    }

    /// Whether a file had this content in the run, under whatever name.
    fn was_ever(&self, inode: Option<Inode>, found: &Node) -> bool {
        let states = self.moving.values().flatten().flatten().filter(|node| node.inode == inode);
        states.into_iter().any(|node| node.is_met_by(found, Detail::CONTENT))
    }

    fn has_below(&self, path: &[u8]) -> bool {
        let below = [path, b"/"].concat();
        let in_tree = self.tree.range(below.clone()..).next().map(|(path, _)| path);
        let in_moving = self.moving.range(below.clone()..).next().map(|(path, _)| path);
        let named = self.named.iter().any(|path| path.starts_with(&below));
        named || [in_tree, in_moving].into_iter().flatten().any(|path| path.starts_with(&below))
    }

    /// Paths at which something has to be looked at.
    pub fn paths(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.tree.keys().chain(self.moving.keys())
    }

    /// Where a tree is not what it has to be: one line each.
    pub fn differences(&self, found: &Tree, how: Detail) -> Vec<String> {
        let mut lines = Vec::new();
        for path in self.paths().chain(found.keys().filter(|path| !self.knows(path))) {
            if !self.allows(path, found.get(path), how) {
                lines.push(self.line(path, found.get(path)));
            }
        }
        lines
    }

    pub fn knows(&self, path: &[u8]) -> bool {
        self.tree.contains_key(path) || self.moving.contains_key(path)
    }

    pub fn line(&self, path: &[u8], found: Option<&Node>) -> String {
        let wanted = match (self.tree.get(path), self.moving.get(path)) {
            (Some(node), _) => format!("{}", Brief(Some(node))),
            (None, Some(had)) => {
                had.iter().map(|node| Brief(node.as_ref()).to_string()).collect::<Vec<_>>().join(" or ")
            }
            (None, None) => "nothing".into(),
        };
        format!("{}: wanted {wanted}; found {}", shown(path), Brief(found))
    }
}

/// A node in one short line.
struct Brief<'a>(Option<&'a Node>);

impl std::fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(node) = self.0 else { return f.write_str("nothing") };
        write!(f, "{:?}", node.what)?;
        if let Some(mode) = node.mode {
            write!(f, " {mode:o}")?;
        }
        if let Some((user, group)) = node.owner {
            write!(f, " {user}:{group}")?;
        }
        if let Some((seconds, nanoseconds)) = node.mtime {
            write!(f, " {seconds}.{nanoseconds:09}")?;
        }
        if let Some(first) = &node.first_name {
            write!(f, " also {}", shown(first))?;
        }
        for (name, value) in node.xattrs.iter().flatten() {
            write!(f, " {}={} bytes", name.escape_ascii(), value.len())?;
        }
        Ok(())
    }
}
