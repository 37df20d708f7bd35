//! Reviews a configuration and a share by the best practices.
//!
//! "Review the best practices regularly to verify that your installation is still in compliance" (Infrastructure Backup
//! Service best practices). [`review`] does that: it compares every sentence of them that can be checked with a
//! [`Configuration`] and with what is on the share. It returns [`Finding`]s with a rule, a severity, what was seen, why
//! it matters and what to do. It needs no key and changes nothing.
//!
//! [`RULES`] are data with permanent IDs. To silence a rule, give a reason, which shows in every review.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use azs_backup::review::{Configuration, Severity, review};
//! use azs_backup::{FolderShare, Share};
//!
//! let share: Arc<dyn Share> = Arc::new(FolderShare::open("/mnt/backups")?);
//! let configuration = Configuration::from_json(&std::fs::read("review.json")?)?;
//! let review = review(&configuration, share, jiff::Timestamp::now())?;
//! print!("{}", review.to_table());
//! std::fs::write("review.html", review.to_html())?;
//! let is_bad = review.findings.iter().any(|finding| finding.rule.severity == Severity::Critical);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Azure Stack Hub's own backups in `MASBackup` are reviewed, too: by their names and clear metadata, and with the PFX
//! ([`review_with`]) by opening what the newest one needs. Free space is what the share reports, or
//! else the configuration. It cannot check whether a file that is named like an encrypted one is encrypted. It looks at
//! a bounded number of entries, depths and files; what is beyond the bounds is a finding.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Result;
use crate::layout::Deployment;
use crate::mas_backup::Keys;
use crate::share::Share;

mod ages;
mod checks;
mod configuration;
mod copies;
mod fields;
mod findings;
mod html;
mod mas_backup;
mod rules;
mod scan;
mod seen;
mod sets;
mod signers;
mod survey;
mod table;
mod their_backups;

pub use crate::severity::Severity;
pub use configuration::{ComponentSettings, Configuration, KnownCertificate, MeasuredSpace, Silence};
pub use findings::{Finding, Silenced};
pub use rules::{RULES, Rule};
pub use sets::{ComponentReview, Day, Size};
pub use survey::{Region, Survey, SurveyBuilder, SurveyRow, survey};
pub use their_backups::TheirBackups;

/// The result of a review.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Review {
    /// The time for which it was made.
    pub now: Timestamp,
    /// The deployment.
    pub deployment: Deployment,
    /// The share, as it describes itself.
    pub share: String,
    /// What is not as it should be, worst first.
    pub findings: Vec<Finding>,
    /// What is not as it should be, but is silenced.
    pub silenced: Vec<Silenced>,
    /// The state of each component.
    pub components: Vec<ComponentReview>,
    /// Azure Stack Hub's own backups, in each `MASBackup` that has any.
    pub their_backups: Vec<TheirBackups>,
    /// The share's space, as it reports it, or else as the configuration gives it.
    pub space: Option<MeasuredSpace>,
    /// Estimated bytes that the next run of all components needs.
    pub next_run_bytes: u64,
}

impl Review {
    /// Returns the number of findings of each severity, worst first.
    pub fn counts(&self) -> impl Iterator<Item = (Severity, usize)> {
        Severity::ALL.into_iter().map(|severity| {
            (severity, self.findings.iter().filter(|finding| finding.rule.severity == severity).count())
        })
    }
}

/// Reviews a configuration, and the share whose root it names.
///
/// # Errors
/// The share's own errors, when its root cannot be listed, the connection is lost or a read takes too long. Any other
/// folder or file that cannot be read is a finding.
pub fn review(configuration: &Configuration, share: Arc<dyn Share>, now: Timestamp) -> Result<Review> {
    review_with(configuration, share, &[], &Keys::default(), now)
}

/// Reviews as [`review`] does, looks for copies on other shares, and tries the keys on what the newest backup of Azure Stack
/// Hub needs: a drill. Another share that could not be opened is a finding: give its error.
///
/// # Errors
/// Those of [`review`].
pub fn review_with(
    configuration: &Configuration,
    share: Arc<dyn Share>,
    copies: &[Result<Arc<dyn Share>>],
    keys: &Keys,
    now: Timestamp,
) -> Result<Review> {
    let mut seen = scan::scan(&*share, &configuration.deployment)?;
    let mut findings = findings::Findings::default();
    checks::root(configuration, &mut findings);
    checks::configuration(configuration, &mut findings);
    checks::certificates(configuration, now, &mut findings);
    let (mut components, totals) = sets::review(configuration, &share, &mut seen, now, &mut findings)?;
    copies::review(configuration, copies, &mut components, now, &mut findings)?;
    let their_backups = their_backups::review(configuration, &share, &mut seen, keys, now, &mut findings)?;
    checks::layout(configuration, &seen, &mut findings);
    let space = checks::space_of(configuration, &*share, now);
    checks::space(space, &totals, &mut findings);

    let mut kept = Vec::new();
    let mut silenced = Vec::new();
    let (findings, unlisted) = findings.sorted();
    for finding in findings {
        let silence = configuration.silence.iter().find(|silence| {
            silence.rule == finding.rule.id
                && silence.about.as_ref().is_none_or(|about| *about == finding.about)
                && !silence.reason.trim().is_empty()
        });
        match silence {
            Some(silence) => silenced.push(Silenced { finding, reason: silence.reason.clone() }),
            None => kept.push(finding),
        }
    }
    for component in &mut components {
        let of = kept.iter().filter(|finding| {
            finding.about == component.name || component.name.split('/').next() == Some(&finding.about)
        });
        let unlisted = unlisted.get(&component.name).copied();
        component.worst = of.map(|finding| finding.rule.severity).chain(unlisted).min();
    }
    Ok(Review {
        now,
        deployment: configuration.deployment.clone(),
        share: findings::shown(&share.describe()),
        findings: kept,
        silenced,
        components,
        their_backups,
        space,
        next_run_bytes: totals.next_run,
    })
}
