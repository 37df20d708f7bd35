//! A restore into a folder that already has something, under each policy.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use azs_backup::restore::{Existing, RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use azs_backup::{ErrorKind, Set, Share};

use super::check::{Record, remove};
use super::failing_share::{Bad, FailingShare};
use super::model::{Detail, Node, Tree, Walker, What, above, native, shown};
use super::moves::Mover;
use super::rng::Rng;
use super::{Fault, Found, named};
use crate::common::noise;

/// Restores `old`, lets things happen to it, and restores `new` over it.
pub fn check(old: &Record, new: &Record, share: &Arc<dyn Share>, target: &Path, rng: &mut Rng) -> Found {
    let open = |record: &Record| Set::open(share.clone(), record.folder.clone());
    let failed = |error: azs_backup::Error| Fault::new("existing: restore", [format!("{error:?}")]);
    open(old).map_err(failed)?.restore(&old.key.opener).into(target).map_err(failed)?;
    let mut mover = Mover::new(target, rng.fork());
    mover.make(rng.below(5));
    if rng.chance(60) {
        part_names(&new.expected.tree, target, rng);
    }
    if rng.chance(25) {
        stopped(new, share, target, rng)?;
    }
    let policy = *rng.pick(&[Existing::Keep, Existing::Replace, Existing::Refuse]).expect("not empty");
    let before = Walker::walk(target);
    let options = RestoreOptions::default().existing(policy);
    let done = open(new).map_err(failed)?.restore(&new.key.opener).options(&options).into(target);
    let after = Walker::walk(target);
    let case = Case { new, before: &before, after: &after };
    let mut lines = match (policy, &done) {
        (Existing::Refuse, Err(error)) if error.kind() == ErrorKind::AlreadyExists || before.is_empty() => {
            case.untouched()
        }
        (Existing::Refuse, _) if !before.is_empty() => vec!["it was not refused".into()],
        (Existing::Keep, Ok(report)) => case.kept(report),
        (_, Ok(report)) => case.replaced(report),
        (_, Err(error)) => case.ended(error),
    };
    if lines.is_empty() {
        return remove(target);
    }
    lines.insert(0, format!("{policy} of {} over {}", new.folder, old.folder));
    lines.push(format!("(before: {})", mover.log.join("; ")));
    Err(Fault::new(if policy == Existing::Keep { "existing: keep" } else { "existing: replace" }, lines))
}

/// A restore over it that somebody stops: every file is what it was, or what the set has.
fn stopped(new: &Record, share: &Arc<dyn Share>, target: &Path, rng: &mut Rng) -> Found {
    let failed = |error: azs_backup::Error| Fault::new("existing: open", [format!("{error:?}")]);
    let rough = FailingShare::new(share, Some(Bad::StoppedAt(3 + rng.below(6) as u64)));
    let mut stopper = rough.stopper();
    let set = Set::open(Arc::new(rough), new.folder.clone()).map_err(failed)?;
    let before = Walker::walk(target);
    let options = RestoreOptions::default().existing(Existing::Replace);
    let restore = set.restore(&new.key.opener).options(&options).observer(&mut stopper);
    let done = restore.into(target);
    let after = Walker::walk(target);
    let case = Case { new, before: &before, after: &after };
    let lines = match &done {
        Err(error) if error.kind() == ErrorKind::Cancelled && stopper.has_said() => case.half(),
        Err(error) => case.ended(error),
        Ok(report) => case.replaced(report),
    };
    if lines.is_empty() && !stopper.was_asked_again() {
        return Ok(());
    }
    let first = format!("stopped restore of {}: {done:?}", new.folder);
    Err(Fault::new("existing: stopped", std::iter::once(first).chain(lines)))
}

/// Files that the set has under several names: the first one gets old content of the same size, others go.
fn part_names(tree: &Tree, target: &Path, rng: &mut Rng) {
    let mut by_content = std::collections::BTreeMap::<_, Vec<_>>::new();
    for (path, node) in tree {
        if let What::File { size, hash, .. } = node.what {
            by_content.entry((size, hash)).or_default().push(path);
        }
    }
    for ((size, _), names) in by_content {
        if names.len() < 2 || size == 0 {
            continue;
        }
        let first = native(target, names[0]);
        if first.is_file() && fs::remove_file(&first).is_ok() {
            let _ = fs::write(&first, noise(rng.next(), size as usize));
        }
        for name in &names[1..] {
            let _ = fs::remove_file(native(target, name));
        }
    }
}

struct Case<'a> {
    new: &'a Record,
    before: &'a Tree,
    after: &'a Tree,
}

