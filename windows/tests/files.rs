//! What Windows, or wine, says about real files.
#![cfg(windows)]

use std::fs::{self, File};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use azs_backup_windows::{
    audit, facts, is_remote, make_private, make_sparse, others, path, privileges, security, set_attributes,
    space,
};

const FILE_ATTRIBUTE_HIDDEN: u32 = 2;
const READ_CONTROL: u32 = 0x2_0000;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

/// Opens a folder, too.
fn open(path: &Path) -> File {
    File::options().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).unwrap()
}

#[test]
fn two_names_of_a_file_have_one_number_and_a_change_shows() {
    let temp = tempfile::tempdir().unwrap();
    let (one, two) = (temp.path().join("one"), temp.path().join("two"));
    fs::write(&one, "content").unwrap();
    let before = facts(open(&one)).unwrap();
    assert_eq!((before.size, before.links, before.reparse_tag), (7, 1, None));
    fs::hard_link(&one, &two).unwrap();
    let after = facts(open(&two)).unwrap();
    assert_eq!((after.volume, after.id, after.links), (before.volume, before.id, 2));
    std::thread::sleep(std::time::Duration::from_millis(50));
    fs::write(&one, "CONTENT").unwrap();
    let modified = fs::metadata(&two).unwrap().modified().unwrap();
    File::options().write(true).open(&two).unwrap().set_modified(modified).unwrap();
    assert!(facts(open(&two)).unwrap().changed > after.changed);
    fs::write(temp.path().join("other"), "").unwrap();
    assert_ne!(facts(open(&temp.path().join("other"))).unwrap().id, before.id);
}

#[test]
fn a_folder_has_a_full_path_and_room() {
    let temp = tempfile::tempdir().unwrap();
    let folder = open(temp.path());
    assert_eq!(path(&folder).unwrap(), temp.path().canonicalize().unwrap());
    let room = space(&folder).unwrap();
    assert!(room.available > 0 && room.available <= room.total);
    assert!(!is_remote(&folder));
}

#[test]
fn attributes_are_set_and_times_stay() {
    let temp = tempfile::tempdir().unwrap();
    let name = temp.path().join("file");
    fs::write(&name, "x").unwrap();
    let file = File::options().write(true).open(&name).unwrap();
    let before = facts(&file).unwrap();
    set_attributes(&file, FILE_ATTRIBUTE_HIDDEN).unwrap();
    let after = facts(&file).unwrap();
    assert_eq!(after.attributes & FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_HIDDEN);
    assert_eq!((after.created, after.written), (before.created, before.written));
    set_attributes(&file, 0).unwrap();
    assert_eq!(facts(&file).unwrap().attributes & FILE_ATTRIBUTE_HIDDEN, 0);
    make_sparse(&file).unwrap();
}

#[test]
fn a_private_folder_is_for_nobody_else() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("state");
    fs::create_dir(&folder).unwrap();
    let look = File::options()
        .access_mode(READ_CONTROL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(&folder)
        .unwrap();
    make_private(&folder, &look).unwrap();
    let found = others(&look).unwrap();
    assert!(!found.read && !found.write && !found.own, "{found:?} {}", security(&look).unwrap());
    assert!(security(&look).unwrap().starts_with("O:"));
}

#[test]
fn privileges_are_those_of_the_account() {
    let taken = privileges();
    assert_eq!(privileges(), taken, "the second call changes nothing");
}

#[test]
fn audit_rules_need_a_privilege() {
    let taken = privileges();
    let temp = tempfile::tempdir().unwrap();
    match audit(&path(open(temp.path())).unwrap()) {
        Ok(rules) => assert!(rules.is_empty() || rules.starts_with("S:"), "{rules}"),
        Err(error) => assert!(!taken.security, "{error}"),
    }
}
