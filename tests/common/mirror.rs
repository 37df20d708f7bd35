//! A share in an object store whose tests look at a folder: two shares that must always agree.
//!
//! What a test does to the folder behind the share's back goes to the store before each call. Each call then happens in
//! the store and in the folder, and both must come to the same end. So every test of a set compares the object store with
//! the folder, which is the model.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use azs_backup::layout::{MasBackupFile, MasBackupFolder, SharePath};
use azs_backup::share::{Durability, Item, ItemKind, ObjectStoreShare, Space};
use azs_backup::{Error, ErrorKind, FolderShare, Result, Share};

use super::store::{Server, Store};
use super::system::look;

/// What is known of a file or folder that is the same on both sides; `None` for a folder.
type State = BTreeMap<String, Option<(u64, (i64, i64), u128)>>;

#[derive(Debug)]
pub struct Mirror {
    store: ObjectStoreShare,
    folder: FolderShare,
    place: Place,
    /// What both sides have. One for each folder, however many shares are opened on it.
    state: Arc<Mutex<State>>,
}

struct Place {
    server: &'static Server,
    root: PathBuf,
    bucket: String,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bucket.fmt(f)
    }
}

impl Mirror {
    /// A share in an object store beside one in this folder.
    pub fn open(store: Store, root: &Path) -> Self {
        static STATES: OnceLock<Mutex<HashMap<PathBuf, Arc<Mutex<State>>>>> = OnceLock::new();
        let folder = FolderShare::open(root).unwrap().with_durability(Durability::Cached);
        let root = folder.root().to_path_buf();
        let server = store.server();
        let (state, gone) = {
            let mut states = STATES.get_or_init(Mutex::default).lock().unwrap();
            let gone: Vec<_> = states.extract_if(|root, _| !root.exists()).collect();
            (states.entry(root.clone()).or_default().clone(), gone)
        };
        // A server keeps everything in memory: as much as all tests together take, unless they tidy up.
        for (root, state) in gone {
            let place = Place { server, bucket: bucket(&root), root };
            place.carry_over(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let place = Place { server, bucket: bucket(&root), root };
        server.make_bucket(&place.bucket, false);
        let store = server.builder_at(server.port(), &place.bucket, "").connect().unwrap();
        Self { store, folder, place, state }
    }

    /// Does something on both sides, and returns what the store says.
    fn both<T>(
        &self,
        what: &str,
        path: &str,
        run: impl Fn(&dyn Share) -> Result<T>,
        compare: impl Fn(&T, &T) -> bool,
    ) -> Result<T> {
        // A test that failed leaves nothing behind that others use.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.place.carry_over(&mut state);
        let only_reads = ["list", "read"].contains(&what);
        let in_store = run(&self.store);
        if in_store.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled) {
            if !only_reads {
                self.follow(path);
                *state = self.place.state();
            }
            return in_store;
        }
        let in_folder = run(&self.folder);
        if !only_reads {
            *state = self.place.state();
        }
        if !self.is_only_in_folders(path) {
            let is_same = match (&in_store, &in_folder) {
                (Ok(one), Ok(other)) => compare(one, other),
                (Err(one), Err(other)) => one.kind() == other.kind(),
                _ => false,
            };
            let kind = |result: &Result<T>| result.as_ref().map(drop).map_err(Error::to_string);
            assert!(is_same, "{what} {path}: store {:?}, folder {:?}", kind(&in_store), kind(&in_folder));
        }
        in_store
    }

    /// Does in the folder what a stopped call did in the store, after its end, which the next call waits for. What it made
    /// must be gone by then.
    fn follow(&self, path: &str) {
        // Nothing stops this thread.
        let settle = || self.store.list(&SharePath::root()).map(drop);
        std::thread::scope(|scope| scope.spawn(settle).join().unwrap()).unwrap();
        let has = |key: &str| self.place.server.get(&self.place.bucket, key).is_some();
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let (native, is_folder) = (self.place.root.join(&path[..end]), has(&key(&path[..end], true)));
            if is_folder && !native.exists() {
                fs::create_dir(&native).unwrap();
            } else if !is_folder && native.is_dir() {
                fs::remove_dir(&native).unwrap();
            }
        }
        let native = self.place.root.join(path);
        match (has(path), native.is_file()) {
            (true, false) => panic!("{path} was written by a call that was stopped, and not taken back"),
            (false, true) => fs::remove_file(&native).unwrap(),
            _ => {}
        }
    }

