//! A restore writes into its target and nowhere else, follows the policy for existing things, and accepts patterns.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::common::system::symlink;
use crate::common::{Fixture, noise};
use azs_backup::restore::{Existing, RestoreOptions, RestoreReport};
use azs_backup::{Error, ErrorKind, Set};

#[cfg(windows)]
mod windows;

fn sample() -> (Fixture, Set) {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::create_dir_all(tree.join("c")).unwrap();
    fs::write(tree.join("a/one.cfg"), "one").unwrap();
    fs::write(tree.join("a/b/two.cfg"), "two").unwrap();
    fs::write(tree.join("c/three.txt"), "three").unwrap();
    fs::write(tree.join("c/large"), noise(1, 5_000_000)).unwrap();
    fs::hard_link(tree.join("a/one.cfg"), tree.join("c/linked.cfg")).unwrap();
    symlink("one.cfg", tree.join("a/symbolic"));
    let set = fixture.back_up(&tree);
    (fixture, set)
}

fn run(
    fixture: &Fixture,
    set: &Set,
    target: &Path,
    options: &RestoreOptions,
) -> Result<RestoreReport, Error> {
    set.restore(&fixture.opener).options(options).into(target)
}

fn paths(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn patterns_choose_what_is_restored() {
    let (fixture, set) = sample();
    let is_linked = fixture.path("source/a/symbolic").is_symlink();
    for (number, (patterns, expected)) in [
        (&["*.txt"][..], &["tree/c/three.txt"][..]),
        (&["tree/a/b"], &["tree/a/b/two.cfg"]),
        (&["/tree/c/large"], &["tree/c/large"]),
        (&["*.cfg", "!two.cfg"], &["tree/a/one.cfg", "tree/c/linked.cfg"]),
        (&["b/", "three*"], &["tree/a/b/two.cfg", "tree/c/three.txt"]),
        // The file that a hard link leads to is not wanted by name, its content is.
        (&["tree/c/linked.cfg"], &["tree/c/linked.cfg"]),
        (&["symbolic"], &["tree/a/symbolic"]),
    ]
    .into_iter()
    .enumerate()
    .filter(|(_, (patterns, _))| patterns[0] != "symbolic" || is_linked)
    {
        let target = fixture.path(&format!("target {number}"));
        let options =
            patterns.iter().fold(RestoreOptions::default(), |options, pattern| options.pattern(*pattern));
        run(&fixture, &set, &target, &options).unwrap();
        assert_eq!(paths(&target), expected, "{patterns:?}");
        for path in expected.iter().filter(|path| !path.ends_with("symbolic")) {
            let source = fixture.path("source").join(path.strip_prefix("tree/").unwrap());
            assert_eq!(fs::read(target.join(path)).unwrap(), fs::read(source).unwrap());
        }
    }
    let nothing = run(&fixture, &set, &fixture.path("x"), &RestoreOptions::default().pattern("*.nothing"));
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::NotFound);
    let bad = run(&fixture, &set, &fixture.path("x"), &RestoreOptions::default().pattern("[z-a]"));
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(!fixture.path("x").exists());
}

#[test]
fn a_folder_that_is_not_empty_is_refused_kept_or_replaced() {
    let (fixture, set) = sample();
    let target = fixture.path("target");
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        fs::create_dir_all(target.join("tree/a")).unwrap();
        fs::write(target.join("tree/a/one.cfg"), "mine").unwrap();
        fs::create_dir_all(target.join("tree/c")).unwrap();
        fs::write(target.join("tree/c/large"), "mine too").unwrap();
        fs::write(target.join("tree/other"), "untouched").unwrap();
    };
    let read = |name: &str| fs::read(target.join("tree").join(name)).unwrap();

    prepare();
    let error = run(&fixture, &set, &target, &RestoreOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(paths(&target).len(), 3);

    prepare();
    let report = run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Keep)).unwrap();
    assert_eq!(
        (report.kept_differing.len(), read("a/one.cfg"), read("c/large")),
        (2, b"mine".to_vec(), b"mine too".to_vec())
    );
    assert_eq!((read("a/b/two.cfg"), read("other")), (b"two".to_vec(), b"untouched".to_vec()));

    prepare();
    let report =
        run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Replace)).unwrap();
    assert_eq!((report.kept, read("a/one.cfg")), (0, b"one".to_vec()));
    assert_eq!((read("c/large").len(), read("other")), (5_000_000, b"untouched".to_vec()));
}

/// A target whose own links lead out, in every place where restore wants to write.
fn trapped(fixture: &Fixture, name: &str) -> Option<(PathBuf, PathBuf)> {
    let (target, outside) =
        (fixture.path(&format!("target {name}")), fixture.path(&format!("outside {name}")));
    fs::create_dir_all(target.join("tree/c")).unwrap();
    fs::create_dir_all(outside.join("b")).unwrap();
    fs::write(outside.join("one.cfg"), "outside").unwrap();
    if !symlink(&outside, target.join("tree/a")) {
        eprintln!("skipped: this system makes no symbolic links");
        return None;
    }
    symlink(outside.join("one.cfg"), target.join("tree/c/three.txt"));
    symlink(outside.join("new"), target.join("tree/c/large"));
    Some((target, outside))
}

