//! Every kind of source, and what happens to sources that cannot be read as they are.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::system::look;
use crate::common::{Fixture, assert_same_tree, backend, noise};
use azs_backup::backup::SourceProblems;
use azs_backup::set::Status;
use azs_backup::{ErrorKind, Set, list_sets};
use cap_std::fs::Dir;

#[cfg(unix)]
#[path = "sources/unix.rs"]
mod unix;
#[cfg(windows)]
#[path = "sources/windows.rs"]
mod windows;

pub(crate) fn restore_all(fixture: &Fixture, set: &Set) -> std::path::PathBuf {
    let report = set.verify_full(&fixture.opener).run().unwrap();
    assert!(report.is_sound(), "{report:#?}");
    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    assert!(report.losses.is_empty() && report.unrestored.is_empty(), "{report:#?}");
    target
}

/// The region folder may hold nothing but `MASBackup` and empty folders.
pub(crate) fn assert_nothing_left(fixture: &Fixture) {
    assert!(is_nothing_left(fixture));
}

fn is_nothing_left(fixture: &Fixture) -> bool {
    let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    let component = fixture.native(&fixture.place.folder());
    sets.is_empty() && (!component.exists() || fs::read_dir(component).unwrap().next().is_none())
}

#[test]
fn paths_longer_than_the_system_s_limit_survive() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    let open = |path: &Path| Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap();
    let name = "a folder with a long name ".repeat(9);
    let mut dir = open(&tree);
    for _ in 0..40 {
        dir.create_dir(&name).unwrap();
        dir = dir.open_dir(&name).unwrap();
    }
    dir.write("deep", "down here").unwrap();

    let set = fixture.back_up(&tree);
    let mut dir = open(&restore_all(&fixture, &set).join("tree"));
    for _ in 0..40 {
        dir = dir.open_dir(&name).unwrap();
    }
    assert_eq!(dir.read_to_string("deep").unwrap(), "down here");
}

#[test]
fn hard_links_stay_one_file() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("b")).unwrap();
    fs::write(tree.join("b/first"), "one file").unwrap();
    fs::write(tree.join("large"), noise(1, 3_000_000)).unwrap();
    for name in ["a", "b/second", "z"] {
        fs::hard_link(tree.join("b/first"), tree.join(name)).unwrap();
    }
    fs::hard_link(tree.join("large"), tree.join("b/large too")).unwrap();
    let set = fixture.back_up(&tree);
    assert_eq!(set.cover().content.links, 4);
    let restored = restore_all(&fixture, &set).join("tree");
    assert_same_tree(&tree, &restored);
    assert_eq!(look(&restored.join("a")).names, 4);
}

#[test]
fn holes_are_restored_as_holes() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    for (name, size) in [("small", 1 << 20), ("large", 64 << 20)] {
        let mut file = File::create(tree.join(name)).unwrap();
        #[cfg(windows)]
        azs_backup_windows::make_sparse(&file).unwrap();
        file.set_len(size).unwrap();
        file.seek(SeekFrom::Start(size / 2 + 100)).unwrap();
        file.write_all(&noise(1, 10_000)).unwrap();
    }
    let set = fixture.back_up(&tree);
    assert!(set.cover().stored.bytes < 100_000);
    let restored = restore_all(&fixture, &set).join("tree");
    assert_same_tree(&tree, &restored);
    for name in ["small", "large"] {
        assert!(look(&restored.join(name)).allocated < 200_000, "{name} has holes");
    }
}

