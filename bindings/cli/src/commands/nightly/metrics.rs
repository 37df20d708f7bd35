//! The report for the text file collector of Prometheus' node exporter (exposition format 0.0.4).

use std::fmt::Write;

use azs_backup::set::Status;

use super::report::{ComponentReport, Report};

/// A metric of each component: its name, what it is, its value.
pub(super) type Metric = (&'static str, &'static str, fn(&ComponentReport) -> f64);

pub(super) const METRICS: [Metric; 6] = [
    ("azs_backup_last_run_success", "Whether the last run stored everything.", |of| {
        f64::from(u8::from(of.status == Some(Status::Succeeded) && of.failure.is_none()))
    }),
    ("azs_backup_last_run_files", "Files in the set of the last run.", |of| of.files as f64),
    ("azs_backup_last_run_content_bytes", "Size of their content.", |of| of.bytes as f64),
    ("azs_backup_last_run_stored_bytes", "Size of the set on the share.", |of| of.stored_bytes as f64),
    ("azs_backup_last_run_new_bytes", "What of it was not there before.", |of| of.new_bytes as f64),
    ("azs_backup_last_run_duration_seconds", "How long its backup took.", |of| of.seconds),
];

pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for (name, help, value) in METRICS {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for component in &report.components {
            let _ = writeln!(text, "{name}{{place=\"{}\"}} {}", label(&component.place), value(component));
        }
    }
    let name = "azs_backup_last_good_timestamp_seconds";
    let _ =
        writeln!(text, "# HELP {name} When the last run that stored everything began.\n# TYPE {name} gauge");
    for component in &report.components {
        if let Some(good) = component.last_good {
            let _ = writeln!(text, "{name}{{place=\"{}\"}} {}", label(&component.place), good.as_second());
        }
    }
    if let Some(review) = &report.review {
        let name = "azs_backup_review_findings";
        let _ = writeln!(text, "# HELP {name} What does not follow the best practices.\n# TYPE {name} gauge");
        for (severity, count) in review.counts() {
            let _ = writeln!(text, "{name}{{severity=\"{}\"}} {count}", severity.as_str());
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

/// The value of a label, with what the format wants escaped.
fn label(value: impl ToString) -> String {
    value.to_string().replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
