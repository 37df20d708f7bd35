//! A restore names what the target does not permit, and restores the rest: folders, groups, hard links.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use azs_backup::restore::{Existing, RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use azs_backup::{DecryptionCertificate, FolderShare, Opener, Set};
use common::mounted::Mounted;
use common::{Fixture, PASSWORD, noise, run};
use serde_json::{Value, json};

const NOBODY: u32 = 65534;
const TASK: &str = "AZS_TEST_RESTORE";
const REPORT: &str = "report: ";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Restores in a process of its own, as this user and group where root may become them; gives its report.
fn restore_as(fixture: &Fixture, set: &Set, target: &Path, existing: Existing, gid: u32) -> Value {
    let program = fixture.path("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::write(fixture.path("pfx"), &fixture.certificate.pfx).unwrap();
    set_mode(fixture.temp.path(), 0o755);
    run(Command::new("chmod").args(["-R", "a+rX"]).args(["share", "pfx"].map(|name| fixture.path(name))));
    let task = json!({
        "share": fixture.path("share"), "set": set.folder().to_string(), "pfx": fixture.path("pfx"),
        "target": target, "existing": existing.to_string(),
    });
    let mut command = Command::new(program);
    command.args(["--exact", "child", "--nocapture"]).env(TASK, task.to_string());
    if is_root() {
        command.uid(NOBODY).gid(gid);
    }
    let said = String::from_utf8(run(&mut command).stdout).unwrap();
    let report = said.lines().find_map(|line| line.strip_prefix(REPORT)).expect("the child reports");
    serde_json::from_str(report).unwrap()
}

/// What that process does; nothing where this is none.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).unwrap();
    let text = |name: &str| task[name].as_str().unwrap();
    let share = Arc::new(FolderShare::open(text("share")).unwrap());
    let set = Set::open(share, text("set").parse().unwrap()).unwrap();
    let pfx = fs::read(text("pfx")).unwrap();
    let opener = Opener::new(DecryptionCertificate::from_pfx(&pfx, Some(PASSWORD)).unwrap());
    let options = RestoreOptions::default().existing(text("existing").parse().unwrap());
    let report = set.restore(&opener).options(&options).into(Path::new(text("target"))).unwrap();
    println!("\n{REPORT}{}", serde_json::to_string(&report).unwrap());
}

/// What could not be put back, and of how many entries.
fn unrestored(report: &Value) -> Vec<(&str, u64)> {
    let kinds = report["unrestored"].as_array().unwrap().iter();
    kinds.map(|kind| (kind["what"].as_str().unwrap(), kind["count"].as_u64().unwrap())).collect()
}

#[test]
fn a_folder_that_may_not_be_written_to_costs_what_is_in_it() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    for (name, content) in
        [("locked/a", b"new".to_vec()), ("locked/large", noise(1, 5_000_000)), ("open/b", b"new".to_vec())]
    {
        fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
        fs::write(tree.join(name), content).unwrap();
    }
    fs::write(tree.join("z"), "new").unwrap();
    let set = fixture.back_up(&tree);
    for existing in [Existing::Keep, Existing::Replace] {
        let target = fixture.path(&existing.to_string());
        let locked = target.join("tree/locked");
        fs::create_dir_all(&locked).unwrap();
        if existing == Existing::Replace {
            fs::write(locked.join("a"), "old").unwrap();
        }
        for (folder, mode) in [(&target, 0o777), (&target.join("tree"), 0o777), (&locked, 0o555)] {
            set_mode(folder, mode);
        }
        let report = restore_as(&fixture, &set, &target, existing, NOBODY);
        set_mode(&locked, 0o755);
        let losses = report["losses"].as_array().unwrap();
        let mut lost: Vec<_> = losses.iter().map(|loss| loss["path"].as_str().unwrap()).collect();
        lost.sort_unstable();
        assert_eq!(lost, ["tree/locked/a", "tree/locked/large"], "{existing} {report:#}");
        for loss in losses {
            assert_eq!((&loss["code"], &loss["refused"]), (&json!("ACCESS_DENIED"), &json!(true)), "{loss}");
        }
        assert_eq!(report["status"], "PartialSucceeded");
        for name in ["open/b", "z"] {
            assert_eq!(fs::read(target.join("tree").join(name)).unwrap(), b"new", "{existing} {name}");
        }
        let left: Vec<_> = fs::read_dir(&locked).unwrap().map(|item| item.unwrap().file_name()).collect();
        match existing {
            Existing::Replace => {
                assert_eq!((&*left, fs::read(locked.join("a")).unwrap()), (&["a".into()][..], b"old".into()));
            }
            _ => assert!(left.is_empty(), "{left:?}"),
        }
    }
}

