//! A file appears whole or not at all, what it replaces stays until then, and a problem with one name costs only that
//! name.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::common::mounted::Mounted;
use crate::common::{Fixture, noise};
use azs_backup::restore::{Compare, Existing, RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use azs_backup::{ErrorKind, Result, Set};

fn run(fixture: &Fixture, set: &Set, target: &Path, options: &RestoreOptions) -> Result<RestoreReport> {
    set.restore(&fixture.opener).options(options).into(target)
}

fn sample(files: &[(&str, &[u8])]) -> (Fixture, Set) {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    for (name, content) in files {
        fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
        fs::write(tree.join(name), content).unwrap();
    }
    let set = fixture.back_up(&tree);
    (fixture, set)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn paths(report: &RestoreReport) -> Vec<String> {
    report.losses.iter().map(|loss| loss.path.as_ref().unwrap().to_string()).collect()
}

#[test]
fn a_restore_that_was_killed_is_resumed() {
    let large = noise(1, 5_000_000);
    let (fixture, set) =
        sample(&[("a", &[b'a'; 300_000]), ("b", b"bbb"), ("d/c", b"ccc"), ("large", &large)]);
    let target = fixture.path("target");
    run(&fixture, &set, &target, &RestoreOptions::default()).unwrap();
    // As a kill leaves it, or somebody who worked in it: one file cut off, one not there, temporary files.
    let tree = target.join("tree");
    fs::write(tree.join("a"), [b'a'; 100_000]).unwrap();
    fs::remove_file(tree.join("d/c")).unwrap();
    let left = ".azs-restore-0123456789abcdef-1f";
    for folder in ["", "tree", "tree/d"] {
        fs::write(target.join(folder).join(left), "half").unwrap();
    }
    fs::write(tree.join(".azs-restore-notes"), "mine").unwrap();
    let report = run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Keep)).unwrap();
    assert_eq!((report.status, report.kept), (Status::PartialSucceeded, 2), "{report:#?}");
    assert_eq!(report.kept_differing, ["tree/a".parse().unwrap()]);
    assert_eq!(fs::read(tree.join("d/c")).unwrap(), b"ccc");
    assert_eq!(names(&target), ["tree"]);
    assert_eq!(names(&tree), [".azs-restore-notes", "a", "b", "d", "large"]);
    assert_eq!(names(&tree.join("d")), ["c"]);
}

#[test]
fn what_is_kept_is_compared_by_content_when_asked() {
    let large = noise(1, 5_000_000);
    let (fixture, set) = sample(&[("small", b"small"), ("same", b"same"), ("large", &large)]);
    let target = fixture.path("target");
    run(&fixture, &set, &target, &RestoreOptions::default()).unwrap();
    for (name, content) in [
        ("small", b"SMALL".to_vec()),
        ("large", {
            let mut c = large.clone();
            c[4_000_000] ^= 1;
            c
        }),
    ] {
        let path = target.join("tree").join(name);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, content).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    // A touched file is the same by content, and not by time.
    let touched = fs::File::options().write(true).open(target.join("tree/same")).unwrap();
    touched.set_modified(std::time::UNIX_EPOCH).unwrap();
    for (compare, expected) in
        [(Compare::Metadata, &["tree/same"][..]), (Compare::Content, &["tree/large", "tree/small"])]
    {
        let options = RestoreOptions::default().existing(Existing::Keep).compare(compare);
        let report = run(&fixture, &set, &target, &options).unwrap();
        let mut differing: Vec<_> = report.kept_differing.iter().map(ToString::to_string).collect();
        differing.sort();
        assert_eq!(differing, expected, "{compare}");
        assert_eq!(fs::read(target.join("tree/small")).unwrap(), b"SMALL");
    }
}

