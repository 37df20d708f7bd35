//! Restores modes, owners, times and extended attributes, if the system permits it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{open_folder, timestamps};
#[cfg(windows)]
pub(super) use windows::open_folder;
