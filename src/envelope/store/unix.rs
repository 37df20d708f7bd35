//! Unix has no store of the system's: every name is a file's.

use std::path::Path;

use zeroize::Zeroizing;

use super::Stored;
use crate::Result;

/// There is none.
#[derive(Clone)]
pub(in crate::envelope) enum StoredKey {}

impl StoredKey {
    pub(in crate::envelope) fn decrypt(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match *self {}
    }

    pub(in crate::envelope) fn agree(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match *self {}
    }
}

pub(in crate::envelope) fn find(_: &Path) -> Option<Result<Stored>> {
    None
}