#[test]
fn the_old_file_stays_where_the_new_one_has_no_room() {
    for size in [1_500_000, 6_000_000] {
        let (fixture, set) = sample(&[("config", &noise(1, size))]);
        let Some(disk) = Mounted::new(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], fixture.path("disk"))
        else {
            eprintln!("skipped: this process may not mount");
            return;
        };
        fs::create_dir(disk.0.join("tree")).unwrap();
        fs::write(disk.0.join("tree/config"), "the only copy").unwrap();
        let options = RestoreOptions::default().existing(Existing::Replace);
        let error = run(&fixture, &set, &disk.0, &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfCapacity, "{error}");
        assert_eq!(fs::read(disk.0.join("tree/config")).unwrap(), b"the only copy");
        assert_eq!(names(&disk.0.join("tree")), ["config"]);
    }
}

#[test]
fn a_folder_in_the_way_of_a_file_and_the_reverse_are_taken_with_care() {
    let (fixture, set) =
        sample(&[("file", b"new"), ("empty", b"new"), ("folder/x", b"new"), ("last", b"new")]);
    let target = fixture.path("target");
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        fs::create_dir_all(target.join("tree/file/full")).unwrap();
        fs::create_dir_all(target.join("tree/empty")).unwrap();
        fs::write(target.join("tree/folder"), "old").unwrap();
    };
    prepare();
    let report =
        run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Replace)).unwrap();
    assert_eq!(paths(&report), ["tree/file"], "{report:#?}");
    assert!(report.losses[0].refused && target.join("tree/file/full").is_dir());
    assert_eq!(fs::read(target.join("tree/empty")).unwrap(), b"new");
    assert_eq!(fs::read(target.join("tree/folder/x")).unwrap(), b"new");
    assert_eq!(fs::read(target.join("tree/last")).unwrap(), b"new");
    assert_eq!(names(&target.join("tree")), ["empty", "file", "folder", "last"]);

    prepare();
    let report = run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Keep)).unwrap();
    assert_eq!(fs::read(target.join("tree/folder")).unwrap(), b"old");
    assert_eq!(report.status, Status::PartialSucceeded);
    assert_eq!(fs::read(target.join("tree/last")).unwrap(), b"new");
}

#[test]
fn a_file_that_may_not_be_changed_costs_that_file() {
    let (fixture, set) = sample(&[("a", b"new"), ("b", b"new"), ("large", &noise(1, 5_000_000))]);
    let target = fixture.path("target");
    fs::create_dir_all(target.join("tree")).unwrap();
    for name in ["a", "large"] {
        fs::write(target.join("tree").join(name), "old").unwrap();
    }
    let set_flag = |flag: &str| {
        let paths = ["a", "large"].map(|name| target.join("tree").join(name));
        Command::new("chattr").arg(flag).args(paths).output().is_ok_and(|done| done.status.success())
    };
    if !set_flag("+i") {
        eprintln!("skipped: this process may not make files immutable");
        return;
    }
    let report = run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Replace));
    set_flag("-i");
    let report = report.unwrap();
    assert_eq!(paths(&report), ["tree/a", "tree/large"], "{report:#?}");
    assert_eq!(report.losses[0].code, "ACCESS_DENIED");
    assert_eq!(fs::read(target.join("tree/b")).unwrap(), b"new");
    assert_eq!(names(&target.join("tree")), ["a", "b", "large"]);
}

