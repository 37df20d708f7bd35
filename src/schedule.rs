//! When to run, when not to, and what to keep.
//!
//! - [`Schedule::next_run`] says when the next scheduled backup is due, whatever the clock does.
//! - A [`Gate`] asks [sources](OperationSource) what else the deployment is doing. A scheduled backup is then
//!   [skipped](Decision::Skipped) with a reason and the next time; one on demand is refused as
//!   [`CONFLICT`](crate::ErrorKind::Conflict).
//! - A [`Job`] is the record of one run, kept in a [`JobLog`] of JSON lines.
//! - [`warnings`] says what nobody would notice otherwise: no backup for 24 hours, a gate that stays closed.
//! - [`RetentionPolicy::plan`] says which sets to delete and why, and keeps the last good set of each place whatever it
//!   is asked; [`RetentionPlan::apply`] carries that out.
//!
//! Nothing here starts a backup: the caller does, so that this serves any scheduler, or none. All times are UTC.

mod admin;
mod apply;
mod frequency;
mod gate;
mod job;
mod next_run;
mod operation;
mod retention;
mod rules;
mod source;
mod warning;

pub use apply::{Outcome, RetentionReport};
pub use frequency::{Frequency, RetentionPeriod};
pub use gate::{Decision, Gate, Hold, Reason, Skip, Trigger};
pub use job::{Job, JobLog, JobStatus, Jobs};
pub use next_run::{NextRun, Schedule};
pub use operation::{Operation, OperationKind, OperationState};
pub use retention::{Candidate, Condition, Deletion, Kept, RetentionPlan};
pub use rules::{DeleteReason, KeepReason, PIN_LABEL, RetentionPolicy};
pub use source::{OperationSource, OperationsFile, parse_operations};
pub use warning::{Warning, Watch, warnings};
