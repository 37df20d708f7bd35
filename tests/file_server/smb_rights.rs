//! The table of rights in docs/smb.md, row by row: what each job can do with which permission, on a real server that
//! enforces NTFS permissions and those of the share.
#![cfg(all(target_os = "linux", feature = "smb"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::common::ntfs::{self, MODIFY, READ, WRITE, WRITE_NO_ATTRIBUTES};
use crate::common::samba::{SMB_PASSWORD, Samba, other_user};
use crate::common::{self, Certificate, noise};
use azs_backup::backup::BackupReport;
use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::schedule::{DeletionOutcome, RetentionPolicy};
use azs_backup::share::{CheckReport, ShareCheck, SmbAccount, SmbBuilder, Step, StepOutcome};
use azs_backup::{Backup, ErrorKind, FolderShare, Opener, Place, Result, Set, Share, SmbShare, list_sets};

/// A server with NTFS permissions, an account that is not root's, and something to back up.
struct Site {
    samba: Samba,
    certificate: Certificate,
    local: tempfile::TempDir,
}

impl Site {
    fn new() -> Option<Self> {
        let samba = Samba::prepare(ntfs::SETTINGS, "");
        if !ntfs::are_possible(&samba.path("data")) {
            return None;
        }
        samba.start();
        samba.add_user(&other_user(), SMB_PASSWORD);
        let local = tempfile::tempdir().unwrap();
        std::fs::create_dir(local.path().join("source")).unwrap();
        let site = Self { samba, certificate: Certificate::new("azs-backup test"), local };
        site.write_source("first");
        ntfs::grant(&site.root(), MODIFY);
        Some(site)
    }

    fn root(&self) -> PathBuf {
        self.samba.path("data")
    }

    fn write_source(&self, text: &str) {
        let source = self.local.path().join("source");
        std::fs::write(source.join("small"), text).unwrap();
        std::fs::write(source.join("large"), noise(1, 6_000_000)).unwrap();
    }

    fn builder(&self) -> SmbBuilder {
        let account = SmbAccount::new(format!(r"TEST\{}", other_user()), SMB_PASSWORD).unwrap();
        SmbShare::builder(r"\\127.0.0.1\data".parse().unwrap(), account).port(self.samba.port()).attempts(2)
    }

    fn share(&self) -> Arc<dyn Share> {
        Arc::new(self.builder().connect().unwrap())
    }

    fn check(&self) -> CheckReport {
        ShareCheck::new(place().deployment().clone()).run_smb(&self.builder())
    }

    /// A set; with a state folder of this name, an incremental one after the first.
    fn back_up(&self, state: Option<&str>) -> Result<BackupReport> {
        let mut builder = Backup::builder(self.share(), place())
            .certificate(self.certificate.encryption())
            .create(true)
            .segment_size(4 << 20);
        if let Some(state) = state {
            builder = builder.state(self.local.path().join(state));
        }
        // A file that changed within the last tick of the clock is looked at again: let it pass.
        std::thread::sleep(std::time::Duration::from_millis(30));
        let mut backup = builder.start()?;
        backup.add_folder_as("tree", self.local.path().join("source"))?;
        backup.commit()
    }

    fn verify_and_restore(&self, folder: &SharePath) {
        let opener = Opener::new(self.certificate.decryption());
        let set = Set::open(self.share(), folder.clone()).unwrap();
        assert!(set.verify_full(&opener).run().unwrap().is_sound());
        let target = self.local.path().join("target");
        set.restore(&opener).into(&target).unwrap();
        common::assert_same_tree(&self.local.path().join("source"), &target.join("tree"));
        std::fs::remove_dir_all(target).unwrap();
    }

    /// Retention that keeps one set, and what became of the others.
    fn retain(&self) -> Vec<DeletionOutcome> {
        let share = self.share();
        let sets = list_sets(share.clone(), place().deployment()).run().unwrap();
        let plan = RetentionPolicy::new().keep_last(1).plan(&sets, jiff::Timestamp::now());
        assert!(!plan.is_empty());
        plan.apply(share.clone()).run().outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

fn place() -> Place {
    Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches)
}

fn outcome(report: &CheckReport, step: Step) -> StepOutcome {
    report.steps.iter().find(|checked| checked.step == step).unwrap().outcome
}

/// All names below a folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names = common::night::walk(folder);
    names.sort();
    names
}

#[test]
fn modify_is_enough_for_every_job() {
    let Some(site) = Site::new() else { return };
    site.back_up(Some("state")).unwrap();
    site.write_source("second");
    let report = site.back_up(Some("state")).unwrap();
    assert!(report.reuse.linked.files > 0, "{:?}", report.reuse);
    site.verify_and_restore(&report.folder);
    let before = names(&site.root());
    let check = site.check();
    assert!(check.is_sound(), "{}", check.to_table());
    for step in [Step::Write, Step::ReadBack, Step::HardLink, Step::Copy, Step::Rename, Step::Delete] {
        assert_eq!(outcome(&check, step), StepOutcome::Passed, "{}", check.to_table());
    }
    assert_eq!(names(&site.root()), before, "a check leaves nothing");
    assert_eq!(site.retain(), [DeletionOutcome::Deleted]);
    site.verify_and_restore(&report.folder);
}