#[test]
fn names_that_the_target_does_not_tell_apart_are_not_written_over_each_other() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    for folder in ["Dir", "dir"] {
        fs::create_dir_all(tree.join(folder)).unwrap();
        fs::write(tree.join(folder).join("f"), folder).unwrap();
    }
    fs::write(tree.join("Config"), "one").unwrap();
    fs::write(tree.join("config"), "two").unwrap();
    fs::write(tree.join("Large"), noise(1, 5_000_000)).unwrap();
    fs::write(tree.join("large"), noise(2, 5_000_000)).unwrap();
    symlink("x", tree.join("Link")).unwrap();
    symlink("y", tree.join("link")).unwrap();
    fs::write(tree.join("with:colon"), "refused").unwrap();
    fs::write(tree.join("z"), "last").unwrap();
    let set = fixture.back_up(&tree);

    let image = fixture.path("image");
    fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let made = Command::new("mkntfs").args(["-q", "-F"]).arg(&image).output();
    let disk = fixture.path("disk");
    fs::create_dir(&disk).unwrap();
    let options = "windows_names,ignore_case";
    let mounted = made.is_ok_and(|done| done.status.success())
        && Command::new("lowntfs-3g")
            .args(["-o", options])
            .arg(&image)
            .arg(&disk)
            .output()
            .is_ok_and(|done| done.status.success());
    if !mounted {
        eprintln!("skipped: this machine has no file system that ignores case");
        return;
    }
    let disk = Mounted(disk);
    for existing in [Existing::Refuse, Existing::Keep, Existing::Replace] {
        let target = disk.0.join(existing.to_string());
        let report = run(&fixture, &set, &target, &RestoreOptions::default().existing(existing)).unwrap();
        // One of each pair is lost, and what is in the second folder with it, and the name that is refused.
        let lost: Vec<_> = paths(&report).iter().map(|path| path.to_lowercase()).collect();
        for name in ["tree/config", "tree/large", "tree/link", "tree/dir/f", "tree/with:colon"] {
            assert_eq!(lost.iter().filter(|path| *path == name).count(), 1, "{existing} {name} {report:#?}");
        }
        assert_eq!(report.status, Status::PartialSucceeded);
        assert_eq!(fs::read(target.join("tree/z")).unwrap(), b"last");
        let there = names(&target.join("tree"));
        assert_eq!(there.len(), 5, "{there:?}");
        // What is there is what the set has under the name that is not lost.
        for (one, other) in [("Config", "config"), ("Large", "large"), ("Dir/f", "dir/f")] {
            let is_lost = paths(&report).contains(&format!("tree/{one}"));
            let whole = fs::read(tree.join(if is_lost { other } else { one })).unwrap();
            assert!(fs::read(target.join("tree").join(one)).unwrap() == whole, "{existing} {one}");
        }
        let again =
            run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Replace)).unwrap();
        assert_eq!(names(&target.join("tree")), there, "{again:#?}");
    }
}

#[test]
fn what_the_disk_refuses_at_the_end_is_an_error() {
    let files: Vec<_> = (0..20).map(|i| (format!("f{i}"), noise(i, 300_000))).collect();
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
    let (fixture, set) = sample(&files);
    let Some(thin) = Mounted::new(&["-t", "tmpfs", "-o", "size=4m", "tmpfs"], fixture.path("thin")) else {
        eprintln!("skipped: this process may not mount");
        return;
    };
    let image = thin.0.join("image");
    fs::File::create(&image).unwrap().set_len(100 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F", "-m0", "-O", "^has_journal"]).arg(&image).output();
    let disk = made
        .is_ok_and(|done| done.status.success())
        .then(|| Mounted::new(&["-o", "loop", image.to_str().unwrap()], fixture.path("disk")))
        .flatten();
    let Some(disk) = disk else {
        eprintln!("skipped: this machine cannot mount a file");
        return;
    };
    let error = run(&fixture, &set, &disk.0.join("target"), &RestoreOptions::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::OutOfCapacity), "{error:?}");
}

#[test]
fn patterns_that_match_nothing_are_named() {
    let (fixture, set) = sample(&[("a", b"a"), ("d/b", b"b")]);
    for (number, (patterns, unmatched)) in [
        (&["a", "d/"][..], &[][..]),
        (&["a", "c"], &["c"]),
        (&["a", "#recycle"], &["#recycle"]),
        (&["*", "!nothing"], &["!nothing"]),
        // Each matches something, and the later one everything that the first does.
        (&["b", "d/"], &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let options = patterns.iter().fold(RestoreOptions::default(), |options, one| options.pattern(*one));
        let report = run(&fixture, &set, &fixture.path(&number.to_string()), &options).unwrap();
        assert_eq!(report.unmatched, unmatched, "{patterns:?}");
        let status = if unmatched.is_empty() { Status::Succeeded } else { Status::PartialSucceeded };
        assert_eq!(report.status, status);
    }
}
