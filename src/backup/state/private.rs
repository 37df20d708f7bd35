//! Keeps what a host remembers for its owner alone.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{create_folder, options, owned};
#[cfg(windows)]
pub(super) use windows::{create_folder, options, owned};
