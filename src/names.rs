//! What is done to the names in an open folder: list, create, rename, link, remove.
//!
//! On Unix each is one call that takes the open folder. Windows has such calls only for opening, so `cap-std` makes a
//! path of the folder's own and the name; for what it drops on the way, see `windows.rs`.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    create_folder, hard_link, list, look, read_link, real, remove, remove_folder, rename, rename_new, shown,
    symlink,
};
#[cfg(windows)]
pub(crate) use windows::verbatim;
#[cfg(windows)]
pub(crate) use windows::{
    create_folder, hard_link, list, look, read_link, real, remove, remove_folder, rename, rename_new, shown,
    symlink,
};
