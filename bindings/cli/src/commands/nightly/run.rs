//! One run: check of the share, backup of each component, verification, retention, copies, review.

use std::sync::Arc;

use azs_backup::alert::{AlertKind, Context, Retry};
use azs_backup::backup::BackupReport;
use azs_backup::copies::replicate;
use azs_backup::layout::SharePath;
use azs_backup::mas_backup::Keys;
use azs_backup::review::{Review, review_with};
use azs_backup::schedule::{DeletionOutcome, Job, JobLog, JobStatus, RetentionPolicy, Trigger};
use azs_backup::set::{SetList, SetState, SetSummary, Status};
use azs_backup::share::{CheckedStep, Step, StepOutcome};
use azs_backup::{Error, ErrorKind, Result, Set, Share, list_sets};
use jiff::{SignedDuration, Timestamp};

use super::report::{ComponentReport, Copied, Expiry, Failure, Outcome, Report};
use super::{damage, owed};
use crate::output::Output;
use crate::progress;
use crate::site::{Component, Copy, Site};

/// When to say that a certificate expires: time enough to make one and bring it to each host.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) struct Run<'a> {
    pub(super) site: &'a Site,
    /// Those of the site that are to be backed up now.
    pub(super) components: Vec<&'a Component>,
    pub(super) log: &'a JobLog,
    pub(super) output: &'a Output,
    pub(super) begun: Timestamp,
    pub(super) trigger: Trigger,
}

/// What is known of a share that can be used.
struct Checked {
    /// What will not work as well as it could.
    warnings: Vec<String>,
    /// Whether nothing shows that the clock of this host, by which old sets are told from young ones, is wrong.
    clocks_agree: bool,
}

