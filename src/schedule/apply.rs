//! Carries out a plan so that each set is whole or plainly incomplete at any moment.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::candidate::{Candidate, Condition};
use super::retention::{Deletion, Kept, RetentionPlan};
use super::rules::{DeleteReason, KeepReason};
use crate::alert::{AlertKind, Known};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, Place, SharePath};
use crate::observer::{Observer, observed};
use crate::set::{self, CHECKSUMS, COVER_SHEET, is_file_of_a_set};
use crate::share::{Item, ItemKind, Share};

/// The outcome of each deletion of a plan.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RetentionReport {
    /// One outcome for each deletion of the plan, in its order.
    pub outcomes: Vec<(SharePath, DeletionOutcome)>,
    /// Bytes that were freed, by the plan's estimate.
    pub freed_bytes: u64,
}

/// The outcome of one deletion.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeletionOutcome {
    /// The set is deleted.
    Deleted,
    /// The set did not exist any more: an operator or another host was faster.
    Gone,
    /// The set's files are deleted; the folder stays because it contains something that belongs to no set.
    FolderLeft {
        /// The first few names in it.
        foreign: Vec<String>,
    },
    /// The set was not touched: something has changed since the plan was made, and deleting it is no longer safe.
    Skipped {
        /// What changed, in one line.
        why: String,
    },
    /// The deletion failed. The set is whole if its cover sheet could not be deleted; otherwise it is plainly
    /// incomplete, and the next plan deletes it.
    Failed {
        /// The error's code.
        code: &'static str,
        /// The error's message.
        message: String,
    },
    /// The deletion was not needed: there is room enough without it.
    NotNeeded,
    /// The deletion was not reached, or not finished: the caller stopped, or the share failed before. A set that was
    /// being deleted is plainly incomplete, and the next plan deletes it.
    Stopped,
}

impl RetentionReport {
    /// Returns how many sets were deleted.
    #[must_use]
    pub fn deleted(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, DeletionOutcome::Deleted)).count()
    }

    /// Returns the report, or an error if a deletion failed.
    ///
    /// # Errors
    /// The first failure. If the account or the share refuses a deletion, the alert is
    /// [`DeletionFailed`](AlertKind::DeletionFailed).
    pub fn into_result(self) -> Result<Self> {
        let failed = self.outcomes.iter().find_map(|(_, outcome)| match outcome {
            DeletionOutcome::Failed { code, message } => Some((code, message)),
            _ => None,
        });
        let Some((code, message)) = failed else { return Ok(self) };
        let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == *code).copied();
        let message = format!("not every set could be deleted: {message}");
        let error = Error::new(kind.unwrap_or(ErrorKind::Io), message);
        // Backups are written, so the account lacks the right to delete, or a program has a file open.
        let is_refused = matches!(
            error.alert().kind(),
            AlertKind::Authentication | AlertKind::ShareNotWritable | AlertKind::General
        );
        Err(if is_refused { error.with_source(Known(AlertKind::DeletionFailed.into())) } else { error })
    }
}

/// A plan about to be carried out; [`run`](Self::run) does it.
#[must_use = "nothing is deleted before `run`"]
pub struct ApplyBuilder<'a> {
    plan: &'a RetentionPlan,
    share: Arc<dyn Share>,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> ApplyBuilder<'a> {
    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Carries out the plan, and reports each deletion.
    #[must_use]
    pub fn run(self) -> RetentionReport {
        let Self { plan, share, observer } = self;
        observed(observer, |observer| plan.delete_all(&share, observer))
    }
}

