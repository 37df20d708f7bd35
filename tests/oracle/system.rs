//! What the oracle needs of the file system and of processes, as each system has it.

#[cfg(unix)]
#[path = "system/unix.rs"]
mod unix;
#[cfg(windows)]
#[path = "system/windows.rs"]
mod windows;

#[cfg(unix)]
pub use unix::{
    IGNORES_CASE, MAKES_LINKS, ODD_NAMES, RECOVERS_BY_HAND, bytes, change_mode, change_owner, end_process,
    look, os_name, read_exact_at, remove_all, set_attribute, set_time, stamp, symlink, write_all_at,
};
#[cfg(windows)]
pub use windows::{
    IGNORES_CASE, MAKES_LINKS, ODD_NAMES, RECOVERS_BY_HAND, bytes, change_mode, change_owner, end_process,
    look, os_name, read_exact_at, remove_all, set_attribute, set_time, stamp, symlink, write_all_at,
};

/// What the file system says about something, beside its content.
pub struct Looked {
    /// Permission bits, or Windows' attributes.
    pub mode: u32,
    pub owner: (u32, u32),
    /// Seconds and nanoseconds of the last change of the content.
    pub mtime: (i64, i64),
    pub inode: super::model::Inode,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}
