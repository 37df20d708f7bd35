//! Brings a report to where the site wants it: files, a webhook, a mail.

use azs_backup::{Error, Result};

use super::metrics::Values;
use super::report::Report;
use super::{event_log, http, mail, metrics, telemetry, webhook};
use crate::files::{check_collected, replace};
use crate::output::Output;
use crate::site::{ReportSection, Site};

/// Brings it everywhere. One way that fails does not stop the others: returns what failed.
pub(super) fn deliver(report: &Report, site: &Site, output: &Output) -> Vec<Error> {
    let to = site.report();
    let json = || output.document("result", report).map(|document| document + "\n");
    let mut ways: Vec<Result<()>> = Vec::new();
    if let Some(file) = &to.json {
        ways.push(json().and_then(|json| replace(file, &json)));
    }
    if let Some(file) = &to.prometheus {
        let mut values = Values::read(site.state());
        values.update(report, site);
        ways.push(values.write(site.state()));
        ways.push(replace(file, &metrics::text(report, &values)));
    }
    if let (Some(file), Some(review)) = (&to.review, &report.review) {
        ways.push(replace(file, &review.to_html()));
    }
    if let Some(collector) = &to.opentelemetry {
        ways.push(telemetry::export(report, collector));
    }
    if to.event_log {
        ways.push(event_log::write(report));
    }
    if report.needs_attention() {
        if let Some(address) = &to.mail {
            let subject = format!("azs-backup {}: {}", report.deployment, report.summary());
            ways.push(mail::send(address, &subject, &report.to_string()));
        }
        if let Some(webhook) = &to.webhook {
            ways.push(json().and_then(|json| webhook::post(webhook, &json)));
        }
    }
    ways.into_iter().filter_map(Result::err).collect()
}

/// Refuses what no report could be brought to, before a run begins.
pub(in crate::commands) fn check(to: &ReportSection) -> Result<()> {
    if to.event_log {
        event_log::check()?;
    }
    to.prometheus.as_deref().map_or(Ok(()), |file| check_collected("prometheus of [report]:", file))?;
    to.mail.as_deref().map_or(Ok(()), mail::check)?;
    to.opentelemetry.as_deref().map_or(Ok(()), telemetry::check)?;
    to.webhook.as_ref().map_or(Ok(()), |of| http::server(&of.url, "the url of [report.webhook]").map(drop))
}
