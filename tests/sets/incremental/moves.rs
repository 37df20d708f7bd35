//! New sources above, below and beside old ones, and things that replace each other.

use std::fs;
use std::path::Path;

use azs_backup::backup::BackupReport;

use super::by_hand;
use super::nightly::Nightly;
use crate::common::Fixture;
use crate::common::system::symlink;
use crate::common::{assert_same_tree, noise};

/// One night with these sources.
fn night(nightly: &Nightly, sources: &[(&str, &Path)]) -> BackupReport {
    std::thread::sleep(std::time::Duration::from_millis(30));
    let mut backup = nightly.builder().start().unwrap();
    for (name, folder) in sources {
        backup.add_folder_as(name, folder).unwrap();
    }
    backup.commit().unwrap()
}

/// The set gives back the sources as they are, by library and by hand.
fn check(nightly: &Nightly, report: &BackupReport, sources: &[(&str, &Path)]) {
    let found = nightly.verify(report);
    assert!(found.is_sound(), "{found:#?}");
    let restored = nightly.restore(report);
    for (name, folder) in sources {
        assert_same_tree(folder, &restored.join(name));
    }
    by_hand::check(&nightly.fixture, report, sources);
    fs::remove_dir_all(restored).unwrap();
}

#[test]
fn a_source_below_an_old_one_is_whole_in_however_many_index_pieces() {
    let nightly = Nightly::with(Fixture::in_memory());
    let old = nightly.fixture.path("old");
    fs::create_dir_all(old.join("tor1")).unwrap();
    fs::write(old.join("tor1/config"), "old").unwrap();
    night(&nightly, &[("switches", &old)]);
    for i in 0..40_000 {
        fs::write(nightly.tree.join(format!("file {i:06}")), format!("{i}")).unwrap();
    }
    let report = night(&nightly, &[("switches/tor1", &nightly.tree)]);
    assert!(nightly.names(&report, "index-").len() >= 4, "{:?}", nightly.names(&report, "index-"));
    assert_eq!(report.cover.content.files, 40_000);
    let restored = nightly.restore(&report);
    assert_eq!(fs::read_dir(restored.join("switches/tor1")).unwrap().count(), 40_000);
    assert!(nightly.verify(&report).is_sound());
}

#[test]
fn sources_above_below_and_beside_old_ones_come_back_as_they_are() {
    let nightly = Nightly::new();
    let (above, beside) = (nightly.fixture.path("above"), nightly.fixture.path("beside"));
    fs::create_dir_all(above.join("tor1")).unwrap();
    fs::write(above.join("tor1/config"), noise(1, 3000)).unwrap();
    fs::create_dir_all(&beside).unwrap();
    fs::write(beside.join("k"), noise(2, 5000)).unwrap();
    let tor1 = above.join("tor1");
    for sources in [
        &[("switches/tor1", &*tor1), ("keep", &*beside)][..],
        &[("switches", &*above), ("keep", &*beside)],
        &[("switches/tor1", &*tor1), ("switches/tor2", &*beside)],
        &[("switches", &*beside)],
        &[("switches/k", &*above), ("keep", &*beside)],
    ] {
        let report = night(&nightly, sources);
        check(&nightly, &report, sources);
    }
}

#[test]
fn links_to_a_file_that_took_the_place_of_a_folder_come_back() {
    let nightly = Nightly::new();
    let tree = &nightly.tree;
    fs::create_dir_all(tree.join("x")).unwrap();
    fs::write(tree.join("x/y"), noise(1, 3000)).unwrap();
    fs::write(tree.join("keep"), noise(2, 3000)).unwrap();
    night(&nightly, &[("tree", tree)]);
    fs::remove_dir_all(tree.join("x")).unwrap();
    fs::write(tree.join("x"), noise(3, 2000)).unwrap();
    fs::hard_link(tree.join("x"), tree.join("z")).unwrap();
    let report = night(&nightly, &[("tree", tree)]);
    check(&nightly, &report, &[("tree", tree)]);
    // And a file where a link to a folder outside was.
    symlink("..", tree.join("out"));
    night(&nightly, &[("tree", tree)]);
    let _ = fs::remove_file(tree.join("out"));
    fs::write(tree.join("out"), "inside").unwrap();
    let report = night(&nightly, &[("tree", tree)]);
    check(&nightly, &report, &[("tree", tree)]);
}

#[test]
fn a_large_file_that_went_swallows_nothing_behind_it() {
    let nightly = Nightly::new();
    let tree = &nightly.tree;
    for (name, length) in [("a", 9 << 20), ("b-image", 8 << 20), ("z", 100_000)] {
        fs::write(tree.join(name), noise(length as u64, length)).unwrap();
    }
    let run = || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        let mut backup = nightly.builder().segment_size(12 << 20).start().unwrap();
        backup.add_folder_as("tree", tree).unwrap();
        backup.commit().unwrap()
    };
    run();
    fs::remove_file(tree.join("b-image")).unwrap();
    fs::write(tree.join("z"), noise(8, 100_000)).unwrap();
    fs::write(tree.join("new"), noise(9, 50_000)).unwrap();
    let report = run();
    assert!(report.reuse.base.is_some());
    check(&nightly, &report, &[("tree", tree)]);
}
