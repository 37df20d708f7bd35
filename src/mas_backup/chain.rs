//! Which snapshots follow which, by the rules of Azure Stack Hub's own reader (docs/masbackup.md, "Chains").

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Snapshot, SnapshotKind};
use super::finding::{Finding, FindingKind};
use super::metadata::NIL;
use super::name::same;

/// The chains of one repository, as positions in `snapshots`, which are in order of time; and why others are left out.
pub(super) fn arrange(store: Option<&str>, snapshots: &[Snapshot]) -> (Vec<Vec<usize>>, Vec<Finding>) {
    let mut arranging = Arranging { snapshots, findings: Vec::new(), left_out: BTreeSet::new() };
    let mut chains = arranging.fulls(store);
    arranging.progressives(store, &mut chains);
    let mut chains: Vec<_> = chains.into_values().collect();
    chains.sort_by_key(|chain| chain[0]);
    for chain in &chains {
        if chain.len() > LONGEST {
            let seen = format!("{} snapshots in one chain; the default limit is {LONGEST}", chain.len());
            arranging.find(FindingKind::ChainTooLong, chain[0], seen);
        }
    }
    (chains, arranging.findings)
}

struct Arranging<'a> {
    snapshots: &'a [Snapshot],
    findings: Vec<Finding>,
    left_out: BTreeSet<usize>,
}

impl Arranging<'_> {
    fn find(&mut self, code: FindingKind, at: usize, seen: impl AsRef<str>) {
        let snapshot = &self.snapshots[at];
        let finding = Finding::new(code, snapshot.data_path(), seen);
        self.findings.push(finding.of_backup(&snapshot.backup_id));
    }

    fn leave_out(&mut self, code: FindingKind, at: usize, seen: impl AsRef<str>) {
        self.left_out.insert(at);
        self.find(code, at, seen);
    }

    /// Whether a snapshot counts by itself.
    fn counts(&mut self, at: usize, store: Option<&str>) -> bool {
        let snapshot = &self.snapshots[at];
        if snapshot.status != SUCCEEDED {
            let seen = format!("its status is {:?}: Azure Stack Hub leaves it out", snapshot.status);
            self.leave_out(FindingKind::SnapshotNotSucceeded, at, seen);
            return false;
        }
        if let Some(store) = store.filter(|store| !same(store, &snapshot.stamp_version)) {
            let seen = format!("its stamp version is {}, in the store {store}", snapshot.stamp_version);
            self.find(FindingKind::NameDisagrees, at, seen);
        }
        true
    }

    /// Each full snapshot begins a chain, which has its backup id; of several with one id the latest counts.
    fn fulls(&mut self, store: Option<&str>) -> BTreeMap<String, Vec<usize>> {
        let mut chains: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in 0..self.snapshots.len() {
            let snapshot = &self.snapshots[at];
            if snapshot.kind != SnapshotKind::Full || !self.counts(at, store) {
                continue;
            }
            if let Some(earlier) = chains.insert(snapshot.backup_id.clone(), vec![at]) {
                let seen = format!("{} has the same id and is newer", snapshot.path);
                self.leave_out(FindingKind::SnapshotDuplicated, earlier[0], seen);
            }
        }
        chains
    }

    fn progressives(&mut self, store: Option<&str>, chains: &mut BTreeMap<String, Vec<usize>>) {
        let mut followed: BTreeMap<(String, String), usize> = BTreeMap::new();
        for at in 0..self.snapshots.len() {
            let snapshot = &self.snapshots[at];
            if snapshot.kind != SnapshotKind::Progressive || !self.counts(at, store) {
                continue;
            }
            let (previous, full) = (snapshot.previous_id.clone(), snapshot.full_id.clone());
            if previous == snapshot.backup_id || full == snapshot.backup_id {
                self.leave_out(FindingKind::ChainLoops, at, "it names itself as the one before it");
                continue;
            }
            if previous == NIL || full == NIL {
                self.leave_out(
                    FindingKind::ChainLinkMissing,
                    at,
                    "it does not say which snapshot it follows",
                );
                continue;
            }
            let Some(chain) = chains.get(&full) else {
                let seen = match self.there(&full) {
                    true => format!("its full snapshot {full} is left out"),
                    false => format!("its full snapshot *_{full}_Full*.zip is missing"),
                };
                self.leave_out(FindingKind::ChainFullMissing, at, seen);
                continue;
            };
            let is_in = |id: &str| chain.iter().any(|member| self.snapshots[*member].backup_id == id);
            if is_in(&snapshot.backup_id) {
                self.leave_out(
                    FindingKind::SnapshotDuplicated,
                    at,
                    "the chain already has a snapshot of this id",
                );
                continue;
            }
            if !is_in(&previous) {
                let (code, seen) = match self.there(&previous) {
                    true => {
                        (FindingKind::ChainLinkOrphaned, format!("it follows {previous}, which is left out"))
                    }
                    false => (
                        FindingKind::ChainLinkMissing,
                        format!("it follows *_{previous}_*.zip, which is missing"),
                    ),
                };
                self.leave_out(code, at, seen);
                continue;
            }
            if let Some(what) = difference(&self.snapshots[chain[0]], snapshot) {
                self.leave_out(FindingKind::ChainLinkDiffers, at, what);
                continue;
            }
            if let Some(other) = followed.insert((full.clone(), previous.clone()), at) {
                let seen = format!("it follows {previous}, as does {}", self.snapshots[other].path);
                self.find(FindingKind::ChainBranches, at, seen);
            }
            chains.entry(full).or_default().push(at);
        }
    }

    /// Whether some snapshot has this id, although it does not count.
    fn there(&self, id: &str) -> bool {
        self.snapshots.iter().any(|snapshot| snapshot.backup_id == id)
    }
}

/// What tells a snapshot from the full one of its chain, although it must not. Thumbprints are compared letter by letter
/// there.
fn difference(full: &Snapshot, link: &Snapshot) -> Option<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let differs =
        |what: &str, one: &str, other: &str| format!("its {what} is {other:?}, that of its chain {one:?}");
    let (thumbprint, of_chain) = (text(&link.thumbprint), text(&full.thumbprint));
    if !same(&full.stamp_version, &link.stamp_version) {
        Some(differs("stamp version", &full.stamp_version, &link.stamp_version))
    } else if full.oem_version.is_some() && !same(&text(&full.oem_version), &text(&link.oem_version)) {
        Some(differs("OEM version", &text(&full.oem_version), &text(&link.oem_version)))
    } else if full.deployment_id != link.deployment_id {
        Some(differs("deployment", &full.deployment_id, &link.deployment_id))
    } else if thumbprint != of_chain {
        Some(differs("certificate", &of_chain, &thumbprint))
    } else {
        None
    }
}

/// The one status that counts.
pub(super) const SUCCEEDED: &str = "Succeeded";
/// `MaxProgressiveBackupChainLength`.
const LONGEST: usize = 10;
