//! What a backup did.

use serde::Serialize;

use crate::layout::SharePath;
use crate::set::{CoverSheet, Problem, Stored};
use crate::share::ShareProtection;

/// What a backup did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The set's folder on the share.
    pub folder: SharePath,
    /// Its cover sheet.
    #[serde(flatten)]
    pub cover: CoverSheet,
    /// What was read and stored for it, and what earlier sets already had.
    pub reuse: Reuse,
    /// Sources that the set does not hold as they were.
    pub problems: Vec<Problem>,
    /// Sockets, devices and pipes, which have no content.
    pub skipped: Vec<Problem>,
    /// What did not go as asked and costs time or space, but does not harm the set: one line each. Exclude patterns
    /// that matched nothing are among them.
    pub warnings: Vec<String>,
    /// What protected the traffic to the share, as client and server agreed on it; `None` for a folder.
    pub protection: Option<ShareProtection>,
    /// Seconds from start to commit.
    pub seconds: f64,
}

/// What was read and stored for a set, and what earlier sets already had.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Reuse {
    /// The folder of the earlier set that this one builds on; `None` for a full set.
    pub base: Option<SharePath>,
    /// Files whose content was read.
    pub files_read: u64,
    /// Bytes in them.
    pub bytes_read: u64,
    /// Files that did not change and were not stored again.
    pub files_kept: u64,
    /// Bytes in them.
    pub bytes_kept: u64,
    /// Stored files that were hard-linked from the earlier set.
    pub linked: Stored,
    /// Stored files that the share copied because it could not link them.
    pub copied: Stored,
    /// Stored files taken over from an interrupted run.
    pub taken_over: Stored,
    /// Stored files sent to the share, without `SHA256SUMS` and the cover sheet.
    pub stored: Stored,
    /// Stored files from the earlier set that were read back and compared with their digests.
    pub checked: Stored,
    /// Stored files that are damaged on the share, and so in earlier sets, too; this set stored their content again.
    pub damaged: Vec<String>,
    /// Stored files of the earlier set that were missing, damaged or of the wrong length; this set stored their content
    /// again.
    pub rewritten: Vec<String>,
}
