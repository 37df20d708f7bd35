//! Finds what the other share lacks, and copies it set by set.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::donors::Donors;
use super::report::{CopiedSet, CopyOutcome, CopyReport};
use super::set_copy::SetCopy;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Component, Deployment, Place, SetName, SharePath};
use crate::observer::{Observer, Progress, Ticker, tell};
use crate::schedule::{Candidate, DeleteReason, RetentionPolicy};
use crate::set::place::require_region;
use crate::set::{CoverSheet, Set, SetList, SetState, SetSummary, list_sets};
use crate::share::Share;
use crate::signature::{Signature, SignerCertificate};

pub(super) struct Replication<'a> {
    pub(super) from: Arc<dyn Share>,
    pub(super) to: Arc<dyn Share>,
    pub(super) deployment: &'a Deployment,
    pub(super) component: Option<&'a Component>,
    pub(super) only: Option<(&'a Place, SetName)>,
    pub(super) signers: &'a [SignerCertificate],
    pub(super) retention: Option<(&'a RetentionPolicy, Timestamp)>,
    pub(super) create: bool,
    pub(super) read_links: bool,
    pub(super) dry_run: bool,
}

impl Replication<'_> {
    pub(super) fn run(&self, observer: &mut dyn Observer) -> Result<CopyReport> {
        let (source, target) = (self.list(&self.from)?, self.list(&self.to)?);
        let not_kept = self.not_kept(&source, &target);
        let there: HashMap<_, _> = target.iter().map(|set| ((&set.place, set.name), set)).collect();
        let mut donors: HashMap<&Place, Donors> = HashMap::new();
        for set in target.iter().filter(|set| set.is_complete()) {
            donors.entry(&set.place).or_default().add(set.folder.clone(), set);
        }
        for set in source.iter().filter(|set| set.is_complete()) {
            if let Some(begun) = there.get(&(&set.place, set.name)).filter(|there| !there.is_complete()) {
                donors.entry(&set.place).or_default().add_begun(begun.folder.clone(), set);
            }
        }
        let sets = self.in_order(&source)?;
        // What each set needs, before anything travels.
        let planned: Vec<_> = sets
            .into_iter()
            .map(|set| {
                let there = there.get(&(&set.place, set.name)).copied();
                (set, there, judge(set, there, &not_kept))
            })
            .collect();
        let total = planned.iter().filter(|(.., known)| known.is_none());
        let total = total.filter_map(|(set, ..)| cover(set)).map(|cover| cover.stored.bytes);
        let total = Some(total.fold(0, u64::saturating_add));
        tell(observer, Progress { total_bytes: total, ..Progress::default() })?;
        let mut ticker = Ticker::new(observer, total);
        let progress = Cell::new(Progress::default());
        if !self.dry_run && planned.iter().any(|(.., known)| known.is_none()) {
            require_region(&*self.to, self.deployment, self.create)?;
        }
        let mut report = CopyReport { sets: Vec::new(), unreadable: source.unreadable.clone() };
        for (set, there, known) in planned {
            let folder = there.map_or_else(|| set.place.set_folder(&set.name), |there| there.folder.clone());
            let donors = donors.entry(&set.place).or_default();
            let outcome = match known {
                Some(outcome) => outcome,
                None if self.dry_run => {
                    CopyOutcome::Missing { bytes: cover(set).map_or(0, |cover| cover.stored.bytes) }
                }
                None => self.copy(set, &folder, donors, &progress, &mut ticker)?,
            };
            match outcome {
                CopyOutcome::Copied { .. } => donors.add(folder.clone(), set),
                CopyOutcome::Failed { .. } => donors.add_begun(folder.clone(), set),
                _ => {}
            }
            report.sets.push(CopiedSet { place: set.place.clone(), name: set.name, folder, outcome });
        }
        ticker.end(progress.get())?;
        Ok(report)
    }

    fn list(&self, share: &Arc<dyn Share>) -> Result<SetList> {
        let list = list_sets(share.clone(), self.deployment).component(self.component);
        list.require_signers(self.signers).run()
    }

    /// The sets of the first share to speak of: the newest of each place, then the second newest of each, and so on.
    fn in_order<'s>(&self, source: &'s SetList) -> Result<Vec<&'s SetSummary>> {
        if let Some((place, name)) = self.only {
            let set = source.iter().find(|set| set.place == *place && set.name == name).ok_or_else(|| {
                let (share, folder) = (self.from.describe(), place.set_folder(&name));
                Error::new(ErrorKind::NotFound, format!("{share} has no set {folder}"))
            })?;
            if let Some(reason) = set.state.reason() {
                let message = format!("{} cannot be copied: {reason}", set.folder);
                return Err(Error::new(ErrorKind::Incomplete, message).in_set(name));
            }
            return Ok(vec![set]);
        }
        let mut ranks = HashMap::new();
        let mut ranked = Vec::new();
        // The list goes from old to new in each place.
        for set in source.iter().rev().filter(|set| set.has_cover_sheet) {
            let rank = ranks.entry(&set.place).or_insert(0_usize);
            ranked.push((*rank, set));
            *rank += 1;
        }
        ranked.sort_by_key(|(rank, set)| (*rank, set.place.to_string()));
        Ok(ranked.into_iter().map(|(_, set)| set).collect())
    }

    /// The sets that retention at the other share would delete, if it had them.
    fn not_kept(&self, source: &SetList, target: &SetList) -> HashSet<(Place, SetName)> {
        let Some((policy, now)) = self.retention else { return HashSet::new() };
        let candidates = source.iter().filter(|set| set.is_complete()).chain(target).map(Candidate::from);
        let deletions = policy.plan(candidates, now).deletions.into_iter();
        let expired = deletions.filter(|deletion| deletion.reason == DeleteReason::Expired);
        expired.map(|deletion| (deletion.candidate.place, deletion.candidate.set)).collect()
    }

    fn copy(
        &self,
        set: &SetSummary,
        folder: &SharePath,
        donors: &Donors,
        progress: &Cell<Progress>,
        ticker: &mut Ticker<'_>,
    ) -> Result<CopyOutcome> {
        let mut moved = |bytes| {
            let mut now = progress.get();
            now.files += 1;
            now.bytes = now.bytes.saturating_add(bytes);
            now.stored_bytes = now.bytes;
            progress.set(now);
        };
        let mut copy = || {
            let opened = Set::open(self.from.clone(), set.folder.clone())?;
            opened.require_signers(self.signers)?;
            let copy = SetCopy {
                from: &self.from,
                to: &self.to,
                set: &opened,
                folder: folder.clone(),
                donors,
                read_links: self.read_links,
            };
            copy.run(&mut moved, &mut || ticker.tick(progress.get()))
        };
        match copy() {
            Err(e) if e.kind() == ErrorKind::NotFound && self.is_gone(&set.folder)? => Ok(CopyOutcome::Gone),
            Err(e) if e.scope() == Scope::Object => {
                Ok(CopyOutcome::Failed { code: e.code(), message: e.to_string() })
            }
            done => done,
        }
    }

    fn is_gone(&self, folder: &SharePath) -> Result<bool> {
        match self.from.list(folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            Err(e) if e.scope() != Scope::Object => Err(e),
            _ => Ok(false),
        }
    }
}

/// What is known of a set without looking at its files; `None` if it is to be copied.
fn judge(
    set: &SetSummary,
    there: Option<&SetSummary>,
    not_kept: &HashSet<(Place, SetName)>,
) -> Option<CopyOutcome> {
    if let Some(reason) = set.state.reason() {
        return Some(CopyOutcome::Skipped { reason: reason.to_owned() });
    }
    let lacks_signature = |there: &SetSummary| {
        there.signature == Some(Signature::Unsigned) && set.signature != Some(Signature::Unsigned)
    };
    if there.is_some_and(|there| cover(there) == cover(set) && !lacks_signature(there)) {
        return Some(CopyOutcome::Present);
    }
    not_kept.contains(&(set.place.clone(), set.name)).then_some(CopyOutcome::NotKept)
}

fn cover(set: &SetSummary) -> Option<&CoverSheet> {
    match &set.state {
        SetState::Complete { cover } => Some(cover),
        _ => None,
    }
}
