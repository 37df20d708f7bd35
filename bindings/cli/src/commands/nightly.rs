//! `nightly`

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use azs_backup::layout::Deployment;
use azs_backup::schedule::{
    Decision, Gate, Health, Job, JobLog, Jobs, NextRun, OperationsFile, Trigger, Warning, warnings,
};
use azs_backup::{Error, ErrorKind, Result};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use self::report::{Outcome, Report};
use self::run::Run;
use crate::ended::Ended;
use crate::files::private_folder;
use crate::output::Output;
use crate::site::{CONFIGURATION, Component, Site};

mod damage;
mod delivery;
#[cfg_attr(not(windows), path = "nightly/no_event_log.rs")]
mod event_log;
mod http;
mod mail;
mod metrics;
mod owed;
mod report;
mod run;
#[cfg_attr(not(feature = "opentelemetry"), path = "nightly/no_telemetry.rs")]
mod telemetry;
mod webhook;

pub(super) use delivery::check as check_reports;

/// Do what is due: wait for no update, check the share, back up each component, verify, delete what is old, review, report.
///
/// Start it often, by a timer: it runs once for each time that is due, and never twice at once. A component that fails does
/// not stop the others; it is tried again before its next time, unless that could lock an account out. Each run is recorded
/// in the state folder.
#[derive(Args)]
pub(crate) struct Nightly {
    /// The configuration of the site
    #[arg(long, value_name = "FILE", default_value = CONFIGURATION, env = "AZS_CONFIG")]
    config: PathBuf,
    /// Run now, whether a run is due or not; still not during updates and repairs
    #[arg(long)]
    now: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Nightly {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let site = Site::read(&self.config)?;
        check_reports(site.report())?;
        let state = site.state();
        if !self.dry_run {
            private_folder(state).map_err(|e| Error::io(format_args!("create {}", state.display()), e))?;
        }
        let (log, now) = (JobLog::new(state.join("jobs.jsonl")), Timestamp::now());
        // A dry run creates nothing, this file neither.
        let is_new = !state.join(LOCK).exists();
        let lock = if self.dry_run && is_new { Some(None) } else { lock(state)?.map(Some) };
        let Some(_lock) = lock else {
            let why = "another nightly run of this site is at work".into();
            return self.not_now(&site, output, why, Ended::Blocked);
        };
        let jobs = jobs_of(&site.deployment, &log, now)?;
        let next = site.schedule.next_run(jobs.last_scheduled(), now);
        let is_due = self.now || next.is_due(now);
        // What failed is tried again before its next time, and nothing else with it.
        let is_wanted = |component: &&Component| is_due || owed::is_owed(&jobs, &component.place, now);
        let components: Vec<_> = site.components.iter().filter(is_wanted).collect();
        let copied_again_at = owed::copied_again_at(&site).filter(|_| !site.copies.is_empty());
        if components.is_empty() && copied_again_at.is_none_or(|at| at > now) {
            let mut why = format!("not due: the next run is at {}", next.at);
            for component in &site.components {
                let place = &component.place;
                if let Some(at) = owed::tried_again_at(&jobs, place) {
                    why += &format!("; {place}, which failed, is tried again at {at:.0}");
                } else if owed::has_failed(&jobs, place) {
                    why += &format!("; {place}, which failed, waits until then: with --now it does not");
                }
            }
            if let Some(at) = copied_again_at {
                why += &format!("; copies, which failed, are tried again at {at:.0}");
            }
            return self.not_now(&site, output, why, Ended::Whole);
        }
        let stale = stale_operations(&site);
        let may_run = match gate(&site, &log).and_then(|gate| gate.scheduled(&site.schedule, now)) {
            Ok(Decision::Skipped(skip)) if self.dry_run => {
                return self.not_now(&site, output, skip.to_string(), Ended::Blocked);
            }
            Ok(Decision::Skipped(skip)) => {
                log.append(&Job::skipped(now.to_string(), &skip, now))?;
                return Self::blocked(&site, &log, &next, skip.to_string(), output);
            }
            Ok(_) => Ok(()),
            Err(error) if self.dry_run => return Err(error),
            // Nobody knows whether it may run: each component failed, and that is reported like any other failure.
            Err(error) => Err(of_gate(&error)),
        };
        if self.dry_run {
            site.check_validity(&components, now)?;
            let places = components.iter().map(|component| component.place.to_string());
            let places = places.collect::<Vec<_>>().join(", ");
            let what =
                if places.is_empty() { "would copy".into() } else { format!("would back up {places}") };
            return self.not_now(&site, output, what, Ended::Whole);
        }
        let trigger = if next.is_due(now) { Trigger::Scheduled } else { Trigger::OnDemand };
        let mut report = Run { site: &site, components, log: &log, output, begun: now, trigger }.run(may_run);
        // Who was told once is not told each half hour.
        let is_known =
            report.components.is_empty() || report.has_failures_of(|place| owed::last_code(&jobs, place));
        report.is_known = !is_due && is_known;
        // Without the share itself nobody tried.
        if !report.copies.is_empty() {
            owed::note_copies(&site, report.copies.iter().any(|copied| copied.failure.is_some()))?;
        }
        report.warnings.extend(stale);
        Self::remember(&mut report, &log, &next)?;
        let lost = delivery::deliver(&report, &site, output);
        warn_of(&lost, output);
        output.print(&report, || report.to_string())?;
        let ended = report.into_result()?;
        Ok(if lost.is_empty() { ended } else { Ended::Partial })
    }

