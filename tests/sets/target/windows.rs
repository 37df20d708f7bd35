//! Targets as Windows has them: read-only files, files that others have open, junctions.

use std::fs::{self, File};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Command;

use azs_backup::restore::{Existing, RestoreOptions};

use super::{paths, run, sample};

// MS-FSCC 2.6; MS-SMB2 2.2.13.1; Win32, "CreateFileW".
const FILE_ATTRIBUTE_READONLY: u32 = 1;
const FILE_ATTRIBUTE_HIDDEN: u32 = 2;
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

fn set_read_only(path: &Path, is_read_only: bool) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(is_read_only);
    fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn read_only_files_are_replaced_and_restored_as_such() {
    let (fixture, _) = sample();
    set_read_only(&fixture.path("source/c/three.txt"), true);
    let set = fixture.back_up(&fixture.path("source"));
    set_read_only(&fixture.path("source/c/three.txt"), false);
    let target = fixture.path("target");
    fs::create_dir_all(target.join("tree/c")).unwrap();
    for name in ["tree/c/three.txt", "tree/c/large", "tree/a"] {
        fs::write(target.join(name), "something else").unwrap();
        set_read_only(&target.join(name), true);
    }
    let replace = RestoreOptions::default().existing(Existing::Replace);
    for _ in 0..2 {
        let report = run(&fixture, &set, &target, &replace).unwrap();
        assert_eq!(report.losses, [], "{report:#?}");
    }
    assert_eq!(fs::read(target.join("tree/c/three.txt")).unwrap(), b"three");
    assert_eq!(fs::read(target.join("tree/a/one.cfg")).unwrap(), b"one");
    let is_read_only = |name: &str| {
        fs::metadata(target.join(name)).unwrap().file_attributes() & FILE_ATTRIBUTE_READONLY != 0
    };
    assert!(is_read_only("tree/c/three.txt") && !is_read_only("tree/c/large"));
    // Nothing is left of how they were replaced.
    let expected =
        paths(&fixture.path("source")).iter().map(|path| format!("tree/{path}")).collect::<Vec<_>>();
    assert_eq!(paths(&target), expected);
    set_read_only(&target.join("tree/c/three.txt"), false);
}

#[test]
fn a_file_that_another_program_has_open_alone_stays_and_is_named() {
    let (fixture, set) = sample();
    let target = fixture.path("target");
    fs::create_dir_all(target.join("tree/c")).unwrap();
    for name in ["tree/c/three.txt", "tree/c/large"] {
        fs::write(target.join(name), "in use").unwrap();
    }
    let alone = |name: &str| File::options().read(true).share_mode(0).open(target.join(name)).unwrap();
    let held = (alone("tree/c/three.txt"), alone("tree/c/large"));
    let replace = RestoreOptions::default().existing(Existing::Replace);
    let report = run(&fixture, &set, &target, &replace).unwrap();
    let mut lost: Vec<_> = report.losses.iter().map(|loss| loss.path.as_ref().unwrap().to_string()).collect();
    lost.sort();
    assert_eq!(lost, ["tree/c/large", "tree/c/three.txt"], "{report:#?}");
    drop(held);
    for name in ["tree/c/three.txt", "tree/c/large"] {
        assert_eq!(fs::read(target.join(name)).unwrap(), b"in use", "{name}");
    }
    assert_eq!(fs::read(target.join("tree/a/one.cfg")).unwrap(), b"one");
    assert!(paths(&target).iter().all(|path| !path.contains(".azs-restore-")), "{:?}", paths(&target));
    // Once it is closed, the same restore replaces them.
    assert_eq!(run(&fixture, &set, &target, &replace).unwrap().losses, []);
    assert_eq!(fs::read(target.join("tree/c/three.txt")).unwrap(), b"three");
}

#[test]
fn a_junction_in_the_target_is_not_followed() {
    let (fixture, set) = sample();
    let (target, outside) = (fixture.path("target"), fixture.path("outside"));
    fs::create_dir_all(target.join("tree")).unwrap();
    fs::create_dir(&outside).unwrap();
    let junction = target.join("tree/c");
    // Only the command interpreter makes junctions: Rust's library makes symbolic links.
    let said = Command::new("cmd").args(["/d", "/c", "mklink", "/J"]).args([&junction, &outside]).output();
    if said.is_err() || !junction.is_symlink() {
        eprintln!("skipped: this system makes no junctions");
        return;
    }
    let keep = RestoreOptions::default().existing(Existing::Keep);
    let report = run(&fixture, &set, &target, &keep).unwrap();
    let losses = &report.losses;
    assert!(losses.iter().all(|loss| loss.refused && loss.code == "ALREADY_EXISTS"), "{losses:#?}");
    assert!(losses.iter().any(|loss| loss.path == Some("tree/c/three.txt".parse().unwrap())), "{losses:#?}");
    let replace = RestoreOptions::default().existing(Existing::Replace);
    assert_eq!(run(&fixture, &set, &target, &replace).unwrap().losses, []);
    assert!(!junction.is_symlink());
    assert_eq!(fs::read(junction.join("three.txt")).unwrap(), b"three");
    assert_eq!(paths(&outside), [""; 0]);
}

#[test]
fn replace_takes_a_folder_s_other_attributes() {
    let (fixture, set) = sample();
    let target = fixture.path("target");
    let folder = target.join("tree/c");
    fs::create_dir_all(&folder).unwrap();
    let mut options = File::options();
    options
        .access_mode(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    azs_backup_windows::set_attributes(options.open(&folder).unwrap(), FILE_ATTRIBUTE_HIDDEN).unwrap();
    for (existing, is_hidden) in [(Existing::Keep, true), (Existing::Replace, false)] {
        run(&fixture, &set, &target, &RestoreOptions::default().existing(existing)).unwrap();
        let attributes = fs::metadata(&folder).unwrap().file_attributes();
        assert_eq!(attributes & FILE_ATTRIBUTE_HIDDEN != 0, is_hidden, "{existing:?}");
    }
}
