//! What the last runs owe: backups and copies that failed, for a reason that may have passed since.
//!
//! The schedule alone would try again at its next time, hours later. A share that was away for an hour would cost a night.

use std::path::PathBuf;

use azs_backup::alert::{AlertKind, Classification, Retry};
use azs_backup::schedule::{Job, JobStatus, Jobs};
use azs_backup::{Error, ErrorKind, Place, Result};
use jiff::{SignedDuration, Timestamp};

use crate::files::replace;
use crate::site::Site;

/// Whether the last backup of this place failed, and long enough ago to try again.
pub(super) fn is_owed(jobs: &Jobs, place: &Place, now: Timestamp) -> bool {
    tried_again_at(jobs, place).is_some_and(|at| at <= now)
}

/// When to try again, if the last backup of this place failed.
pub(super) fn tried_again_at(jobs: &Jobs, place: &Place) -> Option<Timestamp> {
    let job = last(jobs, place).filter(|job| job.status == JobStatus::Failed)?;
    let pause = pause(job)?;
    Some(job.ended.map_or(Timestamp::MIN, |ended| ended + pause))
}

/// When to copy again, if the last run could not copy everything.
pub(super) fn copied_again_at(site: &Site) -> Option<Timestamp> {
    let failed = owed_copies(site).metadata().and_then(|metadata| metadata.modified()).ok()?;
    Timestamp::try_from(failed).ok()?.checked_add(SignedDuration::from_mins(30)).ok()
}

/// Notes whether copies failed.
pub(super) fn note_copies(site: &Site, have_failed: bool) -> Result<()> {
    let file = owed_copies(site);
    match have_failed {
        true => replace(&file, ""),
        false => match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::at("remove", file.display(), e)),
            _ => Ok(()),
        },
    }
}

/// The file that is there while copies of this site are owed; its time is when they failed.
fn owed_copies(site: &Site) -> PathBuf {
    site.state().join(format!("copies-{}.owed", site.deployment.to_string().replace('/', "-")))
}

/// Whether the last backup of this place failed.
pub(super) fn has_failed(jobs: &Jobs, place: &Place) -> bool {
    last(jobs, place).is_some_and(|job| job.status == JobStatus::Failed)
}

/// Whether the newest set of this place was made, but not found whole.
pub(super) fn is_unverified(jobs: &Jobs, place: &Place) -> bool {
    let made = |job: &&Job| job.set.is_some() && job.place.as_ref() == Some(place);
    jobs.jobs.iter().rev().find(made).is_some_and(|job| job.status == JobStatus::Failed)
}

/// How long a backup that failed is left alone; `None` for until its next time.
fn pause(job: &Job) -> Option<SignedDuration> {
    // One that died has no alert. One that was stopped, by a shutdown for example, has no failure.
    let was_stopped = job.reason.as_ref().is_some_and(|why| why.starts_with(ErrorKind::Cancelled.code()));
    let kind = job.alert.as_deref().and_then(AlertKind::from_code);
    let advice = kind.filter(|_| !was_stopped).map(|kind| Classification::from(kind).retry());
    match advice.map(|advice| (advice.when, advice.could_lock_out)) {
        // Another attempt can do harm.
        Some((Retry::LockOut, _) | (_, true)) => None,
        // Somebody has to do something, and need not tell us.
        Some((Retry::AfterFix, _)) => Some(SignedDuration::from_hours(2)),
        _ => Some(SignedDuration::from_mins(30)),
    }
}

/// The code with which the last backup of this place failed.
pub(super) fn last_code<'a>(jobs: &'a Jobs, place: &Place) -> Option<&'a str> {
    last(jobs, place)?.reason.as_deref()?.split_once(": ").map(|(code, _)| code)
}

fn last<'a>(jobs: &'a Jobs, place: &Place) -> Option<&'a Job> {
    jobs.jobs.iter().rev().find(|job| job.place.as_ref() == Some(place))
}