impl Run<'_> {
    /// Does all that it can; what failed is in the report. If it may not run, each component failed for that reason.
    pub(super) fn run(&self, may_run: Result<()>) -> Report {
        let mut report = Report::of(&self.site.deployment, Outcome::Done, String::new());
        report.begun = Some(self.begun);
        let mut warnings = self.look_at_certificates(&mut report);
        // One share that cannot be used is one failure, however many components there are.
        let mut share = may_run.and_then(|()| self.retrying(|| self.check_share()));
        // A share that is full of what no rule keeps would stay so.
        if share.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutOfCapacity)
            && let Ok(deleted @ 1..) = self.retention(&mut Vec::new())
        {
            report.deleted += deleted;
            share = self.check_share();
        }
        let mut is_stopped = false;
        for component in &self.components {
            let mut done = ComponentReport::of(&component.place);
            let result = match &share {
                Ok(_) => self.retrying(|| self.component(component)),
                Err(error) => self.not_begun(component, error),
            };
            match result {
                Ok((made, verified)) => {
                    done.made(&made);
                    if let Err(error) = verified {
                        is_stopped = error.kind() == ErrorKind::Cancelled;
                        done.status = None;
                        done.failure = Some(self.failure(&error));
                    }
                }
                Err(error) => {
                    is_stopped = error.kind() == ErrorKind::Cancelled;
                    done.failure = Some(self.failure(&error));
                }
            }
            done.ended = Timestamp::now();
            report.components.push(done);
            if is_stopped {
                break;
            }
        }
        if let (Ok(checked), false) = (share, is_stopped) {
            warnings.extend(checked.warnings);
            // Before the retention deletes what tells since when.
            match self.planted(&report) {
                Ok(planted) => warnings.extend(planted),
                Err(error) => {
                    warnings.push(format!("nobody looked for planted sets: {}: {error}", error.code()))
                }
            }
            // What could not be backed up makes old sets worth more: the rules count from the newest good one.
            if !checked.clocks_agree {
                warnings
                    .push("nothing old is deleted while the clocks differ: this host's may be wrong".into());
            }
            let deleted = if checked.clocks_agree { self.retention(&mut warnings) } else { Ok(0) };
            match deleted {
                Ok(deleted) => report.deleted += deleted,
                Err(error) => report.retention_failure = Some(self.failure(&error)),
            }
            report.copies =
                self.site.copies.iter().map(|copy| self.copy(copy, checked.clocks_agree)).collect();
            match self.review() {
                Ok(review) => report.review = review,
                Err(error) => warnings.push(format!("there is no review: {}: {error}", error.code())),
            }
        }
        report.warnings = warnings;
        report.ended = Some(Timestamp::now());
        report
    }

    /// Notes until when the certificates encrypt; returns those that soon will not. One that cannot be read fails each
    /// backup, which says so.
    fn look_at_certificates(&self, report: &mut Report) -> Vec<String> {
        let certificates = self.site.certificates().unwrap_or_default();
        let expiries = certificates.iter().map(|certificate| {
            let facts = certificate.facts();
            Expiry { thumbprint: facts.sha1_thumbprint.clone(), not_after: facts.not_after }
        });
        report.certificates = expiries.collect();
        let soon = Timestamp::now() + EXPIRES_SOON;
        let soon = report.certificates.iter().filter(|certificate| certificate.not_after < soon);
        let now = Timestamp::now();
        let warn = |Expiry { thumbprint, not_after }: &Expiry| {
            let day = not_after.strftime("%Y-%m-%d");
            if *not_after < now {
                return format!(
                    "the certificate {thumbprint} expired on {day}: make a new one, put it in its place, and keep both PFX"
                );
            }
            format!("the certificate {thumbprint} expires on {day}: add a new one, and keep both PFX")
        };
        let mut warnings: Vec<_> = soon.map(warn).collect();
        // One that cannot be read fails each backup, too.
        if let Ok(Some(signer)) = self.site.signer()
            && let facts = signer.facts()
            && facts.not_after < Timestamp::now() + EXPIRES_SOON
        {
            let (thumbprint, day) = (&facts.sha1_thumbprint, facts.not_after.strftime("%Y-%m-%d"));
            warnings.push(format!(
                "the certificate {thumbprint}, which signs, expires on {day}: make a new one, and keep both in require"
            ));
        }
        warnings
    }

    /// Tries again what the alert says may pass.
    fn retrying<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut tried = 0;
        loop {
            let error = match work() {
                Err(error) => error,
                done => return done,
            };
            tried += 1;
            let advice = error.alert().retry();
            let may_pass = matches!(advice.when, Retry::Soon | Retry::NewSession) && !advice.could_lock_out;
            if error.kind() == ErrorKind::Cancelled || !may_pass || tried > advice.attempts {
                return Err(error);
            }
            let delay = advice.delay.unwrap_or_default();
            self.output.warn(format_args!(
                "{}: {error}; trying again in {} s",
                error.code(),
                delay.as_secs()
            ));
            progress::wait(delay)?;
        }
    }

    /// Checks the way to the share.
    fn check_share(&self) -> Result<Checked> {
        let report = self.site.check(self.output)?.into_result()?;
        let ended = |outcome| move |step: &&CheckedStep| step.outcome == outcome;
        // What a share never has is no news every night, where something takes its place.
        let copies =
            report.steps.iter().filter(ended(StepOutcome::Passed)).any(|step| step.step == Step::Copy);
        let warned = report.steps.iter().filter(ended(StepOutcome::Warned));
        let warned = warned.filter(|step| !(copies && step.step == Step::HardLink));
        Ok(Checked {
            clocks_agree: !warned.clone().any(|step| step.step == Step::Clock),
            warnings: warned.map(|step| format!("the share: {}", step.seen)).collect(),
        })
    }

    /// Records that a component's backup did not begin.
    fn not_begun(&self, component: &Component, error: &Error) -> Result<(BackupReport, Result<()>)> {
        let job = self.start(component)?;
        self.fail(job, error)?;
        Err(error.clone())
    }

    fn start(&self, component: &Component) -> Result<Job> {
        let id = format!("{} {}", self.begun, component.place);
        let mut job = Job::start(id, self.trigger, Timestamp::now());
        job.place = Some(component.place.clone());
        self.record(&job)?;
        Ok(job)
    }

    /// A disk of this host that is full is no alert about the share: nobody must delete sets for it.
    fn record(&self, job: &Job) -> Result<()> {
        self.log.append(job).map_err(|error| not_recorded(self.site, &error, "nothing is backed up"))
    }

    fn fail(&self, job: Job, error: &Error) -> Result<()> {
        let mut job = job.end(JobStatus::Failed, Timestamp::now());
        job.alert = Some(error.alert().kind().to_string());
        job.reason = Some(format!("{}: {error}", error.code()));
        self.record(&job)
    }

    /// Backs up a component, and reads back what was written. If something is damaged, which an earlier set brought along
    /// or the share made of it, another set has it anew.
    fn component(&self, component: &Component) -> Result<(BackupReport, Result<()>)> {
        let (made, verified) = self.attempt(component)?;
        let damage = match verified {
            Err(error) if error.kind() == ErrorKind::Damaged => error,
            verified => return Ok((made, verified)),
        };
        self.output.warn(format_args!("{}: {damage}; storing it again", damage.code()));
        match self.attempt(component) {
            Ok((mut again, verified)) => {
                again.warnings.push(format!(
                    "{damage}; {} is no backup, and what it lacks is in the set after it: look at the disks of the share",
                    made.folder
                ));
                Ok((again, verified))
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(_) => Ok((made, Err(damage))),
        }
    }

    /// Makes one set, with a record, and reads it back.
    fn attempt(&self, component: &Component) -> Result<(BackupReport, Result<()>)> {
        let mut job = self.start(component)?;
        let made = self.site.open(self.output).and_then(|share| {
            let made = self.back_up(component, share.clone())?;
            Ok((share, made))
        });
        let (share, made) = match made {
            Ok(made) => made,
            Err(error) => {
                self.fail(job, &error)?;
                return Err(error);
            }
        };
        job.set = Some(made.cover.set);
        job.bytes = Some(made.cover.stored.bytes);
        let verified = self.verify(share, &made);
        if let Err(error) = &verified {
            self.fail(job, error)?;
            return Ok((made, verified));
        }
        let is_whole = made.cover.status == Status::Succeeded;
        let status = if is_whole { JobStatus::Succeeded } else { JobStatus::PartialSucceeded };
        let mut job = job.end(status, Timestamp::now());
        if !is_whole {
            job.alert = Some(AlertKind::PartiallySucceeded.to_string());
        }
        self.record(&job)?;
        Ok((made, verified))
    }

    fn back_up(&self, component: &Component, share: Arc<dyn Share>) -> Result<BackupReport> {
        let observer = progress::observer(self.output, "backup");
        let damaged = damage::names(self.site, &component.place);
        let builder = self.site.builder(component, share)?.distrust(damaged);
        let mut backup = builder.observer(observer).start()?;
        component.add_to(&mut backup)?;
        backup.commit()
    }

    /// Compares the stored files with their digests: this host has no key. Notes what is damaged, here and in the set before.
    fn verify(&self, share: Arc<dyn Share>, made: &BackupReport) -> Result<()> {
        let note = |set: &SharePath, names: &[String]| {
            damage::note(self.site, &*share, &made.cover.place, set, names)
        };
        if let Some(base) = &made.reuse.base {
            note(base, &made.reuse.damaged)?;
        }
        let mut observer = progress::observer(self.output, "verify");
        let (set, signers) = (Set::open(share.clone(), made.folder.clone())?, self.site.signers()?);
        let report = set.verify().require_signers(&signers).observer(&mut observer).run()?;
        let damaged: Vec<_> = report.faults.iter().map(|fault| fault.file.clone()).collect();
        note(&made.folder, &damaged)?;
        report.into_result().map(drop)
    }

    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error, &self.site.context())
    }

    /// Brings what is missing to another share, and deletes there what no rule keeps.
    fn copy(&self, copy: &Copy, may_delete: bool) -> Copied {
        let mut copied = Copied::of(&copy.root);
        if let Err(error) = self.retrying(|| self.try_copy(copy, may_delete, &mut copied)) {
            copied.failure = Some(Failure::of(&error, &copy.context()));
        }
        copied
    }

    fn try_copy(&self, copy: &Copy, may_delete: bool, copied: &mut Copied) -> Result<()> {
        let (from, to) = (self.site.open(self.output)?, copy.open(self.output)?);
        let signers = self.site.signers()?;
        let now = Timestamp::now();
        let mut observer = progress::observer(self.output, "copy");
        let replication = replicate(from, to.clone(), &self.site.deployment).require_signers(&signers);
        let replication = replication.create(copy.create).read_back(copy.read_back);
        let replication = match &copy.retention {
            Some(policy) => replication.retention(policy, now),
            None => replication,
        };
        let policy = copy.retention.as_ref().filter(|_| may_delete);
        let mut left = Vec::new();
        // First make room: a share that is full of what its rules delete would stay so.
        if let Some(policy) = policy {
            copied.deleted += self.delete_old(to.clone(), &self.sets_on(&to)?, policy, &mut left)? as u64;
        }
        let report = replication.observer(&mut observer).run()?;
        copied.sets += report.copied() as u64;
        copied.sent_bytes += report.sent().bytes;
        copied.note(&report);
        // What could not be copied makes old copies worth more, and the rules count from the newest good one.
        if let Some(policy) = policy {
            let sets = self.sets_on(&to)?;
            copied.deleted += self.delete_old(to, &sets, policy, &mut left)? as u64;
        }
        // What the first retention left, the second does, too.
        left.sort();
        left.dedup();
        copied.warnings.extend(left);
        report.into_result().map(drop)
    }

    /// Reviews the configuration and the share, if the site says what a review needs to know.
    fn review(&self) -> Result<Option<Review>> {
        if !self.site.is_reviewed() {
            return Ok(None);
        }
        let share = self.site.open(self.output)?;
        let copies = self.site.open_copies(self.output);
        let configuration = self.site.review_configuration()?;
        review_with(&configuration, share, &copies, &Keys::default(), Timestamp::now()).map(Some)
    }

    /// Names the sets that came since the last good one before this run, and that nobody whom the site trusts has signed.
    fn planted(&self, report: &Report) -> Result<Vec<String>> {
        let is_new = |set: &SetSummary| {
            let mut made = report.components.iter().filter_map(|of| of.set.as_deref());
            made.any(|made| made == set.folder.to_string())
        };
        let signers = self.site.signers()?;
        if signers.is_empty() {
            return Ok(Vec::new());
        }
        let sets = list_sets(self.site.open(self.output)?, &self.site.deployment);
        let sets = sets.require_signers(&signers).run()?;
        let mut planted = Vec::new();
        for sets in sets.chunk_by(|one, other| one.place == other.place) {
            let is_before = |set: &&SetSummary| set.is_complete() && !is_new(set);
            let Some(before) = sets.iter().rev().find(is_before) else { continue };
            let is_newer = |set: &&SetSummary| {
                matches!(set.state, SetState::Untrusted { .. }) && set.name.created() >= before.name.created()
            };
            planted.extend(sets.iter().filter(is_newer).map(|set| {
                let reason = set.state.reason().unwrap_or_default();
                format!("{}: {reason}; nobody of [signing] require made it", set.folder)
            }));
        }
        Ok(planted)
    }

    /// Deletes what no rule keeps; says how many sets.
    fn retention(&self, warnings: &mut Vec<String>) -> Result<usize> {
        let Some(policy) = &self.site.retention else { return Ok(0) };
        let share = self.site.open(self.output)?;
        let mut sets = self.sets_on(&share)?;
        warnings.extend(damage::mark(self.site, &*share, &mut sets)?);
        // Where the newest set could not be verified, nothing is deleted for it.
        let jobs = self.log.read(Timestamp::now())?;
        sets.sets.retain(|set| !owed::is_unverified(&jobs, &set.place));
        self.delete_old(share, &sets, policy, warnings)
    }

    fn sets_on(&self, share: &Arc<dyn Share>) -> Result<SetList> {
        list_sets(share.clone(), &self.site.deployment).require_signers(&self.site.signers()?).run()
    }

    fn delete_old(
        &self,
        share: Arc<dyn Share>,
        sets: &SetList,
        policy: &RetentionPolicy,
        warnings: &mut Vec<String>,
    ) -> Result<usize> {
        let plan = policy.plan(sets, Timestamp::now());
        let mut observer = progress::observer(self.output, "retention");
        let report = plan.apply(share).observer(&mut observer).run();
        for (folder, outcome) in &report.outcomes {
            if let DeletionOutcome::FolderLeft { foreign } = outcome {
                warnings
                    .push(format!("{folder} is no set any more, but stays: {} is in it", foreign.join(", ")));
            }
        }
        Ok(report.into_result()?.deleted())
    }
}

