//! What a run did.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use azs_backup::backup::BackupReport;
use azs_backup::copies::{CopyOutcome, CopyReport};
use azs_backup::layout::Deployment;
use azs_backup::review::{Review, Severity};
use azs_backup::set::Status;
use azs_backup::{Error, Place, Result};
use jiff::Timestamp;
use serde::Serialize;

use crate::ended::Ended;
use crate::output::{count, size};

/// Whether there was a run at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Done,
    NotDue,
    Blocked,
}

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) outcome: Outcome,
    pub(super) deployment: Deployment,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    pub(super) begun: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) components: Vec<ComponentReport>,
    /// Sets that the retention deleted.
    pub(super) deleted: usize,
    pub(super) retention_failure: Option<Failure>,
    pub(super) copies: Vec<Copied>,
    pub(super) certificates: Vec<Expiry>,
    /// By the best practices, if the site has a `[review]`.
    pub(super) review: Option<Review>,
    pub(super) warnings: Vec<String>,
    /// Whether it says again what the last one said.
    #[serde(skip)]
    pub(super) is_known: bool,
}

/// What another share got.
#[derive(Serialize)]
pub(super) struct Copied {
    /// Its root, as the site names it.
    pub(super) root: String,
    /// Sets that were copied.
    pub(super) sets: u64,
    /// Bytes that were sent.
    pub(super) sent_bytes: u64,
    /// Sets that the retention deleted there.
    pub(super) deleted: u64,
    /// When the oldest of the newest copies of each component was made, by its set.
    pub(super) newest: Option<Timestamp>,
    pub(super) warnings: Vec<String>,
    pub(super) failure: Option<Failure>,
}

/// Until when a certificate encrypts.
#[derive(Serialize)]
pub(super) struct Expiry {
    /// SHA-1, as on the cover sheet.
    pub(super) thumbprint: String,
    pub(super) not_after: Timestamp,
}

#[derive(Serialize)]
pub(super) struct ComponentReport {
    pub(super) place: Place,
    pub(super) begun: Timestamp,
    pub(super) ended: Timestamp,
    /// The set's folder on the share, if there is one.
    pub(super) set: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) stored_bytes: u64,
    /// What of it is new on the share.
    pub(super) new_bytes: u64,
    pub(super) seconds: f64,
    /// When the last run began that stored everything, this one included.
    pub(super) last_good: Option<Timestamp>,
    pub(super) warnings: Vec<String>,
    /// What cannot be stored, such as a pipe: the first ones, and how many there are.
    pub(super) skipped: Vec<String>,
    pub(super) skipped_count: u64,
    pub(super) failure: Option<Failure>,
}

/// How many things that cannot be stored are named.
const NAMED: usize = 100;

/// How many sets that are not copied are named.
const NAMED_SETS: usize = 5;

#[derive(Serialize)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) alert: String,
    /// What to do, in order.
    pub(super) next: Vec<String>,
    #[serde(skip)]
    pub(super) error: Error,
}

impl Report {
    pub(super) fn of(deployment: &Deployment, outcome: Outcome, why: String) -> Self {
        Self {
            outcome,
            deployment: deployment.clone(),
            why,
            begun: None,
            ended: None,
            components: Vec::new(),
            deleted: 0,
            retention_failure: None,
            copies: Vec::new(),
            certificates: Vec::new(),
            review: None,
            warnings: Vec::new(),
            is_known: false,
        }
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.components
            .iter()
            .filter_map(|component| component.failure.as_ref())
            .chain(&self.retention_failure)
            .chain(self.copies.iter().filter_map(|copied| copied.failure.as_ref()))
    }

    /// Whether something was not done as it should be, though nothing failed: what was read is not whole, or nothing at all.
    fn is_partial(&self) -> bool {
        let is_whole =
            |component: &ComponentReport| component.status == Some(Status::Succeeded) && component.files > 0;
        !self.components.iter().all(is_whole)
    }

    /// The run in one word, for people.
    pub(super) fn summary(&self) -> &'static str {
        match self.outcome {
            Outcome::Done if self.failures().next().is_some() => "failed",
            Outcome::Done if self.is_partial() => "partial",
            Outcome::Done
                if !self.warnings.is_empty() || self.copies.iter().any(|of| !of.warnings.is_empty()) =>
            {
                "succeeded, with warnings"
            }
            Outcome::Done => "succeeded",
            Outcome::NotDue => "not due",
            Outcome::Blocked => "blocked",
        }
    }

    /// Whether somebody should look at it.
    pub(super) fn needs_attention(&self) -> bool {
        let is_bad = match self.outcome {
            Outcome::Done => self.summary() != "succeeded",
            // To wait for an update is as it should be, until there is no recent backup.
            Outcome::Blocked => !self.warnings.is_empty(),
            Outcome::NotDue => false,
        };
        is_bad && !self.is_known
    }

    /// Whether each component that failed has the code that it failed with before.
    pub(super) fn has_failures_of<'a>(&self, before: impl Fn(&Place) -> Option<&'a str>) -> bool {
        let is_known = |component: &ComponentReport| {
            let failure = component.failure.as_ref();
            failure.is_some_and(|failure| before(&component.place) == Some(&*failure.code))
        };
        self.components.iter().filter(|component| component.failure.is_some()).all(is_known)
            && self.components.iter().any(is_known)
    }

    /// Ends as the first failure, or as partial.
    pub(super) fn into_result(self) -> Result<Ended> {
        if let Some(failure) = self.failures().next() {
            return Err(failure.error.clone());
        }
        Ok(Ended::named(self.summary() == "partial"))
    }
}

