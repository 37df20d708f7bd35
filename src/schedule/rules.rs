//! What to keep: the rules, and the words for what they lead to.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::frequency::RetentionPeriod;
use super::retention::RetentionPlan;
use crate::layout::SetName;
use crate::set::shrunken::Largest;
use crate::share::Space;

/// The label that keeps a set for good, whatever its value: `BackupBuilder::label("pinned", "before the firmware update")`.
pub const PIN_LABEL: &str = "pinned";

/// What to keep of the sets of a deployment.
///
/// `keep_last` (`keep_last` in JSON) keeps a number of sets, however old; `keep_within` (`keep_days`) keeps all that are
/// young, however many; given both, a set stays if either keeps it. A complete set is deleted only when at least one keep rule is given and none keeps it, or to make room. Each rule
/// counts within one place, that is one component, or one scale unit of it. Periods are counted back from the **newest
/// good set** of the place and not from the clock: backups that stopped take nothing away, nor does a clock that runs
/// ahead until a set is made by it. Days, weeks (from Monday) and months are those of UTC; of each the newest set counts, one that `Succeeded`
/// before one that did so in part.
///
/// Whatever the rules say, these stay:
/// - the last good set of each place: the newest complete one, and the newest that `Succeeded`;
/// - all of a place without a good set: what is incomplete or damaged there may be all that is left;
/// - the last good set before those of its place shrank (see below);
/// - damaged sets: those that have, or may have had, a cover sheet and are not whole. Only a person deletes them;
/// - sets of another place that were copied to here, and what cannot be read;
/// - sets from the future, more than five minutes ahead of the clock; they count as no good set either;
/// - sets in a later version of the stored form, and what is not named as a set;
/// - sets that are pinned or labelled, when room is made too.
///
/// A set's age is that of its cover sheet, or of its name where that is younger. An unfinished set is as old as its newest
/// file.
///
/// **Sets that shrank displace nothing.** A good set is shrunken when it holds less than half of the files, or of the bytes,
/// of an older good set of its place: perhaps its source was not mounted. The rules then count twice, over all good sets and
/// over those that are not shrunken, and a set stays if either count keeps it; so does the largest older set as long as one
/// that shrank stays, and the newest one that is not shrunken even when room is made. Where the source has shrunk for good,
/// delete the large sets by hand, or set another threshold by [`shrunken_below`](Self::shrunken_below).
///
/// In JSON it is `{"keep_days": 30, "keep_last": 3, "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12, "keep_labels":
/// [["model", "S4148-ON"], ["audit", null]], "pin": ["20261123T020000Z-7f3a91c2"], "make_room": 0, "grace_hours": 24,
/// "shrunken_below": 50}`, of which all may be left out. The room that the share has is not in it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "PolicyForm", into = "PolicyForm")]
pub struct RetentionPolicy {
    pub(super) keep_within: Option<RetentionPeriod>,
    pub(super) keep_last: u32,
    pub(super) keep_daily: u32,
    pub(super) keep_weekly: u32,
    pub(super) keep_monthly: u32,
    pub(super) labels: Vec<(String, Option<String>)>,
    pub(super) pinned: BTreeSet<SetName>,
    pub(super) make_room: u64,
    pub(super) room_for: Option<u64>,
    pub(super) grace: i64,
    pub(super) shrunken_below: u32,
}

impl RetentionPolicy {
    /// Keeps every complete set, and deletes incomplete ones after 24 hours.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keep_within: None,
            keep_last: 0,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
            labels: vec![(PIN_LABEL.to_owned(), None)],
            pinned: BTreeSet::new(),
            make_room: 0,
            room_for: None,
            grace: 86_400,
            shrunken_below: Largest::HALF,
        }
    }

    /// Keeps what is at most this much older than the newest good set.
    #[must_use]
    pub fn keep_within(mut self, period: RetentionPeriod) -> Self {
        self.keep_within = Some(period);
        self
    }

    /// Keeps the newest `count` complete sets; 0 is no rule.
    #[must_use]
    pub fn keep_last(mut self, count: u32) -> Self {
        self.keep_last = count;
        self
    }

    /// Keeps one set of each of the last `count` days that have one; 0 is no rule.
    #[must_use]
    pub fn keep_daily(mut self, count: u32) -> Self {
        self.keep_daily = count;
        self
    }

    /// Keeps one set of each of the last `count` weeks that have one; 0 is no rule.
    #[must_use]
    pub fn keep_weekly(mut self, count: u32) -> Self {
        self.keep_weekly = count;
        self
    }

    /// Keeps one set of each of the last `count` months that have one; 0 is no rule.
    #[must_use]
    pub fn keep_monthly(mut self, count: u32) -> Self {
        self.keep_monthly = count;
        self
    }

    /// Keeps every set with this label, whatever the other rules say; with any value when none is given. By itself it
    /// is no reason to delete the others.
    #[must_use]
    pub fn keep_label(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        self.labels.push((key.into(), value));
        self
    }

    /// Keeps this set, whatever the other rules say. By itself it is no reason to delete the others.
    #[must_use]
    pub fn pin(mut self, set: SetName) -> Self {
        self.pinned.insert(set);
        self
    }

    /// Deletes until at least this many bytes are free that were not before, the oldest sets first, kept by other rules
    /// or not: the documented remedy for a full share. What sets share by hard link is freed with the last of them.
    #[must_use]
    pub fn make_room(mut self, bytes: u64) -> Self {
        self.make_room = bytes;
        self
    }

    /// Deletes until this many bytes are free on a share with this [space](crate::Share::space), as
    /// [`make_room`](Self::make_room) does. [`RetentionPlan::apply`] looks at the share's space again before each set
    /// that goes for the sake of room, and stops at enough.
    #[must_use]
    pub fn make_room_for(mut self, bytes: u64, space: Space) -> Self {
        self.make_room = bytes.saturating_sub(space.free);
        self.room_for = Some(bytes);
        self
    }

    /// Deletes incomplete sets only when nothing was written to them for this long, 24 hours by default: a backup may still
    /// be at work in them, or take them up. Less than an hour counts as an hour.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX).max(3600);
        self
    }

    /// Takes a set for shrunken that holds less than this many percent of the files or bytes of an older good set of its
    /// place: 50 by default, at most 100; 0 takes none for it, not even an empty one.
    #[must_use]
    pub fn shrunken_below(mut self, percent: u32) -> Self {
        self.shrunken_below = percent.min(100);
        self
    }

    /// What to delete of these sets, and what is kept and why. Deletes nothing.
    ///
    /// Give it every set of the places in question, as [`list_sets`](crate::list_sets) has them; what it does not see it
    /// neither deletes nor counts.
    #[must_use]
    pub fn plan(
        &self,
        sets: impl IntoIterator<Item = impl Into<Candidate>>,
        now: Timestamp,
    ) -> RetentionPlan {
        super::retention::plan(self, sets.into_iter().map(Into::into).collect(), now)
    }

    pub(super) fn has_keep_rule(&self) -> bool {
        self.keep_within.is_some()
            || [self.keep_last, self.keep_daily, self.keep_weekly, self.keep_monthly].iter().any(|n| *n > 0)
    }
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// A policy as JSON has it.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct PolicyForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_days: Option<RetentionPeriod>,
    keep_last: u32,
    keep_daily: u32,
    keep_weekly: u32,
    keep_monthly: u32,
    keep_labels: Vec<(String, Option<String>)>,
    pin: BTreeSet<SetName>,
    make_room: u64,
    grace_hours: u32,
    shrunken_below: u32,
}

