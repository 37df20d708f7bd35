//! Classifications, and how evidence makes one.

use std::fmt;

use super::evidence::{Evidence, NOTHING, VAGUE};
use super::fault_type;
use super::finding::{Finding, Form, Probe};
use super::kind::{AlertKind, DocumentedKind};
use super::profile::Profile;
use super::retry::{Retry, RetryAdvice};

/// How certain a classification is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Confidence {
    /// Nothing names the cause.
    Low,
    /// Only words name it, or the code is ambiguous.
    Medium,
    /// A code or fault type names it.
    High,
}

impl Confidence {
    /// Returns the stable code, in capitals: `HIGH`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

/// The class of a failure, how certain it is, why, and whether to try again.
///
/// It is a plain value of about 200 bytes that borrows and allocates nothing.
#[derive(Clone, Copy)]
pub struct Classification {
    profile: Profile,
    kind: AlertKind,
    confidence: Confidence,
    retry: Retry,
    count: u8,
    evidence: [Evidence; MOST_EVIDENCE],
}

impl Classification {
    #[inline]
    pub(super) fn of(evidence: Evidence, profile: Profile) -> Self {
        let mut all = [NOTHING; MOST_EVIDENCE];
        all[0] = evidence;
        let (kind, retry) = (evidence.kind, evidence.finding.retry);
        Self { profile, kind, confidence: confidence(&evidence, &[]), retry, count: 1, evidence: all }
    }

    /// Returns the kind of alert.
    #[must_use]
    pub fn kind(&self) -> AlertKind {
        self.kind
    }

    /// Returns which of the documented five the kind belongs to.
    #[must_use]
    pub fn documented_kind(&self) -> DocumentedKind {
        self.kind.documented()
    }

    /// Returns how certain the class is.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// Returns the profile that was used.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Returns what was found, most telling first: at most eight items, each once.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence[..usize::from(self.count)]
    }

    /// Returns whether and when to try again.
    #[must_use]
    pub fn retry(&self) -> RetryAdvice {
        self.retry.advice()
    }

    /// Returns what to check to decide, if the most telling evidence is ambiguous.
    #[must_use]
    pub fn probe(&self) -> Option<Probe> {
        self.evidence().first()?.probe()
    }

    /// Whether anything failed: false for codes such as `STATUS_PENDING` that report no failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.retry != Retry::NoFailure
    }
}

/// For alerts that no failure raises: an almost full share, an expiring certificate, a scheduler that is off.
///
/// ```
/// use azs_backup::alert::{AlertKind, Classification, DocumentedKind};
///
/// let class = Classification::from(AlertKind::AlmostFull);
/// assert_eq!(class.documented_kind(), DocumentedKind::OutOfCapacity);
/// ```
impl From<AlertKind> for Classification {
    fn from(kind: AlertKind) -> Self {
        let profile = Profile::default();
        Self::of(Evidence::new(Form::FaultType, 0, fault_type::row(kind), profile), profile)
    }
}

impl fmt::Debug for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classification")
            .field("kind", &self.kind)
            .field("confidence", &self.confidence)
            .field("retry", &self.retry)
            .field("profile", &self.profile)
            .field("evidence", &self.evidence())
            .finish()
    }
}

/// Collects evidence, heaviest first, and at most as much as a classification holds.
pub(super) struct Collector {
    pub(super) profile: Profile,
    /// Whether the later of two equally heavy items leads: in a chain of causes the deeper one does.
    later_leads: bool,
    count: usize,
    evidence: [Evidence; MOST_EVIDENCE],
}

impl Collector {
    #[inline]
    pub(super) fn new(profile: Profile) -> Self {
        Self { profile, later_leads: false, count: 0, evidence: [NOTHING; MOST_EVIDENCE] }
    }

    pub(super) fn of_chain(profile: Profile) -> Self {
        Self { later_leads: true, ..Self::new(profile) }
    }

    pub(super) fn found(&mut self, form: Form, code: u32, finding: &'static Finding) {
        self.add(Evidence::new(form, code, finding, self.profile));
    }

    pub(super) fn add(&mut self, evidence: Evidence) {
        let same = |other: &Evidence| std::ptr::eq(other.finding, evidence.finding);
        if let Some(at) = self.evidence[..self.count].iter().position(same) {
            if self.evidence[at].weight >= evidence.weight {
                return;
            }
            // It is heavier than before: take it out, and insert it again at its new place.
            self.evidence[at..self.count].rotate_left(1);
            self.count -= 1;
        }
        let lighter = |other: &Evidence| {
            other.weight < evidence.weight || (self.later_leads && other.weight == evidence.weight)
        };
        let at = self.evidence[..self.count].iter().position(lighter).unwrap_or(self.count);
        if at == MOST_EVIDENCE {
            return;
        }
        self.count = MOST_EVIDENCE.min(self.count + 1);
        self.evidence[at..self.count].rotate_right(1);
        self.evidence[at] = evidence;
    }

    #[inline]
    pub(super) fn finish(self) -> Classification {
        let (kind, confidence, retry) = match &self.evidence[..self.count] {
            [] => (AlertKind::General, Confidence::Low, Retry::Unknown),
            [first, rest @ ..] => (first.kind, confidence(first, rest), first.finding.retry),
        };
        let count = self.count as u8;
        Classification { profile: self.profile, kind, confidence, retry, count, evidence: self.evidence }
    }
}

#[inline]
fn confidence(first: &Evidence, rest: &[Evidence]) -> Confidence {
    if first.weight <= VAGUE {
        return Confidence::Low;
    }
    // Another cause weighs almost as much, so it may be either.
    let contested = |other: &Evidence| {
        other.kind.documented() != first.kind.documented() && other.weight + 5 > first.weight
    };
    match first.form {
        Form::Wording | Form::IoKind => Confidence::Medium,
        _ if first.guessed || first.finding.or.is_some() || rest.iter().any(contested) => Confidence::Medium,
        _ => Confidence::High,
    }
}

const MOST_EVIDENCE: usize = 8;
