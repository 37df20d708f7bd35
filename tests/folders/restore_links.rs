//! A restore makes hard links and copies only from files that it wrote, never from what existed before.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::common::{Fixture, noise};
use azs_backup::restore::{Damage, Existing, RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use azs_backup::{Result, Set};

const NEW: [u8; 8192] = [b'N'; 8192];
const OLD: [u8; 8192] = [b'O'; 8192];

/// A file `a`, a hard link `b` and `c` to it, and a copy `z`.
fn sample(content: &[u8]) -> (Fixture, Set) {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), content).unwrap();
    fs::hard_link(tree.join("a"), tree.join("b")).unwrap();
    fs::hard_link(tree.join("a"), tree.join("c")).unwrap();
    fs::write(tree.join("z"), content).unwrap();
    let set = fixture.back_up(&tree);
    (fixture, set)
}

fn run(fixture: &Fixture, set: &Set, options: &RestoreOptions) -> Result<RestoreReport> {
    set.restore(&fixture.opener).options(options).into(fixture.path("target"))
}

fn file(fixture: &Fixture, name: &str) -> PathBuf {
    fixture.path("target/tree").join(name)
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn an_old_file_that_is_kept_gives_its_content_to_no_new_name() {
    for content in [&NEW[..], &noise(1, 5_000_000)] {
        let (fixture, set) = sample(content);
        let old = vec![b'O'; content.len()];
        write(&file(&fixture, "a"), &old);
        let report = run(&fixture, &set, &RestoreOptions::default().existing(Existing::Keep)).unwrap();
        assert_eq!(report.status, Status::PartialSucceeded, "{report:#?}");
        assert_eq!(report.kept_differing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tree/a"]);
        assert!(report.losses.is_empty(), "{report:#?}");
        assert_eq!(fs::read(file(&fixture, "a")).unwrap(), old);
        for name in ["b", "c", "z"] {
            assert!(fs::read(file(&fixture, name)).unwrap() == content, "{name}");
        }
        let inode = |name| fs::metadata(file(&fixture, name)).unwrap().ino();
        assert_eq!(inode("b"), inode("c"), "the names that this restore wrote are links to each other");
        assert!(inode("z") != inode("b") && inode("a") != inode("b"));
    }
}

#[test]
fn a_name_that_is_kept_is_no_stand_in() {
    let (fixture, set) = sample(&NEW);
    write(&file(&fixture, "b"), &OLD);
    let options = RestoreOptions::default().existing(Existing::Keep).pattern("b").pattern("c").pattern("z");
    let report = run(&fixture, &set, &options).unwrap();
    assert_eq!(report.kept_differing.len(), 1, "{report:#?}");
    assert_eq!(fs::read(file(&fixture, "b")).unwrap(), OLD);
    assert_eq!(fs::read(file(&fixture, "c")).unwrap(), NEW);
    assert_eq!(fs::read(file(&fixture, "z")).unwrap(), NEW);
    assert!(!file(&fixture, "a").exists());
}

#[test]
fn a_copy_and_a_hard_link_of_a_file_that_is_not_wanted_are_not_linked_to_each_other() {
    let (fixture, set) = sample(&NEW);
    let report = run(&fixture, &set, &RestoreOptions::default().pattern("z").pattern("c")).unwrap();
    assert_eq!(report.status, Status::Succeeded, "{report:#?}");
    let inode = |name| fs::metadata(file(&fixture, name)).unwrap().ino();
    assert_ne!(inode("c"), inode("z"));
    assert_eq!(
        (fs::read(file(&fixture, "c")).unwrap(), fs::read(file(&fixture, "z")).unwrap()),
        (NEW.into(), NEW.into())
    );
}

#[test]
fn a_lost_file_is_not_replaced_by_what_was_in_its_place() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), NEW).unwrap();
    fs::write(tree.join("m"), noise(1, 6 << 20)).unwrap();
    fs::write(tree.join("z"), NEW).unwrap();
    let mut backup = fixture.builder().segment_size(4 << 20).start().unwrap();
    backup.add_folder_as("tree", &tree).unwrap();
    let folder = backup.commit().unwrap().folder;
    let mut segments: Vec<_> = fs::read_dir(fixture.native(&folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".tar.zst.p7m"))
        .collect();
    segments.sort();
    let mut bytes = fs::read(&segments[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segments[0], bytes).unwrap();
    let set = fixture.open(&folder);
    write(&file(&fixture, "a"), &OLD);
    let options = RestoreOptions::default().damage(Damage::Continue).existing(Existing::Replace);
    let report = run(&fixture, &set, &options).unwrap();
    assert!(
        report.losses.iter().any(|loss| loss.path.as_ref().unwrap().to_string() == "tree/z"),
        "{report:#?}"
    );
    assert!(!file(&fixture, "z").exists(), "old content under a new name");
    assert_eq!(fs::read(file(&fixture, "a")).unwrap(), OLD, "the old file goes when the new one is whole");
    let only = RestoreOptions::default().damage(Damage::Continue).pattern("z");
    fs::remove_dir_all(fixture.path("target")).unwrap();
    let report = run(&fixture, &set, &only).unwrap();
    assert_eq!(report.losses.len(), 1, "{report:#?}");
    assert_eq!(report.losses[0].path.as_ref().unwrap().to_string(), "tree/z");
}

#[test]
fn what_is_kept_keeps_its_mode_and_time() {
    let (fixture, set) = sample(&NEW);
    for name in ["a", "b", "z"] {
        let path = file(&fixture, name);
        write(&path, b"mine");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    }
    let folder = fixture.path("target/tree");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
    for patterns in [&[][..], &["z"], &["b"]] {
        let before: Vec<_> = ["a", "b", "z"].map(|name| fs::metadata(file(&fixture, name)).unwrap()).into();
        let options = RestoreOptions::default().existing(Existing::Keep);
        let options = patterns.iter().fold(options, |options, pattern| options.pattern(*pattern));
        let report = run(&fixture, &set, &options).unwrap();
        assert!(!report.kept_differing.is_empty(), "{report:#?}");
        for (name, before) in ["a", "b", "z"].iter().zip(&before) {
            let after = fs::metadata(file(&fixture, name)).unwrap();
            assert_eq!(
                (after.mode(), after.mtime(), after.ctime_nsec()),
                (before.mode(), before.mtime(), before.ctime_nsec())
            );
        }
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o711);
    }
}
