#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod alert;
pub mod backup;
pub mod envelope;
pub mod error;
pub mod layout;
mod options;
mod patterns;
pub mod progress;
pub mod restore;
pub mod review;
pub mod schedule;
pub mod set;
pub mod share;
mod string_enum;
mod worker_pool;

pub use alert::{Alert, AlertKind, Classification, DocumentedKind};
pub use backup::{Backup, BackupBuilder, BackupReport, Reuse, ShrunkenSources, SourceProblems};
pub use envelope::{CertificateFacts, DecryptionCertificate, EncryptionCertificate, Opener, Sealer};
pub use error::{Error, ErrorKind, Result};
pub use layout::{Component, Deployment, Place, ScaleUnit, SetName, SharePath, UncPath};
pub use progress::{Progress, ProgressHook, no_progress};
pub use restore::{
    Compare, Damage, Existing, RestoreOptions, RestoreReport, VerifyReport, restore, restore_bytes,
    restore_stream, verify, verify_full,
};
pub use review::{Review, review};
pub use schedule::{Gate, Job, JobLog, RetentionPlan, RetentionPolicy, Schedule};
pub use set::{CoverSheet, Set, SetSummary, list_sets};
pub use share::{FolderShare, Share};
#[cfg(feature = "smb")]
pub use share::{SmbAccount, SmbBuilder, SmbShare};

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
