//! When to run, when not to, and what to keep.
//!
//! - [`Schedule::next_run`] says when the next scheduled backup is due, whatever the clock does.
//! - A [`Gate`] asks [sources](OperationSource) what else the deployment is doing. If that conflicts, it
//!   [skips](Decision::Skipped) a scheduled backup with a reason and the next time, and refuses one on demand with
//!   [`CONFLICT`](crate::ErrorKind::Conflict).
//! - A [`Job`] is the record of one run, kept in a [`JobLog`] of JSON lines.
//! - [`warnings`] reports what nobody would notice otherwise: no backup for 24 hours, a gate that stays closed.
//! - [`RetentionPolicy::plan`] says which sets to delete and why. Whatever you ask, it keeps the last good set of each
//!   place. [`RetentionPlan::apply`] carries the plan out.
//!
//! One turn of a service that checks the clock each minute:
//!
//! ```no_run
//! use azs_backup::schedule::{
//!     Decision, Gate, Job, JobLog, JobStatus, OperationsFile, RetentionPolicy, RetentionPeriod, Schedule, Trigger,
//! };
//! # fn back_up() -> azs_backup::Result<u64> { Ok(0) }
//! # fn sets() -> azs_backup::Result<azs_backup::set::SetList> { Ok(Default::default()) }
//!
//! let schedule = Schedule::default().jitter(std::time::Duration::from_secs(1800), "hlh01")?;
//! let gate = Gate::new().source(OperationsFile::new("operations.json"));
//! let log = JobLog::new("jobs.jsonl");
//!
//! let now = jiff::Timestamp::now();
//! let jobs = log.read(now)?;
//! for job in &jobs.died {
//!     eprintln!("{}: {}", job.id, job.reason.as_deref().unwrap_or_default());
//! }
//! if schedule.next_run(jobs.last_scheduled(), now).is_due(now) {
//!     let id = now.to_string();
//!     match gate.scheduled(&schedule, now)? {
//!         Decision::Skipped(skip) => log.append(&Job::skipped(id, &skip, now))?,
//!         _ => {
//!             let mut job = Job::start(id, Trigger::Scheduled, now);
//!             log.append(&job)?;
//!             let made = back_up();
//!             job.bytes = made.as_ref().ok().copied();
//!             job.reason = made.as_ref().err().map(ToString::to_string);
//!             let status = if made.is_ok() { JobStatus::Succeeded } else { JobStatus::Failed };
//!             log.append(&job.end(status, jiff::Timestamp::now()))?;
//!         }
//!     }
//!     let policy = RetentionPolicy::new().keep_within(RetentionPeriod::default()).keep_monthly(12);
//!     let plan = policy.plan(&sets()?, jiff::Timestamp::now());
//!     for deletion in &plan.deletions {
//!         println!("{}: {}", deletion.folder, deletion.reason);
//!     }
//! }
//! # Ok::<(), azs_backup::Error>(())
//! ```
//!
//! Nothing here starts a backup. You do, so this works with any scheduler, or with none. All times are UTC.

mod admin;
mod apply;
mod candidate;
mod frequency;
mod gate;
mod job;
mod job_lock;
mod job_log;
mod next_run;
mod operation;
mod options;
mod retention;
mod rules;
mod shared_files;
mod source;
mod warning;

pub use apply::{ApplyBuilder, DeletionOutcome, RetentionReport};
pub use candidate::{Candidate, Condition, Content};
pub use frequency::{Frequency, RetentionPeriod};
pub use gate::{Decision, Gate, Hold, Reason, Skip, Trigger};
pub use job::{Job, JobStatus};
pub use job_lock::Process;
pub use job_log::{JobLog, Jobs};
pub use next_run::{NextRun, Schedule};
pub use operation::{Operation, OperationKind, OperationState};
pub use options::warnings_of_json;
pub use retention::{Deletion, Kept, RetentionPlan};
pub use rules::{DeleteReason, KeepReason, PIN_LABEL, RetentionPolicy};
pub(crate) use shared_files::SharedFiles;
pub use source::{OperationSource, OperationsFile, parse_operations};
pub use warning::{Health, Warning, warnings};
