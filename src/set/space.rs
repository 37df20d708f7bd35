//! How much of a share's space sets take, together and each alone.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::digest::Digest;
use super::reader::Set;
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::SharePath;
use crate::share::Share;

/// The space that a set takes on a share.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SetSpace {
    /// The set's folder.
    pub folder: SharePath,
    /// Total bytes of its stored files.
    pub bytes: u64,
    /// Bytes of the stored files that none of the other sets has: what you gain by deleting it alone.
    pub alone: u64,
    /// Why a set that is not whole or cannot be read could not be measured, in one line; its bytes are then 0.
    pub unknown: Option<String>,
}

/// Measures how much of the share's space each of these sets takes, and how much of that it takes alone.
///
/// Needs no key. Two stored files count as one if name, length and digest are equal, as they are for files that a set
/// links from the one it builds on. If the share copied instead of linking, deleting a set frees more than this says.
/// Sets that do not exist are left out. If a set cannot be opened, the result says why, and files that it shares may
/// count as another set's alone.
///
/// # Errors
/// The share's own errors.
pub fn space_of(share: Arc<dyn Share>, folders: &[SharePath]) -> Result<Vec<SetSpace>> {
    let mut holders: HashMap<(String, Digest), u32> = HashMap::new();
    let mut sets = Vec::new();
    for folder in folders {
        let set = match Set::open_anywhere(share.clone(), folder.clone()) {
            Ok(set) => set,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) if e.scope() == Scope::Object => {
                sets.push(Err((folder, e.to_string())));
                continue;
            }
            Err(e) => return Err(e),
        };
        for (name, digest) in set.sums() {
            *holders.entry((name.clone(), *digest)).or_default() += 1;
        }
        sets.push(Ok(set));
    }
    let space = |set: &Result<Set, (&SharePath, String)>| {
        let set = match set {
            Ok(set) => set,
            Err((folder, why)) => {
                return SetSpace {
                    folder: (*folder).clone(),
                    bytes: 0,
                    alone: 0,
                    unknown: Some(why.clone()),
                };
            }
        };
        let mut space = SetSpace { folder: set.folder().clone(), bytes: 0, alone: 0, unknown: None };
        for (name, digest) in set.sums() {
            let length = set.length(name).unwrap_or(0);
            space.bytes += length;
            if holders[&(name.clone(), *digest)] == 1 {
                space.alone += length;
            }
        }
        space
    };
    Ok(sets.iter().map(space).collect())
}
