//! What a run did.

use std::fmt;
use std::io::Write;
use std::path::Path;

use azs_backup::backup::BackupReport;
use azs_backup::set::Status;
use azs_backup::{Error, ErrorKind, Place, Result};
use jiff::Timestamp;
use serde::Serialize;

use super::metrics;
use crate::ended::Ended;
use crate::output::size;
use crate::site::ReportSection;

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
    /// Why nothing was done.
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    pub(super) begun: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) components: Vec<ComponentReport>,
    /// Sets that the retention deleted.
    pub(super) deleted: usize,
    pub(super) retention_failure: Option<Failure>,
    pub(super) warnings: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ComponentReport {
    pub(super) place: Place,
    /// The set's folder on the share, if there is one.
    pub(super) set: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) stored_bytes: u64,
    /// What of it is new on the share.
    pub(super) new_bytes: u64,
    pub(super) seconds: f64,
    pub(super) warnings: Vec<String>,
    pub(super) failure: Option<Failure>,
}

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
    pub(super) fn of(outcome: Outcome, why: String) -> Self {
        Self {
            outcome,
            why,
            begun: None,
            ended: None,
            components: Vec::new(),
            deleted: 0,
            retention_failure: None,
            warnings: Vec::new(),
        }
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.components
            .iter()
            .filter_map(|component| component.failure.as_ref())
            .chain(&self.retention_failure)
    }

    /// Writes it where the site wants it, each file whole or not at all.
    pub(super) fn write(&self, to: &ReportSection) -> Result<()> {
        if let Some(file) = &to.json {
            let json = serde_json::to_string_pretty(self)
                .map_err(|e| Error::new(ErrorKind::Internal, "the report is no JSON").with_source(e))?;
            replace(file, &(json + "\n"))?;
        }
        to.prometheus.as_ref().map_or(Ok(()), |file| replace(file, &metrics::text(self)))
    }

    /// Ends as the first failure, or as partial.
    pub(super) fn into_result(self) -> Result<Ended> {
        if let Some(failure) = self.failures().next() {
            return Err(failure.error.clone());
        }
        let is_whole = |component: &ComponentReport| component.status == Some(Status::Succeeded);
        Ok(Ended::named(!self.components.iter().all(is_whole)))
    }
}

impl ComponentReport {
    pub(super) fn of(place: &Place) -> Self {
        Self {
            place: place.clone(),
            set: None,
            status: None,
            files: 0,
            bytes: 0,
            stored_bytes: 0,
            new_bytes: 0,
            seconds: 0.0,
            warnings: Vec::new(),
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
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outcome != Outcome::Done {
            return writeln!(f, "{}", self.why);
        }
        for component in &self.components {
            let ComponentReport { place, set, status, files, bytes, new_bytes, .. } = component;
            match (set, status) {
                (Some(set), Some(status)) => {
                    writeln!(
                        f,
                        "{status:?}  {set}  {files} files, {}, {} new",
                        size(*bytes),
                        size(*new_bytes)
                    )?;
                }
                _ => writeln!(f, "FAILED  {place}")?,
            }
            component.warnings.iter().try_for_each(|warning| writeln!(f, "  warning: {warning}"))?;
            component.failure.iter().try_for_each(|failure| failure.fmt(f))?;
        }
        if self.deleted > 0 {
            writeln!(f, "deleted {} old sets", self.deleted)?;
        }
        if let Some(failure) = &self.retention_failure {
            writeln!(f, "FAILED  retention")?;
            failure.fmt(f)?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

impl Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {}\n  alert: {}", self.code, self.message, self.alert)?;
        self.next.iter().try_for_each(|step| writeln!(f, "  next:  {step}"))
    }
}

/// Writes a file whole or not at all.
fn replace(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        // Whoever collects it has another account.
        #[cfg(unix)]
        new.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        new.persist(file)?;
        Ok(())
    });
    written.map_err(|e| Error::io(format_args!("write {}", file.display()), e))
}
