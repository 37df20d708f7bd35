//! What a backup did.

use serde::Serialize;

use crate::layout::SharePath;
use crate::set::{CoverSheet, Problem, Stored};

/// What a backup did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The set's folder on the share.
    pub folder: SharePath,
    /// Its cover sheet.
    #[serde(flatten)]
    pub cover: CoverSheet,
    /// What was read and stored for it, and what earlier sets had already.
    pub reuse: Reuse,
    /// Sources that the set does not hold as they were.
    pub problems: Vec<Problem>,
    /// Sockets, devices and pipes, which have no content.
    pub skipped: Vec<Problem>,
    /// What went otherwise than asked for and costs time or space, but not the set: one line each. Exclude patterns that
    /// matched nothing are among it.
    pub warnings: Vec<String>,
    /// Time from start to commit.
    pub seconds: f64,
}

/// What was read and stored for a set, and what earlier sets had already.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Reuse {
    /// The earlier set that this one builds on, a folder on the share; nothing for a full one.
    pub base: Option<SharePath>,
    /// Files whose content was read.
    pub files_read: u64,
    /// Bytes of them.
    pub bytes_read: u64,
    /// Files that did not change and were not stored again.
    pub files_kept: u64,
    /// Bytes of them.
    pub bytes_kept: u64,
    /// Stored files that were hard-linked from the earlier set.
    pub linked: Stored,
    /// Stored files that the share copied, since it could not link them.
    pub copied: Stored,
    /// Stored files taken over from a run that was interrupted.
    pub taken_over: Stored,
    /// Stored files that were sent to the share, without `SHA256SUMS` and the cover sheet.
    pub stored: Stored,
    /// Stored files taken over from the earlier set that were read back and compared with their digests.
    pub checked: Stored,
    /// Those that are damaged on the share, in earlier sets, too: what they held was stored again for this one.
    pub damaged: Vec<String>,
    /// Stored files of the earlier set that were missing, of another length or damaged: what they held was stored again.
    pub rewritten: Vec<String>,
}
