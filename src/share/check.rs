//! Checks the way to a share step by step: what an operator runs after reading an alert.
//!
//! A code alone often cannot tell a wrong name from a broken route or a server that is down. The steps can: the fault
//! is at the first one that fails.

use std::time::Instant;

use jiff::Timestamp;

use super::{CLOCK_SKEW, Share, missing_folder};
use crate::alert::{AlertKind, Context};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Deployment, Place, SharePath};
use crate::stop::Stop;
use crate::worker_pool::{self, joined};

mod options;
mod probe;
mod report;
mod report_builder;

pub use report::{CheckAlert, CheckReport, CheckedStep, Step, StepOutcome};

use probe::{Probe, ProbeName};
use report_builder::ReportBuilder;

/// Checks the way to a share, and what this account can do on it.
#[derive(Clone, Debug)]
pub struct ShareCheck {
    deployment: Deployment,
    components: Vec<Place>,
    creates_folders: bool,
}

impl ShareCheck {
    /// Prepares a check for the backups of a deployment.
    #[must_use]
    pub fn new(deployment: Deployment) -> Self {
        Self { deployment, components: Vec::new(), creates_folders: false }
    }

    /// Checks the folder of this component, too.
    #[must_use]
    pub fn component(mut self, place: &Place) -> Self {
        self.components.push(place.clone());
        self
    }

    /// Says whether to create missing folders. A backup creates the folders of known components by itself, but others
    /// only on request: if one of those is missing, the check fails.
    #[must_use]
    pub fn create_folders(mut self, create: bool) -> Self {
        self.creates_folders = create;
        self
    }

    /// Checks an open share.
    ///
    /// The check writes a few objects with random names, and removes them. Where this account may not delete, it leaves
    /// nothing either, and says what will not work.
    #[must_use]
    pub fn run(&self, share: &dyn Share) -> CheckReport {
        let mut steps = self.steps(share.describe(), None);
        self.look_at(share, &mut steps);
        steps.report
    }

    pub(super) fn steps(&self, share: String, account: Option<String>) -> ReportBuilder {
        let deployment = self.deployment.to_string();
        let mut context =
            Context::new("", Timestamp::now()).location(self.deployment.region().to_string()).share(&*share);
        context.account = account;
        ReportBuilder { context, report: CheckReport { share, deployment, steps: Vec::new() } }
    }

    pub(super) fn look_at(&self, share: &dyn Share, steps: &mut ReportBuilder) {
        let Some(folder) = self.look_for_folders(share, steps) else { return steps.skip_rest() };
        let begun = Instant::now();
        let probe = match share.may_delete(&folder).and_then(|may| Ok((may, Probe::new(&folder)?))) {
            Ok((Some(false), probe)) => {
                probe.write_and_discard(share, steps);
                look_at_space(share, steps);
                let why = "no file remains to compare times with";
                return steps.add(Step::Clock, StepOutcome::Skipped, Instant::now(), why.into());
            }
            Ok((_, probe)) => probe,
            Err(error) => return not_written(share, steps, begun, &error),
        };
        let begun = Instant::now();
        if let Err(error) = share.put(&probe.object, &probe.content) {
            // The report has room for one reason, and this is the first.
            let _ = Probe::remove(share, &[ProbeName::MayExist(&probe.object)]);
            return not_written(share, steps, begun, &error);
        }
        steps.passed(Step::Write, begun, probe.written());
        // A server that is far away takes its time for each of these, but not for all of them together.
        let [mut read, mut linked, mut copied, mut space] = std::array::from_fn(|_| steps.new_part());
        let stop = &Stop::child();
        let (mut made, around) = std::thread::scope(|scope| {
            let link = scope.spawn(|| stop.run(|| probe.take_name(Step::HardLink, share, &mut linked)));
            let copy = scope.spawn(|| stop.run(|| probe.take_name(Step::Copy, share, &mut copied)));
            scope.spawn(|| stop.run(|| probe.read_back(share, &mut read)));
            scope.spawn(|| stop.run(|| look_at_space(share, &mut space)));
            let around = probe.look_around(share, begun);
            (Vec::from_iter([link, copy].into_iter().filter_map(joined)), around)
        });
        [read, linked, copied].into_iter().for_each(|others| steps.append(others));
        made.extend(probe.rename(share, steps));
        let begun = Instant::now();
        let deleted = Probe::remove(share, &made);
        let left = around.as_ref().map(|around| &*around.left).unwrap_or_default();
        let left: Vec<_> = left.iter().map(ProbeName::MayExist).collect();
        // They hurt nobody: the next check tries again.
        let cleared = if !left.is_empty() && Probe::remove(share, &left).is_ok() {
            ", and nothing of checks that were killed"
        } else {
            ""
        };
        steps.record(Step::Delete, begun, deleted.map(|()| format!("nothing is left of the probe{cleared}")));
        steps.append(space);
        match around.map(|around| around.ahead) {
            Ok(Some(difference)) => {
                let seen = format!(
                    "the server is {} s {}",
                    difference.abs(),
                    if difference < 0 { "behind" } else { "ahead" }
                );
                let outcome = if difference.abs() > CLOCK_SKEW.as_secs() {
                    StepOutcome::Warned
                } else {
                    StepOutcome::Passed
                };
                let advice = if outcome == StepOutcome::Warned { "; Kerberos allows 300 s" } else { "" };
                steps.add(Step::Clock, outcome, begun, seen + advice);
            }
            Ok(None) => steps.add(
                Step::Clock,
                StepOutcome::Skipped,
                begun,
                "the share reports no modification times".into(),
            ),
            Err(error) => steps.failed(Step::Clock, begun, &error),
        }
    }

