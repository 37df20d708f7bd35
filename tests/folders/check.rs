//! What a check finds in a folder, and leaves there.

use std::fs;

use azs_backup::FolderShare;
use azs_backup::share::{ShareCheck, StepOutcome};

#[test]
fn a_file_with_the_name_of_a_check_s_own_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let region = temp.path().join("contoso.com/nyc");
    fs::create_dir_all(&region).unwrap();
    let file = region.join("azs-backup-check");
    fs::write(&file, "somebody's").unwrap();
    let check = ShareCheck::new("contoso.com/nyc".parse().unwrap());
    let report = check.run(&FolderShare::open(temp.path()).unwrap());
    assert!(report.steps.iter().all(|step| step.outcome != StepOutcome::Failed), "{report:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
    assert_eq!(fs::read_dir(&region).unwrap().count(), 1, "nothing else is left");
    // An empty one was left by a check that could not delete it.
    fs::write(&file, "").unwrap();
    let _ = check.run(&FolderShare::open(temp.path()).unwrap());
    assert_eq!(fs::read_dir(&region).unwrap().count(), 0);
}
