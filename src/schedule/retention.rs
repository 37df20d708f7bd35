//! Plans which sets to delete, which to keep, and why. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::candidate::{Candidate, Condition, Content};
use super::next_run::second;
use super::rules::{DeleteReason, KeepReason, RetentionPolicy};
use super::shared_files::SharedFiles;
use crate::layout::SharePath;
use crate::set::shrunken::Largest;
use crate::share::CLOCK_SKEW;

/// Which sets to delete, and why the others stay. Look at it before you [carry it out](Self::apply).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetentionPlan {
    /// The time for which it was made.
    pub now: Timestamp,
    /// Sets to delete: the oldest first, and those that only make room last.
    pub deletions: Vec<Deletion>,
    /// Sets to keep, by place and from old to new.
    pub kept: Vec<Kept>,
    /// Bytes that the deletions free. A stored file that sets share by hard link is freed with the last of them. This
    /// is an upper bound if candidates came from JSON, or if sets that the plan was not shown hold the same files.
    pub freed_bytes: u64,
    /// Requested bytes that cannot be freed: everything that may go is already in the plan.
    pub shortfall: u64,
    /// Free bytes at which [`apply`](Self::apply) stops making room, if the policy [asks for
    /// that](RetentionPolicy::make_room_for).
    pub room_for: Option<u64>,
}

/// A set to delete.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Deletion {
    /// Its folder.
    pub folder: SharePath,
    /// The set.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Why.
    pub reason: DeleteReason,
    /// Bytes that it frees, once all before it in the plan are gone.
    pub freed_bytes: u64,
}

/// A set to keep.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Kept {
    /// Its folder.
    pub folder: SharePath,
    /// The set.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Every rule that keeps it.
    pub reasons: Vec<KeepReason>,
}

impl RetentionPlan {
    /// Whether there is nothing to delete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deletions.is_empty()
    }

    /// Returns the deletion of the set in this folder: for an [`Observer`](crate::observer::Observer) that is told of
    /// the folder.
    #[must_use]
    pub fn deletion(&self, folder: &SharePath) -> Option<&Deletion> {
        self.deletions.iter().find(|deletion| deletion.folder == *folder)
    }
}

impl RetentionPolicy {
    /// Plans which of these sets to delete, and which to keep and why. Deletes nothing.
    ///
    /// Pass every set of the places in question, as [`list_sets`](crate::list_sets) returns them. The plan neither
    /// deletes nor counts what it does not see.
    #[must_use]
    pub fn plan(
        &self,
        sets: impl IntoIterator<Item = impl Into<Candidate>>,
        now: Timestamp,
    ) -> RetentionPlan {
        plan(self, sets.into_iter().map(Into::into).collect(), now)
    }
}

fn plan(policy: &RetentionPolicy, sets: Vec<Candidate>, now: Timestamp) -> RetentionPlan {
    // If a set is given twice, the later one counts.
    let sets: BTreeMap<_, _> = sets.into_iter().map(|set| (set.folder().to_string(), set)).collect();
    let mut sets: Vec<_> = sets.into_values().collect();
    sets.sort_by(|a, b| (&a.place, a.time(), a.set).cmp(&(&b.place, b.time(), b.set)));
    let mut shared = SharedFiles::default();
    for set in &sets {
        shared.add(set);
    }
    let (deletions, kept, room_for) = (Vec::new(), Vec::new(), policy.room_for);
    let mut plan = RetentionPlan { now, deletions, kept, freed_bytes: 0, shortfall: 0, room_for };
    for place in sets.chunk_by(|a, b| a.place == b.place) {
        for (candidate, verdict) in place.iter().zip(judge(policy, place, now)) {
            let folder = candidate.folder();
            let candidate = candidate.clone();
            match verdict {
                Verdict::Delete(reason) => {
                    plan.deletions.push(Deletion { folder, candidate, reason, freed_bytes: 0 });
                }
                Verdict::Keep(reasons) => {
                    plan.kept.push(Kept { folder, candidate, reasons: reasons.into_iter().collect() });
                }
            }
        }
    }
    plan.deletions.sort_by_cached_key(|d| (d.candidate.time(), d.folder.clone()));
    for deletion in &mut plan.deletions {
        deletion.freed_bytes = shared.remove(&deletion.candidate);
        plan.freed_bytes = plan.freed_bytes.saturating_add(deletion.freed_bytes);
    }
    make_room(policy.make_room, &mut shared, &mut plan);
    plan
}

enum Verdict {
    Keep(BTreeSet<KeepReason>),
    Delete(DeleteReason),
}

