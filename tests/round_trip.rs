//! What goes in comes out: every kind of source, every kind of entry.

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use azs_backup::{Existing, RestoreOptions, no_progress, restore, verify, verify_full};
use common::{Fixture, assert_same_tree, noise};

fn all() -> RestoreOptions {
    RestoreOptions::default()
}

#[test]
fn a_tree_comes_back_byte_for_byte() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    fs::create_dir_all(tree.join("empty folder")).unwrap();
    fs::write(tree.join("empty"), "").unwrap();
    fs::write(tree.join("a/small"), "hello").unwrap();
    fs::write(tree.join("a/b/one MiB"), noise(1, 1 << 20)).unwrap();
    fs::write(tree.join("a/b/two MiB"), noise(2, 2 << 20)).unwrap();
    fs::write(tree.join("a/b/more"), noise(3, (2 << 20) + 1)).unwrap();
    fs::write(tree.join("a/b/c/large"), noise(4, 20_000_000)).unwrap();
    fs::write(tree.join("a/b/c/zeros"), vec![0; 5_000_000]).unwrap();
    for i in 0..300 {
        fs::write(tree.join(format!("a/b/file {i}")), format!("line {i}\n").repeat(i)).unwrap();
    }
    symlink("../nowhere", tree.join("a/link")).unwrap();
    fs::hard_link(tree.join("a/small"), tree.join("a/b/second name")).unwrap();
    fs::set_permissions(tree.join("a/small"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::set_permissions(tree.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();

    let set = fixture.back_up(&tree);
    assert!(verify(&set, &mut no_progress).unwrap().is_sound());
    let report = verify_full(&set, &fixture.opener, &mut no_progress).unwrap();
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.bytes, set.cover().content.bytes);

    let target = fixture.path("target");
    let report = restore(&set, &fixture.opener, &target, &all(), &mut no_progress).unwrap();
    assert!(report.losses.is_empty() && report.unrestored.is_empty(), "{report:#?}");
    assert_eq!(report.files, set.cover().content.files);
    assert_eq!(report.folders, set.cover().content.folders);
    assert_eq!(report.links, set.cover().content.links);
    assert_same_tree(&tree, &target.join("tree"));
    let _ = Existing::Keep;
}
