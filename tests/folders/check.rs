//! What a check finds in a folder, and leaves there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use azs_backup::FolderShare;
use azs_backup::share::{CheckReport, ShareCheck, StepOutcome};

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