/// Judges the sets of one place, sorted from old to new.
fn judge(policy: &RetentionPolicy, sets: &[Candidate], now: Timestamp) -> Vec<Verdict> {
    let mut keep = vec![BTreeSet::new(); sets.len()];
    let is_future = |set: &Candidate| second(set.time()) > second(now).saturating_add(CLOCK_SKEW.as_secs());
    // Rules count from new to old.
    let good: Vec<usize> =
        (0..sets.len()).rev().filter(|at| sets[*at].is_complete() && !is_future(&sets[*at])).collect();
    for (at, reason) in by_rules(policy, sets, &good, KeepReason::LastGood) {
        keep[at].insert(reason);
    }
    // Shrunken sets are kept like any others but displace nothing: count once more without them.
    let dwarfed = dwarfed(policy, sets, &good);
    let full: Vec<usize> = good.iter().copied().filter(|at| !dwarfed.contains_key(at)).collect();
    let mut spare = |at: usize, reason| {
        let is_last = reason == KeepReason::LastFull && !keep[at].contains(&KeepReason::LastGood);
        // A set that is kept anyway keeps its reasons.
        if is_last || keep[at].is_empty() {
            keep[at].insert(if is_last { reason } else { KeepReason::NotDisplaced });
        }
    };
    if full.len() < good.len() {
        by_rules(policy, sets, &full, KeepReason::LastFull).into_iter().for_each(|(at, why)| spare(at, why));
    }
    let exceptions = |set: &Candidate| {
        let is_labelled = policy.labels.iter().any(|(key, wanted)| {
            set.labels.get(key).is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        });
        let exceptions = [
            (is_labelled, KeepReason::Label),
            (policy.pinned.contains(&set.set), KeepReason::Pinned),
            (set.condition == Condition::Unrecognised, KeepReason::Unrecognised),
            (set.condition == Condition::Foreign, KeepReason::Foreign),
            (set.condition == Condition::Unreadable, KeepReason::Unreadable),
            (set.condition == Condition::Untrusted, KeepReason::Untrusted),
            (is_future(set), KeepReason::FromTheFuture),
            (good.is_empty(), KeepReason::NoGoodSet),
            (set.condition == Condition::Damaged || set.may_be_whole, KeepReason::Damaged),
            (set.is_complete() && !policy.has_keep_rule(), KeepReason::NoRule),
        ];
        exceptions.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason)
    };
    // As long as a shrunken set stays, for whatever reason, so do the sets that show how much it shrank: without them it
    // would count as full the next time. From new to old, since those may be shrunken themselves.
    for at in &good {
        let stays = !keep[*at].is_empty() || exceptions(&sets[*at]).next().is_some();
        for by in dwarfed.get(at).filter(|_| stays).into_iter().flatten() {
            if keep[*by].is_empty() {
                keep[*by].insert(KeepReason::NotDisplaced);
            }
        }
    }

    let verdict = |(set, mut keep): (&Candidate, BTreeSet<KeepReason>)| {
        keep.extend(exceptions(set));
        // A running backup may have begun long ago: count from when it last wrote.
        let age = second(now).saturating_sub(second(set.last_touched()));
        if set.condition == Condition::Incomplete && age < policy.grace && !is_future(set) {
            keep.insert(KeepReason::Grace);
        }
        match (keep.is_empty(), set.is_complete()) {
            (false, _) => Verdict::Keep(keep),
            (true, true) => Verdict::Delete(DeleteReason::Expired),
            (true, false) => Verdict::Delete(DeleteReason::Incomplete),
        }
    };
    sets.iter().zip(keep).map(verdict).collect()
}

/// Finds the shrunken sets, each with the older ones that hold the most files and the most bytes.
fn dwarfed(policy: &RetentionPolicy, sets: &[Candidate], good: &[usize]) -> BTreeMap<usize, [usize; 2]> {
    let mut dwarfed = BTreeMap::new();
    let mut largest: Option<[(usize, Content); 2]> = None;
    for at in good.iter().rev() {
        let Some(content) = sets[*at].content else { continue };
        let Some([files, bytes]) = &mut largest else {
            largest = Some([(*at, content); 2]);
            continue;
        };
        let most = Largest { files: files.1.files, bytes: bytes.1.bytes };
        if most.dwarfs((content.files, content.bytes), policy.shrunken_below) {
            dwarfed.insert(*at, [files.0, bytes.0]);
        }
        if content.files >= most.files {
            *files = (*at, content);
        }
        if content.bytes >= most.bytes {
            *bytes = (*at, content);
        }
    }
    dwarfed
}

