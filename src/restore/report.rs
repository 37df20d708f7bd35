//! What is said before a restore, and after it.

use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::set::{EntryPath, Problem, Status};
use crate::words::words;

/// What to do about things that are in the target folder already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Existing {
    /// Restore only into an empty folder, or one that is not there yet.
    #[default]
    Refuse,
    /// Leave what is there as it is, folders' modes and times included, and restore what is not. A file that is not
    /// what the set has is left, too, and named in the report.
    Keep,
    /// Put what is restored in the place of what is there, which goes when the new one is whole. A link is replaced,
    /// never followed; a folder that is not empty is not replaced by anything else.
    Replace,
}

/// By what [`Existing::Keep`] tells a file that is there from the one in the set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Compare {
    /// Its size and time of last change.
    #[default]
    Metadata,
    /// Every byte.
    Content,
}

/// What to do when the set turns out to be damaged, or a stored file of it cannot be read.
///
/// What the target refuses is no damage: it is always named in the report, and the rest is restored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Damage {
    /// End with an error that names the first damage.
    #[default]
    Stop,
    /// Go on, leave out what is lost, name each loss in the report, and end as
    /// [`PartialSucceeded`](Status::PartialSucceeded).
    Continue,
}

words!(Existing, "existing": "refuse" => Refuse, "keep" => Keep, "replace" => Replace);
words!(Compare, "compare": "metadata" => Metadata, "content" => Content);
words!(Damage, "damage": "stop" => Stop, "continue" => Continue);

/// How a restore is to be done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Patterns in gitignore syntax, matched against paths in the set; none means everything.
    pub patterns: Vec<String>,
    /// What to do about things that are there already.
    pub existing: Existing,
    /// By what files that are kept are compared with the set.
    pub compare: Compare,
    /// What to do about damage.
    pub damage: Damage,
}

impl RestoreOptions {
    /// Restores only what this pattern, or another one given, matches: `tor1/`, `*.cfg`, `/hlh/etc/**`.
    #[must_use]
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Says what to do about things that are there already.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Says by what files that are kept are compared with the set.
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
    /// Whether everything wanted is there, and as the set has it.
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
    /// Things that were there as the set has them, and were kept.
    pub kept: u64,
    /// Things that were kept and are not what the set has.
    pub kept_differing: Vec<EntryPath>,
    /// What is not restored: lost by damage, or refused by the target.
    pub losses: Vec<Loss>,
    /// Patterns that nothing in the set matches.
    pub unmatched: Vec<String>,
    /// Metadata and links that could not be put back, by kind. They do not change [`status`](Self::status).
    pub unrestored: Vec<Unrestored>,
    /// What the backup itself already named as not whole.
    pub problems: Vec<Problem>,
}

/// Something wanted that is not restored: the set can no longer give it, or the target did not take it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Loss {
    /// The entry; nothing when the damage hides what it was.
    pub path: Option<EntryPath>,
    /// The stored file that is damaged, where there is one.
    pub file: Option<String>,
    /// The code of the error behind it.
    pub code: &'static str,
    /// Whether the target refused it. The set has it: it can be restored elsewhere.
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

    pub(super) fn refused(path: EntryPath, error: &Error) -> Self {
        Self { refused: true, ..Self::new(path, None, error) }
    }

    /// The kind of error that it ends the work with, where it does.
    pub(super) fn kind(&self) -> ErrorKind {
        let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == self.code);
        kind.copied().unwrap_or(ErrorKind::Damaged)
    }
}

impl std::fmt::Display for Loss {
    /// One line that names the entry.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_ref().map(ToString::to_string) {
            Some(path) if !self.message.starts_with(&path) => write!(f, "{path}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

/// Something about entries that could not be put back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Unrestored {
    /// Owner, mode, extended attributes…
    pub what: String,
    /// For how many entries.
    pub count: u64,
    /// One of them, and why.
    pub example: String,
}
