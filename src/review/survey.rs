//! Looks at many deployments on many shares side by side.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::ages::HOUR;
use crate::error::{Result, Scope};
use crate::layout::Deployment;
use crate::observer::{Observer, Progress, Ticker, observed};
use crate::set::list_deployments;
use crate::severity::Severity;
use crate::share::Share;
use crate::signature::{Demand, SignerCertificate};
use crate::worker_pool;

mod page;
mod region;
mod row;

pub use row::SurveyRow;

/// Deployments that are looked at at once: each asks a share far away one question after the other.
const IN_FLIGHT: usize = 32;

/// The same of a folder, which answers at once.
const IN_FLIGHT_LOCAL: usize = 8;

/// Many deployments side by side.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Survey {
    /// The time for which it was made.
    pub now: Timestamp,
    /// A row for each component and scale unit of each deployment, the worst first.
    pub rows: Vec<SurveyRow>,
}

impl Survey {
    /// Returns the number of rows of each severity, worst first.
    pub fn counts(&self) -> impl Iterator<Item = (Severity, usize)> {
        Severity::ALL
            .into_iter()
            .map(|severity| (severity, self.rows.iter().filter(|row| row.severity == Some(severity)).count()))
    }
}

/// Where a deployment's sets are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Region {
    share: Arc<dyn Share>,
    /// All of the share, if there is none.
    deployment: Option<Deployment>,
}

impl Region {
    /// One deployment of a share.
    #[must_use]
    pub fn new(share: Arc<dyn Share>, deployment: Deployment) -> Self {
        Self { share, deployment: Some(deployment) }
    }

    /// All deployments that have a region folder on a share.
    #[must_use]
    pub fn all(share: Arc<dyn Share>) -> Self {
        Self { share, deployment: None }
    }
}

/// Prepares to look at many deployments side by side: when each component was last backed up, how large the set is and how
/// that changed, who signed it, which PFX opens it, and how old the newest copy elsewhere is.
///
/// It needs no key. Of each component it looks at the newest sets alone, until it finds two that are complete, so it costs
/// little and says less than a [review](super::review()). Its memory is some hundred bytes a row.
pub fn survey<'a>(regions: impl IntoIterator<Item = Region>, now: Timestamp) -> SurveyBuilder<'a> {
    SurveyBuilder {
        regions: regions.into_iter().collect(),
        copies: Vec::new(),
        demand: Demand::default(),
        frequency_hours: 12,
        now,
        observer: None,
    }
}

/// A survey that [`run`](Self::run) makes.
#[must_use = "nothing is looked at before `run`"]
pub struct SurveyBuilder<'a> {
    regions: Vec<Region>,
    copies: Vec<Arc<dyn Share>>,
    demand: Demand,
    frequency_hours: u32,
    now: Timestamp,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> SurveyBuilder<'a> {
    /// Looks for copies on these shares.
    pub fn copies(mut self, copies: impl IntoIterator<Item = Arc<dyn Share>>) -> Self {
        self.copies.extend(copies);
        self
    }

    /// Counts only sets that one of these signers signed. An empty list demands nothing.
    pub fn require_signers(mut self, signers: &[SignerCertificate]) -> Self {
        self.demand = Demand::new(signers);
        self
    }

    /// Sets how many hours may lie between two backups: 12, unless you say otherwise, and at least one.
    pub fn frequency_hours(mut self, hours: u32) -> Self {
        self.frequency_hours = hours.max(1);
        self
    }

    /// Sets the observer. The progress counts deployments as files.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Looks at all of them. A share or a folder that cannot be read is a row that says so.
    ///
    /// # Errors
    /// `CANCELLED`.
    pub fn run(self) -> Result<Survey> {
        let Self { regions, copies, demand, frequency_hours, now, observer } = self;
        let look = region::Look { copies, demand, frequency: i64::from(frequency_hours) * HOUR, now };
        observed(observer, |observer| {
            let mut ticker = Ticker::new(observer, None);
            let mut rows = Vec::new();
            let mut deployments = Vec::new();
            // Roots of many deployments are listed first, one after the other: they are few.
            for Region { share, deployment } in regions {
                match deployment {
                    Some(deployment) => deployments.push((share, deployment)),
                    None => match list_deployments(&share) {
                        Ok(found) => deployments.extend(found.into_iter().map(|of| (share.clone(), of))),
                        Err(e) if e.scope() == Scope::Caller => return Err(e),
                        Err(e) => rows.push(SurveyRow::unreadable(&share, None, &e)),
                    },
                }
            }
            let is_local = |(share, _): &(Arc<dyn Share>, Deployment)| share.local_root().is_some();
            let at_once = if deployments.iter().all(is_local) { IN_FLIGHT_LOCAL } else { IN_FLIGHT };
            let (mut jobs, done) = (deployments.into_iter(), Cell::new(0));
            worker_pool::run(
                at_once.min(jobs.len()),
                || Ok(()),
                |(), (share, deployment): (Arc<dyn Share>, Deployment)| look.at(&share, &deployment),
                || Ok(jobs.next()),
                |found: Vec<SurveyRow>| {
                    rows.extend(found);
                    done.set(done.get() + 1);
                    Ok(())
                },
                || ticker.tick(Progress { files: done.get(), ..Progress::default() }),
            )?;
            ticker.end(Progress { files: done.get(), ..Progress::default() })?;
            // What is good has no severity, and comes last.
            rows.sort_by_cached_key(|row| {
                (row.severity.map_or(u8::MAX, |of| of as u8), row.deployment.clone(), row.component.clone())
            });
            Ok(Survey { now, rows })
        })
    }
}

/// The sets of each component and scale unit, from new to old.
type ByPlace = BTreeMap<String, Vec<crate::set::Named>>;
