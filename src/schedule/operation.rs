//! What else a deployment may be doing.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that a deployment does or failed to do, and that backups may have to wait for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Operation {
    /// What it is.
    pub kind: OperationKind,
    /// Its state.
    pub state: OperationState,
    /// Its name, for people: the update's, the node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it began, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it is expected to end. After that it still counts until its source says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end: Option<Timestamp>,
}

impl Operation {
    /// Creates an operation of which nothing more is known.
    #[must_use]
    pub fn new(kind: OperationKind, state: OperationState) -> Self {
        Self { kind, state, name: None, started: None, expected_end: None }
    }

    /// Returns the same operation with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns the same operation with the time at which it began.
    #[must_use]
    pub fn started(mut self, started: Timestamp) -> Self {
        self.started = Some(started);
        self
    }

    /// Returns the same operation with the time at which it is expected to end.
    #[must_use]
    pub fn expected_end(mut self, end: Timestamp) -> Self {
        self.expected_end = Some(end);
        self
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {}", self.kind, super::frequency::shown(name)),
            None => self.kind.fmt(f),
        }
    }
}

/// The kinds of operation that Azure Stack Hub's best practices and backup alerts name, and others.
///
/// Parses text in any letter case, and also the names of Microsoft's action plans (`MAS Update`, `MAS Update - Rerun`,
/// `RotateSecret`). In JSON it is the text.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum OperationKind {
    /// Another backup: `backup`.
    Backup,
    /// Replacement of a field replaceable unit, including node servicing and repair: `fru`.
    Fru,
    /// A restore: `restore`.
    Restore,
    /// Rotation of secrets: `secret_rotation`.
    SecretRotation,
    /// Patch and update: `update`.
    Update,
    /// Any other, in its source's words; it counts as exclusive.
    Other(String),
}

impl OperationKind {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Backup => "backup",
            Self::Fru => "fru",
            Self::Restore => "restore",
            Self::SecretRotation => "secret_rotation",
            Self::Update => "update",
            Self::Other(other) => other,
        }
    }
}

impl FromStr for OperationKind {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "backup" => Self::Backup,
            "fru" | "field_replaceable_unit" => Self::Fru,
            "restore" => Self::Restore,
            "secret_rotation" | "rotatesecret" => Self::SecretRotation,
            "update" | "mas update" | "mas update - rerun" => Self::Update,
            _ => Self::Other(text.to_owned()),
        })
    }
}

/// The state of an operation.
///
/// Parses text in any letter case, and also the admin API's words (`InProgress`). In JSON it is the text.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum OperationState {
    /// Failed, and nobody has resolved it: `failed`. It still holds backups, because its work may be half done.
    Failed,
    /// Failed, and resolved since: `resolved`.
    Resolved,
    /// Under way: `running`.
    Running,
    /// Ended well: `succeeded`.
    Succeeded,
    /// Any other, in its source's words. It holds backups, because it may not be harmless.
    Unknown(String),
}

impl OperationState {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Failed => "failed",
            Self::Resolved => "resolved",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Unknown(other) => other,
        }
    }
}

impl FromStr for OperationState {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "failed" => Self::Failed,
            "resolved" => Self::Resolved,
            "running" | "inprogress" => Self::Running,
            "succeeded" => Self::Succeeded,
            _ => Self::Unknown(text.to_owned()),
        })
    }
}

/// Words that print unchanged and parse by `FromStr`, in JSON too.
macro_rules! open_string_enum {
    ($($name:ty),+) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Ok(value) = String::deserialize(deserializer)?.parse();
                Ok(value)
            }
        }
    )+};
}
pub(super) use open_string_enum;
open_string_enum!(OperationKind, OperationState);
