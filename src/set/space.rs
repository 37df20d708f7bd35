//! How much of a share's space sets hold, together and each alone.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::digest::Digest;
use super::reader::Set;
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::SharePath;
use crate::share::Share;

/// What a set holds of a share's space.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SetSpace {
    /// The set's folder.
    pub folder: SharePath,
    /// Bytes of its stored files.
    pub bytes: u64,
    /// Bytes of those that no other of the sets has: what deleting it alone gives back.
    pub alone: u64,
    /// Why no more is known of one that is not whole or cannot be read, in one line; its bytes are then 0.
    pub unknown: Option<String>,
}

/// Says how much of the share's space each of these sets holds, and how much of that alone.
///
/// Needs no key: files are the same where name, length and digest are, which is what a set that builds on another
/// links. Where a share copied in place of linking, deleting a set gives back more than is said here. Sets that are
/// gone are left out; of one that cannot be opened it is said why, and files of it may be counted as another's alone.
///
/// # Errors
/// The share's own errors.
pub fn space_of(share: &Arc<dyn Share>, folders: &[SharePath]) -> Result<Vec<SetSpace>> {
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