#[test]
fn bytes_readers_files_and_folders_mix_in_one_set() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("folder")).unwrap();
    fs::write(fixture.path("folder/in folder"), "1").unwrap();
    fs::write(fixture.path("single"), "2").unwrap();
    let large = noise(5, 7_000_000);

    let mut backup =
        fixture.builder().label("vendor", "Contoso").label("firmware", "9.3(11)").start().unwrap();
    backup.add(fixture.path("folder")).unwrap();
    backup.add(fixture.path("single")).unwrap();
    backup.add_file_as("renamed/deep/single", fixture.path("single")).unwrap();
    backup.add_bytes("tor1/running-config", *b"hostname tor1\n").unwrap();
    backup.add_bytes("tor1/startup-config", Vec::new()).unwrap();
    backup.add_bytes("large bytes", large.clone()).unwrap();
    backup.add_reader("tor2/running-config", &b"hostname tor2\n"[..]).unwrap();
    backup.add_reader("large reader", &large[..]).unwrap();
    backup.add_reader("empty reader", std::io::empty()).unwrap();
    let report = backup.commit().unwrap();
    assert_eq!(report.cover.labels["firmware"], "9.3(11)");
    assert_eq!((report.cover.content.files, report.cover.status), (9, Status::Succeeded));

    let target = restore_all(&fixture, &fixture.open(&report.folder));
    let read = |name: &str| fs::read(target.join(name)).unwrap();
    assert_eq!(read("folder/in folder"), b"1");
    assert_eq!(read("single"), b"2");
    assert_eq!(read("renamed/deep/single"), b"2");
    assert_eq!(read("tor1/running-config"), b"hostname tor1\n");
    assert_eq!(read("tor2/running-config"), b"hostname tor2\n");
    assert_eq!(read("tor1/startup-config"), b"");
    assert_eq!(read("empty reader"), b"");
    assert_eq!(read("large bytes"), large);
    assert_eq!(read("large reader"), large);
}

#[test]
fn a_name_that_is_taken_or_none_is_refused() {
    let fixture = Fixture::new();
    let mut backup = fixture.start();
    backup.add_bytes("folder/file", *b"1").unwrap();
    for name in ["folder", "folder/file", "folder/file/x"] {
        assert_eq!(backup.add_bytes(name, *b"").unwrap_err().kind(), ErrorKind::AlreadyExists, "{name}");
    }
    for name in ["", "/etc/passwd", "../up", "a//b", "a/./b", "a\0b"] {
        assert_eq!(backup.add_bytes(name, *b"").unwrap_err().kind(), ErrorKind::InvalidName, "{name}");
    }
}

#[test]
fn a_set_of_nothing_is_a_set() {
    let fixture = Fixture::new();
    let report = fixture.start().commit().unwrap();
    let set = fixture.open(&report.folder);
    assert!(set.verify().run().unwrap().is_sound());
    restore_all(&fixture, &set);
}

#[test]
fn patterns_leave_out_and_take_back_in() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    for name in ["keep.cfg", "drop.log", "keep.log", "target/x", "sub/target/y", "sub/drop.log"] {
        fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
        fs::write(tree.join(name), name).unwrap();
    }
    let builder = fixture.builder().exclude("*.log").include("keep.log").exclude("/target/");
    let mut backup = builder.start().unwrap();
    backup.add_folder_as("tree", &tree).unwrap();
    let set = fixture.open(&backup.commit().unwrap().folder);
    let restored = restore_all(&fixture, &set).join("tree");
    for (name, is_there) in [
        ("keep.cfg", true),
        ("keep.log", true),
        ("sub/target/y", true),
        ("drop.log", false),
        ("target", false),
        ("sub/drop.log", false),
    ] {
        assert_eq!(restored.join(name).exists(), is_there, "{name}");
    }
    assert_eq!(fixture.builder().exclude("[z-a]").start().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

/// Changes a file's length for as long as it lives.
struct Changer(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Changer {
    fn new(path: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (file, stopped) = (File::options().write(true).open(path).unwrap(), stop.clone());
        let thread = std::thread::spawn(move || {
            let length = file.metadata().unwrap().len();
            for more in (0..1000).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                file.set_len(length + more).unwrap();
            }
        });
        Self(stop, Some(thread))
    }
}

impl Drop for Changer {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_backup_or_is_named() {
    for size in [1_500_000, 30_000_000] {
        let fixture = Fixture::new();
        let tree = fixture.path("source");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("calm"), "calm").unwrap();
        fs::write(tree.join("busy"), noise(1, size)).unwrap();
        let changer = Changer::new(&tree.join("busy"));
        // A run in which the other thread happens to sleep is right to succeed: try until it does not.
        let run = |policy| {
            let mut backup = fixture.builder().source_problems(policy).start().unwrap();
            backup.add_folder_as("tree", &tree).and_then(|()| backup.commit())
        };
        let error =
            (0..50).find_map(|_| run(SourceProblems::Fail).err()).expect("one of 50 runs sees a change");
        assert_eq!(error.kind(), ErrorKind::SourceChanged, "{error}");
        let report =
            (0..50).map(|_| run(SourceProblems::Report).unwrap()).find(|report| !report.problems.is_empty());
        let report = report.expect("one of 50 runs sees a change");
        drop(changer);
        assert_eq!(report.cover.status, Status::PartialSucceeded);
        let named: Vec<_> = report.problems.iter().map(|p| (p.path.to_string(), p.code.clone())).collect();
        assert_eq!(named, [("tree/busy".to_owned(), "SOURCE_CHANGED".to_owned())]);
        let set = fixture.open(&report.folder);
        assert!(set.verify_full(&fixture.opener).run().unwrap().is_sound());
    }
}

#[test]
fn a_reader_that_fails_leaves_no_backup() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("the switch hung up"));
            }
            let count = self.0.min(buffer.len());
            self.0 -= count;
            Ok(count)
        }
    }
    for length in [0, 10, 5_000_000] {
        let fixture = Fixture::new();
        let mut backup = fixture.start();
        let error = backup.add_reader("running-config", Failing(length)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceUnreadable);
        assert!(error.to_string().contains("the switch hung up"), "{error}");
        drop(backup);
        assert_nothing_left(&fixture);
    }
}

