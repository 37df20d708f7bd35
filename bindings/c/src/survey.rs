//! A survey of many deployments.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use azs::review::{Region, Survey, survey};
use azs::{Result, Share};

use crate::callback::{azs_progress_fn, hook};
use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, handle, handles, invalid, slot, texts};
use crate::share::azs_share;
use crate::signature::{azs_signer_certificate, demanded};

/// Many deployments side by side. Free it with `azs_survey_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_survey(Survey);

/// Looks at many deployments side by side, without a key: when each component was last backed up, how large the set is and
/// how that changed, who signed it, which PFX opens it, and how old the newest copy elsewhere is.
///
/// There are `count` regions. The first is the deployment `deployments[0]` on the share `shares[0]`, and so on; a share may
/// come several times. `deployments`, or one of them, may be NULL for all deployments of the share. `copies` are shares with
/// copies, or NULL and 0. With a demand for `signers`, only sets that one of them signed count; NULL and 0 demand nothing.
/// `frequency_hours` is how many hours may lie between two backups; 0 means 12. `now` may be NULL for the present.
/// `progress` may be NULL; it counts deployments as files. A share or a folder that cannot be read is a row that says so.
#[unsafe(no_mangle)]
pub extern "C" fn azs_survey_new(
    shares: *const *const azs_share,
    deployments: *const *const c_char,
    count: usize,
    copies: *const *const azs_share,
    copy_count: usize,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    frequency_hours: u32,
    now: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    found: Slot<'_, azs_survey>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(found, "found")?;
        if count == 0 {
            return Err(invalid("there is no region to look at".into()));
        }
        let shares = handles(shares, count, "shares")?;
        let regions = shares.into_iter().zip(texts(deployments, count, "deployments")?);
        let region = |(share, deployment): (&azs_share, Option<&str>)| {
            Ok(match deployment {
                Some(deployment) => Region::new(share.0.clone(), deployment.parse()?),
                None => Region::all(share.0.clone()),
            })
        };
        let regions = regions.map(region).collect::<Result<Vec<_>>>()?;
        let (signers, mut hook) = (demanded(signers, signer_count)?, hook(progress, user_data));
        let survey = survey(regions, now.time("now")?).copies(opened(copies, copy_count)?);
        let survey = survey.require_signers(&signers).observer(&mut hook);
        let survey = if frequency_hours == 0 { survey } else { survey.frequency_hours(frequency_hours) };
        out.give(azs_survey(survey.run()?));
        Ok(())
    })
}

/// Shares with copies.
pub(crate) fn opened(shares: *const *const azs_share, count: usize) -> Result<Vec<Arc<dyn Share>>> {
    Ok(handles(shares, count, "copies")?.into_iter().map(|share| share.0.clone()).collect())
}

/// Returns it as JSON: `now`, and `rows`, the worst first, each with `share`, `deployment`, `component`, `severity` (null
/// if all is well), `remarks`, `sets`, `last_good`, `due`, `status`, `files`, `bytes`, `stored_bytes`, `bytes_before`,
/// `signature`, `thumbprints`, `last_copy`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_survey_json(
    survey: Option<&azs_survey>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(survey, "survey")?.0))
}

/// Returns it as an HTML page.
#[unsafe(no_mangle)]
pub extern "C" fn azs_survey_to_html(
    survey: Option<&azs_survey>,
    html: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        slot(html, "html")?.text(handle(survey, "survey")?.0.to_html());
        Ok(())
    })
}

/// Frees a survey. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_survey_free(survey: Option<Box<azs_survey>>) {
    drop(survey);
}
