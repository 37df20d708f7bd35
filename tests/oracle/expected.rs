//! What a set must contain, if the source may have changed while it was read.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Detail, Inode, Node, Tree, above, shown};
use super::source::Moment;
use super::system;

/// What a set has to hold.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// What did not change during the run.
    pub tree: Tree,
    /// What did: each state that it had, or nothing.
    moving: BTreeMap<Vec<u8>, Vec<Option<Node>>>,
    /// What each file was, under whatever name.
    files: BTreeMap<Inode, Vec<Node>>,
    /// Folders that had other names in the run: one, and another. A backup that has opened one goes on in it.
    renamed: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the run itself said it could not have whole: anything is right at and below it.
    named: Vec<Vec<u8>>,
}

impl Expected {
    /// From the states of the source during the run, the first one first.
    pub fn new(states: &[Moment]) -> Self {
        let trees: Vec<&Tree> = states.iter().map(|state| &state.tree).collect();
        let (first, later) = trees.split_first().expect("a source has a state");
        let mut expected = Self { tree: (*first).clone(), ..Self::default() };
        let mut paths: Vec<_> = later.iter().flat_map(|state| state.keys()).chain(first.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            if later.iter().all(|state| state.get(path) == first.get(path)) {
                continue;
            }
            expected.tree.remove(path);
            let mut had: Vec<Option<Node>> = Vec::new();
            for state in &trees {
                let node = state.get(path).cloned();
                if !had.contains(&node) {
                    had.push(node);
                }
            }
            expected.moving.insert(path.clone(), had);
        }
        expected.renamed = renamed(&trees);
        for node in states.iter().flat_map(|state| state.everything.values()) {
            if let (Some(inode), false) = (node.inode, node.is_folder()) {
                expected.files.entry(inode).or_default().push(node.clone());
            }
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
        self.is_named(path)
            || self.allows_at(path, found, how)
            || self.elsewhere(path).iter().any(|path| self.allows_at(path, found, how))
    }

    fn allows_at(&self, path: &[u8], found: Option<&Node>, how: Detail) -> bool {
        if let Some(had) = self.moving.get(path) {
            let how = Detail { links: false, ..how };
            // Whoever has opened a file sees how it changes, even when it has lost this name and has another.
            let mut files = had.iter().flatten();
            if files.any(|node| found.is_some_and(|found| self.was_ever(node.inode, found))) {
                return true;
            }
            return had.iter().any(|node| match (node, found) {
                // A folder's time is that of one of many moments.
                (Some(node), Some(found)) => {
                    node.is_met_by(found, how)
                        || node.is_folder() && found.is_folder()
                        || was_being_written(had, node, found)
                }
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

    /// The other paths of a path below folders that were renamed in the run. Where letter case does not tell names apart, a
    /// file that was made anew in other case in the run is found by the name that the folder had before.
    fn elsewhere(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let mut paths = vec![path.to_vec()];
        let mut next = 0;
        while let Some(path) = paths.get(next).cloned() {
            next += 1;
            if system::IGNORES_CASE {
                let moving = self.moving.keys().filter(|other| other.eq_ignore_ascii_case(&path));
                let others: Vec<_> = moving.filter(|other| !paths.contains(other)).cloned().collect();
                paths.extend(others);
            }
            for (from, to) in &self.renamed {
                let below = path.strip_prefix(&from[..]).filter(|below| below.starts_with(b"/"));
                let other = below.map(|below| [to, below].concat());
                if let Some(other) = other.filter(|other| paths.len() < MOST_PATHS && !paths.contains(other))
                {
                    paths.push(other);
                }
            }
        }
        paths.split_off(1)
    }

    /// Whether a file had this content in the run, under whatever name.
    fn was_ever(&self, inode: Option<Inode>, found: &Node) -> bool {
        let was = inode.and_then(|inode| self.files.get(&inode));
        was.into_iter().flatten().any(|node| node.is_met_by(found, Detail::CONTENT))
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

/// The folders that had more than one name, each with each.
fn renamed(states: &[&Tree]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = BTreeMap::<Inode, BTreeSet<&Vec<u8>>>::new();
    for (path, node) in states.iter().flat_map(|state| state.iter()).filter(|(_, node)| node.is_folder()) {
        names.entry(node.inode.expect("a folder has one")).or_default().insert(path);
    }
    let mut pairs = Vec::new();
    for names in names.values() {
        for from in names {
            let others = names.iter().filter(|to| *to != from);
            pairs.extend(others.map(|to| ((*from).clone(), (*to).clone())));
        }
    }
    pairs
}

/// Whether this was found in the middle of one long call that wrote this state of a file.
fn was_being_written(had: &[Option<Node>], new: &Node, found: &Node) -> bool {
    let before = had.iter().map(|node| node.as_ref().map(|node| &node.what)).chain([None]);
    before.into_iter().any(|old| found.what.is_between(old, &new.what))
}

/// Names within names are not followed for ever.
const MOST_PATHS: usize = 30;

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
