//! The sources of a run: what is added, under which name, and what a set must contain of it.

use std::fs;
use std::path::{Path, PathBuf};

use azs_backup::{Backup, ErrorKind, Result};

use super::content::content;
use super::model::{Node, Tree, Walker};
use super::rng::Rng;
use super::system;

/// Something that is added under a name.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub from: From,
}

#[derive(Clone)]
pub enum From {
    Folder(PathBuf),
    File(PathBuf),
    Bytes(Vec<u8>),
    Reader(Vec<u8>),
    /// A folder that is not there.
    Missing(PathBuf),
}

impl std::fmt::Debug for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            From::Folder(at) => write!(f, "folder {}", at.display()),
            From::File(at) => write!(f, "file {}", at.display()),
            From::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            From::Reader(bytes) => write!(f, "reader of {} bytes", bytes.len()),
            From::Missing(at) => write!(f, "missing {}", at.display()),
        }
    }
}

/// Which folders are sources, and under which names.
const PLANS: usize = 7;
/// Links whose targets fill more than one piece of the index.
const MANY: usize = 1100;

/// The sources of a world, which change from run to run.
pub struct Sources {
    root: PathBuf,
    plan: usize,
    memory: Vec<Source>,
    pub rng: Rng,
}

/// Patterns that leave things out, with what they mean: the name, and whether of folders only.
pub const PATTERNS: &[(&str, &[u8], bool)] = &[("n7", b"n7", false), ("cache/", b"cache", true)];

impl Sources {
    pub fn new(root: &Path, mut rng: Rng) -> Self {
        for name in ["d", "e"] {
            fs::create_dir_all(root.join(name)).expect("a folder for the source");
        }
        let plan = rng.below(PLANS);
        Self { root: root.to_owned(), plan, memory: Vec::new(), rng }
    }

    /// The tree that most moves are made in.
    pub fn tree(&self) -> PathBuf {
        self.root.join("d")
    }

    /// Fills the other folder with what needs more than one piece of the index.
    pub fn fill(&mut self) {
        for number in 0..MANY {
            let to: String = (0..3000).map(|_| (b'0' + self.rng.below(75) as u8) as char).collect();
            let link = self.root.join(format!("e/link {number}"));
            match system::symlink(&to.replace('/', "_"), &link) {
                Err(error) if system::MAKES_LINKS => panic!("{error}"),
                // Where no links are made, the index is one piece.
                Err(_) => return,
                Ok(()) => {}
            }
        }
    }

    /// Many things come below, above or beside a source that was there before.
    pub fn choose_among_many(&mut self, night: usize) -> Vec<Source> {
        let (d, e) = (self.root.join("d"), self.root.join("e"));
        let folder = |name: &str, at: &Path| Source { name: name.into(), from: From::Folder(at.into()) };
        let mut sources = match (night, self.rng.below(3)) {
            (0, _) => vec![folder("switches", &d)],
            (1, _) | (_, 0) => vec![folder("switches/tor1", &e)],
            (_, 1) => vec![folder("switches", &e), folder("d", &d)],
            _ => vec![folder("switches/tor1", &d), folder("switches/tor2", &e)],
        };
        // What stays, so that the next set builds on the one before.
        sources.push(Source { name: "keep".into(), from: From::Bytes(vec![b'k'; 5000]) });
        sources
    }

    /// Chooses the sources of the next run.
    pub fn choose(&mut self, calm: bool) -> Vec<Source> {
        if !calm && self.rng.chance(25) {
            self.plan = self.rng.below(PLANS);
        }
        if !calm {
            self.change_memory();
        }
        let (d, e) = (self.root.join("d"), self.root.join("e"));
        let folder = |name: &str, at: &Path| Source { name: name.into(), from: From::Folder(at.into()) };
        let mut sources = match self.plan {
            0 => vec![folder("d", &d)],
            1 => vec![folder("switches", &d), folder("e", &e)],
            2 => self.each_below("d", &d),
            3 => vec![folder("switches/tor1", &d), folder("e", &e)],
            4 => vec![folder("switches/tor1", &e), folder("switches/tor2", &d)],
            5 => vec![folder("d", &e), folder("e", &d)],
            _ => vec![folder("d/d", &d)],
        };
        let room = |sources: &[Source], name: &str| {
            let is_above = |a: &str, b: &str| b.strip_prefix(a).is_some_and(|rest| rest.starts_with('/'));
            sources.iter().all(|s| s.name != name && !is_above(&s.name, name) && !is_above(name, &s.name))
        };
        for source in self.memory.clone() {
            if room(&sources, &source.name) {
                sources.push(source);
            }
        }
        if !calm && self.rng.chance(4) && room(&sources, "absent") {
            sources.push(Source { name: "absent".into(), from: From::Missing(self.root.join("absent")) });
        }
        if self.rng.chance(30) {
            self.rng.shuffle(&mut sources);
        }
        sources
    }

