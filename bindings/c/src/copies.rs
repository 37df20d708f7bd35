//! Copies on another share.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use azs::copies::{Amount, CopyBuilder, CopyReport, copy_set, replicate};
use azs::layout::{Component, Deployment, SetName, facts};
use azs::observer::Observer;
use azs::schedule::RetentionPolicy;
use azs::set::list_deployments;
use azs::signature::SignerCertificate;
use azs::{Place, Result, Share, from_json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::callback::{azs_progress_fn, hook};
use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, handle, lent, slot};
use crate::retention::azs_retention_policy;
use crate::share::azs_share;
use crate::signature::{azs_signer_certificate, demanded};

/// Copies the complete sets of a deployment, or of one component, to another share, sealed as they are: those that are not
/// whole there, the newest of each place first. Needs no key. Each byte is compared at both ends, and the cover sheet comes
/// last: a copy that was cut off is no backup, and the next call completes it.
///
/// `component` may be NULL for all. With a demand for `signers`, only sets that one of them signed are copied; NULL and 0
/// demand nothing. `retention` may be NULL; it leaves out what this policy would delete at the other share at the time
/// `now`, which may be NULL for the present. `options` is NULL or a JSON object: `create` for the region folder there,
/// `read_back` to read back all that is there, `dry_run` to only find out which sets are missing; all false by
/// default. `progress` may be NULL; it counts stored files.
///
/// Returns the report as JSON: `copied`, `sent` with `files` and `bytes`, `needs_attention`, `unreadable`, and `sets` with
/// `place`, `name`, `folder`, `outcome` ("copied" with `sent` and `linked`, "present", "missing" with `bytes`, "not_kept",
/// "skipped" and "conflict" with `reason`, "gone", "failed" with `code` and `message`). The call succeeds even if a set
/// cannot be copied.
#[unsafe(no_mangle)]
pub extern "C" fn azs_replicate(
    share: *const azs_share,
    to: *const azs_share,
    deployment: Text,
    component: Text,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    retention: *const azs_retention_policy,
    now: Text,
    options: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (from, to) = ends(share, to)?;
        let deployment: Deployment = deployment.parse("deployment")?;
        let component: Option<Component> = component.parse_optional("component")?;
        let choices = Choices::read((signers, signer_count), (retention, &now), &options)?;
        let copy = replicate(from, to, &deployment).component(component.as_ref());
        out.json(&choices.run(copy, &mut hook(progress, user_data))?)
    })
}

/// Copies one set to another share; otherwise as `azs_replicate`. Fails with `AZS_STATUS_NOT_FOUND` if there is no such set,
/// and with `AZS_STATUS_INCOMPLETE` if it is no backup.
#[unsafe(no_mangle)]
pub extern "C" fn azs_copy_set(
    share: *const azs_share,
    to: *const azs_share,
    place: Text,
    set: Text,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    retention: *const azs_retention_policy,
    now: Text,
    options: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (from, to) = ends(share, to)?;
        let (place, set): (Place, SetName) = (place.parse("place")?, set.parse("set")?);
        let choices = Choices::read((signers, signer_count), (retention, &now), &options)?;
        let copy = copy_set(from, to, &place, set);
        out.json(&choices.run(copy, &mut hook(progress, user_data))?)
    })
}

/// Returns the deployments that have a region folder on a share, by name: a JSON array of what `azs_deployment_parse`
/// returns. Folders that cannot be listed are left out.
#[unsafe(no_mangle)]
pub extern "C" fn azs_list_deployments(
    share: Option<&azs_share>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let found = list_deployments(&handle(share, "share")?.0)?;
        let found = found.iter().map(|deployment| facts("deployment", &deployment.to_string()));
        out.json(&found.collect::<Result<Vec<_>>>()?)
    })
}

fn ends(share: *const azs_share, to: *const azs_share) -> Result<(Arc<dyn Share>, Arc<dyn Share>)> {
    Ok((lent(share, "share", |share| &share.0)?, lent(to, "to", |to| &to.0)?))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    create: bool,
    read_back: bool,
    dry_run: bool,
}

/// How to copy.
struct Choices {
    signers: Vec<SignerCertificate>,
    policy: Option<(RetentionPolicy, Timestamp)>,
    options: Options,
}

impl Choices {
    fn read(
        (signers, signer_count): (*const *const azs_signer_certificate, usize),
        (retention, now): (*const azs_retention_policy, &Text),
        options: &Text,
    ) -> Result<Self> {
        let policy = match retention.is_null() {
            true => None,
            false => Some((lent(retention, "retention", |policy| &policy.0)?, now.time("now")?)),
        };
        let options = from_json("options of a copy", options.optional("options")?.unwrap_or("{}"))?;
        Ok(Self { signers: demanded(signers, signer_count)?, policy, options })
    }

    fn run<'a>(&'a self, copy: CopyBuilder<'a>, observer: &'a mut dyn Observer) -> Result<Copied> {
        let Options { create, read_back, dry_run } = self.options;
        let copy = copy.require_signers(&self.signers).create(create).read_back(read_back);
        let copy = match &self.policy {
            Some((policy, now)) => copy.retention(policy, *now),
            None => copy,
        };
        copy.dry_run(dry_run).observer(observer).run().map(Copied::from)
    }
}

/// A report, and what callers ask first.
#[derive(Serialize)]
struct Copied {
    copied: usize,
    sent: Amount,
    needs_attention: bool,
    #[serde(flatten)]
    report: CopyReport,
}

impl From<CopyReport> for Copied {
    fn from(report: CopyReport) -> Self {
        let (copied, sent) = (report.copied(), report.sent());
        Self { copied, sent, needs_attention: report.needs_attention(), report }
    }
}
