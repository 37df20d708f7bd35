//! A disk as a file system may leave it when the power goes: what was not synced may be lost, names and data alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::trace::Call;

/// What is left of what was not synced.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cut {
    /// Nothing is lost: the program was killed, not the machine.
    Nothing,
    /// All that was not synced is as it was before.
    All,
    /// All names are as they were last; data that was not synced is not there.
    Data,
    /// New names are there, without data that was not synced; removals did not happen.
    Removals,
    /// Removals happened; new names are lost.
    Additions,
}

pub const CUTS: [Cut; 5] = [Cut::Nothing, Cut::All, Cut::Data, Cut::Removals, Cut::Additions];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Thing {
    Folder,
    Symlink,
    File(usize),
}

/// The data of a file: which stretches of it were written, and how many of them are synced.
#[derive(Clone, Debug, Default)]
struct Data {
    written: Vec<(u64, u64)>,
    length: u64,
    place: u64,
    synced: (usize, u64),
}

/// What a file holds: its first so many stretches, and its length.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Held {
    file: usize,
    written: usize,
    length: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, Thing),
    Remove(PathBuf),
    Move(PathBuf, PathBuf, Thing),
}

impl Change {
    fn folder(&self) -> Option<&Path> {
        match self {
            Change::Add(path, _) | Change::Remove(path) | Change::Move(_, path, _) => path.parent(),
        }
    }
}

type Names = BTreeMap<PathBuf, Thing>;

/// The part of a disk that is below one folder.
pub struct Disk {
    root: PathBuf,
    files: Vec<Data>,
    /// What files hold in the end, in the order in which they are made.
    last: Vec<Vec<u8>>,
    /// Names that outlast a power cut.
    durable: Names,
    /// Changes of names that may not, in their order.
    pending: Vec<Change>,
    /// Names as a running program sees them.
    names: Names,
}

/// What is found after a power cut: folders, and files with what they hold.
pub type Left = BTreeMap<PathBuf, Option<Held>>;

impl Disk {
    /// As it is before the first of these calls: folders only. What files hold in the end is on the real disk, or in
    /// a copy of it that was made before some of them went.
    pub fn new(root: &Path, copy: &Path, folders: &[&str], calls: &[Call]) -> Self {
        let mut first = Self::empty(root, folders, Vec::new());
        let mut last = Vec::new();
        for call in calls {
            first.apply(call);
            last.resize(first.files.len(), Vec::new());
            let (Call::Rename { new, .. } | Call::Link { new, .. } | Call::Open { path: new, .. }) = call
            else {
                continue;
            };
            if let (Some(Thing::File(file)), Ok(path)) = (first.names.get(new), new.strip_prefix(root))
                && let Ok(bytes) = fs::read(new).or_else(|_| fs::read(copy.join(path)))
            {
                last[*file] = bytes;
            }
        }
        Self::empty(root, folders, last)
    }

    fn empty(root: &Path, folders: &[&str], last: Vec<Vec<u8>>) -> Self {
        let names: Names = folders.iter().map(|folder| (root.join(folder), Thing::Folder)).collect();
        let (files, pending) = (Vec::new(), Vec::new());
        Self { root: root.to_owned(), files, last, durable: names.clone(), pending, names }
    }

    /// Does a call; says whether it was one below the root.
    pub fn apply(&mut self, call: &Call) -> bool {
        match call {
            Call::Open { path, create, truncate } => {
                let is_new = *create && self.is_mine(path) && !self.names.contains_key(path);
                if is_new {
                    self.files.push(Data::default());
                    self.change(Change::Add(path.clone(), Thing::File(self.files.len() - 1)));
                } else if let Some(data) = self.file(path).filter(|_| *truncate) {
                    *data = Data::default();
                } else {
                    return false;
                }
            }
            Call::Write { path, at, length } => {
                let Some(data) = self.file(path) else { return false };
                let from = at.unwrap_or(data.place);
                data.written.push((from, *length));
                data.length = data.length.max(from + length);
                if at.is_none() {
                    data.place = from + length;
                }
            }
            Call::Length { path, length } => {
                let Some(data) = self.file(path) else { return false };
                data.length = *length;
            }
            Call::Folder(path) => return self.add(path, Thing::Folder),
            Call::Symlink(path) => return self.add(path, Thing::Symlink),
            Call::Link { old, new } => {
                let Some(thing) = self.names.get(old).copied() else { return false };
                return self.add(new, thing);
            }
            Call::Rename { old, new } => {
                let Some(thing) = self.names.get(old).copied() else { return false };
                self.change(Change::Move(old.clone(), new.clone(), thing));
            }
            Call::Remove(path) => {
                if !self.names.contains_key(path) {
                    return false;
                }
                self.change(Change::Remove(path.clone()));
            }
            Call::Sync(path) => {
                if let Some(data) = self.file(path) {
                    data.synced = (data.written.len(), data.length);
                } else if self.is_mine(path) {
                    let (done, left) =
                        self.pending.drain(..).partition(|change| change.folder() == Some(path));
                    self.pending = left;
                    let done: Vec<Change> = done;
                    done.iter().for_each(|change| make(&mut self.durable, change));
                } else {
                    return false;
                }
            }
            Call::SyncAll => {
                self.files.iter_mut().for_each(|data| data.synced = (data.written.len(), data.length));
                self.pending.clear();
                self.durable = self.names.clone();
            }
        }
        true
    }

