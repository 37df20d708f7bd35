//! A useless state folder costs time and space, but never a set.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs::{self, File};
use std::time::Duration;

use azs_backup::backup::BackupReport;
use jiff::Timestamp;
use serde_json::Value;

use crate::common::system::set_mode;
use crate::incremental::nightly::Nightly;

fn assert_full_with(report: &BackupReport, why: &str) {
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings.iter().any(|warning| warning.contains(why)), "{why}: {:?}", report.warnings);
}

/// Changes what is remembered, its digest and all.
fn forge(nightly: &Nightly, change: impl FnOnce(&mut Value)) {
    let path = nightly.place_state().join("last");
    let text = fs::read_to_string(&path).unwrap();
    let mut json: Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    change(&mut json);
    let json = json.to_string();
    let digest = azs_backup::set::Digest::of(json.as_bytes());
    fs::write(path, format!("{digest}\n{json}")).unwrap();
}

#[cfg(unix)]
#[test]
fn it_is_for_its_owner_only() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    nightly.run();
    nightly.assert_private();
}

#[test]
fn damage_of_any_of_its_files_means_a_full_set() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let folder = nightly.place_state();
    let names =
        || fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    // A run remembers under new names: what stays is how they begin.
    let start_of = |name: &str| name.chars().take_while(char::is_ascii_alphabetic).collect::<String>();
    let starts: std::collections::BTreeSet<_> = names().map(|name| start_of(&name)).collect();
    assert!(starts.contains("last") && starts.contains("tree"), "{starts:?}");
    for start in starts {
        for damage in 0..4 {
            let Some(name) = names().find(|name| start_of(name) == start) else { continue };
            let mut bytes = fs::read(folder.join(&name)).unwrap();
            if bytes.is_empty() {
                continue;
            }
            let length = bytes.len();
            match damage {
                3 => bytes.truncate(length / 2),
                _ => bytes[[0, length / 2, length - 1][damage]] ^= 0x20,
            }
            fs::write(folder.join(&name), &bytes).unwrap();
            let report = nightly.run();
            nightly.check(&report);
            if start == "last" || start == "tree" {
                assert_full_with(&report, "the last set is not known");
            }
        }
    }
}

#[test]
fn a_state_of_another_host_place_version_or_time_is_not_used() {
    let future = (Timestamp::now() + Duration::from_secs(3600)).to_string();
    let changes: [(&str, &str, Value); 3] = [
        ("host", "of another host", "elsewhere".into()),
        ("version", "by another version", 99.into()),
        ("saved", "from the future", future.into()),
    ];
    for (field, why, value) in changes {
        let nightly = Nightly::new();
        nightly.sample();
        nightly.run();
        forge(&nightly, |last| last[field] = value);
        let report = nightly.run();
        assert_full_with(&report, why);
        nightly.check(&report);
        assert!(nightly.run().reuse.base.is_some(), "the next one follows it");
    }
}

#[test]
fn a_damaged_naming_key_is_made_anew() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    fs::write(nightly.state.join("naming.key"), "not hex").unwrap();
    let report = nightly.run();
    assert!(report.warnings[0].contains("key"), "{:?}", report.warnings);
    nightly.check(&report);
    assert!(nightly.run().warnings.is_empty());
}

#[test]
fn a_state_folder_in_use_is_done_without() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let mut first = nightly.builder().start().unwrap();
    let report = nightly.run();
    assert_full_with(&report, "another run");
    nightly.check(&report);
    first.add_folder_as("tree", &nightly.tree).unwrap();
    let report = first.commit().unwrap();
    assert!(report.reuse.base.is_some());
    nightly.check(&report);
}

#[test]
fn a_state_folder_that_is_a_file_or_full_is_done_without() {
    let nightly = Nightly::new();
    nightly.sample();
    fs::write(&nightly.state, "a file").unwrap();
    let report = nightly.run();
    assert_full_with(&report, "cannot be used");
    nightly.check(&report);
    #[cfg(unix)]
    {
        // Nothing can be written there: not as root either.
        fs::remove_file(&nightly.state).unwrap();
        std::os::unix::fs::symlink("/proc/self/fdinfo", &nightly.state).unwrap();
        let report = nightly.run();
        assert_full_with(&report, "cannot be used");
        nightly.check(&report);
    }
}

#[test]
fn a_read_only_state_folder_is_done_without() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let folder = nightly.place_state();
    set_mode(&folder, 0o500);
    let is_root = File::create(folder.join("probe")).is_ok();
    let report = nightly.run();
    set_mode(&folder, 0o700);
    if !is_root {
        assert_full_with(&report, "cannot be used");
    }
    nightly.check(&report);
}

#[test]
fn times_in_the_future_and_a_tree_that_changes_all_the_time_are_read_again() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let future = std::time::SystemTime::now() + Duration::from_secs(1_000_000);
    let touch = |name: &str| {
        File::options().write(true).open(tree.join(name)).unwrap().set_modified(future).unwrap();
    };
    touch("a/changed");
    nightly.run();
    // Changed again, with the same time of last change and the same length.
    fs::write(tree.join("a/changed"), "CHANGED".repeat(20)).unwrap();
    touch("a/changed");
    nightly.run_and_check();
    // Changed right before and right after a run, as fast as it goes.
    for round in 0..20 {
        fs::write(tree.join("a/mode"), format!("{round:04}").repeat(20)).unwrap();
        let mut backup = nightly.builder().start().unwrap();
        backup.add_folder_as("tree", &tree).unwrap();
        let report = backup.commit().unwrap();
        nightly.check(&report);
    }
}