#[test]
fn a_backup_that_is_dropped_or_cancelled_leaves_nothing() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), noise(1, 100_000_000)).unwrap();
    let mut backup = fixture.start();
    backup.add_folder_as("tree", &tree).unwrap();
    drop(backup);
    backend::assert_given_up(|| is_nothing_left(&fixture));

    let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = calls.clone();
    let hook = move |progress: azs_backup::observer::Progress| {
        seen.lock().unwrap().push(progress);
        ControlFlow::Break(())
    };
    // In a slow store, the hook may be called while the backup starts.
    let error = fixture.builder().observer(hook).start().and_then(|mut backup| {
        backup.add_reader("slow", Slow(noise(1, 60)))?;
        backup.add_folder_as("tree", &tree)?;
        backup.commit()
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(calls.lock().unwrap().len(), 1, "the hook is not called again");
    backend::assert_given_up(|| is_nothing_left(&fixture));
}

/// Gives a byte every few milliseconds, as a switch might.
struct Slow(Vec<u8>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(3));
        Ok(self.0.pop().map_or(0, |byte| {
            buffer[0] = byte;
            1
        }))
    }
}

#[test]
fn bad_options_are_refused_before_anything_is_made() {
    let fixture = Fixture::new();
    let bare = azs_backup::Backup::builder(fixture.share.clone(), fixture.place.clone());
    for builder in [
        bare,
        fixture.builder().level(20),
        fixture.builder().level(-8),
        fixture.builder().segment_size(1000),
        fixture.builder().segment_size(1 << 30),
    ] {
        assert_eq!(builder.start().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert_nothing_left(&fixture);
    let mut backup = fixture.start();
    assert_eq!(backup.add_folder(fixture.path("not there")).unwrap_err().kind(), ErrorKind::SourceUnreadable);
    assert_eq!(backup.add_file(fixture.path("share")).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn segment_names_are_the_same_from_run_to_run_with_a_state_folder_only() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), "the same").unwrap();
    let names = |state: Option<&str>| {
        let mut builder = fixture.builder();
        if let Some(state) = state {
            builder = builder.state(fixture.path(state));
        }
        let mut backup = builder.start().unwrap();
        backup.add_folder_as("tree", &tree).unwrap();
        let folder = fixture.native(&backup.commit().unwrap().folder);
        let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        // The digest alone: a later set may give what it stored anew another number.
        let digests = names.filter(|name| name.ends_with(".tar.zst.p7m")).map(|name| name[7..].to_owned());
        digests.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(Some("state")), names(Some("state")));
    assert_ne!(names(Some("state")), names(Some("another")));
    assert_ne!(names(None), names(None));
    if cfg!(unix) {
        assert_eq!(look(&fixture.path("state/naming.key")).mode & 0o777, 0o600);
    }
}