#[test]
fn a_group_and_its_set_gid_bit_are_put_back_or_named() {
    const GROUP: u32 = 12_345;
    if !is_root() {
        eprintln!("skipped: this process may not give files to a group");
        return;
    }
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("folder")).unwrap();
    fs::write(tree.join("file"), "x").unwrap();
    fs::write(tree.join("large"), noise(1, 5_000_000)).unwrap();
    let modes = [("", 0o755), ("file", 0o2750), ("folder", 0o2770), ("large", 0o640)];
    for (name, mode) in modes {
        chown(tree.join(name), Some(NOBODY), Some(GROUP)).unwrap();
        set_mode(&tree.join(name), mode);
    }
    let set = fixture.back_up(&tree);
    let facts = |target: &Path| {
        modes.map(|(name, _)| {
            let facts = fs::metadata(target.join("tree").join(name)).unwrap();
            (facts.uid(), facts.gid(), facts.mode() & 0o7777)
        })
    };

    let target = fixture.path("as root");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    assert_eq!((report.status, report.unrestored), (Status::Succeeded, vec![]));
    assert_eq!(facts(&target), modes.map(|(_, mode)| (NOBODY, GROUP, mode)));

    for (group, missing) in [(GROUP, &[][..]), (NOBODY, &[("group", 4), ("mode", 2)])] {
        let target = fixture.path(&format!("in group {group}"));
        fs::create_dir(&target).unwrap();
        set_mode(&target, 0o777);
        let report = restore_as(&fixture, &set, &target, Existing::Refuse, group);
        assert_eq!((&report["status"], unrestored(&report)), (&json!("Succeeded"), missing.to_vec()));
        // Another group must not get what the bit was to give to this one.
        let bits = if group == GROUP { 0o7777 } else { 0o5777 };
        assert_eq!(facts(&target), modes.map(|(_, mode)| (NOBODY, group, mode & bits)), "{report:#}");
    }
}

