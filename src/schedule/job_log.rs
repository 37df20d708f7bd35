//! The log of jobs: a file of JSON lines.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::Trigger;
use super::job::Job;
use super::job_lock::{self, Process};
use super::next_run::second;
use super::operation::{Operation, OperationKind, OperationState};
use crate::error::{Error, ErrorKind, Result};

/// A file of jobs, one JSON object per line, appended to and never rewritten.
///
/// Append a job when it begins and again when it ends; [`read`](Self::read) joins the two. While it runs, its process
/// holds a lock on a file beside the log. If the process is killed, that shows at once, and the job has failed. A line
/// torn by a power cut is skipped and does not harm the next. Only one process may append at a time.
#[derive(Clone, Debug)]
pub struct JobLog {
    path: PathBuf,
}

/// The content of a [`JobLog`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Jobs {
    /// The jobs, in the order in which they were first written.
    pub jobs: Vec<Job>,
    /// Lines that are not jobs: torn, or somebody else's.
    pub unreadable: u64,
    /// Whether the file is longer than what was read, so that older jobs are missing here.
    pub is_cut: bool,
    /// Jobs that died since the last append: they failed without a word, and nobody was told. The next append records
    /// that.
    #[serde(default)]
    pub died: Vec<Job>,
}

impl Jobs {
    /// When the last scheduled job began or was skipped, for [`Schedule::next_run`](super::Schedule::next_run).
    #[must_use]
    pub fn last_scheduled(&self) -> Option<Timestamp> {
        let scheduled = self.jobs.iter().rev().find(|job| job.trigger == Trigger::Scheduled);
        scheduled.map(|job| job.started)
    }

    /// Returns the running jobs as operations for a [`Gate`](super::Gate): those that began, have not ended and did not
    /// die. A job of another host that begins in the future is left out: its clock was set back.
    ///
    /// ```
    /// use azs_backup::schedule::{Gate, JobLog};
    ///
    /// let log = JobLog::new("jobs.jsonl");
    /// let gate = Gate::new().source(move || {
    ///     let now = jiff::Timestamp::now();
    ///     Ok(log.read(now)?.running(now))
    /// });
    /// ```
    #[must_use]
    pub fn running(&self, now: Timestamp) -> Vec<Operation> {
        let is_here = |job: &Job| job.process.as_ref().is_some_and(Process::is_here);
        let running = self
            .jobs
            .iter()
            .filter(|job| job.is_open() && (is_here(job) || (0..=DEAD).contains(&age(job, now))));
        running
            .map(|job| {
                let backup =
                    Operation::new(OperationKind::Backup, OperationState::Running).started(job.started);
                backup.named(job.id.clone())
            })
            .collect()
    }

    /// Returns everything as JSON: the fields, `last_scheduled`, `last_good`, and `running` as of `now`.
    #[must_use]
    pub fn facts(&self, now: Timestamp) -> serde_json::Value {
        serde_json::json!({
            "jobs": self.jobs,
            "unreadable": self.unreadable,
            "is_cut": self.is_cut,
            "died": self.died,
            "last_scheduled": self.last_scheduled(),
            "last_good": self.last_good(),
            "running": self.running(now),
        })
    }

    /// When the last job that ended well began.
    #[must_use]
    pub fn last_good(&self) -> Option<Timestamp> {
        self.jobs.iter().rev().find(|job| job.is_good()).map(|job| job.started)
    }
}

impl JobLog {
    /// Longest line in bytes.
    pub const MAX_LINE: usize = 64 << 10;
    /// Most bytes to read, from the end: about 4,000 jobs, or five years of two a day.
    pub const MAX_READ: u64 = 1 << 20;

    /// Uses the log in this file, which need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a job, and returns once it is on the disk. Beginning a job records this process, which then holds the
    /// job's lock until you append its end. Jobs that [died](Jobs::died) are recorded before it.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` when its line is longer than 64 KiB; `CONFLICT` when another process runs a job with the same
    /// ID; the operating system's.
    pub fn append(&self, job: &Job) -> Result<()> {
        let mut job = job.clone();
        line(&job)?;
        for dead in self.read(job.started.max(job.ended.unwrap_or(job.started)))?.died {
            if dead.id != job.id {
                self.write(line(&dead)?)?;
                job_lock::release(&self.path, &dead.id);
            }
        }
        if job.is_open() {
            job.process = job_lock::hold(&self.path, &job.id).map_err(|e| match e.kind() {
                io::ErrorKind::WouldBlock => {
                    Error::new(ErrorKind::Conflict, format!("another process runs the job {:?}", job.id))
                }
                _ => self.failed("take a lock beside", e),
            })?;
        }
        self.write(line(&job)?)?;
        // Release it last: anyone who finds it released reads the log once more.
        if !job.is_open() {
            job_lock::release(&self.path, &job.id);
        }
        Ok(())
    }

