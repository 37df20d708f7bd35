//! Restores modes, owners, times and extended attributes, if the system permits it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::timestamps;
