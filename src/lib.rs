//! Encrypted backups of what Azure Stack Hub's own service leaves out, beside `MASBackup` on the same share.

#![forbid(unsafe_code)]

pub mod envelope;
pub mod error;
pub mod layout;
pub mod progress;

pub use envelope::{DecryptionCertificate, EncryptionCertificate, Opener, Sealer};
pub use error::{Error, ErrorKind, Result};
pub use layout::{Component, Deployment, Place, SetName, SharePath, UncPath};
pub use progress::{Progress, ProgressHook, no_progress};