impl ComponentReport {
    pub(super) fn of(place: &Place) -> Self {
        Self {
            place: place.clone(),
            begun: Timestamp::now(),
            ended: Timestamp::now(),
            set: None,
            status: None,
            files: 0,
            bytes: 0,
            stored_bytes: 0,
            new_bytes: 0,
            seconds: 0.0,
            last_good: None,
            warnings: Vec::new(),
            skipped: Vec::new(),
            skipped_count: 0,
            failure: None,
        }
    }

    pub(super) fn made(&mut self, made: &BackupReport) {
        self.set = Some(made.folder.to_string());
        self.status = Some(made.cover.status);
        (self.files, self.bytes) = (made.cover.content.files, made.cover.content.bytes);
        (self.stored_bytes, self.new_bytes) = (made.cover.stored.bytes, made.reuse.stored.bytes);
        self.seconds = made.seconds;
        self.warnings = made.problems.iter().map(|problem| problem.message.clone()).collect();
        self.warnings.extend(made.warnings.iter().cloned());
        self.skipped_count = made.skipped.len() as u64;
        self.skipped = made.skipped.iter().take(NAMED).map(|problem| problem.message.clone()).collect();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outcome != Outcome::Done {
            writeln!(f, "{}", self.why)?;
            return self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"));
        }
        for component in &self.components {
            let ComponentReport { place, set, status, files, bytes, new_bytes, .. } = component;
            match (set, status) {
                (Some(set), Some(status)) => {
                    writeln!(
                        f,
                        "{status:?}  {set}  {}, {}, {} new",
                        count(*files, "file"),
                        size(*bytes),
                        size(*new_bytes)
                    )?;
                }
                _ => writeln!(f, "FAILED  {place}")?,
            }
            component.warnings.iter().try_for_each(|warning| writeln!(f, "  warning: {warning}"))?;
            if let Some(first) = component.skipped.first() {
                writeln!(f, "  skipped: {}, {first}", count(component.skipped_count, "thing"))?;
            }
            component.failure.iter().try_for_each(|failure| failure.fmt(f))?;
        }
        if self.deleted > 0 {
            writeln!(f, "deleted {}", count(self.deleted as u64, "old set"))?;
        }
        if let Some(failure) = &self.retention_failure {
            writeln!(f, "FAILED  retention")?;
            failure.fmt(f)?;
        }
        self.copies.iter().try_for_each(|copied| copied.fmt(f))?;
        for finding in self.review.iter().flat_map(|review| &review.findings) {
            if finding.rule.severity == Severity::Critical {
                writeln!(f, "review: {}: {}", finding.rule.id, finding.seen)?;
            }
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

impl Copied {
    pub(super) fn of(root: &Path) -> Self {
        Self {
            root: root.display().to_string(),
            sets: 0,
            sent_bytes: 0,
            deleted: 0,
            newest: None,
            warnings: Vec::new(),
            failure: None,
        }
    }

    /// Takes over from the report of the copies what to say of them.
    pub(super) fn note(&mut self, report: &CopyReport) {
        // Once more, if the run is tried again.
        self.warnings.clear();
        let mut newest = BTreeMap::new();
        for set in &report.sets {
            match &set.outcome {
                CopyOutcome::Copied { .. } | CopyOutcome::Present => {
                    let newest = newest.entry(set.place.to_string()).or_insert(set.name.created());
                    *newest = set.name.created().max(*newest);
                }
                CopyOutcome::Skipped { reason } => {
                    self.warnings.push(format!("{} is not copied: {reason}", set.folder));
                }
                _ => {}
            }
        }
        // Where signers are demanded, all that was made before is not copied, every night.
        let more = self.warnings.len().saturating_sub(NAMED_SETS);
        if more > 0 {
            self.warnings.truncate(NAMED_SETS);
            self.warnings.push(format!("{} more not copied", count(more as u64, "set")));
        }
        self.newest = newest.into_values().min();
    }

    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(_) => writeln!(f, "FAILED  copies to {}", self.root)?,
            None => {
                let (sets, sent) = (count(self.sets, "set"), size(self.sent_bytes));
                write!(f, "copied  {sets} to {}, {sent} sent", self.root)?;
                match self.deleted {
                    0 => writeln!(f)?,
                    deleted => writeln!(f, "; deleted {} there", count(deleted, "old set"))?,
                }
            }
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "  warning: {warning}"))?;
        self.failure.iter().try_for_each(|failure| failure.fmt(f))
    }
}

impl Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {}\n  alert: {}", self.code, self.message, self.alert)?;
        self.next.iter().try_for_each(|step| writeln!(f, "  next:  {step}"))
    }
}
