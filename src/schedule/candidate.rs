//! A set as retention sees it: what it holds, its condition, and its age.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::layout::{Place, SetName, SharePath};
use crate::set::{Digest, FileKey, SetState, SetSummary, Status};
use crate::signature::Demand;

/// A set as retention sees it. Make it from a [`SetSummary`], or from JSON to try out a policy.
///
/// Only one made from a summary can be deleted: only that one can be recognised when the plan is carried out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Deployment, component and scale unit.
    #[serde(flatten)]
    pub place: Place,
    /// Its name.
    pub set: SetName,
    /// Its condition.
    pub condition: Condition,
    /// When it was made, by its cover sheet. Without one, the time in its name counts.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Bytes stored, by its cover sheet.
    #[serde(default)]
    pub bytes: u64,
    /// Files and bytes that it holds, by its cover sheet. If unknown, it never counts as shrunken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// When the newest file of an incomplete set was written, by the share's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_file: Option<Timestamp>,
    /// Labels of its cover sheet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The digest in its cover sheet, which identifies it when the plan is carried out.
    #[serde(skip)]
    pub(super) sha256sums: Option<Digest>,
    /// Its stored files, if they are known.
    #[serde(skip)]
    files: Option<Arc<[FileKey]>>,
    /// Its folder, if that differs in letter case from the one of its place and name.
    #[serde(skip)]
    folder: Option<SharePath>,
    /// The signers that it had to be by, which it has to be by still when the plan is carried out.
    #[serde(skip)]
    pub(super) demand: Demand,
    /// Whether it lacks only its cover sheet.
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
    /// Creates a value from the number of files and the bytes in them.
    #[must_use]
    pub fn new(files: u64, bytes: u64) -> Self {
        Self { files, bytes }
    }
}

/// The condition of a set.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Complete, with everything that was asked for.
    Succeeded,
    /// Complete, but something is missing from the sources.
    PartialSucceeded,
    /// It has a cover sheet, but that is damaged or its files are not all there: damaged, or partly deleted by hand.
    /// Much of it may still be readable.
    Damaged,
    /// Another set, copied or renamed to here.
    Foreign,
    /// It has no cover sheet: never finished, or its deletion broke off.
    Incomplete,
    /// The share cannot read it.
    Unreadable,
    /// In a later version of the stored form.
    Unrecognised,
    /// Not signed by one of the signers demanded.
    Untrusted,
}

impl Candidate {
    /// Creates a set without the facts of a cover sheet.
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
            demand: Demand::default(),
            may_be_whole: false,
        }
    }

    /// Its folder on the share.
    pub(super) fn folder(&self) -> SharePath {
        self.folder.clone().unwrap_or_else(|| self.place.set_folder(&self.set))
    }

    /// The time from which its grace period counts: its newest file's, or its own if that is later.
    pub(crate) fn last_touched(&self) -> Timestamp {
        self.newest_file.map_or(self.time(), |newest| newest.max(self.time()))
    }

    /// Its stored files, if they are known.
    pub(crate) fn files(&self) -> Option<&[FileKey]> {
        self.files.as_deref()
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.condition, Condition::Succeeded | Condition::PartialSucceeded)
    }

    /// The later time of cover sheet and name: if they differ, one is wrong, and the set must not count as old.
    pub(super) fn time(&self) -> Timestamp {
        self.created.map_or(self.set.created(), |created| created.max(self.set.created()))
    }
}

impl From<&SetSummary> for Candidate {
    fn from(summary: &SetSummary) -> Self {
        let mut candidate = Self::new(summary.place.clone(), summary.name, Condition::Unrecognised);
        candidate.folder = Some(summary.folder.clone());
        candidate.newest_file = summary.newest;
        candidate.demand = summary.demand.clone();
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
            // Nothing that it says of itself counts, not even which files it shares with others.
            SetState::Untrusted { .. } => Condition::Untrusted,
        };
        candidate
    }
}
