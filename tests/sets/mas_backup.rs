//! Azure Stack Hub's own backups: a healthy `MASBackup`, and each known way to break one.

#[path = "mas_backup/extract.rs"]
mod extract;
#[path = "mas_backup/openssl_command.rs"]
mod openssl_command;
#[path = "mas_backup/tree.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use azs_backup::mas_backup::{FindingKind, Keys, Readiness, Severity, SnapshotKind, SnapshotState};
use tree::{Tree, VECTORS, codes};

use crate::case_count::assert_case_count;
use crate::common::backend::is_remote;

#[test]
fn a_healthy_tree_is_listed_as_it_is() {
    let tree = Tree::healthy();
    let catalog = tree.theirs().list().run(tree.now()).unwrap();
    assert_eq!(
        catalog.stores.iter().map(|store| &*store.name).collect::<Vec<_>>()[..2],
        ["1.2102.0.9", "1.2301.2.58"]
    );
    assert_eq!(catalog.backups.len(), 10);
    for expected in VECTORS["backups"].as_array().unwrap() {
        let backup = catalog.backups.iter().find(|backup| expected["id"] == *backup.id).unwrap();
        assert_eq!(backup.readiness == Readiness::Ready, expected["recovery_ready"].as_bool().unwrap());
        let complete: BTreeSet<_> =
            backup.repositories.iter().filter(|of| of.is_complete).map(|of| &*of.name).collect();
        let expected: BTreeSet<_> =
            expected["repositories"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(complete, expected);
    }
    let was = catalog.stores[1].repositories.iter().find(|of| of.name.starts_with("WAS;")).unwrap();
    assert_eq!(was.chains.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    let fulls: Vec<_> = was.snapshots.iter().map(|snapshot| snapshot.kind == SnapshotKind::Full).collect();
    assert_eq!(fulls, [true, false, false, false, true, false]);
    // The newest certificate comes first, and the old one is still needed.
    let thumbprints: Vec<_> =
        catalog.certificates.iter().map(|certificate| &*certificate.thumbprint).collect();
    assert_eq!(thumbprints, [tree::thumbprint("new"), tree::thumbprint("old")]);
    assert_eq!(catalog.prunable, Vec::<String>::new());
    assert_eq!(
        codes(&catalog.findings),
        [("BACKUP_FAILED", 2), ("CERTIFICATE_ROTATED", 1), ("HIDDEN_BY_RECOVERY_POINT", 2)].into()
    );
}

#[test]
fn every_snapshot_of_a_healthy_tree_is_verified_with_both_certificates() {
    let tree = Tree::healthy();
    let report = tree.theirs().verify().keys(&tree.keys()).run(tree.now()).unwrap();
    assert_eq!((report.state, report.snapshots.len()), (SnapshotState::Verified, 39));
    assert!(report.not_shown.is_empty());
    let digests = report.snapshots.iter().fold(BTreeMap::new(), |mut counts, check| {
        *counts.entry(check.oaep.unwrap()).or_insert(0) += 1;
        counts
    });
    assert_eq!(digests, [("sha1", 13), ("sha256", 26)].into());
    let contents = VECTORS["contents"].as_object().unwrap();
    let files: usize = contents.values().map(|files| files.as_object().unwrap().len()).sum();
    assert!(report.snapshots.iter().map(|check| check.files).sum::<u64>() >= files as u64);
    // Each snapshot was read twice, less what is before its ciphertext.
    let stored: u64 = report.stored_bytes;
    assert!(stored > 0 && report.bytes > 0);
}

#[test]
fn with_one_certificate_only_its_snapshots_open_and_the_other_is_named() {
    let tree = Tree::healthy();
    let keys = Keys::new(vec![tree::certificate("new")]);
    let report = tree.theirs().verify().keys(&keys).run(tree.now()).unwrap();
    let count = |state| report.snapshots.iter().filter(|check| check.state == state).count();
    assert_eq!((count(SnapshotState::Verified), count(SnapshotState::NotOpened)), (26, 13));
    assert_eq!(report.not_shown, [tree::thumbprint("old")]);
    assert!(codes(&report.findings).contains_key("CERTIFICATE_NOT_SHOWN"));
}

#[test]
fn without_a_key_nothing_is_said_to_be_verified() {
    let tree = Tree::healthy();
    let report = tree.theirs().verify().run(tree.now()).unwrap();
    assert!(report.snapshots.iter().all(|check| check.state == SnapshotState::NotChecked));
    assert_eq!(report.bytes, 0);
}

#[test]
fn one_backup_is_verified_with_its_chains_alone() {
    let tree = Tree::healthy();
    let catalog = tree.theirs().list().run(tree.now()).unwrap();
    let newest = catalog.backups.iter().find(|backup| backup.readiness == Readiness::Ready).unwrap();
    let report = tree.theirs().verify().keys(&tree.keys()).backup(&newest.id).run(tree.now()).unwrap();
    // Four repositories with one snapshot, and a chain of two.
    assert_eq!((report.snapshots.len(), report.state), (6, SnapshotState::Verified));
    let error = tree.theirs().verify().backup("none").run(tree.now()).unwrap_err();
    assert_eq!(error.code(), "NOT_FOUND");
}

#[test]
fn each_break_leads_to_its_finding_and_none_passes() {
    let healthy = Tree::healthy();
    let before = found(&healthy);
    let mut used = BTreeSet::new();
    let breaks = VECTORS["breaks"].as_object().unwrap();
    let mut count = 1;
    for (name, broken) in breaks {
        count += 1;
        let codes: Vec<_> =
            broken["findings"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        used.extend(codes.iter().copied());
        let Some(tree) = Tree::broken(name) else {
            eprintln!("skipped: {name}: this system makes no symbolic links");
            continue;
        };
        let after = found(&tree);
        let new: BTreeSet<_> = after.difference(&before).map(|(code, _, _)| *code).collect();
        for code in codes {
            // Samba follows links below the share itself, or shows none: a client never sees one.
            let is_hidden = is_remote() && code == "LINK";
            assert!(new.contains(code) || is_hidden, "{name}: {code} is not in {new:?}");
        }
    }
    assert_case_count("mas_backup", count);
    // Each code has a break that leads to it, or a test of its own.
    let elsewhere = BTreeSet::from([
        "BACKUP_FAILED",
        "BACKUP_INFO_UNREADABLE",
        "CERTIFICATE_ROTATED",
        "CHAIN_FULL_MISSING",
        "CHAIN_LINK_ORPHANED",
        "CHANGED_WHILE_READ",
        "CONTENT_ENVELOPE_DAMAGED",
        "DATA_SIZE_DIFFERS",
        "FILE_UNREADABLE",
        "IN_PROGRESS",
        "TOO_MUCH",
        "ZIP_CHECKSUM_WRONG",
        "ZIP_UNSUPPORTED",
    ]);
    let all: BTreeSet<_> = FindingKind::ALL.iter().map(|kind| kind.code()).collect();
    let untested: Vec<_> = all.difference(&used).filter(|code| !elsewhere.contains(*code)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

/// The findings of the list and of a verification with both certificates.
fn found(tree: &Tree) -> BTreeSet<(&'static str, String, Option<String>)> {
    let report = tree.theirs().verify().keys(&tree.keys()).run(tree.now()).unwrap();
    report
        .findings
        .iter()
        .map(|finding| (finding.code.code(), finding.path.clone(), finding.backup.clone()))
        .collect()
}

#[test]
fn a_key_of_before_version_1901_opens_what_it_encrypted() {
    let tree = Tree::broken("symmetric-key").unwrap();
    let key = VECTORS["breaks"]["symmetric-key"]["operator_key"].as_str().unwrap();
    let keys = tree.keys().operator_key(key).unwrap();
    let report = tree.theirs().verify().keys(&keys).run(tree.now()).unwrap();
    assert_eq!((report.state, report.snapshots.len()), (SnapshotState::Verified, 40));
    assert_eq!(Keys::default().operator_key("c2hvcnQ=").unwrap_err().code(), "MALFORMED");
}

#[test]
fn what_a_prune_would_remove_is_foretold() {
    for (name, prunable) in [
        // The orphaned links of a broken chain go, with their metadata.
        ("missing-link", 4),
        ("missing-full", 6),
        ("missing-xml", 1),
        ("missing-zip", 1),
        ("xml-garbage", 2),
        ("duplicate-full", 2),
        ("foreign-files", 4),
        ("symlinks", 0),
    ] {
        let Some(tree) = Tree::broken(name) else { continue };
        let catalog = tree.theirs().list().run(tree.now()).unwrap();
        assert_eq!(catalog.prunable.len(), prunable, "{name}: {:?}", catalog.prunable);
    }
    let tree = Tree::broken("foreign-files").unwrap();
    let catalog = tree.theirs().list().run(tree.now()).unwrap();
    assert!(catalog.prunable.iter().any(|path| path.ends_with("BackupEncryptionCert.pfx")));
    // Nobody looks at the root of MASBackup, or below a repository.
    assert!(!catalog.prunable.iter().any(|path| path.contains("notes.txt") || path.contains("deep.txt")));
}

#[test]
fn a_snapshot_that_is_being_written_is_not_called_damaged() {
    let tree = Tree::broken("zero-header").unwrap();
    // The file was written by this test: for a reader of today it is young.
    let now = azs_backup::jiff::Timestamp::now();
    let report = tree.theirs().verify().keys(&tree.keys()).run(now).unwrap();
    assert_eq!(report.state, SnapshotState::InProgress);
    let found = codes(&report.findings);
    assert!(found.contains_key("IN_PROGRESS") && !found.contains_key("HEADER_EMPTY"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_else() {
    let tree = Tree::healthy();
    let info = tree.files().into_iter().find(|path| path.ends_with("_BackupInfo.xml")).unwrap();
    std::fs::write(tree.root().join(&info), b"<BackupInfo>").unwrap();
    let report = tree.theirs().verify().keys(&tree.keys()).run(tree.now()).unwrap();
    assert_eq!(report.snapshots.len(), 39);
    assert!(codes(&report.findings).contains_key("BACKUP_INFO_UNREADABLE"));
}

#[test]
fn a_backup_whose_data_is_cut_off_or_unfinished_is_not_ready() {
    for (name, code) in [("truncated-zip", "DATA_LENGTH_WRONG"), ("zero-header", "HEADER_EMPTY")] {
        let tree = Tree::broken(name).unwrap();
        let catalog = tree.theirs().list().run(tree.now()).unwrap();
        let finding = catalog.findings.iter().find(|finding| finding.code.code() == code).expect(name);
        let backup =
            catalog.backups.iter().find(|backup| Some(&backup.id) == finding.backup.as_ref()).unwrap();
        assert_eq!(backup.readiness, Readiness::NotReady, "{name}");
        assert!(backup.repositories.iter().any(|of| of.missing.contains(&finding.path)), "{name}");
        let ready = |tree: &Tree| {
            let catalog = tree.theirs().list().run(tree.now()).unwrap();
            catalog.backups.iter().filter(|backup| backup.readiness == Readiness::Ready).count()
        };
        assert_eq!(ready(&tree), ready(&Tree::healthy()) - 1, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_critical_and_no_prune_is_foretold_of_it() {
    let tree = Tree::healthy();
    let is_snapshot =
        |path: &String| path.contains("CRP;") && path.contains("ProgressiveBackup") && path.ends_with(".xml");
    let xml = tree.files().into_iter().find(is_snapshot).unwrap();
    std::fs::write(tree.root().join(&xml), vec![b' '; 2 << 20]).unwrap();
    let catalog = tree.theirs().list().run(tree.now()).unwrap();
    let found: Vec<_> =
        catalog.findings.iter().filter(|of| xml.ends_with(&of.path) && !of.path.is_empty()).collect();
    assert_eq!(
        (found[0].code.code(), found[0].severity),
        ("FILE_UNREADABLE", Severity::Critical),
        "{found:?}"
    );
    assert_eq!(catalog.prunable, Vec::<String>::new());
}