impl Default for PolicyForm {
    fn default() -> Self {
        RetentionPolicy::new().into()
    }
}

impl From<RetentionPolicy> for PolicyForm {
    fn from(policy: RetentionPolicy) -> Self {
        let is_given = |(key, value): &(String, Option<String>)| (&**key, value) != (PIN_LABEL, &None);
        Self {
            keep_days: policy.keep_within,
            keep_last: policy.keep_last,
            keep_daily: policy.keep_daily,
            keep_weekly: policy.keep_weekly,
            keep_monthly: policy.keep_monthly,
            keep_labels: policy.labels.into_iter().filter(is_given).collect(),
            pin: policy.pinned,
            make_room: policy.make_room,
            // Rounded up: nothing goes sooner for being written down.
            grace_hours: u32::try_from(policy.grace.saturating_add(3599) / 3600).unwrap_or(u32::MAX),
            shrunken_below: policy.shrunken_below,
        }
    }
}

impl From<PolicyForm> for RetentionPolicy {
    fn from(form: PolicyForm) -> Self {
        let mut policy = Self::new()
            .keep_last(form.keep_last)
            .keep_daily(form.keep_daily)
            .keep_weekly(form.keep_weekly)
            .keep_monthly(form.keep_monthly)
            .make_room(form.make_room)
            .grace(Duration::from_secs(u64::from(form.grace_hours) * 3600))
            .shrunken_below(form.shrunken_below);
        policy.keep_within = form.keep_days;
        policy.labels.extend(form.keep_labels);
        policy.pinned = form.pin;
        policy
    }
}

/// Why a set is to be deleted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeleteReason {
    /// No rule keeps it.
    Expired,
    /// Never finished, and its grace time is over.
    Incomplete,
    /// To make room; among these it is the oldest.
    MakeRoom,
}

impl fmt::Display for DeleteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "no rule keeps it",
            Self::Incomplete => "incomplete, and its grace time is over",
            Self::MakeRoom => "the oldest, to make room",
        })
    }
}

/// Why a set stays.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeepReason {
    /// The newest of one of the last days.
    Daily,
    /// Damaged, or whole but for its cover sheet: it may hold what no other has.
    Damaged,
    /// It belongs to another place.
    Foreign,
    /// It says that it was made in the future.
    FromTheFuture,
    /// Incomplete, and its grace time is not over.
    Grace,
    /// It has a label that is kept.
    Label,
    /// Among the newest.
    Last,
    /// The last good set of its place before those that shrank.
    LastFull,
    /// The last good set of its place.
    LastGood,
    /// The newest of one of the last months.
    Monthly,
    /// Its place has no good set: nothing is deleted there.
    NoGoodSet,
    /// No rule asks for deletions.
    NoRule,
    /// A rule would keep it if newer sets, which hold far less, were not there.
    NotDisplaced,
    /// Pinned by name.
    Pinned,
    /// The share does not let it be read.
    Unreadable,
    /// In a later version of the stored form.
    Unrecognised,
    /// The newest of one of the last weeks.
    Weekly,
    /// Young enough.
    Within,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daily => "newest of its day",
            Self::Damaged => "damaged, but some of it may be readable",
            Self::Foreign => "belongs to another place",
            Self::FromTheFuture => "from the future",
            Self::Grace => "incomplete, within its grace time",
            Self::Label => "labelled",
            Self::Last => "among the newest",
            Self::LastFull => "last good set before its content shrank",
            Self::LastGood => "last good set",
            Self::Monthly => "newest of its month",
            Self::NoGoodSet => "no good set beside it",
            Self::NoRule => "no rule asks for deletions",
            Self::NotDisplaced => "newer ones hold far less and do not displace it",
            Self::Pinned => "pinned",
            Self::Unreadable => "cannot be read",
            Self::Unrecognised => "in a later version",
            Self::Weekly => "newest of its week",
            Self::Within => "young enough",
        })
    }
}
