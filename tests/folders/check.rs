//! What a check finds in a folder, and leaves there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use azs_backup::FolderShare;
use azs_backup::share::{CheckReport, ShareCheck, Step, StepOutcome};

const REGION: &str = "contoso.com/nyc";

fn check(root: &Path) -> CheckReport {
    ShareCheck::new(REGION.parse().unwrap()).run(&FolderShare::open(root).unwrap())
}

/// Something with the name of a check's own object stays as it is, and the check passes.
fn stays(make: impl FnOnce(&Path)) {
    let temp = tempfile::tempdir().unwrap();
    let region = temp.path().join(REGION);
    fs::create_dir_all(&region).unwrap();
    let file = region.join("azs-backup-check");
    make(&file);
    let before = fs::symlink_metadata(&file).unwrap();
    let report = check(temp.path());
    assert!(report.steps.iter().all(|step| step.outcome != StepOutcome::Failed), "{report:#?}");
    let after = fs::symlink_metadata(&file).unwrap();
    assert_eq!(
        (before.file_type(), before.len(), before.mode()),
        (after.file_type(), after.len(), after.mode())
    );
    assert_eq!(fs::read_dir(&region).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn what_has_the_name_of_a_check_s_own_is_left_alone() {
    stays(|file| fs::write(file, "somebody's").unwrap());
    stays(|file| fs::create_dir(file).unwrap());
    stays(|file| std::os::unix::fs::symlink("/nowhere", file).unwrap());
    stays(|file| assert!(Command::new("mkfifo").arg(file).status().unwrap().success()));
    if rustix::process::geteuid().is_root() {
        stays(|file| {
            fs::write(file, "").unwrap();
            std::os::unix::fs::chown(file, Some(12_345), None).unwrap();
        });
    }
}

#[test]
fn what_a_check_could_not_delete_is_used_again() {
    let temp = tempfile::tempdir().unwrap();
    let region = temp.path().join(REGION);
    fs::create_dir_all(&region).unwrap();
    fs::write(region.join("azs-backup-check"), "").unwrap();
    let report = check(temp.path());
    assert!(report.steps.iter().all(|step| step.outcome != StepOutcome::Failed), "{report:#?}");
    assert_eq!(fs::read_dir(&region).unwrap().count(), 0);
}

#[test]
fn what_a_check_left_that_was_killed_goes_with_the_next_and_nothing_else_does() {
    let temp = tempfile::tempdir().unwrap();
    let region = temp.path().join(REGION);
    fs::create_dir_all(&region).unwrap();
    let make = |name: &str, length: u64, hours: u64| {
        let file = fs::File::create(region.join(name)).unwrap();
        file.set_len(length).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
    };
    let id = "0123456789abcdef0123456789abcdef";
    let length = (1 << 20) + (4 << 10);
    for (name, length) in [("", length), ("-link", length), ("-renamed", length), ("-copy", length)] {
        make(&format!("azs-backup-check-{id}{name}"), length, 2);
    }
    make(&format!("unfinished-azs-backup-check-{id}-copy"), 0, 2);
    make(&format!("unfinished-0000002a-azs-backup-check-{id}"), 77, 2);
    let others = [
        // Its check may be at work.
        (format!("azs-backup-check-{}", id.replace('0', "1")), length, 0),
        (format!("azs-backup-check-{}", id.replace('0', "2")), length - 1, 2),
        (format!("azs-backup-check-{id}-notes"), length, 2),
        ("azs-backup-check-of-2024".into(), length, 2),
        (format!("unfinished-{id}"), 0, 2),
    ];
    others.iter().for_each(|(name, length, hours)| make(name, *length, *hours));
    let report = check(temp.path());
    assert!(report.is_sound(), "{report:#?}");
    let delete = report.steps.iter().find(|step| step.step == Step::Delete).unwrap();
    assert!(delete.seen.contains("killed"), "{delete:?}");
    let mut left: Vec<_> =
        fs::read_dir(&region).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let mut expected: Vec<_> = others.into_iter().map(|(name, _, _)| name).collect();
    expected.sort();
    assert_eq!(left, expected);
}
