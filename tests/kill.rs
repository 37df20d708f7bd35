//! A backup that is killed at any moment leaves earlier sets whole, and nothing that looks like a backup but is not
//! one.

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use azs_backup::layout::{Component, Deployment};
use azs_backup::share::Durability;
use azs_backup::{Backup, EncryptionCertificate, Place, list_sets};
use common::{Fixture, assert_same_tree, backend, noise};

const FOLDER: &str = "AZS_BACKUP_TEST_KILLED_IN";

/// Not a test of its own: the child process that will be killed.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = std::path::Path::new(&folder);
    let share = backend::share_with(&folder.join("share"), Durability::Cached);
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
    let certificate = EncryptionCertificate::from_cer(&fs::read(folder.join("backup.cer")).unwrap()).unwrap();
    let mut backup =
        Backup::builder(share, place).certificate(certificate).segment_size(4 << 20).start().unwrap();
    backup.add_folder_as("tree", folder.join("source")).unwrap();
    backup.commit().unwrap();
}

#[test]
fn sixty_kills_at_random_moments_leave_no_false_backup() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("large"), noise(1, 12_000_000)).unwrap();
    for i in 0..300 {
        fs::write(tree.join(format!("file {i}")), noise(i, i as usize * 50)).unwrap();
    }
    fs::write(fixture.path("backup.cer"), &fixture.certificate.cer).unwrap();
    let run = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child"])
            .env(FOLDER, fixture.temp.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        backend::inherit(&mut command);
        command.spawn().unwrap()
    };
    let begun = std::time::Instant::now();
    assert!(run().wait().unwrap().success());
    let whole_run = begun.elapsed();

    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut killed = 0;
    for _ in 0..60 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = run();
        std::thread::sleep(whole_run.mul_f64((state >> 11) as f64 / (1_u64 << 53) as f64 * 1.1));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
    }
    std::thread::sleep(Duration::from_millis(10));

    let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    let (complete, incomplete): (Vec<_>, Vec<_>) = sets.iter().partition(|set| set.is_complete());
    println!("{killed} of 60 runs killed; {} sets complete, {} incomplete", complete.len(), incomplete.len());
    assert!(killed >= 20 && !incomplete.is_empty(), "the kills came too late to show anything");
    assert!(!complete.is_empty(), "the first run was not killed");
    for (number, set) in complete.iter().enumerate() {
        let set = fixture.open(&set.folder);
        let report = set.verify_full(&fixture.opener).run().unwrap();
        assert!(report.is_sound(), "{report:#?}");
        let target = fixture.path(&format!("target {number}"));
        set.restore(&fixture.opener).into(&target).unwrap();
        assert_same_tree(&tree, &target.join("tree"));
        fs::remove_dir_all(&target).unwrap();
    }
    for set in &incomplete {
        assert!(azs_backup::Set::open(fixture.share.clone(), set.folder.clone()).is_err());
    }
    // And the next run is not disturbed.
    assert!(run().wait().unwrap().success());
}