/// The failure of something that this host has to remember.
pub(super) fn not_recorded(site: &Site, error: &Error, consequence: &str) -> Error {
    let message = format!("{error}; {consequence} without a record: see to the state folder of this host");
    Error::new(ErrorKind::Io, message).doing(RECORD, site.state().display())
}

/// What was done when it failed.
const RECORD: &str = "record";
pub(super) const GATE: &str = "gate";

/// What to do about a source, or about another thing of this host: nothing is wrong with the share then.
fn of_this_host(error: &Error) -> Option<Vec<String>> {
    let again = || "Then run azs-backup nightly --now.".to_owned();
    match error.operation() {
        Some(RECORD) => {
            let state = error.path().unwrap_or("the state folder");
            return Some(vec![
                format!(
                    "Make room on the disk of this host that has {state}, and see that this account may write there."
                ),
                "Delete no set on the share for it: the share is not what is full.".into(),
                again(),
            ]);
        }
        Some(GATE) => {
            return Some(vec![
                "See to the script that writes operations of [gate]: does it run, and may this account read its file?"
                    .into(),
                again(),
            ]);
        }
        _ => {}
    }
    if !matches!(error.kind(), ErrorKind::SourceUnreadable | ErrorKind::SourceChanged) {
        return None;
    }
    let path = error.path().unwrap_or("the source");
    Some(vec![
        format!(
            "See whether {path} is there on this host, is mounted, and may be read by the account of this job."
        ),
        "If it moved or is gone for good, correct sources in the configuration of the site.".into(),
        again(),
    ])
}

impl Failure {
    fn of(error: &Error, context: &Context) -> Self {
        let alert = error.alert();
        let (kind, next) = match of_this_host(error) {
            // Whatever the cause would mean on the share.
            Some(next) => (AlertKind::General, next),
            None => (alert.kind(), alert.remedy(context)),
        };
        Self {
            code: error.code().into(),
            message: error.to_string(),
            alert: kind.to_string(),
            next,
            error: error.clone(),
        }
    }
}