#[test]
fn without_delete_backups_work_and_a_check_says_what_does_not() {
    let Some(site) = Site::new() else { return };
    std::fs::create_dir_all(site.root().join("contoso.com/nyc")).unwrap();
    ntfs::grant(&site.root(), WRITE);
    let before = names(&site.root());
    for _ in 0..2 {
        let check = site.check();
        assert!(check.is_sound(), "{}", check.to_table());
        for step in [Step::Write, Step::ReadBack] {
            assert_eq!(outcome(&check, step), StepOutcome::Passed, "{}", check.to_table());
        }
        for step in [Step::HardLink, Step::Copy, Step::Rename] {
            assert_eq!(outcome(&check, step), StepOutcome::Skipped, "{}", check.to_table());
        }
        let delete = check.steps.iter().find(|checked| checked.step == Step::Delete).unwrap();
        assert_eq!(delete.outcome, StepOutcome::Warned, "{}", check.to_table());
        assert!(delete.seen.contains("retention") && delete.seen.contains("Delete"), "{}", delete.seen);
        assert_eq!(delete.alert.as_ref().unwrap().error, ErrorKind::AccessDenied);
        assert_eq!(names(&site.root()), before, "a check leaves nothing");
    }
    site.back_up(Some("state")).unwrap();
    site.write_source("second");
    let report = site.back_up(Some("state")).unwrap();
    assert!(report.reuse.linked.files > 0, "{:?}", report.reuse);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    site.verify_and_restore(&report.folder);
    let outcomes = site.retain();
    assert!(matches!(&outcomes[..], [DeletionOutcome::Failed { code: "ACCESS_DENIED", .. }]), "{outcomes:?}");
    let share: Arc<dyn Share> = Arc::new(FolderShare::open(site.root()).unwrap());
    let sets = list_sets(share.clone(), place().deployment()).run().unwrap();
    assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), 2, "what cannot be deleted stays whole");
}

#[test]
fn without_write_attributes_an_incremental_set_is_copied() {
    let Some(site) = Site::new() else { return };
    std::fs::create_dir_all(site.root().join("contoso.com/nyc")).unwrap();
    ntfs::grant(&site.root(), WRITE_NO_ATTRIBUTES);
    site.back_up(Some("state")).unwrap();
    site.write_source("second");
    let report = site.back_up(Some("state")).unwrap();
    println!("{:?}", report.reuse);
    assert_eq!(report.reuse.linked.files, 0, "{:?}", report.reuse);
    assert!(report.reuse.copied.files > 0, "{:?}", report.reuse);
    site.verify_and_restore(&report.folder);
}

#[test]
fn read_is_enough_to_verify_and_restore_and_for_nothing_else() {
    let Some(site) = Site::new() else { return };
    let report = site.back_up(None).unwrap();
    ntfs::grant(&site.root(), READ);
    site.verify_and_restore(&report.folder);
    assert_eq!(site.back_up(None).unwrap_err().kind(), ErrorKind::AccessDenied);
    let before = names(&site.root());
    let check = site.check();
    let failed = check.first_failure().unwrap();
    assert_eq!(failed.step, Step::Write, "{}", check.to_table());
    assert_eq!(failed.alert.as_ref().unwrap().error, ErrorKind::AccessDenied);
    assert_eq!(names(&site.root()), before, "a check leaves nothing");
}

#[test]
fn the_permissions_of_the_share_count_as_well() {
    let Some(site) = Site::new() else { return };
    let report = site.back_up(None).unwrap();
    let share_right = |right: &str| {
        let mut command = common::samba::program("sharesec");
        command.arg("-s").arg(site.samba.path("smb.conf")).args(["data", "--replace"]);
        common::run(command.arg(format!("S-1-1-0:ALLOWED/0x0/{right}")));
    };
    share_right("READ");
    site.verify_and_restore(&report.folder);
    assert_eq!(site.back_up(None).unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(site.check().first_failure().map(|failed| failed.step), Some(Step::Write));
    share_right("CHANGE");
    site.back_up(None).unwrap();
    assert!(site.check().is_sound());
    assert_eq!(site.retain(), [DeletionOutcome::Deleted]);
}

#[test]
fn a_folder_that_lets_nobody_delete_is_no_share_for_backups_and_keeps_one_file() {
    let local = tempfile::tempdir().unwrap();
    let region = local.path().join("contoso.com/nyc");
    std::fs::create_dir_all(&region).unwrap();
    // Files can be added to it, and neither deleted nor renamed.
    let append_only = |sign: &str| Command::new("chattr").arg(format!("{sign}a")).arg(&region).output();
    if !append_only("+").is_ok_and(|output| output.status.success()) {
        eprintln!("NOT RUN: a folder for adding alone wants root's rights and a file system that has it");
        return;
    }
    let share = FolderShare::open(local.path()).unwrap();
    for _ in 0..2 {
        let check = ShareCheck::new(place().deployment().clone()).run(&share);
        let failed = check.first_failure().unwrap();
        assert_eq!(failed.step, Step::Write, "{}", check.to_table());
        assert!(failed.seen.contains("cannot be deleted"), "{}", failed.seen);
        assert_eq!(names(&region).len(), 2, "always the same file: {:?}", names(&region));
    }
    append_only("-").unwrap();
}
