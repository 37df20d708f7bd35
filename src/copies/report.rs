//! What became of each set that was to be copied.

use std::ops::AddAssign;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName, SharePath};
use crate::set::UnreadableFolder;

/// What became of the sets that were to be copied.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct CopyReport {
    /// One outcome for each set of the first share, the newest of each place first. A set whose backup is not finished is
    /// not listed.
    pub sets: Vec<CopiedSet>,
    /// Folders of the first share that cannot be listed: sets in them are missing here.
    pub unreadable: Vec<UnreadableFolder>,
}

/// What became of one set.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CopiedSet {
    /// Deployment, component and scale unit.
    pub place: Place,
    /// Its name.
    pub name: SetName,
    /// Its folder at the other share.
    pub folder: SharePath,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: CopyOutcome,
}

/// The outcome of one copy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CopyOutcome {
    /// It was copied, or what was missing of it.
    Copied {
        /// What went from share to share.
        sent: Amount,
        /// What the other share linked or copied itself.
        linked: Amount,
    },
    /// The other share had all of it.
    Present,
    /// It would be copied, if this were no [dry run](super::CopyBuilder::dry_run).
    Missing {
        /// Bytes stored in the set; some of them may be in sets of the other share.
        bytes: u64,
    },
    /// Retention at the other share would delete it.
    NotKept,
    /// It is no backup that could be copied: damaged, of another place, of a later version, not by a signer demanded.
    Skipped {
        /// What it is instead, in one line.
        reason: String,
    },
    /// It was deleted while it was copied; what the other share had of it was removed.
    Gone,
    /// The other share has another set of this name. It was not touched.
    Conflict {
        /// What differs, in one line.
        reason: String,
    },
    /// It could not be copied. What the other share has of it is no backup; the next run goes on with it.
    Failed {
        /// The error's code.
        code: &'static str,
        /// The error's message.
        message: String,
    },
}

/// A number of stored files and their bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Amount {
    pub(super) fn add(&mut self, bytes: u64) {
        *self += Self { files: 1, bytes };
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl CopyReport {
    /// Returns how many sets were copied.
    #[must_use]
    pub fn copied(&self) -> usize {
        self.sets.iter().filter(|set| matches!(set.outcome, CopyOutcome::Copied { .. })).count()
    }

    /// Returns what went from share to share.
    #[must_use]
    pub fn sent(&self) -> Amount {
        let mut sum = Amount::default();
        for set in &self.sets {
            if let CopyOutcome::Copied { sent, .. } = set.outcome {
                sum += sent;
            }
        }
        sum
    }

    /// Whether an operator should look into something: a set that is no backup, or that could not be copied, or a folder that
    /// cannot be read.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        let is_bad = |set: &CopiedSet| {
            matches!(
                set.outcome,
                CopyOutcome::Skipped { .. } | CopyOutcome::Conflict { .. } | CopyOutcome::Failed { .. }
            )
        };
        !self.unreadable.is_empty() || self.sets.iter().any(is_bad)
    }

    /// Returns the report, or an error if a set could not be copied.
    ///
    /// # Errors
    /// `CONFLICT` when the other share has another set of a name; `IO`, with the message of the first failure; `NOT_FOUND` when
    /// there was no set to copy: perhaps the first share is not mounted.
    pub fn into_result(self) -> Result<Self> {
        if self.sets.is_empty() && self.unreadable.is_empty() {
            let message = "there is no set to copy: is the first share mounted, and is the name right?";
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        for set in &self.sets {
            let (kind, why) = match &set.outcome {
                CopyOutcome::Conflict { reason } => (ErrorKind::Conflict, reason.clone()),
                CopyOutcome::Failed { code, message } => (ErrorKind::Io, format!("{code}: {message}")),
                _ => continue,
            };
            return Err(Error::new(kind, format!("{} is not copied: {why}", set.folder)));
        }
        if let Some(folder) = self.unreadable.first() {
            let message =
                format!("sets in {} are not copied: {}: {}", folder.folder, folder.code, folder.reason);
            return Err(Error::new(ErrorKind::Io, message));
        }
        Ok(self)
    }
}