    /// Each thing in a folder as a source of its own.
    fn each_below(&self, name: &str, folder: &Path) -> Vec<Source> {
        let mut sources = Vec::new();
        let mut items: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
        items.sort_by_key(fs::DirEntry::file_name);
        for item in items {
            let (Ok(own), Ok(kind)) = (item.file_name().into_string(), item.file_type()) else { continue };
            let from = if kind.is_dir() { From::Folder(item.path()) } else { From::File(item.path()) };
            if (kind.is_dir() || kind.is_file()) && !own.contains(char::is_control) {
                sources.push(Source { name: format!("{name}/{own}"), from });
            }
        }
        sources
    }

    fn change_memory(&mut self) {
        if self.rng.chance(30) && !self.memory.is_empty() {
            let at = self.rng.below(self.memory.len());
            self.memory.remove(at);
        }
        if self.rng.chance(30) {
            let names =
                ["mem", "mem/a", "mem/a/b", "mem/b", "d", "switches", "switches/tor1/n1", "d/n1", "e/x"];
            let name = *self.rng.pick(&names).expect("not empty");
            let bytes = content(&mut self.rng);
            let from = if self.rng.chance(30) { From::Reader(bytes) } else { From::Bytes(bytes) };
            self.memory.retain(|source| source.name != name);
            self.memory.push(Source { name: name.into(), from });
        }
    }
}

impl Source {
    /// Adds it to a backup; says whether it is in.
    pub fn add(&self, backup: &mut Backup) -> Result<bool> {
        match &self.from {
            From::Folder(at) => backup.add_folder_as(&self.name, at)?,
            From::File(at) => backup.add_file_as(&self.name, at)?,
            From::Bytes(bytes) => backup.add_bytes(&self.name, bytes.clone())?,
            From::Reader(bytes) => backup.add_reader(&self.name, &bytes[..])?,
            From::Missing(at) => match backup.add_folder_as(&self.name, at) {
                // The caller goes on without it.
                Err(error) if error.kind() == ErrorKind::SourceUnreadable => return Ok(false),
                done => done?,
            },
        }
        Ok(true)
    }
}

/// A host at one moment.
#[derive(Clone)]
pub struct Moment {
    /// What its sources have.
    pub tree: Tree,
    /// All that is there, under whatever name: also what patterns leave out.
    pub everything: Tree,
}

impl Moment {
    /// How these sources of the host are now.
    pub fn now(root: &Path, sources: &[Source], patterns: &[usize]) -> Self {
        Self { tree: tree_of(sources, patterns), everything: Walker::walk(root) }
    }
}

/// What a set of these sources has to hold now; patterns leave out what they match.
fn tree_of(sources: &[Source], patterns: &[usize]) -> Tree {
    let wanted = |name: &[u8], is_folder: bool| {
        !patterns.iter().any(|at| PATTERNS[*at].1 == name && (is_folder || !PATTERNS[*at].2))
    };
    let mut walker = Walker::default();
    let mut alone = Tree::new();
    for source in sources {
        let path = source.name.as_bytes();
        match &source.from {
            // A source itself may be a link: it is followed.
            From::Folder(at) => {
                walker.add(&fs::canonicalize(at).unwrap_or_else(|_| at.clone()), path, &wanted);
            }
            // A single file is one of its own, whatever other names it has.
            From::File(at) => {
                let mut walker = Walker::default();
                walker.add(at, path, &wanted);
                alone.append(&mut walker.finish());
            }
            From::Bytes(bytes) | From::Reader(bytes) => {
                alone.insert(path.to_vec(), Node::content(bytes));
            }
            From::Missing(_) => {}
        }
    }
    let mut tree = walker.finish();
    tree.append(&mut alone);
    tree.retain(|_, node| node.what != super::model::What::Special);
    tree
}
