//! Sources that change or vanish between the walk that finds them and the thread that reads them.

use std::fs;

use azs_backup::backup::{BackupReport, SourceProblems};
use azs_backup::set::Status;

use super::nightly::Nightly;
use crate::common::noise;
use crate::common::system::look;

/// One night in which something happens when all is found and nothing is read yet: small files wait for the commit.
fn night(nightly: &Nightly, meanwhile: impl FnOnce()) -> BackupReport {
    std::thread::sleep(std::time::Duration::from_millis(30));
    let builder = nightly.builder().source_problems(SourceProblems::Report);
    let mut backup = builder.start().unwrap();
    backup.add_folder_as("tree", &nightly.tree).unwrap();
    meanwhile();
    backup.commit().unwrap()
}

#[test]
fn a_known_file_that_changes_and_vanishes_is_gone_from_the_set() {
    let nightly = Nightly::new();
    let tree = &nightly.tree;
    fs::write(tree.join("log"), noise(1, 50_000)).unwrap();
    fs::write(tree.join("other"), noise(2, 3_000)).unwrap();
    nightly.run();
    fs::write(tree.join("log"), noise(3, 60_000)).unwrap();
    let report = night(&nightly, || fs::remove_file(tree.join("log")).unwrap());
    assert_eq!(report.cover.status, Status::PartialSucceeded);
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    nightly.check(&report);
    // The set after it has nothing of it, either.
    fs::write(tree.join("more"), "more").unwrap();
    let report = nightly.run_and_check();
    assert_eq!((report.cover.status, report.cover.content.files), (Status::Succeeded, 2));
}

#[test]
fn a_file_to_which_others_link_is_stored_whatever_becomes_of_its_name() {
    for change in ["vanishes", "grows"] {
        let nightly = Nightly::new();
        let tree = &nightly.tree;
        fs::write(tree.join("a"), noise(1, 5_000)).unwrap();
        fs::hard_link(tree.join("a"), tree.join("b")).unwrap();
        fs::write(tree.join("c"), "innocent").unwrap();
        let report = night(&nightly, || match change {
            "vanishes" => fs::remove_file(tree.join("a")).unwrap(),
            _ => fs::write(tree.join("a"), noise(2, 3 << 20)).unwrap(),
        });
        let found = nightly.verify(&report);
        assert!(found.is_sound(), "{change}: {found:#?}");
        let restored = nightly.restore(&report).join("tree");
        let inode = |name: &str| look(&restored.join(name)).id;
        assert_eq!(inode("a"), inode("b"), "{change}");
        assert_eq!(fs::read(restored.join("c")).unwrap(), b"innocent");
        if change == "vanishes" {
            assert_eq!(fs::read(restored.join("b")).unwrap(), noise(1, 5_000));
        } else {
            // Under each of its names.
            let named: Vec<_> = report.problems.iter().map(|problem| problem.path.to_string()).collect();
            assert_eq!(named, ["tree/a", "tree/b"], "{:?}", report.problems);
        }
    }
}

#[test]
fn what_changes_after_the_run_began_is_looked_at_again() {
    let nightly = Nightly::new();
    let tree = &nightly.tree;
    // Again and again: a change within one tick of the clock leaves the same stamp.
    for round in 0..20_u8 {
        let report = night(&nightly, || {
            for i in 0..20 {
                fs::write(tree.join(format!("file {i}")), [round; 1000]).unwrap();
            }
        });
        drop(report);
        for i in 0..20 {
            fs::write(tree.join(format!("file {i}")), [100 + round; 1000]).unwrap();
        }
        nightly.run_and_check();
    }
}
