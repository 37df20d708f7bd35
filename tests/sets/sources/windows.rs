//! Sources and targets as Windows has them: times of change, shared opens, names that it refuses.

use std::fs::{self, File, FileTimes};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use azs_backup::backup::{BackupReport, SourceProblems};
use azs_backup::set::Status;

use super::restore_all;
use crate::common::system::look;
use crate::common::{Fixture, assert_same_tree, noise};

/// Opens a folder, too, to set its time.
fn set_time(path: &Path, seconds: u64, nanoseconds: u32) {
    const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    let mut options = File::options();
    options.access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    options.open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn night(fixture: &Fixture, tree: &Path) -> BackupReport {
    // A file that changed within the last tick of the clock is looked at again: let it pass.
    std::thread::sleep(Duration::from_millis(30));
    let mut backup = fixture.builder().state(fixture.path("state")).start().unwrap();
    backup.add_folder_as("tree", tree).unwrap();
    backup.commit().unwrap()
}

#[test]
fn times_of_files_and_folders_survive_in_steps_of_100_ns() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("folder/empty")).unwrap();
    fs::write(tree.join("folder/file"), "x").unwrap();
    fs::write(tree.join("large"), noise(1, 5_000_000)).unwrap();
    set_time(&tree.join("folder/file"), 1_760_000_000, 999_999_900);
    set_time(&tree.join("large"), 10_000_000_000, 700);
    set_time(&tree.join("folder/empty"), 1_234_567_890, 100);
    set_time(&tree.join("folder"), 1_234_567_891, 200);
    set_time(&tree, 1_234_567_892, 300);
    let restored = restore_all(&fixture, &fixture.back_up(&tree)).join("tree");
    assert_same_tree(&tree, &restored);
    assert_eq!(look(&restored).modified.1, 300);
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    for (number, name) in ["small", "steady"].into_iter().enumerate() {
        fs::write(tree.join(name), noise(number as u64, 10_000)).unwrap();
        set_time(&tree.join(name), 1_700_000_000, 0);
    }
    assert_eq!(night(&fixture, &tree).reuse.files_read, 2);
    assert_eq!(night(&fixture, &tree).reuse.files_read, 0, "nothing changed");
    fs::write(tree.join("small"), noise(2, 10_000)).unwrap();
    set_time(&tree.join("small"), 1_700_000_000, 0);
    let report = night(&fixture, &tree);
    assert_eq!(report.reuse.files_read, 1);
    let restored = restore_all(&fixture, &fixture.open(&report.folder)).join("tree");
    assert!(fs::read(restored.join("small")).unwrap() == noise(2, 10_000));
}

#[test]
fn a_file_that_others_have_open_is_read_or_named() {
    const FILE_SHARE_READ: u32 = 1;
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    let open = |name: &str, shared: u32| {
        fs::write(tree.join(name), name).unwrap();
        File::options().read(true).share_mode(shared).open(tree.join(name)).unwrap()
    };
    let _held = (open("shared", FILE_SHARE_READ), open("alone", 0));
    let mut backup = fixture.builder().source_problems(SourceProblems::Report).start().unwrap();
    backup.add_folder_as("tree", &tree).unwrap();
    let report = backup.commit().unwrap();
    let named: Vec<_> = report.problems.iter().map(|p| (p.path.to_string(), p.code.clone())).collect();
    assert_eq!(named, [("tree/alone".to_owned(), "SOURCE_UNREADABLE".to_owned())]);
    assert_eq!((report.cover.status, report.cover.content.files), (Status::PartialSucceeded, 1));
}

