//! Looks at many deployments on many shares side by side.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::ages::HOUR;
use crate::error::{Error, Result, Scope};
use crate::layout::Deployment;
use crate::observer::{Observer, Progress, Ticker, observed};
use crate::set::find_deployments;
use crate::severity::Severity;
use crate::share::{Identity, Share};
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
    /// Whether all rows are of one share, so that nothing needs to tell shares apart.
    #[must_use]
    pub fn has_one_share(&self) -> bool {
        self.rows.windows(2).all(|pair| pair[0].share == pair[1].share)
    }

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
pub struct Region(Wanted);

#[derive(Clone, Debug)]
enum Wanted {
    One(Arc<dyn Share>, Deployment),
    All(Arc<dyn Share>),
    /// A row for a share that could not be opened.
    Away(Box<SurveyRow>),
}

impl Region {
    /// One deployment of a share.
    #[must_use]
    pub fn new(share: Arc<dyn Share>, deployment: Deployment) -> Self {
        Self(Wanted::One(share, deployment))
    }

    /// All deployments that have a region folder on a share.
    #[must_use]
    pub fn all(share: Arc<dyn Share>) -> Self {
        Self(Wanted::All(share))
    }

    /// Those of a share that could not be opened: the survey has a row that says so.
    #[must_use]
    pub fn away(root: impl Into<String>, error: &Error) -> Self {
        Self(Wanted::Away(Box::new(SurveyRow::unreadable(root.into(), None, error))))
    }
}

/// A deployment to look at, and its share.
struct Located {
    share: Arc<dyn Share>,
    identity: Arc<Identity>,
    deployment: Deployment,
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
        let copies = copies.into_iter().map(|share| (Identity::of(&*share), share)).collect();
        let look = region::Look { copies, demand, frequency: i64::from(frequency_hours) * HOUR, now };
        observed(observer, |observer| {
            let mut ticker = Ticker::new(observer, None);
            let (located, mut rows) = locate(regions)?;
            let is_local = |of: &Located| of.share.local_root().is_some();
            let at_once = if located.iter().all(is_local) { IN_FLIGHT_LOCAL } else { IN_FLIGHT };
            let (mut jobs, done) = (located.into_iter(), Cell::new(0));
            worker_pool::run(
                at_once.min(jobs.len()),
                || Ok(()),
                |(), of: Located| look.at(&of),
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

/// Finds the deployments of all regions, each once; a share that shows none, or not all of them, has rows that say so.
///
/// Roots of many deployments are listed one after the other: they are few.
fn locate(regions: Vec<Region>) -> Result<(Vec<Located>, Vec<SurveyRow>)> {
    let (mut located, mut rows) = (Vec::new(), Vec::new());
    // Whoever names a share twice, or in two ways, wants it once.
    let (mut seen, mut said) = (HashSet::new(), HashSet::new());
    let mut say = |row: SurveyRow| {
        if said.insert((row.share.clone(), row.remarks.clone())) {
            rows.push(row);
        }
    };
    for Region(wanted) in regions {
        let (share, deployments) = match wanted {
            Wanted::Away(row) => {
                say(*row);
                continue;
            }
            Wanted::One(share, deployment) => (share, vec![deployment]),
            Wanted::All(share) => match find_deployments(&share) {
                Ok((found, unread)) => {
                    if found.is_empty() && unread.is_empty() {
                        say(SurveyRow::empty(&share));
                    }
                    unread.iter().for_each(|e| say(SurveyRow::unreadable(share.describe(), None, e)));
                    (share, found)
                }
                Err(e) if e.scope() == Scope::Caller => return Err(e),
                Err(e) => {
                    say(SurveyRow::unreadable(share.describe(), None, &e));
                    continue;
                }
            },
        };
        let identity = Arc::new(Identity::of(&*share));
        for deployment in deployments {
            if seen.insert((identity.clone(), deployment.clone())) {
                located.push(Located { share: share.clone(), identity: identity.clone(), deployment });
            }
        }
    }
    Ok((located, rows))
}

/// The sets of each component and scale unit, from new to old.
type ByPlace = BTreeMap<String, Vec<crate::set::Named>>;
