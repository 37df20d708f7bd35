//! A component in a survey.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;
use crate::layout::{Deployment, SetName};
use crate::set::Status;
use crate::severity::Severity;
use crate::share::Share;
use crate::signature::Signature;

/// A component, or one of its scale units, in a survey; or a share or deployment that shows none.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SurveyRow {
    /// The share, as it describes itself.
    pub share: String,
    /// The deployment; `None` if the share cannot be read.
    pub deployment: Option<Deployment>,
    /// Component and scale unit: `Switches/su1`. `None` if the deployment has no set, or cannot be read.
    pub component: Option<String>,
    /// How bad it is; `None` if all is well.
    pub severity: Option<Severity>,
    /// What is not as it should be, each in a few words.
    pub remarks: Vec<String>,
    /// Folders that are named like a set, whatever is in them.
    pub sets: u64,
    /// The newest complete set.
    pub last_good: Option<SetName>,
    /// When the next one is due, by the frequency.
    pub due: Option<Timestamp>,
    /// Whether it holds all that was asked for.
    pub status: Option<Status>,
    /// Files in it.
    pub files: u64,
    /// Bytes of file content in it.
    pub bytes: u64,
    /// Bytes stored for it.
    pub stored_bytes: u64,
    /// Bytes of file content in the complete set before it.
    pub bytes_before: Option<u64>,
    /// Who signed it.
    pub signature: Option<Signature>,
    /// SHA-1 thumbprints of the certificates of which the PFX opens it.
    pub thumbprints: Vec<String>,
    /// When its newest complete copy elsewhere began, if the survey was given shares with copies.
    pub last_copy: Option<Timestamp>,
}

impl SurveyRow {
    pub(super) fn new(share: &Arc<dyn Share>, deployment: Option<Deployment>) -> Self {
        Self::of(share.describe(), deployment)
    }

    fn of(share: String, deployment: Option<Deployment>) -> Self {
        Self {
            share,
            deployment,
            component: None,
            severity: None,
            remarks: Vec::new(),
            sets: 0,
            last_good: None,
            due: None,
            status: None,
            files: 0,
            bytes: 0,
            stored_bytes: 0,
            bytes_before: None,
            signature: None,
            thumbprints: Vec::new(),
            last_copy: None,
        }
    }

    /// A share or a deployment that cannot be opened or read.
    pub(super) fn unreadable(share: String, deployment: Option<Deployment>, error: &Error) -> Self {
        let mut row = Self::of(share, deployment);
        row.remark(Severity::Critical, format!("{}: {error}", error.code()));
        row
    }

    /// A share on which no deployment has a folder.
    pub(super) fn empty(share: &Arc<dyn Share>) -> Self {
        let mut row = Self::new(share, None);
        row.remark(Severity::Critical, "no deployment has a region folder here; is the share mounted?");
        row
    }

    pub(super) fn remark(&mut self, severity: Severity, what: impl Into<String>) {
        self.severity = Some(self.severity.map_or(severity, |worst| worst.min(severity)));
        self.remarks.push(what.into());
    }
}
