//! The options of a restore, and its report.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::options::from_json;
use crate::set::{EntryPath, Problem, Status};
use crate::signature::Signature;
use crate::string_enum::string_enum;

/// What to do about things that already exist in the target folder.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Existing {
    /// Restore only into an empty folder, or one that does not exist yet.
    #[default]
    Refuse,
    /// Leave existing things as they are, including folders' modes and times, and restore the rest. A file that differs
    /// from the set's is kept, too, and named in the report.
    Keep,
    /// Replace existing things, each once its replacement is whole. Links are replaced, never followed; a folder that
    /// is not empty never gives way to anything else.
    Replace,
}

/// How [`Existing::Keep`] decides whether an existing file is the one in the set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Compare {
    /// By size and time of last change.
    #[default]
    Metadata,
    /// By every byte.
    Content,
}

/// What to do when the set is damaged, or one of its stored files cannot be read.
///
/// This is not about what the target refuses: that is always named in the report, and the rest is restored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Damage {
    /// End with an error that names the first damage.
    #[default]
    Stop,
    /// Go on without what is lost, name each loss in the report, and end as
    /// [`PartialSucceeded`](Status::PartialSucceeded).
    Continue,
}

string_enum!(Existing, "existing": "refuse" => Refuse, "keep" => Keep, "replace" => Replace);
string_enum!(Compare, "compare": "metadata" => Metadata, "content" => Content);
string_enum!(Damage, "damage": "stop" => Stop, "continue" => Continue);

/// The options of a restore; you can keep them and use them again. In JSON they are `patterns`, `existing`, `compare`
/// and `damage`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestoreOptions {
    pub(super) patterns: Vec<String>,
    pub(super) existing: Existing,
    pub(super) compare: Compare,
    pub(super) damage: Damage,
}

impl RestoreOptions {
    /// Reads options from JSON; what is missing has its default.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, or for an unknown option, naming the nearest one.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        from_json("options of a restore", json)
    }

    /// Restores only what this pattern matches: `tor1/`, `*.cfg`, `/hlh/etc/**`. Add as many as you like.
    #[must_use]
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Says what to do about things that already exist.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Says how to compare existing files that are kept with the set.
    #[must_use]
    pub fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Says what to do about damage.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Self {
        self.damage = damage;
        self
    }
}

/// What a restore did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RestoreReport {
    /// Whether everything wanted is in the target, as the set has it.
    pub status: Status,
    /// Files restored.
    pub files: u64,
    /// Folders restored.
    pub folders: u64,
    /// Links restored.
    pub links: u64,
    /// Bytes of file content.
    pub bytes: u64,
    /// Bytes read from the share.
    pub stored_bytes: u64,
    /// Things that already existed as the set has them, and were kept.
    pub kept: u64,
    /// Things that were kept although they differ from the set.
    pub kept_differing: Vec<EntryPath>,
    /// What is not restored: lost by damage, or refused by the target.
    pub losses: Vec<Loss>,
    /// Patterns that nothing in the set matches.
    pub unmatched: Vec<String>,
    /// Metadata and links that could not be restored, by kind. They do not change [`status`](Self::status).
    pub unrestored: Vec<Unrestored>,
    /// Sources that the backup itself could not store as they were.
    pub problems: Vec<Problem>,
    /// Who signed the set. It does not change [`status`](Self::status): see
    /// [`require_signers`](super::RestoreBuilder::require_signers).
    pub signature: Signature,
}

impl RestoreReport {
    /// The report of a restore that has not begun.
    pub(super) fn new(unmatched: Vec<String>, problems: Vec<Problem>) -> Self {
        Self {
            status: Status::Succeeded,
            files: 0,
            folders: 0,
            links: 0,
            bytes: 0,
            stored_bytes: 0,
            kept: 0,
            kept_differing: Vec::new(),
            losses: Vec::new(),
            unmatched,
            unrestored: Vec::new(),
            problems,
            signature: Signature::Unsigned,
        }
    }
}

/// Something wanted that was not restored: the set is damaged, or the target refused it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Loss {
    /// The entry; `None` if the damage hides what it was.
    pub path: Option<EntryPath>,
    /// The stored file that is damaged, if there is one.
    pub file: Option<String>,
    /// The code of the error behind it.
    pub code: &'static str,
    /// Whether the target refused it. The set still has it, so you can restore it elsewhere.
    pub refused: bool,
    /// One line for people.
    pub message: String,
}

impl Loss {
    pub(super) fn new(path: impl Into<Option<EntryPath>>, file: Option<&str>, error: &Error) -> Self {
        let file = file.map(str::to_owned);
        Self { path: path.into(), file, code: error.code(), refused: false, message: error.to_string() }
    }

    pub(super) fn damaged(path: EntryPath, what: &str) -> Self {
        let error = Error::new(ErrorKind::Damaged, format!("{path} {what}"));
        Self::new(path, None, &error)
    }

    pub(super) fn out_of_order(path: EntryPath) -> Self {
        Self::damaged(path, "has a part that does not follow the one before")
    }

    pub(super) fn refused(path: EntryPath, error: &Error) -> Self {
        Self { refused: true, ..Self::new(path, None, error) }
    }

    /// The kind of error that this loss ends the work with, if it does.
    pub(super) fn kind(&self) -> ErrorKind {
        let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == self.code);
        kind.copied().unwrap_or(ErrorKind::Damaged)
    }
}

impl std::fmt::Display for Loss {
    /// Writes one line that names the entry.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_ref().map(ToString::to_string) {
            Some(path) if !self.message.starts_with(&path) => write!(f, "{path}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

/// Something about entries that could not be restored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Unrestored {
    /// Owner, mode, extended attributes…
    pub what: String,
    /// Number of entries.
    pub count: u64,
    /// One of them, and why.
    pub example: String,
}