#[test]
fn a_name_that_windows_refuses_is_named_and_the_rest_is_restored() {
    let fixture = Fixture::new();
    let refused = [
        "CON",
        "a:b",
        "aux",
        "back\\slash",
        "com1.log",
        "dot.",
        "folder./file",
        "line\nfeed",
        "nul.txt",
        "quote\"",
        "space ",
        "star*",
    ];
    let restored = ["Console", "folder/Überprüfung 配置 😀", "nul-like.txt", "~dollar$"];
    let mut backup = fixture.start();
    for name in refused.iter().chain(&restored) {
        backup.add_bytes(name, name.as_bytes().to_vec()).unwrap();
    }
    let stored = backup.commit().unwrap();
    assert_eq!(stored.warnings.len(), refused.len(), "{:#?}", stored.warnings);
    let set = fixture.open(&stored.folder);
    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    let mut lost: Vec<_> = report.losses.iter().map(|loss| (loss.path.clone().unwrap(), loss.code)).collect();
    lost.sort();
    let expected = refused.map(|name| (name.parse().unwrap(), "INVALID_NAME"));
    assert_eq!(lost, expected);
    assert!(report.losses.iter().all(|loss| loss.refused));
    for name in restored {
        assert_eq!(fs::read(target.join(name)).unwrap(), name.as_bytes(), "{name}");
    }
    assert_eq!(fs::read_dir(&target).unwrap().count(), 4);
}

#[test]
fn names_that_windows_gives_another_meaning_are_backed_up() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    // Below such a path, `\\?\C:\…`, a name is only a name.
    let verbatim = fs::canonicalize(&tree).unwrap();
    // wine lists no folder of which the name ends with a dot.
    let folders = ["con.d", "lpt1"];
    let files = ["aux.c", "com1", r"con.d\keys", r"lpt1\keys", "notes", "notes.", "nul", "space "];
    for folder in folders {
        fs::create_dir(verbatim.join(folder)).unwrap();
    }
    for file in files {
        fs::write(verbatim.join(file), file).unwrap();
    }
    for _ in 0..2 {
        let report = night(&fixture, &tree);
        assert!(report.problems.is_empty() && report.skipped.is_empty(), "{report:#?}");
        assert_eq!(report.cover.content.files, files.len() as u64);
        let set = fixture.open(&report.folder);
        for file in files {
            let path = format!("tree/{}", file.replace('\\', "/")).parse().unwrap();
            assert_eq!(set.restore_bytes(&fixture.opener, &path, 100).unwrap(), file.as_bytes(), "{file}");
        }
    }
}

#[test]
fn of_names_that_differ_in_case_one_is_restored_and_the_other_named() {
    let fixture = Fixture::new();
    let mut backup = fixture.start();
    for name in ["folder/README", "folder/readme"] {
        backup.add_bytes(name, name.as_bytes().to_vec()).unwrap();
    }
    let set = fixture.open(&backup.commit().unwrap().folder);
    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    let lost: Vec<_> = report.losses.iter().map(|loss| (loss.refused, loss.code)).collect();
    assert_eq!(lost, [(true, "ALREADY_EXISTS")]);
    let there: Vec<_> =
        fs::read_dir(target.join("folder")).unwrap().map(|item| item.unwrap().path()).collect();
    let [there] = &there[..] else { panic!("{there:?}") };
    let name = there.file_name().unwrap().to_str().unwrap();
    assert_eq!(fs::read_to_string(there).unwrap(), format!("folder/{name}"));
}

#[test]
fn a_file_that_another_program_has_locked_is_named() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    for name in ["free", "locked"] {
        fs::write(tree.join(name), name).unwrap();
    }
    let locked = File::options().write(true).open(tree.join("locked")).unwrap();
    locked.lock().unwrap();
    let mut backup = fixture.builder().source_problems(SourceProblems::Report).start().unwrap();
    backup.add_folder_as("tree", &tree).unwrap();
    let report = backup.commit().unwrap();
    let named: Vec<_> = report.problems.iter().map(|p| (p.path.to_string(), p.code.clone())).collect();
    assert_eq!(named, [("tree/locked".to_owned(), "SOURCE_UNREADABLE".to_owned())], "{report:#?}");
    assert_eq!(report.cover.content.files, 1);
}
