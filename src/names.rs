//! What is done to the names in an open folder: list, open, create, rename, link, remove.
//!
//! On Unix each is one call that takes the open folder. Windows has such calls only for opening, so `cap-std` makes a
//! path of the folder's own and the name; for what it drops on the way, see `windows.rs`.

use std::path::{Path, PathBuf};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    create_folder, hard_link, list, look, open_folder, read_link, real, remove, remove_folder, rename,
    rename_new, shown, symlink,
};
#[cfg(windows)]
pub(crate) use windows::{
    create_folder, hard_link, list, look, open_folder, read_link, real, remove, remove_folder, rename,
    rename_new, shown, symlink,
};
#[cfg(windows)]
pub(crate) use windows::{open_itself, verbatim};

/// Resolves the links in the part of the path that exists.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|above| Some((above, real(above).ok()?)));
    match there {
        Some((above, real)) => real.join(absolute.strip_prefix(above).unwrap_or(Path::new(""))),
        None => absolute,
    }
}
