//! A set as retention sees it: what it holds, what it is worth, and how old it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::layout::{Place, SetName, SharePath};
use crate::set::{Digest, FileKey, SetState, SetSummary, Status};

/// A set as retention sees it: made of a [`SetSummary`], or of JSON to see what a policy would do.
///
/// Only one made of a summary is ever deleted: it alone can be known again when the plan is carried out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Deployment, component and scale unit.
    #[serde(flatten)]
    pub place: Place,
    /// Its name.
    pub set: SetName,
    /// What it is worth.
    pub condition: Condition,
    /// When it was made, as its cover sheet says; the name's time where there is none.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Bytes stored, as its cover sheet says.
    #[serde(default)]
    pub bytes: u64,
    /// Files and bytes that it holds, as its cover sheet says; where they are not known it is not taken for shrunken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// When the newest file of one that is not complete was written, by the share's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_file: Option<Timestamp>,
    /// Labels of its cover sheet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The digest that its cover sheet names, by which it is known again when the plan is carried out.
    #[serde(skip)]
    pub(super) sha256sums: Option<Digest>,
    /// Its stored files; none where they are not known.
    #[serde(skip)]
    files: Option<Arc<[FileKey]>>,
    /// Its folder, where that is not the one of its place and name: in another letter case.
    #[serde(skip)]
    folder: Option<SharePath>,
    /// Whether it lacks its cover sheet and nothing else.
    #[serde(skip)]
    pub(super) may_be_whole: bool,
}

/// How much a set holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Content {
    /// Regular files.
    pub files: u64,
    /// Bytes of file content.
    pub bytes: u64,
}

impl Content {
    /// So many files, with so many bytes in all.
    #[must_use]
    pub fn new(files: u64, bytes: u64) -> Self {
        Self { files, bytes }
    }
}

/// What a set is worth.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Complete, with all that was asked for.
    Succeeded,
    /// Complete, with something missing.
    PartialSucceeded,
    /// It has a cover sheet that is damaged, or what that names is not all there: damaged, or partly deleted by hand. Much
    /// of it may still be readable.
    Damaged,
    /// Another set's, copied or renamed to here.
    Foreign,
    /// It has no cover sheet: never finished, or its deletion was cut off.
    Incomplete,
    /// The share does not let it be read.
    Unreadable,
    /// In a later version of the stored form.
    Unrecognised,
}

impl Candidate {
    /// A set without a cover sheet's facts.
    #[must_use]
    pub fn new(place: Place, set: SetName, condition: Condition) -> Self {
        Self {
            place,
            set,
            condition,
            created: None,
            bytes: 0,
            content: None,
            newest_file: None,
            labels: BTreeMap::new(),
            sha256sums: None,
            files: None,
            folder: None,
            may_be_whole: false,
        }
    }

    /// Its folder on the share.
    pub(super) fn folder(&self) -> SharePath {
        self.folder.clone().unwrap_or_else(|| self.place.set_folder(&self.set))
    }

    /// The time from which its grace counts: that of its newest file, or its own where that is younger.
    pub(crate) fn last_touched(&self) -> Timestamp {
        self.newest_file.map_or(self.time(), |newest| newest.max(self.time()))
    }

    /// Its stored files, where they are known.
    pub(crate) fn files(&self) -> Option<&[FileKey]> {
        self.files.as_deref()
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.condition, Condition::Succeeded | Condition::PartialSucceeded)
    }

    /// The younger of cover sheet and name: where they disagree one is wrong, and the set is not taken for old.
    pub(super) fn time(&self) -> Timestamp {
        self.created.map_or(self.set.created(), |created| created.max(self.set.created()))
    }
}

impl From<&SetSummary> for Candidate {
    fn from(summary: &SetSummary) -> Self {
        let mut candidate = Self::new(summary.place.clone(), summary.name, Condition::Unrecognised);
        candidate.folder = Some(summary.folder.clone());
        candidate.newest_file = summary.newest;
        candidate.may_be_whole = summary.may_be_whole;
        candidate.condition = match &summary.state {
            SetState::Complete { cover } => {
                candidate.created = Some(cover.created);
                candidate.bytes = cover.stored.bytes;
                candidate.content = Some(Content::new(cover.content.files, cover.content.bytes));
                candidate.labels = cover.labels.clone();
                candidate.sha256sums = Some(cover.sha256sums);
                candidate.files = Some(summary.files.clone());
                match cover.status {
                    Status::Succeeded => Condition::Succeeded,
                    Status::PartialSucceeded => Condition::PartialSucceeded,
                }
            }
            SetState::Damaged { .. } => Condition::Damaged,
            SetState::Incomplete { .. } if summary.has_cover_sheet => Condition::Damaged,
            SetState::Incomplete { .. } => Condition::Incomplete,
            SetState::Foreign { .. } => Condition::Foreign,
            SetState::Unreadable { .. } => Condition::Unreadable,
            SetState::Unsupported { .. } => Condition::Unrecognised,
        };
        candidate
    }
}
