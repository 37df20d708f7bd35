#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod alert;
pub mod backup;
pub mod copies;
pub mod envelope;
pub mod error;
mod file_lock;
pub mod layout;
pub mod mas_backup;
mod names;
pub mod observer;
mod options;
mod patterns;
pub mod restore;
pub mod review;
pub mod schedule;
pub mod set;
mod severity;
pub mod share;
pub mod signature;
mod stop;
mod string_enum;
mod worker_pool;

// For the bindings: plain data is read in one way in all languages.
#[doc(hidden)]
pub use options::{from_json, from_value, no_option, text};

/// Times in the public interface are `jiff`'s.
pub use jiff;

// What a first program needs. All else is in its module.
pub use backup::Backup;
pub use envelope::{DecryptionCertificate, EncryptionCertificate, Opener};
pub use error::{Error, ErrorKind, Result};
pub use layout::Place;
pub use set::{Set, list_sets};
#[cfg(feature = "object-store")]
pub use share::ObjectStoreShare;
#[cfg(feature = "smb")]
pub use share::SmbShare;
pub use share::{FolderShare, Share};

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
