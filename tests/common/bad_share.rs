//! A share on which one path cannot be read or listed.

use std::sync::Arc;

use azs_backup::layout::SharePath;
use azs_backup::share::Item;
use azs_backup::{Error, ErrorKind, Result, Share};

/// Fails to read and to list what ends in a path; with an empty one everything.
#[derive(Debug)]
pub(crate) struct BadShare {
    share: Arc<dyn Share>,
    end: String,
    kind: ErrorKind,
}

impl BadShare {
    pub(crate) fn new(share: &Arc<dyn Share>, end: &str, kind: ErrorKind) -> Self {
        Self { share: share.clone(), end: end.to_owned(), kind }
    }

    fn look(&self, path: &SharePath) -> Result<()> {
        if path.to_string().ends_with(&self.end) {
            return Err(Error::new(self.kind, format!("{path}: as the test has it")));
        }
        Ok(())
    }
}

impl Share for BadShare {
    fn describe(&self) -> String {
        self.share.describe()
    }
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        self.share.put(path, content)
    }
    fn flush(&self, folder: &SharePath) -> Result<()> {
        self.share.flush(folder)
    }
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.look(path)?;
        self.share.read(path, limit, buffer)
    }
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        self.look(folder)?;
        self.share.list(folder)
    }
    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        self.share.create_folder(folder)
    }
    fn remove(&self, path: &SharePath) -> Result<()> {
        self.share.remove(path)
    }
    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.share.remove_folder(folder)
    }
}
