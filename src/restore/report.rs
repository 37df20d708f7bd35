//! What is said before a restore, and after it.

use serde::Serialize;

use crate::error::Error;
use crate::set::{EntryPath, Problem, Status};
use crate::words::words;

/// What to do about things that are in the target folder already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Existing {
    /// Restore only into an empty folder, or one that is not there yet.
    #[default]
    Refuse,
    /// Leave what is there and restore what is not.
    Keep,
    /// Put what is restored in the place of what is there. A link is replaced, never followed.
    Replace,
}

/// What to do when the set turns out to be damaged.
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
words!(Damage, "damage": "stop" => Stop, "continue" => Continue);

/// How a restore is to be done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Patterns in gitignore syntax, matched against paths in the set; none means everything.
    pub patterns: Vec<String>,
    /// What to do about things that are there already.
    pub existing: Existing,
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
    /// Whether everything wanted is there.
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
    /// Things that were there and were kept.
    pub kept: u64,
    /// What is lost by damage.
    pub losses: Vec<Loss>,
    /// Metadata that could not be put back, by kind.
    pub unrestored: Vec<Unrestored>,
    /// What the backup itself already named as not whole.
    pub problems: Vec<Problem>,
}

/// Something wanted that the set can no longer give.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Loss {
    /// The entry; nothing when the damage hides what it was.
    pub path: Option<EntryPath>,
    /// The stored file that is damaged, where there is one.
    pub file: Option<String>,
    /// One line for people.
    pub message: String,
}

impl Loss {
    pub(super) fn new(path: EntryPath, file: Option<&str>, error: &Error) -> Self {
        Self { path: Some(path), file: file.map(str::to_owned), message: error.to_string() }
    }

    pub(super) fn damaged(path: EntryPath, what: &str) -> Self {
        let message = format!("{path} {what}");
        Self { path: Some(path), file: None, message }
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

/// A kind of metadata that could not be put back.
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