/// Returns what the policy's rules keep of these good sets, sorted from new to old: with the reason `last`, the last
/// one and the last that succeeded; and what the rules of age and number name.
fn by_rules(
    policy: &RetentionPolicy,
    sets: &[Candidate],
    good: &[usize],
    last: KeepReason,
) -> Vec<(usize, KeepReason)> {
    let mut keep = Vec::new();
    let succeeded = |at: &&usize| sets[**at].condition == Condition::Succeeded;
    keep.extend(good.first().into_iter().chain(good.iter().find(succeeded)).map(|at| (*at, last)));
    if let (Some(period), Some(newest)) = (policy.keep_within, good.first()) {
        let oldest = second(sets[*newest].time()).saturating_sub(period.seconds());
        let young = good.iter().filter(|at| second(sets[**at].time()) >= oldest);
        keep.extend(young.map(|at| (*at, KeepReason::Within)));
    }
    keep.extend(good.iter().take(policy.keep_last as usize).map(|at| (*at, KeepReason::Last)));
    let calendars = [
        (policy.keep_daily, day as fn(Timestamp) -> i64, KeepReason::Daily),
        (policy.keep_weekly, week, KeepReason::Weekly),
        (policy.keep_monthly, month, KeepReason::Monthly),
    ];
    for (count, period, reason) in calendars {
        let of_one = good.chunk_by(|a, b| period(sets[*a].time()) == period(sets[*b].time()));
        let best = of_one.take(count as usize).map(|of_one| {
            let newest = &of_one[0];
            let is_better = |at: &&usize| succeeded(at) && !dwarfs(policy, &sets[*newest], &sets[**at]);
            of_one.iter().find(is_better).unwrap_or(newest)
        });
        keep.extend(best.map(|at| (*at, reason)));
    }
    keep
}

/// Whether the second set holds so much less than the first that it cannot stand in for it.
fn dwarfs(policy: &RetentionPolicy, first: &Candidate, second: &Candidate) -> bool {
    first.content.zip(second.content).is_some_and(|(first, second)| {
        let most = Largest { files: first.files, bytes: first.bytes };
        most.dwarfs((second.files, second.bytes), policy.shrunken_below)
    })
}

/// Deletes sets that only rules of age and number keep, the oldest first, until enough is freed.
fn make_room(wanted: u64, shared: &mut SharedFiles, plan: &mut RetentionPlan) {
    use KeepReason::{Daily, Last, Monthly, NoRule, NotDisplaced, Weekly, Within};
    let may_go = |kept: &Kept| {
        kept.reasons
            .iter()
            .all(|reason| matches!(reason, Daily | Last | Monthly | NoRule | NotDisplaced | Weekly | Within))
    };
    let mut oldest_first: Vec<usize> = (0..plan.kept.len()).filter(|at| may_go(&plan.kept[*at])).collect();
    oldest_first.sort_by_cached_key(|at| (plan.kept[*at].candidate.time(), plan.kept[*at].folder.clone()));
    let mut goes = vec![None; plan.kept.len()];
    for at in oldest_first {
        if plan.freed_bytes >= wanted {
            break;
        }
        let freed = shared.remove(&plan.kept[at].candidate);
        goes[at] = Some(freed);
        plan.freed_bytes = plan.freed_bytes.saturating_add(freed);
    }
    let mut gone = Vec::new();
    for (kept, freed) in std::mem::take(&mut plan.kept).into_iter().zip(goes) {
        let Some(freed_bytes) = freed else {
            plan.kept.push(kept);
            continue;
        };
        let Kept { folder, candidate, .. } = kept;
        gone.push(Deletion { folder, candidate, reason: DeleteReason::MakeRoom, freed_bytes });
    }
    // They come after the sets that go anyway: if those free enough, these stay.
    gone.sort_by_cached_key(|d| (d.candidate.time(), d.folder.clone()));
    plan.deletions.extend(gone);
    plan.shortfall = wanted.saturating_sub(plan.freed_bytes);
}

fn day(time: Timestamp) -> i64 {
    second(time).div_euclid(86_400)
}

/// Weeks begin on Monday, and 1970 began on a Thursday.
fn week(time: Timestamp) -> i64 {
    (day(time) + 3).div_euclid(7)
}

fn month(time: Timestamp) -> i64 {
    let utc = Offset::UTC.to_datetime(time);
    i64::from(utc.year()) * 12 + i64::from(utc.month())
}
