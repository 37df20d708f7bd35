//! The report for the text file collector of Prometheus' node exporter (exposition format 0.0.4).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use azs_backup::set::Status;
use azs_backup::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::report::{ComponentReport, Copied, Expiry, Report};
use crate::files::replace;
use crate::output::label;
use crate::site::Site;

/// A metric of each component: its name, what it is, its value.
pub(super) type Metric = (&'static str, &'static str, fn(&ComponentReport) -> f64);

/// The same of another share, which may have no value.
type OfCopy = (&'static str, &'static str, fn(&Copied) -> Option<f64>);

pub(super) const METRICS: [Metric; 7] = [
    ("azs_backup_last_run_success", "Whether the last run stored everything.", |of| {
        f64::from(u8::from(of.status == Some(Status::Succeeded) && of.failure.is_none()))
    }),
    ("azs_backup_last_run_files", "Files in the set of the last run.", |of| of.files as f64),
    ("azs_backup_last_run_content_bytes", "Size of their content.", |of| of.bytes as f64),
    ("azs_backup_last_run_stored_bytes", "Size of the set on the share.", |of| of.stored_bytes as f64),
    ("azs_backup_last_run_new_bytes", "What of it was not there before.", |of| of.new_bytes as f64),
    ("azs_backup_last_run_duration_seconds", "How long its backup took.", |of| of.seconds),
    ("azs_backup_last_run_component_warnings", "What to look into in its set or sources.", |of| {
        of.warnings.len() as f64
    }),
];

const COPIES: [OfCopy; 3] = [
    ("azs_backup_copy_success", "Whether another share has all that it should.", |of| {
        Some(f64::from(u8::from(of.failure.is_none())))
    }),
    ("azs_backup_copy_sent_bytes", "What the last run sent to it.", |of| Some(of.sent_bytes as f64)),
    ("azs_backup_copy_newest_timestamp_seconds", "When the newest sets that it has were made.", |of| {
        of.newest.map(|newest| newest.as_second() as f64)
    }),
];

const LAST_GOOD: (&str, &str) =
    ("azs_backup_last_good_timestamp_seconds", "When the last run that stored everything began.");

/// The values of each site that has this state folder, by its deployment. A run that tries again what failed has some of them
/// alone, one that does not come to the share has none, and the file has all.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Values(BTreeMap<String, OfSite>);

/// By the metric's name.
type Named = BTreeMap<String, f64>;

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct OfSite {
    /// By place.
    components: BTreeMap<String, Named>,
    /// By the root of the other share.
    copies: BTreeMap<String, Named>,
}

impl Values {
    /// Reads what the last run kept in the state folder; nothing if that is not readable.
    pub(super) fn read(state: &Path) -> Self {
        let text = std::fs::read(state.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Takes what this run says, and forgets what the site no longer has.
    pub(super) fn update(&mut self, report: &Report, site: &Site) {
        let OfSite { components, copies } = self.0.entry(site.deployment.to_string()).or_default();
        let places: BTreeSet<_> = site.components.iter().map(|of| of.place.to_string()).collect();
        components.retain(|place, _| places.contains(place));
        for component in &report.components {
            let values = METRICS.map(|(name, _, value)| (name.to_owned(), value(component)));
            let good = component.last_good.map(|good| (LAST_GOOD.0.to_owned(), good.as_second() as f64));
            components.insert(component.place.to_string(), values.into_iter().chain(good).collect());
        }
        let roots: BTreeSet<_> = site.copies.iter().map(|copy| copy.root.display().to_string()).collect();
        copies.retain(|root, _| roots.contains(root));
        for copied in &report.copies {
            let values = COPIES.iter().filter_map(|(name, _, value)| Some((*name, value(copied)?)));
            let of = copies.entry(copied.root.clone()).or_default();
            // What is not known now is what it was: an age that nobody tells any more would raise no alert.
            of.extend(values.map(|(name, value)| (name.to_owned(), value)));
        }
    }

    pub(super) fn write(&self, state: &Path) -> Result<()> {
        let json = serde_json::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Internal, "the metrics are no JSON").with_source(e))?;
        replace(&state.join(FILE), &json)
    }
}

const FILE: &str = "metrics.json";

pub(super) fn text(report: &Report, values: &Values) -> String {
    let mut text = String::new();
    let none = OfSite::default();
    let OfSite { components, copies } = values.0.get(&report.deployment.to_string()).unwrap_or(&none);
    for (name, help) in METRICS.map(|(name, help, _)| (name, help)).into_iter().chain([LAST_GOOD]) {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (place, value) in components.iter().filter_map(|(place, of)| Some((place, of.get(name)?))) {
            let _ = writeln!(text, "{name}{{place=\"{}\"}} {value}", label(place));
        }
    }
    let name = "azs_backup_certificate_expiry_timestamp_seconds";
    let _ = writeln!(text, "# HELP {name} Until when a certificate encrypts.\n# TYPE {name} gauge");
    for Expiry { thumbprint, not_after } in &report.certificates {
        let _ = writeln!(text, "{name}{{thumbprint=\"{}\"}} {}", label(thumbprint), not_after.as_second());
    }
    if let Some(review) = &report.review {
        let name = "azs_backup_review_findings";
        let _ = writeln!(text, "# HELP {name} What does not follow the best practices.\n# TYPE {name} gauge");
        for (severity, count) in review.counts() {
            let _ = writeln!(text, "{name}{{severity=\"{}\"}} {count}", severity.as_str());
        }
    }
    for (name, help, _) in COPIES.iter().filter(|_| !copies.is_empty()) {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (root, value) in copies.iter().filter_map(|(root, of)| Some((root, of.get(*name)?))) {
            let _ = writeln!(text, "{name}{{root=\"{}\"}} {value}", label(root));
        }
    }
    let mut of_run = |name: &str, help: &str, value: f64| {
        let deployment = label(&report.deployment);
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{deployment=\"{deployment}\"}} {value}"
        );
    };
    if let Some(ended) = report.ended {
        let name = "azs_backup_last_run_timestamp_seconds";
        of_run(name, "When the last run ended.", ended.as_second() as f64);
    }
    of_run("azs_backup_last_run_deleted_sets", "Old sets that it deleted.", report.deleted as f64);
    let failed = f64::from(u8::from(report.retention_failure.is_some()));
    of_run("azs_backup_last_run_retention_failed", "Whether it could not delete old sets.", failed);
    of_run("azs_backup_last_run_warnings", "What else to look into.", report.warnings.len() as f64);
    text
}