impl Case<'_> {
    fn untouched(&self) -> Vec<String> {
        let is_same = |path: &&Vec<u8>| self.before.get(*path) == self.after.get(*path);
        let all = self.before.keys().chain(self.after.keys());
        all.filter(|path| !is_same(path)).map(|path| format!("{} was touched", shown(path))).collect()
    }

    fn is_named(&self, report: &RestoreReport, path: &[u8]) -> bool {
        report.status != Status::Succeeded
            && std::iter::once(path).chain(above(path)).any(|path| named(report, path))
    }

    /// What was there stays as it was; what was not is what the set has, or named.
    fn kept(&self, report: &RestoreReport) -> Vec<String> {
        let mut lines = self.strangers();
        for (path, node) in self.before {
            let is_kept = self.after.get(path).is_some_and(|now| match node.what {
                What::Folder => now.is_folder(),
                _ => node.is_met_by(now, Detail::ALONE),
            });
            if !is_kept {
                lines.push(format!("{} was not kept: {:?}", shown(path), self.after.get(path)));
            }
        }
        for path in self.new.expected.paths().filter(|path| !self.before.contains_key(*path)) {
            self.right_or_named(path, report, &mut lines);
        }
        lines
    }

    /// Everything in the set is restored as it is there, or named; everything else stays.
    fn replaced(&self, report: &RestoreReport) -> Vec<String> {
        let mut lines = self.strangers();
        for path in self.new.expected.paths() {
            self.right_or_named(path, report, &mut lines);
        }
        let is_other = |path: &&Vec<u8>| {
            let gave_way = |at: &[u8]| self.new.expected.tree.get(at).is_some_and(|node| !node.is_folder());
            !self.new.expected.knows(path) && !above(path).any(gave_way)
        };
        for path in self.before.keys().filter(is_other) {
            let (old, now) = (&self.before[path], self.after.get(path));
            let is_way =
                now.is_some_and(Node::is_folder) && self.new.expected.allows(path, now, Detail::CONTENT);
            if !is_way && !now.is_some_and(|now| old.is_met_by(now, Detail::ALONE)) {
                lines.push(format!("{} is not the set's and was changed: {now:?}", shown(path)));
            }
        }
        lines
    }

    fn right_or_named(&self, path: &[u8], report: &RestoreReport, lines: &mut Vec<String>) {
        let now = self.after.get(path);
        // Where the set may have nothing, what was there stays, though another of its names may have gone.
        let stayed = match (self.before.get(path), now) {
            (Some(old), Some(now)) => old.is_met_by(now, Detail::ALONE),
            (old, now) => old.is_none() && now.is_none(),
        };
        if stayed && self.new.expected.allows(path, None, Detail::ALONE) {
            return;
        }
        if !self.new.expected.allows(path, now, Detail::ALONE) && !self.is_named(report, path) {
            lines.push(self.new.expected.line(path, now));
        }
    }

    /// Nothing is left that neither was there nor is in the set.
    fn strangers(&self) -> Vec<String> {
        let is_strange = |(path, node): &(&Vec<u8>, &Node)| {
            !self.before.contains_key(*path)
                && !self.new.expected.knows(path)
                && !self.new.expected.allows(path, Some(node), Detail::CONTENT)
        };
        self.after
            .iter()
            .filter(is_strange)
            .map(|(path, _)| format!("{} is left behind", shown(path)))
            .collect()
    }

    /// It ended with an error: where things of another kind stand in the way, it may. What it did is right all the
    /// same.
    fn ended(&self, error: &azs_backup::Error) -> Vec<String> {
        let is_other_kind = |(path, node): (&Vec<u8>, &Node)| {
            let there = self.before.get(path);
            there.is_some_and(|there| there.is_folder() != node.is_folder())
                || above(path).any(|above| self.before.get(above).is_some_and(|there| !there.is_folder()))
        };
        let mut lines = Vec::new();
        if !self.new.expected.tree.iter().any(is_other_kind) && !self.new.expected.is_moving() {
            lines.push(format!("{error:?}"));
        }
        lines.extend(self.half());
        lines
    }

    /// Every file is what it was, or what the set has.
    fn half(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, now) in self.after {
            let is_old = self.before.get(path).is_some_and(|old| old.is_met_by(now, Detail::CONTENT));
            if !is_old && !now.is_folder() && !self.new.expected.allows(path, Some(now), Detail::CONTENT) {
                lines.push(self.new.expected.line(path, Some(now)));
            }
        }
        lines
    }
}
