//! A running job proves that it is alive: if it was killed, it counts as failed at once, and the next slot runs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use azs_backup::ErrorKind;
use azs_backup::schedule::{Decision, Gate, Job, JobLog, JobStatus, Schedule, Trigger};
use jiff::{SignedDuration, Timestamp};

const LOG: &str = "AZS_BACKUP_TEST_JOB_LOG";

/// Not a test of its own: a process that begins a job and never ends it.
#[test]
fn child() {
    let Ok(log) = std::env::var(LOG) else { return };
    JobLog::new(log).append(&Job::start("night", Trigger::Scheduled, Timestamp::now())).unwrap();
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn begin(log: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(LOG, log).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    while JobLog::new(log).read(Timestamp::now()).unwrap().jobs.is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn gate(log: &JobLog) -> Decision {
    let log = log.clone();
    let now = Timestamp::now();
    let gate = Gate::new().source(move || Ok(log.read(now)?.running(now)));
    gate.scheduled(&Schedule::default(), now).unwrap()
}

#[test]
fn a_job_that_was_killed_has_failed_at_once_and_the_next_one_runs() {
    let temp = tempfile::tempdir().unwrap();
    let log = JobLog::new(temp.path().join("jobs.jsonl"));
    let mut child = begin(log.path());
    let now = Timestamp::now();
    let jobs = log.read(now).unwrap();
    assert!(jobs.jobs[0].is_open() && jobs.died.is_empty());
    assert_eq!(jobs.jobs[0].process.as_ref().unwrap().id, child.id());
    assert!(matches!(gate(&log), Decision::Skipped(_)), "it lives");
    let again = log.append(&Job::start("night", Trigger::Scheduled, now)).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);

    child.kill().unwrap();
    child.wait().unwrap();
    // Windows takes the locks of a dead process away soon, not at once (LockFileEx, "Remarks").
    let dead = || log.read(now).unwrap();
    let jobs = (0..200).map(|_| dead()).find(|jobs| {
        std::thread::sleep(std::time::Duration::from_millis(if jobs.died.is_empty() { 25 } else { 0 }));
        !jobs.died.is_empty()
    });
    let jobs = jobs.unwrap_or_else(dead);
    assert_eq!((jobs.died.len(), jobs.running(now).len()), (1, 0));
    let died = &jobs.died[0];
    assert_eq!((&died.status, died.alert.as_deref()), (&JobStatus::Failed, Some("GENERAL")));
    assert!(died.reason.as_ref().unwrap().contains("killed"), "{died:?}");
    assert_eq!(jobs.jobs[0], *died);
    assert!(!matches!(gate(&log), Decision::Skipped(_)), "the next slot runs");

    // The next job records it; nobody is told twice.
    log.append(&Job::start("next", Trigger::Scheduled, now)).unwrap();
    let jobs = log.read(now).unwrap();
    assert!(jobs.died.is_empty());
    assert_eq!((&jobs.jobs[0].status, jobs.jobs.len()), (&JobStatus::Failed, 2));
    log.append(&Job::start("next", Trigger::Scheduled, now).end(JobStatus::Succeeded, now)).unwrap();
    let left: Vec<_> =
        std::fs::read_dir(temp.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert_eq!(left, ["jobs.jsonl"], "no lock is left");
}

#[test]
fn of_another_host_nothing_is_known_but_the_age() {
    let temp = tempfile::tempdir().unwrap();
    let log = JobLog::new(temp.path().join("jobs.jsonl"));
    let began: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
    for process in [r#","process":{"host":"another","id":1}"#, ""] {
        let line =
            format!(r#"{{"id":"1","trigger":"scheduled","started":"{began}","status":"Running"{process}}}"#);
        std::fs::write(log.path(), line + "\n").unwrap();
        let after = |hours: i64| {
            let now = began + SignedDuration::from_hours(hours);
            let jobs = log.read(now).unwrap();
            (jobs.running(now).len(), jobs.died.len())
        };
        assert_eq!((after(23), after(25), after(-1)), ((1, 0), (0, 1), (0, 0)));
    }
}