    fn write(&self, mut line: Vec<u8>) -> Result<()> {
        let mut write = || -> io::Result<()> {
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
            if file.metadata()?.len() > 0 {
                let mut last = [0];
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
                // End a line that a power cut tore.
                if last != *b"\n" {
                    line.insert(0, b'\n');
                }
            }
            file.write_all(&line)?;
            file.sync_data()
        };
        write().map_err(|e| self.failed("append to", e))
    }

    /// Reads the jobs; a file that does not exist has none.
    ///
    /// A job that began but has not ended may have died. One of this host has failed if its process no longer holds its
    /// lock. One of another host, or of a folder without locks, counts as failed if it began more than 24 hours before
    /// `now`, since nothing else can be known about it. Those jobs are in [`died`](Jobs::died), too.
    ///
    /// # Errors
    /// The operating system's.
    pub fn read(&self, now: Timestamp) -> Result<Jobs> {
        let mut jobs = self.read_lines()?;
        let is_dead = |job: &Job| job.is_open() && self.is_dead(job, now);
        let dead: HashSet<String> =
            jobs.jobs.iter().filter(|job| is_dead(job)).map(|job| job.id.clone()).collect();
        if dead.is_empty() {
            return Ok(jobs);
        }
        // It may have ended in the meantime.
        jobs = self.read_lines()?;
        for job in jobs.jobs.iter_mut().filter(|job| job.is_open() && dead.contains(&job.id)) {
            *job = job.clone().died(now);
            jobs.died.push(job.clone());
        }
        Ok(jobs)
    }

    fn is_dead(&self, job: &Job, now: Timestamp) -> bool {
        let is_here = job.process.as_ref().is_some_and(Process::is_here);
        let is_held = if is_here { job_lock::is_held(&self.path, &job.id) } else { None };
        is_held.map_or_else(|| age(job, now) > DEAD, |is_held| !is_held)
    }

    fn read_lines(&self) -> Result<Jobs> {
        let mut bytes = Vec::new();
        let read = |bytes: &mut Vec<u8>| -> io::Result<bool> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            let from = length.saturating_sub(Self::MAX_READ);
            file.seek(SeekFrom::Start(from))?;
            file.take(Self::MAX_READ).read_to_end(bytes)?;
            Ok(from > 0)
        };
        let is_cut = match read(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Jobs::default()),
            read => read.map_err(|e| self.failed("read", e))?,
        };
        let mut text = &bytes[..];
        if is_cut {
            // The text begins in the middle of a line.
            let line = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
            text = &text[line..];
        }
        Ok(Jobs { is_cut, ..parse(text) })
    }

    fn failed(&self, action: &'static str, error: io::Error) -> Error {
        Error::io(format_args!("{action} job log {}", self.path.display()), error)
            .doing(action, self.path.display())
    }
}

fn age(job: &Job, now: Timestamp) -> i64 {
    second(now).saturating_sub(second(job.started))
}

/// Returns the line of a job.
fn line(job: &Job) -> Result<Vec<u8>> {
    let internal = |e| Error::new(ErrorKind::Internal, "a job cannot be written as JSON").with_source(e);
    let mut line = serde_json::to_vec(job).map_err(internal)?;
    line.push(b'\n');
    if line.len() > JobLog::MAX_LINE {
        let message = "a job's record is longer than 64 KiB; shorten its reason";
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(line)
}

/// Seconds after which a job without further news counts as dead.
const DEAD: i64 = 86_400;

/// Parses the jobs in these lines.
fn parse(text: &[u8]) -> Jobs {
    let mut found = Jobs::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let Ok(job) = serde_json::from_slice::<Job>(line) else {
            found.unreadable += 1;
            continue;
        };
        match places.get(&job.id) {
            Some(&place) => found.jobs[place] = job,
            None => {
                places.insert(job.id.clone(), found.jobs.len());
                found.jobs.push(job);
            }
        }
    }
    found
}
