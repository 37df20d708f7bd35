//! A model of a tree, with which sources, restores and recoveries by hand are compared.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::system;

/// A tree by path; the empty path is not in it.
pub type Tree = BTreeMap<Vec<u8>, Node>;

/// One thing of a tree. What is none is not known, and anything is right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    pub what: What,
    pub mode: Option<u32>,
    pub owner: Option<(u32, u32)>,
    pub mtime: Option<(i64, i64)>,
    pub xattrs: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The first of all names that this file has in the tree, where it has several.
    pub first_name: Option<Vec<u8>>,
    /// Which file or folder it is on disk.
    pub inode: Option<Inode>,
}

/// A device, and the number of a file on it.
pub type Inode = (u64, u64);

#[derive(Clone, Eq, PartialEq)]
pub enum What {
    Folder,
    File {
        size: u64,
        hash: u64,
        /// A hash of each page, which is what the kernel writes at a time.
        pages: Arc<[u64]>,
    },
    Link(Vec<u8>),
    /// A pipe or a device: no set has it.
    Special,
}

impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Folder => f.write_str("folder"),
            What::File { size, hash, .. } => write!(f, "file of {size} bytes {hash:016x}"),
            What::Link(to) => write!(f, "link to {:.60}", String::from_utf8_lossy(to)),
            What::Special => f.write_str("special"),
        }
    }
}

impl Node {
    /// A file of which nothing but its content is known.
    pub fn content(bytes: &[u8]) -> Self {
        Self { what: file(bytes), ..Self::bare(What::Special) }
    }

    /// Something of which nothing but its kind is known.
    pub fn bare(what: What) -> Self {
        Self { what, mode: None, owner: None, mtime: None, xattrs: None, first_name: None, inode: None }
    }

    pub fn is_folder(&self) -> bool {
        self.what == What::Folder
    }

    /// Whether `found` is this; `how` says how closely to look.
    pub fn is_met_by(&self, found: &Node, how: Detail) -> bool {
        fn same<T: PartialEq>(wanted: &Option<T>, found: &Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let is_link = matches!(self.what, What::Link(_));
        self.what == found.what
            && (how.content_only
                || (is_link || same(&self.mode, &found.mode))
                    && same(&self.owner, &found.owner)
                    && same(&self.mtime, &found.mtime)
                    && (!how.xattrs || same(&self.xattrs, &found.xattrs)))
            && (!how.links || self.mode.is_none() || self.first_name == found.first_name)
    }
}

impl What {
    /// Whether this is a file that was read while one long call wrote `new` over `old`, from first page to last. (A file
    /// that was read while it changed, and is a bit of both, begins with the old.)
    pub fn is_between(&self, old: Option<&What>, new: &What) -> bool {
        let (What::File { size, pages, .. }, What::File { pages: new, .. }) = (self, new) else {
            return false;
        };
        let (old_size, old): (u64, &[u64]) = match old {
            Some(What::File { size, pages, .. }) => (*size, pages),
            Some(_) => return false,
            None => (0, &[]),
        };
        let written = pages.iter().zip(new.iter()).take_while(|(is, new)| is == new).count();
        let is_of_old = |at: usize| pages.get(at..) == old.get(at..).or(Some(&[]));
        (0..=written).any(|at| is_of_old(at) && *size == old_size.max((at * PAGE) as u64))
    }
}

/// How closely two nodes are compared.
#[derive(Clone, Copy)]
pub struct Detail {
    pub xattrs: bool,
    pub links: bool,
    pub content_only: bool,
}

impl Detail {
    pub const ALL: Self = Self { xattrs: true, links: true, content_only: false };
    /// Recovery by hand does without extended attributes.
    pub const BY_HAND: Self = Self { xattrs: false, ..Self::ALL };
    /// Where some names were there before, or are missing.
    pub const ALONE: Self = Self { links: false, ..Self::ALL };
    pub const CONTENT: Self = Self { links: false, content_only: true, ..Self::ALL };
}

fn file(bytes: &[u8]) -> What {
    let pages: Arc<[u64]> = bytes.chunks(PAGE).map(hash_one).collect();
    What::File { size: bytes.len() as u64, hash: hash_one(&pages), pages }
}

/// Tells contents apart; quick, since every file of every tree is hashed again and again.
pub fn hash_of(bytes: &[u8]) -> u64 {
    match file(bytes) {
        What::File { hash, .. } => hash,
        _ => unreachable!("it is a file"),
    }
}

fn hash_one<T: Hash + ?Sized>(what: &T) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(what)
}

const PAGE: usize = 4096;

/// A walk over a tree on disk.
#[derive(Default)]
pub struct Walker {
    pub tree: Tree,
    names: HashMap<Inode, Vec<Vec<u8>>>,
}

impl Walker {
    /// All of a tree below `root`.
    pub fn walk(root: &Path) -> Tree {
        let mut walker = Self::default();
        walker.below(root, b"", &|_, _| true);
        walker.finish()
    }

    /// Adds what is at `place` as `path`, and all below it that `wanted` has: names and whether they are folders.
    pub fn add(&mut self, place: &Path, path: &[u8], wanted: &dyn Fn(&[u8], bool) -> bool) {
        let Ok(m) = fs::symlink_metadata(place) else { return };
        let what = if m.is_dir() {
            What::Folder
        } else if m.is_symlink() {
            let Ok(to) = fs::read_link(place) else { return };
            What::Link(system::bytes(to.as_os_str()))
        } else if m.is_file() {
            let Ok(bytes) = fs::read(place) else { return };
            file(&bytes)
        } else {
            What::Special
        };
        let Ok(there) = system::look(place) else { return };
        if matches!(what, What::File { .. }) {
            self.names.entry(there.inode).or_default().push(path.to_vec());
        }
        let node = Node {
            mode: Some(there.mode),
            owner: Some(there.owner),
            mtime: Some(there.mtime),
            xattrs: Some(there.xattrs),
            first_name: None,
            inode: (m.is_file() || m.is_dir()).then_some(there.inode),
            what,
        };
        let is_folder = node.is_folder();
        self.tree.insert(path.to_vec(), node);
        if is_folder {
            self.below(place, path, wanted);
        }
    }

    fn below(&mut self, place: &Path, path: &[u8], wanted: &dyn Fn(&[u8], bool) -> bool) {
        let Ok(items) = fs::read_dir(place) else { return };
        for item in items.flatten() {
            let name = system::bytes(&item.file_name());
            let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
            if wanted(&name, is_folder) {
                self.add(&item.path(), &join(path, &name), wanted);
            }
        }
    }

    pub fn finish(mut self) -> Tree {
        for (_, mut names) in self.names {
            names.sort();
            for name in names.iter().filter(|_| names.len() > 1) {
                if let Some(node) = self.tree.get_mut(name) {
                    node.first_name = Some(names[0].clone());
                }
            }
        }
        self.tree
    }
}

pub fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// Everything above a path, the nearest first.
pub fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..path.len()).rev().filter(|at| path[*at] == b'/').map(|at| &path[..at])
}

pub fn native(root: &Path, path: &[u8]) -> PathBuf {
    root.join(system::os_name(path))
}

pub fn shown(path: &[u8]) -> String {
    let text = path.escape_ascii().to_string();
    if text.len() > 90 { format!("{}… ({} bytes)", &text[..80], path.len()) } else { text }
}