    /// Returns the innermost existing folder of the deployment; `None` if not even the root can be listed.
    fn look_for_folders(&self, share: &dyn Share, steps: &mut ReportBuilder) -> Option<SharePath> {
        let begun = Instant::now();
        let region = self.deployment.region_folder();
        let (mut place, mut missing) = (SharePath::root(), Vec::new());
        let required = self.components.iter().flat_map(Place::required_folders);
        let required = std::iter::once((region.clone(), "region folder")).chain(required);
        let by_backup = self.components.iter().map(|place| (place.folder(), ""));
        let folders: Vec<_> = required.chain(by_backup).collect();
        let (root, listed) = list_all(share, &folders);
        if let Err(error) = root {
            steps.failed(Step::Path, begun, &error);
            return None;
        }
        for ((folder, what), listed) in folders.into_iter().zip(listed) {
            let found = match listed {
                Err(error) if error.kind() == ErrorKind::NotFound && self.creates_folders => {
                    match share.create_folder(&folder) {
                        // It was looked for before another was created.
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                        created => created,
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound && what.is_empty() => {
                    missing.push(folder.to_string());
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Err(missing_folder(share, &folder, what).with_source(error))
                }
                found => found,
            };
            match found {
                Ok(()) if folder == region => place = region.clone(),
                Ok(()) => {}
                Err(error) => {
                    steps.failed(Step::Path, begun, &error);
                    // It is still worth knowing whether the share can be written to.
                    return (error.kind() == ErrorKind::NotFound).then_some(place);
                }
            }
        }
        if missing.is_empty() {
            steps.passed(Step::Path, begun, format!("{region} is there"));
        } else {
            let seen = format!("{region} is there; a backup creates {}", missing.join(", "));
            steps.passed(Step::Path, begun, seen);
        }
        Some(place)
    }
}

/// Nothing could be written: what needs an object is skipped.
fn not_written(share: &dyn Share, steps: &mut ReportBuilder, begun: Instant, error: &Error) {
    steps.failed(Step::Write, begun, error);
    for step in [Step::ReadBack, Step::HardLink, Step::Copy, Step::Rename, Step::Delete] {
        steps.add(step, StepOutcome::Skipped, Instant::now(), "nothing was written".into());
    }
    look_at_space(share, steps);
    steps.skip_rest();
}

/// Lists the root and these folders, all at once: whether they exist.
fn list_all(share: &dyn Share, folders: &[(SharePath, &str)]) -> (Result<()>, Vec<Result<()>>) {
    let list = |folder: &SharePath| share.list(folder).map(drop);
    worker_pool::join(|| list(&SharePath::root()), || worker_pool::all(folders, |(folder, _)| list(folder)))
}

/// A size that is never rounded to nothing.
fn gib(bytes: u64) -> String {
    match bytes as f64 / f64::from(1 << 30) {
        gib if gib < 1.0 => format!("{:.0} MiB", gib * 1024.0),
        gib => format!("{gib:.1} GiB"),
    }
}

fn look_at_space(share: &dyn Share, steps: &mut ReportBuilder) {
    let begun = Instant::now();
    match share.space() {
        Ok(space) => {
            let seen = format!("{} of {} free for this account", gib(space.free), gib(space.total));
            if space.is_almost_full() {
                steps.add(Step::Space, StepOutcome::Warned, begun, seen);
                steps.alert(ErrorKind::OutOfCapacity, AlertKind::AlmostFull.into());
            } else {
                steps.passed(Step::Space, begun, seen);
            }
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            steps.add(Step::Space, StepOutcome::Skipped, begun, error.to_string());
        }
        Err(error) => steps.failed(Step::Space, begun, &error),
    }
}
