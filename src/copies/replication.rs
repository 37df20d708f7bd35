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
    pub(super) read_back: bool,
    pub(super) dry_run: bool,
}

impl Replication<'_> {
    pub(super) fn run(&self, observer: &mut dyn Observer) -> Result<CopyReport> {
        let (source, target) = (self.list(&self.from)?, self.list(&self.to)?);
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
        let mut lost = HashSet::new();
        let mut not_kept = self.not_kept(&source, &target, &lost);
        // With its place in the report.
        let mut left: Vec<_> = self.in_order(&source)?.into_iter().enumerate().collect();
        let judge = |set: &SetSummary| self.judge(set, there.get(&(&set.place, set.name)).copied());
        let is_kept =
            |not_kept: &HashSet<_>, set: &SetSummary| !not_kept.contains(&(set.place.clone(), set.name));
        let wanted = left.iter().filter(|(_, set)| is_kept(&not_kept, set) && judge(set).is_none());
        let wanted: Vec<_> = wanted.filter_map(|(_, set)| cover(set)).collect();
        let total = Some(wanted.iter().map(|cover| cover.stored.bytes).fold(0, u64::saturating_add));
        tell(observer, Progress { total_bytes: total, ..Progress::default() })?;
        let mut ticker = Ticker::new(observer, total);
        let progress = Cell::new(Progress::default());
        let is_missing = |(_, set): &(usize, &SetSummary)| {
            is_kept(&not_kept, set) && matches!(judge(set), None | Some(CopyOutcome::Missing { .. }))
        };
        // A dry run fails where the copy would, and creates nothing.
        if left.iter().any(is_missing) && !(self.dry_run && self.create) {
            require_region(&*self.to, self.deployment, self.create)?;
        }
        let mut done = Vec::new();
        loop {
            let (kept, rest): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(_, set)| is_kept(&not_kept, set));
            left = rest;
            let lost_before = lost.len();
            for (at, set) in kept {
                let folder = there.get(&(&set.place, set.name));
                let folder =
                    folder.map_or_else(|| set.place.set_folder(&set.name), |there| there.folder.clone());
                let donors = donors.entry(&set.place).or_default();
                let outcome = match judge(set) {
                    Some(outcome) => outcome,
                    None => self.copy(set, &folder, donors, &progress, &mut ticker)?,
                };
                match outcome {
                    CopyOutcome::Copied { .. } => donors.add(folder.clone(), set),
                    CopyOutcome::Failed { .. } => {
                        donors.add_begun(folder.clone(), set);
                        lost.insert((set.place.clone(), set.name));
                    }
                    _ => {}
                }
                done.push((at, CopiedSet { place: set.place.clone(), name: set.name, folder, outcome }));
            }
            if lost.len() == lost_before {
                break;
            }
            // What cannot be copied does not count there: an older set takes its turn.
            not_kept = self.not_kept(&source, &target, &lost);
        }
        for (at, set) in left {
            let folder = set.place.set_folder(&set.name);
            let outcome = judge(set).unwrap_or(CopyOutcome::NotKept);
            done.push((at, CopiedSet { place: set.place.clone(), name: set.name, folder, outcome }));
        }
        done.sort_by_key(|(at, _)| *at);
        ticker.end(progress.get())?;
        let sets = done.into_iter().map(|(_, set)| set).collect();
        Ok(CopyReport { sets, unreadable: source.unreadable })
    }

    /// What is known of a set without looking at its files; `None` if it is to be copied, or to be compared.
    fn judge(&self, set: &SetSummary, there: Option<&SetSummary>) -> Option<CopyOutcome> {
        if let Some(reason) = set.state.reason() {
            return Some(CopyOutcome::Skipped { reason: reason.to_owned() });
        }
        let lacks_signature = |there: &SetSummary| {
            there.signature == Some(Signature::Unsigned) && set.signature != Some(Signature::Unsigned)
        };
        let is_same = there.is_some_and(|there| cover(there) == cover(set) && !lacks_signature(there));
        if is_same && !self.read_back {
            return Some(CopyOutcome::Present);
        }
        let bytes = cover(set).map_or(0, |cover| cover.stored.bytes);
        match (self.dry_run, is_same) {
            (true, true) => Some(CopyOutcome::Present),
            (true, false) => Some(CopyOutcome::Missing { bytes }),
            _ => None,
        }
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
                let kind = match set.state {
                    SetState::Untrusted { .. } => ErrorKind::NotTrusted,
                    _ => ErrorKind::Incomplete,
                };
                return Err(Error::new(kind, message).in_set(name));
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

    /// The sets that retention at the other share would delete, if it had all but the lost ones.
    fn not_kept(
        &self,
        source: &SetList,
        target: &SetList,
        lost: &HashSet<(Place, SetName)>,
    ) -> HashSet<(Place, SetName)> {
        let Some((policy, now)) = self.retention else { return HashSet::new() };
        let could_go = source.iter().filter(|set| set.is_complete());
        let could_go = could_go.filter(|set| !lost.contains(&(set.place.clone(), set.name)));
        let candidates = could_go.chain(target).map(Candidate::from);
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
                read_back: self.read_back,
                is_demanded: !self.signers.is_empty(),
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

fn cover(set: &SetSummary) -> Option<&CoverSheet> {
    match &set.state {
        SetState::Complete { cover } => Some(cover),
        _ => None,
    }
}
