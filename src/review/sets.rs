//! Reviews the sets of each component: which exist, how old and how large they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ages::{self, HOUR, is_stale};
use super::configuration::Configuration;
use super::findings::{Findings, Samples, ago, shown};
use super::seen::Seen;
use super::signers;
use super::table::bytes;
use crate::error::Result;
use crate::layout::{Component, ScaleUnit};
use crate::schedule::{Candidate, Condition, PIN_LABEL, RetentionPeriod, RetentionPolicy, SharedFiles};
use crate::set::shrunken::Largest;
use crate::set::{self, SetState};
use crate::severity::Severity;
use crate::share::Share;

/// The state of the backups of one component, or of one of its scale units.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComponentReview {
    /// Component and scale unit, as in findings: `Switches/su1`.
    pub name: String,
    /// The worst severity of its findings, not counting silenced ones; `None` if all is well.
    pub worst: Option<Severity>,
    /// Whether the configuration asks for it.
    pub is_configured: bool,
    /// Hours between two backups.
    pub frequency_hours: u32,
    /// Days for which backups are kept.
    pub retention_days: Option<u32>,
    /// When its last complete set began.
    pub last_backup: Option<Timestamp>,
    /// When its newest complete copy on another share began, if the review was given such shares.
    #[serde(default)]
    pub last_copy: Option<Timestamp>,
    /// Number of complete sets.
    pub complete: usize,
    /// Number of sets that are not complete, or cannot be judged.
    pub others: usize,
    /// Bytes stored in complete sets; what sets share by hard link counts once.
    pub bytes: u64,
    /// The last 30 days, oldest first.
    pub days: Vec<Day>,
    /// The newest complete sets, at most 120, from old to new.
    pub sizes: Vec<Size>,
}

/// One day in UTC.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Day {
    /// `2026-11-23`.
    pub date: String,
    /// Sets begun that day with everything that was asked for.
    pub complete: u32,
    /// Sets begun that day that lack something.
    pub partial: u32,
    /// Sets begun that day that are not backups.
    pub incomplete: u32,
}

/// The size of one set.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Size {
    /// When it began.
    pub created: Timestamp,
    /// Bytes stored.
    pub bytes: u64,
    /// The part of them that no older set of the component holds.
    pub new_bytes: u64,
}

/// A set, with what a review remembers of it.
struct ReviewedSet {
    candidate: Candidate,
    thumbprints: Vec<[String; 2]>,
    /// Where it belongs, if it does not belong here.
    belongs_to: Option<String>,
    /// What it is signed by instead, if it is not signed as it should be.
    untrusted: Option<String>,
}

/// Totals over all components.
#[derive(Default)]
pub(super) struct Totals {
    /// Bytes that the next run of each will need, in all.
    pub(super) next_run: u64,
}

