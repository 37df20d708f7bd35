//! What to keep: the rules, and the words for their results.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frequency::RetentionPeriod;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SetName;
use crate::set::shrunken::Largest;
use crate::share::Space;

/// The label that keeps a set for good, whatever its value: `BackupBuilder::label("pinned", "before the firmware
/// update")`.
pub const PIN_LABEL: &str = "pinned";

/// Which sets of a deployment to keep.
///
/// `keep_last` (`keep_last` in JSON) keeps a number of sets, however old; `keep_within` (`keep_days`) keeps all young
/// sets, however many; with both, a set stays if either keeps it. A complete set is deleted only if you give at least
/// one keep rule and none keeps it, or to make room. Each rule counts within one place: one component, or one of its
/// scale units. Periods count back from the **newest good set** of the place, not from the clock. So nothing is lost
/// when backups stop, or when a clock runs ahead before a set is made by it. Days, weeks (from Monday) and months are
/// those of UTC. In each, the newest set counts; one that `Succeeded` is preferred to one that did so only in part.
///
/// Whatever the rules say, these stay:
/// - the last good set of each place: the newest complete one, and the newest that `Succeeded`;
/// - everything in a place without a good set: what is incomplete or damaged there may be all that is left;
/// - the last good set before the sets of its place shrank (see below);
/// - damaged sets: those that have, or may have had, a cover sheet and are not whole. Only a person deletes them;
/// - sets of another place that were copied to here, and what cannot be read;
/// - sets that are not signed as the [listing demands](crate::set::ListBuilder::require_signers). They count as nothing,
///   so that a planted set cannot push out real ones. [`RetentionPlan::apply`](super::RetentionPlan::apply) makes the
///   same demand again before each deletion;
/// - sets from the future, more than five minutes ahead of the clock; they do not count as good sets, either;
/// - sets in a later version of the stored form, and what is not named like a set;
/// - pinned and labelled sets, even to make room.
///
/// A set's age is that of its cover sheet, or of its name if that is later. An unfinished set is as old as its newest
/// file.
///
/// **Sets that shrank displace nothing.** A good set is shrunken if it holds less than half of the files, or of the
/// bytes, of an older good set of its place: perhaps its source was not mounted. The rules then count twice, over all
/// good sets and over those that are not shrunken, and a set stays if either count keeps it. The largest older set also
/// stays as long as a shrunken one does, and the newest one that is not shrunken stays even to make room. If the source
/// has shrunk for good, delete the large sets by hand, or set another threshold with
/// [`shrunken_below`](Self::shrunken_below).
///
/// In JSON it is `{"keep_days": 30, "keep_last": 3, "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12,
/// "keep_labels": [["model", "S4148-ON"], ["audit", null]], "pin": ["20261123T020000Z-7f3a91c2"], "make_room": 0,
/// "grace_hours": 24, "shrunken_below": 50}`. You may omit any of them. The room on the share is not included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "PolicyForm", into = "PolicyForm")]
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
    /// Creates a policy that keeps every complete set, and deletes incomplete ones after 24 hours.
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

    /// Keeps sets that are older than the newest good one by at most this period.
    #[must_use]
    pub fn keep_within(mut self, period: RetentionPeriod) -> Self {
        self.keep_within = Some(period);
        self
    }

    /// Keeps the newest `count` complete sets; 0 turns the rule off.
    #[must_use]
    pub fn keep_last(mut self, count: u32) -> Self {
        self.keep_last = count;
        self
    }

    /// Keeps one set for each of the last `count` days that have any; 0 turns the rule off.
    #[must_use]
    pub fn keep_daily(mut self, count: u32) -> Self {
        self.keep_daily = count;
        self
    }

    /// Keeps one set for each of the last `count` weeks that have any; 0 turns the rule off.
    #[must_use]
    pub fn keep_weekly(mut self, count: u32) -> Self {
        self.keep_weekly = count;
        self
    }

    /// Keeps one set for each of the last `count` months that have any; 0 turns the rule off.
    #[must_use]
    pub fn keep_monthly(mut self, count: u32) -> Self {
        self.keep_monthly = count;
        self
    }

    /// Keeps every set with this label, whatever the other rules say; `None` matches any value. This rule alone deletes
    /// no other sets.
    #[must_use]
    pub fn keep_label(mut self, key: impl Into<String>, value: Option<String>) -> Self {
        self.labels.push((key.into(), value));
        self
    }

    /// Keeps this set, whatever the other rules say. This rule alone deletes no other sets.
    #[must_use]
    pub fn pin(mut self, set: SetName) -> Self {
        self.pinned.insert(set);
        self
    }

    /// Deletes the oldest sets until at least this many more bytes are free, even if rules of age or number keep them:
    /// the documented remedy for a full share. What sets share by hard link is freed with the last of them.
    #[must_use]
    pub fn make_room(mut self, bytes: u64) -> Self {
        self.make_room = bytes;
        self
    }

    /// Deletes sets until this many bytes are free on a share with this [space](crate::Share::space), like
    /// [`make_room`](Self::make_room). Before each set that goes only to make room,
    /// [`RetentionPlan::apply`](super::RetentionPlan::apply) checks the share's space again, and stops once there is
    /// enough.
    #[must_use]
    pub fn make_room_for(mut self, bytes: u64, space: Space) -> Self {
        self.make_room = bytes.saturating_sub(space.free);
        self.room_for = Some(bytes);
        self
    }

    /// Deletes incomplete sets only if nothing was written to them for this long, 24 hours by default: a backup may
    /// still be writing to them, or take them up. Less than an hour counts as an hour.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX).max(3600);
        self
    }

    /// Sets when a set counts as shrunken: if it holds less than this percentage of the files or bytes of an older good
    /// set of its place. The default is 50, the most 100; with 0 no set does, not even an empty one.
    #[must_use]
    pub fn shrunken_below(mut self, percent: u32) -> Self {
        self.shrunken_below = percent.min(100);
        self
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

/// The JSON form of a policy.
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
            // Rounded up, so that nothing is deleted earlier after a round trip.
            grace_hours: u32::try_from(policy.grace.saturating_add(3599) / 3600).unwrap_or(u32::MAX),
            shrunken_below: policy.shrunken_below,
        }
    }
}