/// Files with several names, one of them in a folder of its own, a copy, and a symbolic link.
fn linked() -> (Fixture, Set, Vec<(&'static str, Vec<u8>)>) {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("sub")).unwrap();
    let (small, large) = (b"content".to_vec(), noise(1, 5_000_000));
    for (name, content) in [("a", &small), ("copy of a", &small), ("m", &large)] {
        fs::write(tree.join(name), content).unwrap();
    }
    for (name, other) in [("a", "b"), ("a", "sub/c"), ("m", "sub/n")] {
        fs::hard_link(tree.join(name), tree.join(other)).unwrap();
    }
    symlink("a", tree.join("symbolic")).unwrap();
    let set = fixture.back_up(&tree);
    let names = ["a", "b", "copy of a", "m", "sub/c", "sub/n"];
    let contents =
        names.map(|name| (name, if ["m", "sub/n"].contains(&name) { large.clone() } else { small.clone() }));
    (fixture, set, contents.into())
}

/// Everything is there, as many hard links as this are files of their own, and nothing else is.
fn assert_restored(target: &Path, contents: &[(&str, Vec<u8>)], report: &RestoreReport, own: u64) {
    for (name, content) in contents {
        assert!(fs::read(target.join("tree").join(name)).unwrap() == *content, "{name} {report:#?}");
    }
    let links = report.unrestored.iter().find(|kind| kind.what.starts_with("hard link"));
    assert_eq!(links.map(|kind| kind.count), Some(own), "{report:#?}");
    for folder in ["", "tree", "tree/sub"] {
        let names = fs::read_dir(target.join(folder)).unwrap().map(|item| item.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_file_system_without_links_gets_files_of_their_own() {
    let (fixture, set, contents) = linked();
    let image = fixture.path("image");
    fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let made = Command::new("mkfs.vfat").arg(&image).output().is_ok_and(|done| done.status.success());
    let disk = made.then(|| Mounted::new(&["-o", "loop", image.to_str().unwrap()], fixture.path("disk")));
    let Some(disk) = disk.flatten() else {
        eprintln!("skipped: this machine cannot mount a file system without links");
        return;
    };
    // The second time everything is there already.
    for existing in [Existing::Refuse, Existing::Replace] {
        let target = disk.0.join("target");
        let options = RestoreOptions::default().existing(existing);
        let report = set.restore(&fixture.opener).options(&options).into(&target).unwrap();
        assert_restored(&target, &contents, &report, 3);
        let [symbolic] = &report.losses[..] else { panic!("{report:#?}") };
        assert_eq!(symbolic.path.as_ref().unwrap().to_string(), "tree/symbolic");
        assert!(symbolic.refused, "the set has it: {symbolic}");
    }
}

#[test]
fn a_file_system_mounted_in_the_target_gets_files_of_its_own() {
    let (fixture, set, contents) = linked();
    let target = fixture.path("target");
    fs::create_dir_all(target.join("tree")).unwrap();
    let Some(_disk) = Mounted::new(&["-t", "tmpfs", "tmpfs"], target.join("tree/sub")) else {
        eprintln!("skipped: this process may not mount");
        return;
    };
    for existing in [Existing::Keep, Existing::Replace] {
        let options = RestoreOptions::default().existing(existing);
        let report = set.restore(&fixture.opener).options(&options).into(&target).unwrap();
        assert!(report.losses.is_empty() && report.kept_differing.is_empty(), "{report:#?}");
        assert_restored(&target, &contents, &report, 2);
        let is_one = |one: &str, other: &str| {
            let facts = |name: &str| fs::metadata(target.join("tree").join(name)).unwrap();
            (facts(one).dev(), facts(one).ino()) == (facts(other).dev(), facts(other).ino())
        };
        assert!(is_one("a", "b") && !is_one("m", "sub/n"));
    }
}

/// Modes of all folders below this one, by their paths.
fn folder_modes(folder: &Path) -> Vec<(String, u32)> {
    let mut modes = Vec::new();
    for item in fs::read_dir(folder).unwrap().flatten().filter(|item| item.path().is_dir()) {
        let name = item.file_name().into_string().unwrap();
        modes.push((name.clone(), item.metadata().unwrap().mode() & 0o777));
        let below = folder_modes(&item.path());
        modes.extend(below.into_iter().map(|(path, mode)| (format!("{name}/{path}"), mode)));
    }
    modes.sort();
    modes
}

#[test]
fn nobody_else_looks_into_a_folder_before_it_has_its_mode() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    let folders = [("source", 0o755), ("source/open", 0o755), ("source/open/secret", 0o700)];
    fs::create_dir_all(tree.join("open/secret")).unwrap();
    for (seed, (name, mode)) in folders.into_iter().enumerate() {
        fs::write(fixture.path(name).join("file"), noise(seed as u64, 14_000_000)).unwrap();
        set_mode(&fixture.path(name), mode);
    }
    let mut backup = fixture.builder().start().unwrap();
    backup.add_folder(&tree).unwrap();
    let set = fixture.open(&backup.commit().unwrap().folder);
    let target = fixture.path("target");
    fs::create_dir(&target).unwrap();
    set_mode(&target, 0o711);
    set.restore(&fixture.opener).into(&target).unwrap();
    assert_eq!(folder_modes(&target), folders.map(|(name, mode)| (name.to_owned(), mode)));
    // Nobody asked for the folders above: they are open to whom the target is.
    let one = fixture.path("one");
    fs::create_dir(&one).unwrap();
    set_mode(&one, 0o751);
    set.restore(&fixture.opener).pattern("source/open/secret/file").into(&one).unwrap();
    assert!(folder_modes(&one).iter().all(|(_, mode)| *mode == 0o751), "{:?}", folder_modes(&one));
    set.restore(&fixture.opener).pattern("source/open/secret/").into(fixture.path("two")).unwrap();
    assert_eq!(folder_modes(&fixture.path("two"))[2], ("source/open/secret".to_owned(), 0o700));
    // One that breaks off shows what they are until its end.
    let stored = fixture.native(set.folder());
    let segments = fs::read_dir(&stored).unwrap().map(|item| item.unwrap().path());
    let last = segments.filter(|path| path.to_string_lossy().ends_with(".tar.zst.p7m")).max().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&last, bytes).unwrap();
    let broken = fixture.path("broken");
    assert_eq!(set.restore(&fixture.opener).into(&broken).unwrap_err().code(), "DAMAGED");
    let modes = folder_modes(&broken);
    assert!(!modes.is_empty() && modes.iter().all(|(_, mode)| *mode == 0o700), "{modes:?}");
}
