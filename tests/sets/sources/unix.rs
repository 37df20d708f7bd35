//! Sources as only Unix has them: names of any bytes, modes, extended attributes, pipes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use azs_backup::ErrorKind;
use azs_backup::backup::SourceProblems;
use azs_backup::set::Status;

use super::{assert_nothing_left, restore_all};
use crate::common::{self, Fixture, assert_same_tree};

#[test]
fn names_of_every_kind_survive() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    let long = "n".repeat(255);
    let names: [&[u8]; 16] = [
        "Überprüfung".as_bytes(),
        "U\u{308}berpru\u{308}fung".as_bytes(),
        "配置备份 😀🔥".as_bytes(),
        b"tab\tname",
        b"new\nline",
        b"back\\slash",
        b"trailing space ",
        b"trailing.dot.",
        b"-leading-dash",
        b"quote'\"%20*?",
        b"CON",
        b"nul.txt",
        b"..double",
        b"not \xff\xfe unicode",
        b"\x01control\x7f",
        long.as_bytes(),
    ];
    for (i, name) in names.iter().enumerate() {
        let folder = tree.join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(OsStr::from_bytes(names[(i + 5) % names.len()])), name).unwrap();
        symlink(OsStr::from_bytes(&name[..name.len().min(90)]), folder.join("link")).unwrap();
    }
    symlink("x/".repeat(1000), tree.join("long link")).unwrap();
    let set = fixture.back_up(&tree);
    assert_same_tree(&tree, &restore_all(&fixture, &set).join("tree"));
}

#[test]
fn times_modes_and_extended_attributes_survive() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("folder")).unwrap();
    let set_time = |path: &Path, seconds: i64, nanoseconds: i64| {
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
    };
    for (name, seconds, nanoseconds) in [
        ("old", -1_000_000, 1),
        ("epoch", 0, 0),
        ("now", 1_760_000_000, 999_999_999),
        ("future", 10_000_000_000, 7),
    ] {
        let path = tree.join(name);
        fs::write(&path, name).unwrap();
        set_time(&path, seconds, nanoseconds);
    }
    for mode in [0o000, 0o400, 0o777, 0o1755, 0o2755, 0o4755] {
        let path = tree.join(format!("mode {mode:o}"));
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("now", tree.join("link")).unwrap();
    set_time(&tree.join("link"), 1_000_000_000, 123);
    let attributes = [("user.azs.note", &b"line\nline \xff\0end"[..]), ("user.empty", b"")];
    for target in ["now", "folder"] {
        for (name, value) in attributes {
            let file = File::open(tree.join(target)).unwrap();
            rustix::fs::fsetxattr(&file, name, value, rustix::fs::XattrFlags::empty()).unwrap();
        }
    }
    fs::set_permissions(tree.join("folder"), fs::Permissions::from_mode(0o2510)).unwrap();
    set_time(&tree.join("folder"), 1_234_567_890, 42);
    set_time(&tree, 1_234_567_891, 43);

    let set = fixture.back_up(&tree);
    let restored = restore_all(&fixture, &set).join("tree");
    assert_same_tree(&tree, &restored);
    assert_eq!(fs::metadata(&restored).unwrap().mtime_nsec(), 43);
    for target in ["now", "folder"] {
        for (name, value) in attributes {
            let mut buffer = [0; 100];
            let file = File::open(restored.join(target)).unwrap();
            let length = rustix::fs::fgetxattr(&file, name, &mut buffer[..]).unwrap();
            assert_eq!(&buffer[..length], value);
        }
    }
}

#[test]
fn sockets_pipes_and_devices_are_skipped_with_a_warning() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), "x").unwrap();
    let _socket = UnixListener::bind(tree.join("socket")).unwrap();
    common::run(std::process::Command::new("mkfifo").arg(tree.join("pipe")));
    let mut backup = fixture.start();
    backup.add_folder_as("tree", &tree).unwrap();
    let report = backup.commit().unwrap();
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.path.to_string()).collect();
    assert_eq!(skipped, ["tree/pipe", "tree/socket"]);
    assert_eq!((report.cover.content.files, report.cover.status), (1, Status::Succeeded));
}

/// Makes a file that nobody can read: root, who may read all, is given more attributes than an entry takes.
fn make_unreadable(path: &Path) -> bool {
    fs::write(path, "x").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    let Ok(file) = File::open(path) else { return true };
    (0..17).all(|number| {
        let (name, value) = (format!("trusted.{number}"), vec![b'x'; 64 << 10]);
        rustix::fs::fsetxattr(&file, name, &value, rustix::fs::XattrFlags::empty()).is_ok()
    })
}

#[test]
fn a_file_that_cannot_be_read_ends_the_backup_or_is_named() {
    let fixture = Fixture::in_memory();
    let bad = fixture.path("bad");
    if !make_unreadable(&bad) {
        eprintln!("skipped: this process can read every file");
        return;
    }
    let mut backup = fixture.start();
    backup.add_bytes("good", *b"good").unwrap();
    backup.add_file_as("bad", &bad).unwrap();
    let error = backup.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnreadable);
    assert!(error.to_string().contains("bad"), "{error}");
    assert_nothing_left(&fixture);

    let mut backup = fixture.builder().source_problems(SourceProblems::Report).start().unwrap();
    backup.add_bytes("good", *b"good").unwrap();
    backup.add_file_as("bad", &bad).unwrap();
    let report = backup.commit().unwrap();
    assert_eq!((report.cover.status, report.cover.content.problems), (Status::PartialSucceeded, 1));
    assert_eq!(
        (report.problems[0].path.to_string(), report.problems[0].code.as_str()),
        ("bad".into(), "SOURCE_UNREADABLE")
    );

    // The set itself remembers.
    let set = fixture.open(&report.folder);
    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    assert_eq!(report.status, Status::PartialSucceeded);
    assert_eq!(report.problems[0].path.to_string(), "bad");
    assert_eq!(fs::read(target.join("good")).unwrap(), b"good");
}