impl TryFrom<PolicyForm> for RetentionPolicy {
    type Error = Error;

    fn try_from(form: PolicyForm) -> Result<Self> {
        if form.shrunken_below > 100 {
            let message = "shrunken_below is a percentage, 100 at most";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
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
        Ok(policy)
    }
}

/// Why a set is deleted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeleteReason {
    /// No rule keeps it.
    Expired,
    /// It never finished, and its grace period is over.
    Incomplete,
    /// To make room; it is the oldest that may go.
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
    /// It is the one kept for one of the last days.
    Daily,
    /// It is damaged, or whole except for its cover sheet: it may hold what no other has.
    Damaged,
    /// It belongs to another place.
    Foreign,
    /// It claims to be from the future.
    FromTheFuture,
    /// It is incomplete, and its grace period is not over.
    Grace,
    /// It has a label that the policy keeps.
    Label,
    /// It is among the newest.
    Last,
    /// It is the last good set of its place before those that shrank.
    LastFull,
    /// It is the last good set of its place.
    LastGood,
    /// It is the one kept for one of the last months.
    Monthly,
    /// Its place has no good set: nothing is deleted there.
    NoGoodSet,
    /// No rule asks for deletions.
    NoRule,
    /// A rule would keep it but for newer sets that hold far less.
    NotDisplaced,
    /// It is pinned by name.
    Pinned,
    /// The share cannot read it.
    Unreadable,
    /// It is in a later version of the stored form.
    Unrecognised,
    /// It is not signed by one of the signers demanded: it may be false, and only a person deletes it.
    Untrusted,
    /// It is the one kept for one of the last weeks.
    Weekly,
    /// It is young enough.
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
            Self::Untrusted => "not signed by one of the signers demanded",
            Self::Weekly => "newest of its week",
            Self::Within => "young enough",
        })
    }
}
