//! Whether the snapshots of one backup belong together.

use std::collections::BTreeSet;

use super::catalog::Snapshot;
use super::finding::{Finding, FindingKind};
use super::name::same;
use super::scan::{Info, Scanned};

/// What tells snapshots of one backup apart, although it must not: a recovery refuses them then (docs/masbackup.md).
pub(super) fn differences(of: &[&Snapshot]) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts: [(&str, Vec<String>); 3] = [
        ("deployment", of.iter().map(|snapshot| snapshot.deployment_id.clone()).collect()),
        ("stamp version", of.iter().map(|snapshot| snapshot.stamp_version.to_lowercase()).collect()),
        ("OEM version", of.iter().map(|snapshot| text(&snapshot.oem_version).to_lowercase()).collect()),
    ];
    let several = parts.into_iter().filter_map(|(what, values)| {
        let values: BTreeSet<_> = values.into_iter().collect();
        (values.len() > 1)
            .then(|| format!("{what} is {}", values.into_iter().collect::<Vec<_>>().join(" and ")))
    });
    several.collect()
}

/// Compares the snapshots of a backup with its summary: where all of them say the same, only this shows a change.
pub(super) fn disagree(info: Option<&Info>, of: &[&Snapshot], scanned: &mut Scanned) {
    let Some(Info { path, metadata: info }) = info else { return };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for snapshot in of {
        let parts = [
            ("deployment", &*info.deployment_id, &*snapshot.deployment_id),
            ("stamp version", &*info.stamp_version, &*snapshot.stamp_version),
            ("OEM version", &*text(&info.oem_version), &*text(&snapshot.oem_version)),
        ];
        for (what, said, other) in parts.into_iter().filter(|(_, said, other)| !same(said, other)) {
            let seen = format!("its summary has the {what} {said:?}, and {} has {other:?}", snapshot.path);
            let finding = Finding::new(FindingKind::BackupInfoDisagrees, path, seen);
            scanned.findings.add(finding.of_backup(&snapshot.backup_id));
        }
    }
}

pub(super) fn differ(id: &str, path: &str, differences: Vec<String>, scanned: &mut Scanned) {
    for what in differences {
        let seen = format!("not the same in all of its snapshots: {what}");
        scanned.findings.add(Finding::new(FindingKind::BackupDiffers, path, seen).of_backup(id));
    }
}
