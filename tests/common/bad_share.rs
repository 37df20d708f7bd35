//! A share on which one path cannot be read or listed.

use std::sync::Arc;

use azs_backup::layout::SharePath;
use azs_backup::share::Item;
use azs_backup::{Error, ErrorKind, Result, Share};

use crate::common::forward;

/// Fails to read or list any path that ends in this one; an empty one matches everything.
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
    forward!(share: describe, put, flush, create_folder, remove, remove_folder);
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.look(path)?;
        self.share.read(path, limit, buffer)
    }
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        self.look(folder)?;
        self.share.list(folder)
    }
}
