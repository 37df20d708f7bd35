//! Index pieces that are fetched side by side before they are read one after another: from a server that is far away,
//! each takes two round trips.

use std::collections::HashMap;

use super::record::StoredFile;
use super::stored_files::fetch;
use crate::error::{Result, Scope};
use crate::layout::SharePath;
use crate::share::Share;
use crate::worker_pool::all;

/// Index pieces that were fetched, still sealed, by name.
#[derive(Default)]
pub(super) struct Prefetched(HashMap<String, Vec<u8>>);

impl Prefetched {
    /// Fetches as many of these pieces as fit together into a small part of memory. One that cannot be read is left
    /// out: whoever reads the pieces says what that means.
    pub(super) fn fetch<'a>(
        share: &dyn Share,
        folder: &SharePath,
        pieces: impl Iterator<Item = &'a StoredFile>,
    ) -> Result<Self> {
        let mut room = ROOM;
        let fits = |piece: &&StoredFile| {
            let left = room.checked_sub(piece.length);
            room = left.unwrap_or(room);
            left.is_some()
        };
        let pieces: Vec<&StoredFile> = pieces.filter(fits).collect();
        let fetch = |piece: &&StoredFile| {
            let mut message = Vec::new();
            match fetch(share, folder, &piece.name, &mut message) {
                Ok(()) => Ok(Some((piece.name.clone(), message))),
                Err(e) if e.scope() == Scope::Object => Ok(None),
                Err(e) => Err(e),
            }
        };
        let shares = pieces.chunks(pieces.len().div_ceil(AT_ONCE).max(1));
        let fetched = all(shares, |pieces| pieces.iter().map(fetch).collect::<Result<Vec<_>>>());
        let fetched = fetched.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Self(fetched.into_iter().flatten().flatten().collect()))
    }

    /// The piece of this name, if it was fetched.
    pub(super) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).cloned()
    }
}

/// Most bytes that are fetched before they are needed.
const ROOM: u64 = 4 << 20;
const AT_ONCE: usize = 8;