impl RetentionPlan {
    /// Prepares to delete what the plan says, in its order. If a set cannot be deleted, the others still are; if the
    /// share itself fails, the work ends.
    ///
    /// In each set the cover sheet goes first and `SHA256SUMS` second, and each is flushed before anything follows. So
    /// a set is whole or plainly incomplete, even if this breaks off at any moment. Right before each deletion two
    /// checks are repeated: the last good sets of the place are still complete and signed as was demanded of them, and the
    /// set is still what the plan saw, with no cover sheet and no newer file if it had none. Files that belong to no set
    /// stay.
    ///
    /// [`Observer::deleting`] is called before each set and may stop the work there, for example once there is enough
    /// room.
    pub fn apply<'a>(&'a self, share: Arc<dyn Share>) -> ApplyBuilder<'a> {
        ApplyBuilder { plan: self, share, observer: None }
    }

    fn delete_all(&self, share: &Arc<dyn Share>, observer: &mut dyn Observer) -> RetentionReport {
        let mut report = RetentionReport::default();
        let mut go_on = true;
        for deletion in &self.deletions {
            go_on = go_on && observer.deleting(&deletion.folder).is_continue();
            let outcome = if go_on && self.has_room(share, deletion) {
                DeletionOutcome::NotNeeded
            } else if go_on {
                self.delete(share, deletion).unwrap_or_else(|e| {
                    go_on = e.scope() == Scope::Object;
                    match e.kind() {
                        ErrorKind::Cancelled => DeletionOutcome::Stopped,
                        _ => DeletionOutcome::Failed { code: e.code(), message: e.to_string() },
                    }
                })
            } else {
                DeletionOutcome::Stopped
            };
            if matches!(outcome, DeletionOutcome::Deleted | DeletionOutcome::FolderLeft { .. }) {
                report.freed_bytes = report.freed_bytes.saturating_add(deletion.freed_bytes);
            }
            report.outcomes.push((deletion.folder.clone(), outcome));
        }
        report
    }

    /// Whether this deletion was only to make room and is no longer needed.
    fn has_room(&self, share: &Arc<dyn Share>, deletion: &Deletion) -> bool {
        let (DeleteReason::MakeRoom, Some(wanted)) = (deletion.reason, self.room_for) else {
            return false;
        };
        share.space().is_ok_and(|space| space.free >= wanted)
    }

    fn delete(&self, share: &Arc<dyn Share>, deletion: &Deletion) -> Result<DeletionOutcome> {
        let skipped = |why: &str| Ok(DeletionOutcome::Skipped { why: why.to_owned() });
        let planned = &deletion.candidate;
        if !self.has_survivor(share, &planned.place)? {
            return skipped("no other set of its place is known to be complete any more; make a new plan");
        }
        let Some(now) = set::summary(share, &planned.place, &deletion.folder, planned.set, &planned.demand)?
        else {
            return Ok(DeletionOutcome::Gone);
        };
        let has_cover_sheet = now.has_cover_sheet;
        let now = Candidate::from(&now);
        match (now.condition, planned.condition) {
            (Condition::Succeeded | Condition::PartialSucceeded, _) => {
                if planned.condition == Condition::Incomplete {
                    return skipped(FINISHED);
                }
                if (now.created, now.sha256sums) != (planned.created, planned.sha256sums) {
                    return skipped("it is another set than the plan saw");
                }
            }
            (Condition::Incomplete, Condition::Incomplete) => {
                if now.newest_file > planned.newest_file {
                    return skipped("its backup is at work: it was written to since");
                }
                if now.may_be_whole {
                    return skipped("its backup is about to end");
                }
            }
            // Somebody else is deleting it, too.
            (Condition::Incomplete, _) if !now.may_be_whole => {}
            _ if planned.condition == Condition::Incomplete && has_cover_sheet => return skipped(FINISHED),
            _ => return skipped("it is not what the plan saw any more; make a new plan"),
        }
        let items = match share.list(&deletion.folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(DeletionOutcome::Gone),
            items => items?,
        };
        if !has_cover_sheet && items.iter().any(|item| item.name == COVER_SHEET) {
            return skipped(FINISHED);
        }
        if let Some(until) = locked_until(&**share, &deletion.folder, &items)? {
            return skipped(&format!("the share keeps it until {until}: it is locked"));
        }
        remove(&**share, &deletion.folder, items)
    }

    /// Whether every last good set of the place, which the plan keeps, is still complete.
    fn has_survivor(&self, share: &Arc<dyn Share>, place: &Place) -> Result<bool> {
        let is_last = |kept: &&Kept| {
            kept.candidate.place == *place
                && [KeepReason::LastGood, KeepReason::LastFull].iter().any(|last| kept.reasons.contains(last))
        };
        let mut has_one = false;
        for kept in self.kept.iter().filter(is_last) {
            let kept = (&kept.folder, &kept.candidate);
            let now = set::summary(share, place, kept.0, kept.1.set, &kept.1.demand)?;
            if !now.is_some_and(|now| now.is_complete()) {
                return Ok(false);
            }
            has_one = true;
        }
        Ok(has_one)
    }
}

/// Returns until when the share refuses to delete what was written last, which it keeps longest: the cover sheet of a
/// whole set.
fn locked_until(share: &dyn Share, folder: &SharePath, items: &[Item]) -> Result<Option<Timestamp>> {
    let ours = items.iter().filter(|item| item.kind == ItemKind::File && is_file_of_a_set(&item.name));
    let first = FIRST.iter().find_map(|name| ours.clone().find(|item| item.name == *name));
    match first.or_else(|| ours.clone().max_by_key(|item| item.modified)) {
        Some(item) => share.locked_until(&folder.join(Name::new(&*item.name)?)),
        None => Ok(None),
    }
}

/// Deletes the files of a set, the clear ones first, and then its folder.
fn remove(share: &dyn Share, folder: &SharePath, items: Vec<Item>) -> Result<DeletionOutcome> {
    let (files, others): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.kind == ItemKind::File && is_file_of_a_set(&item.name));
    let mut names = files.into_iter().map(|item| Name::new(item.name)).collect::<Result<Vec<_>>>()?;
    let rank = |name: &Name| FIRST.iter().position(|first| name.as_str() == *first).unwrap_or(FIRST.len());
    names.sort_by_key(|name| (rank(name), name.as_str().to_owned()));
    for name in names {
        match share.remove(&folder.join(name.clone())) {
            // Somebody else is deleting it, too.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
        if FIRST.contains(&name.as_str()) {
            share.flush(folder)?;
        }
    }
    if !others.is_empty() {
        const SHOWN: usize = 5;
        return Ok(DeletionOutcome::FolderLeft {
            foreign: others.into_iter().take(SHOWN).map(|item| item.name).collect(),
        });
    }
    match share.remove_folder(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(DeletionOutcome::Deleted),
    }
}

/// In this order: without the first it is not a backup, and without both it plainly is not meant to be one.
const FIRST: [&str; 2] = [COVER_SHEET, CHECKSUMS];
const FINISHED: &str = "its backup has finished since";