    /// Whether a path is, or goes through, what an object store does not have: a link, or a file in place of a folder.
    fn is_only_in_folders(&self, path: &str) -> bool {
        let mut at = self.place.root.clone();
        path.split('/').any(|name| {
            at.push(name);
            at.is_symlink()
        })
    }
}

/// The key of a file or folder.
fn key(path: &str, is_folder: bool) -> String {
    let end = if is_folder { "/.azs-folder" } else { "" };
    format!("{path}{end}")
}

/// The bucket of a folder: a server searches all of one to list a part of it.
fn bucket(root: &Path) -> String {
    let digest = azs_backup::set::Digest::of(root.to_string_lossy().as_bytes()).to_string();
    format!("azs-{}", &digest[..24])
}

impl Place {
    /// What is in the folder, as far as a store can have it.
    fn state(&self) -> State {
        let (mut state, mut folders) = (State::new(), vec![self.root.clone()]);
        while let Some(folder) = folders.pop() {
            // A test may be taking away its folder.
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                let Some(key) = path.strip_prefix(&self.root).unwrap().to_str().map(str::to_owned) else {
                    continue;
                };
                let Ok(found) = path.symlink_metadata() else { continue };
                if found.is_dir() {
                    state.insert(key, None);
                    folders.push(path);
                } else if found.is_file() {
                    let known = look(&path);
                    state.insert(key, Some((found.len(), known.modified, known.id.1)));
                }
            }
        }
        state
    }

    /// Brings to the store what was done to the folder.
    fn carry_over(&self, state: &mut State) {
        let now = self.state();
        for (path, was) in state.iter().filter(|(path, was)| now.get(*path) != Some(was)) {
            self.server.delete(&self.bucket, &key(path, was.is_none()));
        }
        for (path, is) in now.iter().filter(|(path, is)| state.get(*path) != Some(is)) {
            let content = if is.is_some() { fs::read(self.root.join(path)).unwrap() } else { Vec::new() };
            self.server.put(&self.bucket, &key(path, is.is_none()), &content);
        }
        *state = now;
    }
}

fn same_items(one: &[Item], other: &[Item]) -> bool {
    let sorted = |items: &[Item]| {
        let items = items.iter().filter(|item| item.kind != ItemKind::Other);
        let mut items: Vec<_> = items.map(|item| item.clone().with_modified(None)).collect();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        items
    };
    sorted(one) == sorted(other)
}

impl Share for Mirror {
    fn describe(&self) -> String {
        self.store.describe()
    }
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        self.both("put", &path.to_string(), |share| share.put(path, content), |(), ()| true)
    }
    fn flush(&self, folder: &SharePath) -> Result<()> {
        self.store.flush(folder)
    }
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let read = |share: &dyn Share| {
            let mut read = Vec::new();
            share.read(path, limit, &mut read).map(|()| read)
        };
        *buffer = Vec::new();
        self.both("read", &path.to_string(), read, |a, b| a == b).map(|read| *buffer = read)
    }
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        let mut items =
            self.both("list", &folder.to_string(), |share| share.list(folder), |a, b| same_items(a, b))?;
        // A test may set the time of a file, but not that of an object.
        for of_folder in self.folder.list(folder).unwrap_or_default() {
            for item in items.iter_mut().filter(|item| item.name == of_folder.name) {
                item.modified = of_folder.modified;
            }
        }
        Ok(items)
    }
    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        self.both("list", &folder.to_string(), |share| share.list_mas_backup(folder), |a, b| same_items(a, b))
    }
    fn read_mas_backup(&self, file: &MasBackupFile, from: u64, buffer: &mut [u8]) -> Result<usize> {
        let room = buffer.len();
        let read = |share: &dyn Share| {
            let mut read = vec![0; room];
            let count = share.read_mas_backup(file, from, &mut read)?;
            read.truncate(count);
            Ok(read)
        };
        let read = self.both("read", &file.to_string(), read, |a, b| a == b)?;
        buffer[..read.len()].copy_from_slice(&read);
        Ok(read.len())
    }
    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        self.both("create", &folder.to_string(), |share| share.create_folder(folder), |(), ()| true)
    }
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.store.link(object, name)
    }
    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.both("copy", &name.to_string(), |share| share.copy(object, name), |(), ()| true)
    }
    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.both("rename", &name.to_string(), |share| share.rename(object, name), |(), ()| true)
    }
    fn space(&self) -> Result<Space> {
        self.store.space()
    }
    fn remove(&self, path: &SharePath) -> Result<()> {
        self.both("remove", &path.to_string(), |share| share.remove(path), |(), ()| true)
    }
    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.both("remove", &folder.to_string(), |share| share.remove_folder(folder), |(), ()| true)
    }
}