/// Reviews the sets of every component that is expected or exists.
pub(super) fn review(
    configuration: &Configuration,
    share: &Arc<dyn Share>,
    seen: &mut Seen,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<(Vec<ComponentReview>, Totals)> {
    let mut by_place: std::collections::BTreeMap<(Component, Option<ScaleUnit>), Vec<ReviewedSet>> =
        std::collections::BTreeMap::new();
    let demand = signers::demand(configuration, findings);
    for (place, name, folder) in &seen.sets {
        let Some(summary) = set::summary(share, place, folder, *name, &demand)? else { continue };
        if let SetState::Unreadable { reason } = &summary.state {
            seen.unreadable.push(&format!("{folder}: {reason}"));
        }
        let key = (place.component().clone(), place.scale_unit().cloned());
        by_place.entry(key).or_default().push(known(&summary));
    }
    let found: BTreeSet<_> = by_place.keys().cloned().collect();
    let expected = configuration.expected();
    for settings in &expected {
        for unit in expected_units(configuration, &settings.name, &found, findings) {
            by_place.entry((settings.name.clone(), unit)).or_default();
        }
    }
    let held = configuration.decryption_certificates.iter().map(|known| &*known.thumbprint).collect();
    let mut totals = Totals::default();
    let components = by_place.into_iter().map(|((component, unit), sets)| {
        let settings = expected.iter().find(|settings| settings.name == component);
        let mut review = ComponentReview {
            name: name_of(&component, unit.as_ref()),
            worst: None,
            is_configured: settings.is_some(),
            frequency_hours: settings
                .map_or(configuration.frequency_hours.unwrap_or(12), |s| configuration.frequency(s)),
            retention_days: settings.and_then(|s| s.retention_days).or(configuration.retention_days),
            last_backup: None,
            last_copy: None,
            complete: 0,
            others: 0,
            bytes: 0,
            days: days(&sets, now),
            sizes: Vec::new(),
        };
        review.measure(&sets, now);
        review.check_age(now, findings);
        review.check_states(&sets, now, findings);
        review.check_keys(&held, &sets, findings);
        review.check_retention(sets, now, findings);
        // The larger of the last two, and half as much again, as Azure Stack Hub estimates.
        let recent = review.sizes.iter().rev().take(2).map(|size| size.new_bytes).max().unwrap_or(0);
        totals.next_run = totals.next_run.saturating_add(recent.saturating_add(recent / 2));
        review
    });
    Ok((components.collect(), totals))
}

/// The name of a component, or of one of its scale units: `Switches/su1`.
pub(super) fn name_of(component: &Component, unit: Option<&ScaleUnit>) -> String {
    match unit {
        Some(unit) => format!("{component}/{unit}"),
        None => component.to_string(),
    }
}

/// Returns the scale units under which a component is expected.
fn expected_units(
    configuration: &Configuration,
    component: &Component,
    found: &BTreeSet<(Component, Option<ScaleUnit>)>,
    findings: &mut Findings,
) -> Vec<Option<ScaleUnit>> {
    let is_direct = found.contains(&(component.clone(), None));
    let units: Vec<_> =
        found.iter().filter(|(of, unit)| of == component && unit.is_some()).map(|(_, unit)| unit).collect();
    let several = configuration.scale_units.len() > 1;
    if is_direct && (several || !units.is_empty()) {
        let seen = match (several, units.is_empty()) {
            (true, true) => {
                format!(
                    "{} scale units, and all sets directly in the folder",
                    configuration.scale_units.len()
                )
            }
            _ => "sets directly in the folder, beside those of scale units".to_owned(),
        };
        findings.add("SCALE_UNITS_WITHOUT_IDENTIFIER", component.as_str(), seen);
    }
    match (several, is_direct, units.is_empty()) {
        (true, true, true) | (false, _, true) => vec![None],
        (true, ..) => configuration.scale_units.iter().cloned().map(Some).collect(),
        (false, _, false) => units.into_iter().cloned().collect(),
    }
}

fn known(summary: &set::SetSummary) -> ReviewedSet {
    let mut candidate = Candidate::from(summary);
    // A cover sheet is foreign, and its labels may be long; retention needs only this one.
    candidate.labels.retain(|label, _| label == PIN_LABEL);
    candidate.labels.values_mut().for_each(String::clear);
    let thumbprints = match &summary.state {
        SetState::Complete { cover } => {
            let some = cover.certificates.iter().take(MOST_CERTIFICATES);
            some.map(|of| [thumbprint(&of.sha1_thumbprint), thumbprint(&of.sha256_thumbprint)]).collect()
        }
        _ => Vec::new(),
    };
    let belongs_to = match &summary.state {
        SetState::Foreign { belongs_to, .. } => Some(belongs_to.to_string()),
        _ => None,
    };
    let untrusted = match &summary.state {
        SetState::Untrusted { reason } => Some(shown(reason)),
        _ => None,
    };
    ReviewedSet { candidate, thumbprints, belongs_to, untrusted }
}

fn thumbprint(text: &str) -> String {
    text.chars().take(64).collect::<String>().to_ascii_uppercase()
}

fn is_complete(known: &ReviewedSet) -> bool {
    matches!(known.candidate.condition, Condition::Succeeded | Condition::PartialSucceeded)
}

fn is_future(known: &ReviewedSet, now: Timestamp) -> bool {
    ages::is_future(known.candidate.set.created(), now)
}

impl ComponentReview {
    fn measure(&mut self, sets: &[ReviewedSet], now: Timestamp) {
        let mut complete: Vec<_> = sets.iter().filter(|known| is_complete(known)).collect();
        complete.sort_by_key(|known| known.candidate.set);
        let mut shared = SharedFiles::default();
        for known in complete {
            self.complete += 1;
            let new_bytes = shared.add(&known.candidate);
            self.bytes = self.bytes.saturating_add(new_bytes);
            let created = known.candidate.set.created();
            if !is_future(known, now) {
                self.last_backup = self.last_backup.max(Some(created));
                self.sizes.push(Size { created, bytes: known.candidate.bytes, new_bytes });
            }
        }
        self.others = sets.len() - self.complete;
        self.sizes.sort_by_key(|size| size.created);
        self.sizes.drain(..self.sizes.len().saturating_sub(MOST_SIZES));
    }

    fn check_age(&self, now: Timestamp, findings: &mut Findings) {
        if !self.is_configured {
            return;
        }
        let Some(last) = self.last_backup else {
            return findings.add("BACKUP_MISSING", &self.name, "no complete set");
        };
        let age = now.as_second().saturating_sub(last.as_second());
        let frequency = i64::from(self.frequency_hours) * HOUR;
        let said = format!("last backup {last}, {}; one is due each {} h", ago(age), self.frequency_hours);
        if is_stale(age, frequency) {
            findings.add("BACKUP_STALE", &self.name, said);
        } else if age > frequency + HOUR {
            // A run takes up to 40 minutes before its set counts.
            findings.add("BACKUP_OVERDUE", &self.name, said);
        }
    }

    fn check_states(&self, sets: &[ReviewedSet], now: Timestamp, findings: &mut Findings) {
        let of = |condition: Condition| -> Samples {
            let some = sets.iter().filter(|known| known.candidate.condition == condition);
            some.map(|known| known.candidate.set.to_string()).collect()
        };
        findings.add_all("SET_DAMAGED", &self.name, "", &of(Condition::Damaged));
        let later = of(Condition::Unrecognised);
        findings.add_all("SET_IN_LATER_VERSION", &self.name, "", &later);
        let foreign = sets.iter().filter_map(|known| Some((known.candidate.set, known.belongs_to.as_ref()?)));
        let foreign: Samples = foreign.map(|(set, to)| format!("{set} belongs to {to}")).collect();
        findings.add_all("SET_FOREIGN", &self.name, "", &foreign);
        let untrusted =
            sets.iter().filter_map(|known| Some((known.candidate.set, known.untrusted.as_ref()?)));
        let untrusted: Samples = untrusted.map(|(set, why)| format!("{set}: {why}")).collect();
        findings.add_all("SET_NOT_TRUSTED", &self.name, "", &untrusted);
        self.check_content(sets, now, findings);
        let unfinished = sets.iter().filter(|known| {
            known.candidate.condition == Condition::Incomplete
                && now.as_second() - known.candidate.last_touched().as_second() > 24 * HOUR
        });
        let unfinished: Samples = unfinished.map(|known| known.candidate.set.to_string()).collect();
        findings.add_all("SET_UNFINISHED", &self.name, "", &unfinished);
        let future = sets.iter().filter(|known| is_future(known, now));
        let future: Samples = future.map(|known| known.candidate.set.to_string()).collect();
        findings.add_all("SET_FROM_THE_FUTURE", &self.name, "", &future);
        let last = sets.iter().filter(|known| is_complete(known)).max_by_key(|known| known.candidate.set);
        if let Some(last) = last
            && last.candidate.condition == Condition::PartialSucceeded
        {
            findings.add("BACKUP_PARTIAL", &self.name, format!("{} succeeded in part", last.candidate.set));
        }
    }

    /// Checks whether the last complete set holds far less than others.
    fn check_content(&self, sets: &[ReviewedSet], now: Timestamp, findings: &mut Findings) {
        let complete = sets.iter().filter(|known| is_complete(known) && !is_future(known, now));
        let content =
            |known: &ReviewedSet| known.candidate.content.map(|content| (content.files, content.bytes));
        let mut largest = Largest::default();
        complete.clone().filter_map(content).for_each(|of| largest.take(of));
        let Some((last, (files, size))) =
            complete.max_by_key(|known| known.candidate.set).and_then(|last| Some((last, content(last)?)))
        else {
            return;
        };
        let set = last.candidate.set;
        if files == 0 {
            findings.add("BACKUP_EMPTY", &self.name, format!("{set} holds no file"));
        } else if largest.dwarfs((files, size), Largest::HALF) {
            let (most_files, most_bytes) = (largest.files, bytes(largest.bytes));
            let held = format!("{set} holds {files} files with {}", bytes(size));
            let seen = format!("{held}; others up to {most_files} files and {most_bytes}");
            findings.add("BACKUP_SHRUNKEN", &self.name, seen);
        }
    }

    fn check_keys(&self, held: &BTreeSet<&str>, sets: &[ReviewedSet], findings: &mut Findings) {
        let held = |of: &[String; 2]| of.iter().any(|thumbprint| held.contains(&**thumbprint));
        let mut lost = 0;
        let mut thumbprints = BTreeSet::new();
        for known in sets.iter().filter(|known| is_complete(known)) {
            if !known.thumbprints.iter().any(held) {
                lost += 1;
                thumbprints.extend(known.thumbprints.iter().map(|[sha1, _]| sha1.clone()).take(1));
            }
        }
        let thumbprints: Samples = thumbprints.into_iter().collect();
        let what = format!("{lost} sets, sealed to");
        findings.add_all("SETS_NOBODY_CAN_OPEN", &self.name, &what, &thumbprints);
    }

    fn check_retention(&self, sets: Vec<ReviewedSet>, now: Timestamp, findings: &mut Findings) {
        let Some(days) = self.retention_days.filter(|_| self.is_configured) else {
            if self.is_configured {
                findings.add("RETENTION_NOT_SET", &self.name, "no retention_days");
            }
            return;
        };
        // Allow one more day: retention runs after a backup, not to the minute.
        let Ok(period) =
            RetentionPeriod::beyond_microsoft(days.saturating_add(1).min(RetentionPeriod::LIMIT))
        else {
            return;
        };
        let plan = RetentionPolicy::new().keep_within(period).plan(
            sets.into_iter().map(|known| known.candidate).filter(|of| of.condition != Condition::Incomplete),
            now,
        );
        let old: Samples = plan.deletions.iter().map(|deletion| deletion.candidate.set.to_string()).collect();
        let what = format!("{} sets older than {days} days", old.count);
        findings.add_all("RETENTION_NOT_APPLIED", &self.name, &what, &old);
    }
}

fn days(sets: &[ReviewedSet], now: Timestamp) -> Vec<Day> {
    let today = now.as_second().div_euclid(DAY);
    let mut days: Vec<Day> = (0..DAYS)
        .map(|at| {
            let day = Timestamp::from_second((today - (DAYS - 1 - at)) * DAY).unwrap_or(now);
            let date = day.to_string().chars().take(10).collect();
            Day { date, complete: 0, partial: 0, incomplete: 0 }
        })
        .collect();
    for known in sets {
        let at = known.candidate.set.created().as_second().div_euclid(DAY) - (today - (DAYS - 1));
        if let Some(day) = usize::try_from(at).ok().and_then(|at| days.get_mut(at)) {
            match known.candidate.condition {
                Condition::Succeeded => day.complete += 1,
                Condition::PartialSucceeded => day.partial += 1,
                _ => day.incomplete += 1,
            }
        }
    }
    days
}

const DAY: i64 = 86_400;
const DAYS: i64 = 30;
const MOST_SIZES: usize = 120;
/// Most certificates to remember from one set.
const MOST_CERTIFICATES: usize = 16;