    fn is_mine(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    fn file(&mut self, path: &Path) -> Option<&mut Data> {
        match self.names.get(path) {
            Some(Thing::File(file)) => self.files.get_mut(*file),
            _ => None,
        }
    }

    fn add(&mut self, path: &Path, thing: Thing) -> bool {
        let is_mine = self.is_mine(path);
        if is_mine {
            self.change(Change::Add(path.to_owned(), thing));
        }
        is_mine
    }

    fn change(&mut self, change: Change) {
        make(&mut self.names, &change);
        self.pending.push(change);
    }

    /// What is found when the power goes now. What stands in a folder that is lost is lost.
    pub fn left(&self, cut: Cut) -> Left {
        let mut names = if cut == Cut::Nothing { self.names.clone() } else { self.durable.clone() };
        for change in &self.pending {
            let happens = match (cut, change) {
                (Cut::Nothing | Cut::All, _) => false,
                (Cut::Data, _) => true,
                (Cut::Removals, change) => !matches!(change, Change::Remove(_)),
                (Cut::Additions, change) => matches!(change, Change::Remove(_)),
            };
            if happens {
                make(&mut names, change);
            }
        }
        let is_there = |path: &Path| {
            path.ancestors()
                .skip(1)
                .take_while(|above| above.starts_with(&self.root) && *above != self.root)
                .all(|above| names.get(above) == Some(&Thing::Folder))
        };
        let mut left = Left::new();
        for (path, thing) in names.iter().filter(|(path, _)| is_there(path)) {
            let relative = path.strip_prefix(&self.root).expect("it is below the root").to_owned();
            match thing {
                Thing::Folder => drop(left.insert(relative, None)),
                Thing::File(file) => drop(left.insert(relative, Some(self.held(*file, cut)))),
                Thing::Symlink => {}
            }
        }
        left
    }

    fn held(&self, file: usize, cut: Cut) -> Held {
        let data = &self.files[file];
        let now = (data.written.len(), data.length);
        let (written, length) = if cut == Cut::Nothing { now } else { data.synced };
        Held { file, written, length }
    }

    pub fn content(&self, held: &Held) -> Vec<u8> {
        let mut content = vec![0; held.length as usize];
        let last = self.last.get(held.file).map_or(&[][..], |last| last);
        for (from, length) in &self.files[held.file].written[..held.written] {
            let from = *from as usize;
            let end = (from + *length as usize).min(content.len()).min(last.len());
            if from < end {
                content[from..end].copy_from_slice(&last[from..end]);
            }
        }
        content
    }

    /// Puts what is left onto a real disk.
    pub fn rebuild(&self, left: &Left, folder: &Path) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        for (path, held) in left {
            match held {
                None => fs::create_dir_all(folder.join(path)).unwrap(),
                Some(held) => fs::write(folder.join(path), self.content(held)).unwrap(),
            }
        }
    }
}

fn make(names: &mut Names, change: &Change) {
    match change {
        Change::Add(path, thing) => drop(names.insert(path.clone(), *thing)),
        Change::Remove(path) => drop(names.remove(path)),
        Change::Move(old, new, thing) => {
            // A folder moves with all that is in it.
            let below: Vec<_> = names.keys().filter(|path| path.starts_with(old)).cloned().collect();
            for path in below {
                let moved = names.remove(&path).expect("it was listed");
                let to = path.strip_prefix(old).map_or_else(|_| new.clone(), |rest| new.join(rest));
                names.insert(if path == *old { new.clone() } else { to }, moved);
            }
            names.insert(new.clone(), *thing);
        }
    }
}
