//! A share that nothing is written to: a backup runs on it to say what it would store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azs_backup::layout::SharePath;
use azs_backup::share::{Item, ItemKind, ShareProtection, Space};
use azs_backup::{Error, ErrorKind, Result, Share};

use crate::files::private_folder;

/// Reads come from the share behind it, and what is done to it is only remembered.
#[derive(Debug)]
pub(crate) struct DryRun {
    share: Arc<dyn Share>,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    new: BTreeMap<SharePath, New>,
    gone: BTreeSet<SharePath>,
}

/// What would be there.
#[derive(Clone, Debug)]
enum New {
    Folder,
    /// A file with this many bytes; one of the share with another name, or else newly written.
    File {
        size: u64,
        of: Option<SharePath>,
    },
}

impl DryRun {
    pub(crate) fn new(share: Arc<dyn Share>) -> Self {
        Self { share, changes: Mutex::default() }
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, path: &SharePath, new: New) -> Result<()> {
        let mut changes = self.changes();
        if changes.new.contains_key(path) {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("{path} exists")));
        }
        changes.new.insert(path.clone(), new);
        Ok(())
    }

    fn has_folder(&self, folder: &SharePath) -> Result<bool> {
        match self.list(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            listed => listed.map(|_| true),
        }
    }

    /// The file of this name, as another name would have it.
    fn file(&self, path: &SharePath) -> Result<New> {
        if let Some(new) = self.changes().new.get(path) {
            return Ok(new.clone());
        }
        let missing = || Error::new(ErrorKind::NotFound, format!("{path} does not exist"));
        let (folder, name) = path.parent().zip(path.file_name()).ok_or_else(missing)?;
        let items = self.share.list(&folder)?;
        let item = items.into_iter().find(|item| item.name == name.as_str()).ok_or_else(missing)?;
        Ok(New::File { size: item.length, of: Some(path.clone()) })
    }
}

impl Share for DryRun {
    fn describe(&self) -> String {
        self.share.describe()
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        self.add(path, New::File { size: content.len() as u64, of: None })
    }

    fn flush(&self, _: &SharePath) -> Result<()> {
        Ok(())
    }

    fn protection(&self) -> Option<ShareProtection> {
        self.share.protection()
    }

    fn local_root(&self) -> Option<std::path::PathBuf> {
        self.share.local_root()
    }

    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let new = self.changes().new.get(path).cloned();
        match new {
            None => self.share.read(path, limit, buffer),
            Some(New::File { of: Some(of), .. }) => self.share.read(&of, limit, buffer),
            Some(_) => Err(Error::new(ErrorKind::Unsupported, format!("{path} was not written"))),
        }
    }

    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        let changes = self.changes();
        let mut items = match self.share.list(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound && changes.new.contains_key(folder) => {
                Vec::new()
            }
            items => items?,
        };
        items.retain(|item| {
            let path = item.name.parse().map(|name| folder.join(&name));
            !path.is_ok_and(|path: SharePath| changes.gone.contains(&path))
        });
        for (path, new) in changes.new.iter().filter(|(path, _)| path.parent().as_ref() == Some(folder)) {
            let (kind, size) = match new {
                New::Folder => (ItemKind::Folder, 0),
                New::File { size, .. } => (ItemKind::File, *size),
            };
            let name = path.file_name().map(ToString::to_string).unwrap_or_default();
            items.push(Item::new(name, kind, size));
        }
        Ok(items)
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        if self.has_folder(folder)? {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("{folder} exists")));
        }
        self.add(folder, New::Folder)?;
        let mut parent = folder.parent();
        while let Some(folder) = parent {
            if self.has_folder(&folder)? {
                break;
            }
            parent = folder.parent();
            self.add(&folder, New::Folder)?;
        }
        Ok(())
    }

    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let file = self.file(object)?;
        self.add(name, file)
    }

    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.link(object, name)
    }

    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.link(object, name)?;
        self.remove(object)
    }

    fn space(&self) -> Result<Space> {
        self.share.space()
    }

    fn remove(&self, path: &SharePath) -> Result<()> {
        let mut changes = self.changes();
        if changes.new.remove(path).is_none() {
            changes.gone.insert(path.clone());
        }
        Ok(())
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.remove(folder)
    }
}

/// Copies a state folder, so that a dry run changes no file of it.
pub(crate) fn copy_state(from: &Path, to: &Path) -> Result<()> {
    let failed = |e| Error::io(format_args!("copy {}", from.display()), e);
    if !from.exists() {
        return Ok(());
    }
    for item in std::fs::read_dir(from).map_err(failed)? {
        let item = item.map_err(failed)?;
        let (from, to) = (item.path(), to.join(item.file_name()));
        let kind = item.file_type().map_err(failed)?;
        if kind.is_dir() {
            private_folder(&to).map_err(failed)?;
            copy_state(&from, &to)?;
        } else if kind.is_file() {
            std::fs::copy(&from, &to).map_err(failed)?;
        }
    }
    Ok(())
}
