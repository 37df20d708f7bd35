//! Encrypted backups of what Azure Stack Hub's own service leaves out, beside `MASBackup` on the same share.

#![forbid(unsafe_code)]

pub mod error;
pub mod progress;

pub use error::{Error, ErrorKind, Result};
pub use progress::{Progress, ProgressHook, no_progress};