    /// Ends as blocked. A gate that stays closed costs every night: if there is no recent backup, somebody is told.
    fn blocked(site: &Site, log: &JobLog, next: &NextRun, why: String, output: &Output) -> Result<Ended> {
        let mut report = Report::of(&site.deployment, Outcome::Blocked, why);
        Self::remember(&mut report, log, next)?;
        if report.needs_attention() {
            warn_of(&delivery::deliver(&report, site, output), output);
        }
        output.print(&report, || report.to_string())?;
        Ok(Ended::Blocked)
    }

    /// Adds what the log says: the last good run of each component, and what an operator should look into.
    fn remember(report: &mut Report, log: &JobLog, next: &NextRun) -> Result<()> {
        let now = Timestamp::now();
        let jobs = jobs_of(&report.deployment, log, now)?;
        for component in &mut report.components {
            let is_its = |job: &&Job| job.is_good() && job.place.as_ref() == Some(&component.place);
            component.last_good = jobs.jobs.iter().rev().find(is_its).map(|job| job.started);
        }
        let health = Health::new(jobs.last_good()).next_run(*next);
        report.warnings.extend(warnings(&health, now).iter().map(Warning::to_string));
        Ok(())
    }

    fn not_now(&self, site: &Site, output: &Output, why: String, ended: Ended) -> Result<Ended> {
        let outcome = if ended == Ended::Blocked { Outcome::Blocked } else { Outcome::NotDue };
        let report = Report::of(&site.deployment, outcome, why);
        output.print(&report, || report.to_string())?;
        Ok(ended)
    }
}

/// The jobs of this deployment: another site may have the same state folder.
fn jobs_of(deployment: &Deployment, log: &JobLog, now: Timestamp) -> Result<Jobs> {
    let mut jobs = log.read(now)?;
    jobs.jobs.retain(|job| job.place.as_ref().is_none_or(|place| place.deployment() == deployment));
    Ok(jobs)
}

/// Names the ways by which the report did not arrive.
fn warn_of(lost: &[Error], output: &Output) {
    lost.iter().for_each(|error| output.warn(format_args!("{}: {error}", error.code())));
}

/// What backups have to wait for.
fn gate(site: &Site, log: &JobLog) -> Result<Gate> {
    let path = log.path().to_owned();
    let running =
        move || JobLog::new(&path).read(Timestamp::now()).map(|jobs| jobs.running(Timestamp::now()));
    let gate = Gate::new().source(running);
    Ok(match &site.gate().operations {
        Some(file) => gate.source(OperationsFile::new(file)),
        None => gate,
    })
}

/// The failure of the gate: without an answer no backup may run.
fn of_gate(error: &Error) -> Error {
    let message =
        format!("{error}; see to the script that writes [gate] operations: backups wait for its answer");
    Error::new(error.kind(), message).doing(run::GATE, "operations")
}

/// Says that nobody writes the file with the operations any more: then nobody knows what the deployment does now. Backups
/// go on, because a script that died must not cost them.
fn stale_operations(site: &Site) -> Option<String> {
    let file = site.gate().operations.as_ref()?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let written = Timestamp::try_from(written).ok()?;
    let is_old = Timestamp::now().duration_since(written) > STALE;
    is_old.then(|| format!("{} was last written at {written}: does its script still run?", file.display()))
}

/// An update of Azure Stack Hub takes days, a script that looks for one runs each hour.
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// The file in the state folder that keeps two runs of a site apart.
const LOCK: &str = "nightly.lock";

/// Takes the lock of a site; `None` if another process has it. It ends with the process.
fn lock(state: &Path) -> Result<Option<File>> {
    let path = state.join(LOCK);
    let failed = |e| match Error::io(format_args!("lock {}", path.display()), e) {
        error if error.kind() == ErrorKind::AccessDenied => {
            let hint = "it belongs to another account, perhaps because a run was started as another one: give the folder \
                        to the account of this job, with all that is in it";
            Error::new(ErrorKind::AccessDenied, format!("{error}; {hint}")).with_source(error)
        }
        error => error,
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}