#[test]
fn links_in_the_target_lead_nowhere() {
    let (fixture, set) = sample();
    for (name, existing) in [("keep", Existing::Keep), ("replace", Existing::Replace)] {
        let Some((target, outside)) = trapped(&fixture, name) else { return };
        let result = run(&fixture, &set, &target, &RestoreOptions::default().existing(existing));
        assert_eq!(paths(&outside), ["one.cfg"], "{name}: {result:?}");
        assert_eq!(fs::read(outside.join("one.cfg")).unwrap(), b"outside");
        match existing {
            Existing::Keep => {
                let losses = result.unwrap().losses;
                assert!(
                    losses.iter().all(|loss| loss.refused && loss.code == "ALREADY_EXISTS"),
                    "{losses:#?}"
                );
                assert!(losses.iter().any(|loss| loss.path == Some("tree/a/one.cfg".parse().unwrap())));
            }
            _ => {
                result.unwrap();
                assert_eq!(fs::read(target.join("tree/a/one.cfg")).unwrap(), b"one");
                assert!(target.join("tree/a").symlink_metadata().unwrap().is_dir());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_set_is_not_followed_by_what_comes_after_it() {
    // One set has a link where another has a folder; the second is restored over the first.
    let (fixture, set) = sample();
    let tree = fixture.path("other");
    fs::create_dir(&tree).unwrap();
    fs::create_dir(fixture.path("outside")).unwrap();
    symlink(fixture.path("outside"), tree.join("a"));
    symlink("/", tree.join("c"));
    let links = fixture.back_up(&tree);
    let target = fixture.path("target");
    run(&fixture, &links, &target, &RestoreOptions::default()).unwrap();
    assert_eq!(fs::read_link(target.join("tree/c")).unwrap(), Path::new("/"));
    run(&fixture, &set, &target, &RestoreOptions::default().existing(Existing::Replace)).unwrap();
    assert_eq!(paths(&fixture.path("outside")), [""; 0]);
    assert_eq!(fs::read(target.join("tree/a/one.cfg")).unwrap(), b"one");
}

#[test]
fn a_cancelled_restore_ends_and_leaves_no_half_file() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("large"), noise(1, 200_000_000)).unwrap();
    let set = fixture.back_up(&tree);
    let target = fixture.path("target");
    let mut stop = |_| ControlFlow::Break(());
    let error = set.restore(&fixture.opener).observer(&mut stop).into(&target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(paths(&target), [""; 0]);
    let error = set.verify_full(&fixture.opener).observer(&mut stop).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn a_target_that_is_a_file_is_refused() {
    let (fixture, set) = sample();
    fs::write(fixture.path("file"), "").unwrap();
    assert!(run(&fixture, &set, &fixture.path("file"), &RestoreOptions::default()).is_err());
}

#[cfg(unix)]
#[test]
fn replace_takes_a_folder_s_other_attributes() {
    let fixture = Fixture::new();
    let source = fixture.path("source");
    fs::create_dir_all(source.join("folder")).unwrap();
    fs::write(source.join("folder/file"), "file").unwrap();
    let set = |folder: &Path, name: &str, value: &str| {
        rustix::fs::setxattr(folder, name, value.as_bytes(), rustix::fs::XattrFlags::empty())
    };
    if set(&source.join("folder"), "user.kept", "as in the set").is_err() {
        println!("skipped: the file system has no extended attributes");
        return;
    }
    let mut backup = fixture.builder().start().unwrap();
    backup.add_folder_as("tree", &source).unwrap();
    let set_of = fixture.open(&backup.commit().unwrap().folder);
    let target = fixture.path("target");
    let folder = target.join("tree/folder");
    fs::create_dir_all(&folder).unwrap();
    set(&folder, "user.kept", "something else").unwrap();
    set(&folder, "user.other", "not in the set").unwrap();
    let names = |folder: &Path| {
        let mut names = [0; 1024];
        let length = rustix::fs::listxattr(folder, &mut names[..]).unwrap();
        String::from_utf8(names[..length].to_vec()).unwrap()
    };
    run(&fixture, &set_of, &target, &RestoreOptions::default().existing(Existing::Keep)).unwrap();
    assert!(names(&folder).contains("user.other"));
    run(&fixture, &set_of, &target, &RestoreOptions::default().existing(Existing::Replace)).unwrap();
    assert_eq!(names(&folder), "user.kept\0");
    let mut value = [0; 100];
    let length = rustix::fs::getxattr(&folder, "user.kept", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"as in the set");
}
