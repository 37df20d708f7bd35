//! Plans carried out on real sets.

use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azs_backup::alert::AlertKind;
use azs_backup::layout::{SetName, SharePath};
use azs_backup::observer::Observer;
use azs_backup::schedule::{DeletionOutcome, RetentionPlan, RetentionPolicy, RetentionReport};
use azs_backup::{Error, ErrorKind, Result, Share, list_sets};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::common::{self, Fixture, forward};

/// A fixture with real sets, each made so many days ago.
fn fixture(days: &[i64]) -> (Fixture, Vec<SharePath>) {
    let fixture = Fixture::new();
    let folders = days.iter().map(|days| set(&fixture, *days)).collect();
    (fixture, folders)
}

fn set(fixture: &Fixture, days: i64) -> SharePath {
    let created = Timestamp::now() - SignedDuration::from_hours(days * 24);
    let name = SetName::new(created, 7).unwrap();
    let mut backup = fixture.builder().set_name(name).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    let folder = backup.commit().unwrap().folder;
    let sheet = fixture.native(&folder).join("backup.json");
    common::change_sheet(&sheet, |json| json["created"] = created.to_string().into());
    folder
}

/// Makes the files of a set two days old.
fn age(fixture: &Fixture, folder: &SharePath) {
    // The same each time: a plan looks whether anything was written since.
    let hour = Timestamp::now().as_second().cast_unsigned() / 3600;
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs((hour - 48) * 3600);
    for file in fs::read_dir(fixture.native(folder)).unwrap() {
        fs::File::options().append(true).open(file.unwrap().path()).unwrap().set_modified(then).unwrap();
    }
}

fn plan(fixture: &Fixture, policy: &RetentionPolicy) -> RetentionPlan {
    let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    policy.plan(&sets, Timestamp::now())
}

fn apply(fixture: &Fixture, plan: &RetentionPlan) -> Vec<DeletionOutcome> {
    let report = plan.apply(fixture.share.clone()).run();
    report.outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[test]
fn old_sets_go_and_the_rest_is_as_it_was() {
    let (fixture, folders) = fixture(&[30, 20, 10, 1]);
    fs::write(fixture.path("share/contoso.com/nyc/MASBackup/20200101T000000Z-00000000"), "not ours").unwrap();
    fs::create_dir_all(fixture.path("share/contoso.com/nyc/Switches/by hand")).unwrap();
    let plan = plan(&fixture, &RetentionPolicy::new().keep_last(2));
    assert_eq!(plan.deletions.len(), 2);
    let report = plan.apply(fixture.share.clone()).run();
    assert_eq!((report.deleted(), report.freed_bytes), (2, plan.freed_bytes));
    assert!(report.freed_bytes > 0);
    for (folder, is_there) in folders.iter().zip([false, false, true, true]) {
        assert_eq!(fixture.native(folder).exists(), is_there);
        if is_there {
            fixture.open(folder).verify().run().unwrap().into_result().unwrap();
        }
    }
    assert!(fixture.path("share/contoso.com/nyc/MASBackup/20200101T000000Z-00000000").exists());
    assert!(fixture.path("share/contoso.com/nyc/Switches/by hand").exists());
}

/// Makes the stored files of one set hard links to another's, as if it had nothing new.
fn share_files(fixture: &Fixture, of: &SharePath, with: &SharePath) {
    let (old, new) = (fixture.native(of), fixture.native(with));
    let own: Value = serde_json::from_slice(&fs::read(new.join("backup.json")).unwrap()).unwrap();
    for file in fs::read_dir(&new).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    for file in fs::read_dir(&old).unwrap() {
        let file = file.unwrap().path();
        fs::hard_link(&file, new.join(file.file_name().unwrap())).unwrap();
    }
    common::change_sheet(&new.join("backup.json"), |cover| {
        (cover["set"], cover["created"]) = (own["set"].clone(), own["created"].clone());
    });
}

#[test]
fn what_sets_share_by_hard_link_is_freed_with_the_last_of_them() {
    let (fixture, folders) = fixture(&[30, 20, 10, 1]);
    share_files(&fixture, &folders[0], &folders[1]);
    share_files(&fixture, &folders[2], &folders[3]);
    let plan = plan(&fixture, &RetentionPolicy::new().keep_last(1));
    let freed: Vec<_> = plan.deletions.iter().map(|d| (&d.folder, d.freed_bytes)).collect();
    let bytes = plan.deletions[0].candidate.bytes;
    // The first holds what the second does; the third what the one that stays does.
    assert_eq!(freed, [(&folders[0], 0), (&folders[1], bytes), (&folders[2], 0)]);
    assert_eq!(plan.freed_bytes, bytes);
    // To make room for one byte it takes both of the first two, and for more than theirs there is nothing.
    let room = |bytes: u64| {
        let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
        RetentionPolicy::new().make_room(bytes).plan(&sets, Timestamp::now())
    };
    assert_eq!((room(1).deletions.len(), room(1).freed_bytes), (2, bytes));
    assert_eq!((room(bytes + 1).deletions.len(), room(bytes + 1).shortfall), (3, 1));
    let report = plan.apply(fixture.share.clone()).run();
    assert_eq!((report.deleted(), report.freed_bytes), (3, bytes));
    fixture.open(&folders[3]).verify().run().unwrap().into_result().unwrap();
}

#[test]
fn room_is_made_until_the_share_has_enough_and_no_further() {
    if !common::backend::is_file_system() {
        eprintln!("skipped: an object store tells no free space");
        return;
    }
    let (fixture, folders) = fixture(&[30, 20, 10, 1]);
    let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    let space = |free: u64| azs_backup::share::Space::new(u64::MAX, free);
    let policy = |wanted: u64, free: u64| RetentionPolicy::new().make_room_for(wanted, space(free));
    assert!(policy(100, 100).plan(&sets, Timestamp::now()).is_empty());
    // Reckoned with no room at all, the plan takes all that may go; the share itself has room enough.
    let plan = policy(u64::MAX / 2, 0).plan(&sets, Timestamp::now());
    assert_eq!(plan.deletions.len(), 3);
    let real = fixture.share.space().unwrap();
    let plan = RetentionPolicy::new().keep_last(3).make_room_for(1, space(0)).plan(&sets, Timestamp::now());
    assert_eq!((plan.room_for, plan.deletions.len()), (Some(1), 1));
    let plan = policy(real.free / 2, 0).plan(&sets, Timestamp::now());
    assert_eq!(apply(&fixture, &plan), vec![DeletionOutcome::NotNeeded; 3]);
    assert!(folders.iter().all(|folder| fixture.native(folder).exists()));
}

#[test]
fn a_set_in_a_later_version_is_left_alone() {
    let (fixture, folders) = fixture(&[30, 20, 1]);
    let sheet = fixture.native(&folders[0]).join("backup.json");
    let text = fs::read_to_string(&sheet).unwrap().replace("\"format_version\": 1", "\"format_version\": 2");
    fs::write(&sheet, text).unwrap();
    let plan = plan(&fixture, &RetentionPolicy::new().keep_last(1).make_room(u64::MAX));
    assert_eq!(plan.deletions.iter().map(|d| &d.folder).collect::<Vec<_>>(), [&folders[1]]);
}

#[test]
fn a_damaged_set_stays_until_somebody_deletes_it() {
    let (fixture, folders) = fixture(&[30, 20, 10, 1]);
    for folder in [&folders[0], &folders[2]] {
        let mut files = fs::read_dir(fixture.native(folder)).unwrap().map(|file| file.unwrap().path());
        fs::remove_file(files.find(|file| file.to_str().unwrap().ends_with(".tar.zst.p7m")).unwrap())
            .unwrap();
    }
    let plan = plan(&fixture, &RetentionPolicy::new().keep_last(2));
    assert!(plan.is_empty(), "{plan:?}");
    assert!(folders.iter().all(|folder| fixture.native(folder).exists()));
}

#[test]
fn what_belongs_to_no_set_stays_in_its_folder() {
    let (fixture, folders) = fixture(&[30, 1]);
    let folder = fixture.native(&folders[0]);
    fs::write(folder.join("notes.txt"), "do not lose").unwrap();
    fs::create_dir(folder.join("SHA256SUMS.d")).unwrap();
    fs::write(folder.join("unfinished-backup.json"), "left by a crash").unwrap();
    let outcomes = apply(&fixture, &plan(&fixture, &RetentionPolicy::new().keep_last(1)));
    assert!(
        matches!(&outcomes[..], [DeletionOutcome::FolderLeft { foreign }] if foreign.len() == 2),
        "{outcomes:?}"
    );
    let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|item| item.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["SHA256SUMS.d", "notes.txt"]);
}

#[test]
fn a_plan_that_has_become_unsafe_is_not_carried_out() {
    let (fixture, folders) = fixture(&[30, 20, 1]);
    let made = plan(&fixture, &RetentionPolicy::new().keep_last(1));
    assert_eq!(made.deletions.len(), 2);
    // An operator deletes the newest set by hand, partly.
    fs::remove_file(fixture.native(&folders[2]).join("SHA256SUMS")).unwrap();
    let outcomes = apply(&fixture, &made);
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, DeletionOutcome::Skipped { .. })),
        "{outcomes:?}"
    );
    assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap()[0].is_complete());

    // An incomplete set is completed after the plan was made.
    let (fixture, folders) = self::fixture(&[30, 1]);
    let clear = ["backup.json", "SHA256SUMS"].map(|name| fixture.native(&folders[0]).join(name));
    let bytes = clear.each_ref().map(|file| fs::read(file).unwrap());
    clear.iter().for_each(|file| fs::remove_file(file).unwrap());
    age(&fixture, &folders[0]);
    let made = plan(&fixture, &RetentionPolicy::new());
    assert_eq!(made.deletions.len(), 1);
    clear.iter().zip(&bytes).for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
    let outcomes = apply(&fixture, &made);
    assert!(
        matches!(&outcomes[..], [DeletionOutcome::Skipped { why }] if why.contains("finished")),
        "{outcomes:?}"
    );
    // One that is written to goes as little.
    clear.iter().for_each(|file| fs::remove_file(file).unwrap());
    let part = fixture.native(&folders[0]).join("unfinished-000001-00.tar.zst.p7m");
    fs::write(&part, "more").unwrap();
    let outcomes = apply(&fixture, &made);
    assert!(
        matches!(&outcomes[..], [DeletionOutcome::Skipped { why }] if why.contains("at work")),
        "{outcomes:?}"
    );
    // And one that is incomplete goes.
    fs::remove_file(&part).unwrap();
    age(&fixture, &folders[0]);
    assert_eq!(apply(&fixture, &made), [DeletionOutcome::Deleted]);
    assert_eq!(apply(&fixture, &made), [DeletionOutcome::Gone]);
}

#[test]
fn the_caller_can_stop_when_there_is_room() {
    let (fixture, folders) = fixture(&[30, 20, 10, 1]);
    let plan = plan(&fixture, &RetentionPolicy::new().make_room(u64::MAX));
    let mut second = StopsAtSecond(Vec::new());
    let report = plan.apply(fixture.share.clone()).observer(&mut second).run();
    let outcomes: Vec<_> = report.outcomes.iter().map(|(_, outcome)| outcome.clone()).collect();
    assert_eq!(outcomes, [DeletionOutcome::Deleted, DeletionOutcome::Stopped, DeletionOutcome::Stopped]);
    assert_eq!(second.0, folders[..2], "the oldest first");
    assert!(fixture.native(&folders[1]).exists());
}

/// Remembers what was about to be deleted, and stops the work at the second.
struct StopsAtSecond(Vec<SharePath>);

impl Observer for StopsAtSecond {
    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        self.0.push(set.clone());
        if self.0.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// A share that fails from the nth change on, as one that is cut off does.
struct CutOff {
    share: Arc<dyn Share>,
    left: AtomicUsize,
}

impl CutOff {
    fn change(&self, change: impl FnOnce() -> Result<()>) -> Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(azs_backup::Error::new(ErrorKind::Io, "the cable is out"));
        }
        self.left.store(left - 1, Ordering::Relaxed);
        change()
    }
}

impl fmt::Debug for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CutOff")
    }
}

impl Share for CutOff {
    forward!(share: describe, put, flush, read, list, create_folder);
    fn remove(&self, path: &SharePath) -> Result<()> {
        self.change(|| self.share.remove(path))
    }
    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.change(|| self.share.remove_folder(folder))
    }
}

#[test]
fn cut_off_anywhere_a_set_is_whole_or_plainly_incomplete_and_the_next_plan_finishes() {
    for changes in 0.. {
        let (fixture, folders) = fixture(&[30, 1]);
        let policy = RetentionPolicy::new().keep_last(1);
        let made = plan(&fixture, &policy);
        let cut_off: Arc<dyn Share> =
            Arc::new(CutOff { share: fixture.share.clone(), left: AtomicUsize::new(changes) });
        let report = made.apply(cut_off.clone()).run();
        let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
        assert!(sets.last().unwrap().is_complete());
        if report.deleted() == 1 {
            assert!(changes > 3 && !fixture.native(&folders[0]).exists());
            return;
        }
        assert!(report.into_result().is_err());
        let has_sheet = fixture.native(&folders[0]).join("backup.json").exists();
        assert_eq!((sets.len(), sets[0].is_complete(), has_sheet), (2, changes == 0, changes == 0));
        if changes == 1 {
            // Between the two clear files all of it may be there: that is for a person to say.
            assert!(plan(&fixture, &policy).is_empty());
            continue;
        }
        age(&fixture, &folders[0]);
        assert_eq!(apply(&fixture, &plan(&fixture, &policy)), [DeletionOutcome::Deleted]);
    }
}

#[test]
fn a_refused_deletion_is_an_alert_of_its_own_and_a_lost_connection_is_not() {
    for (kind, alert) in [
        (ErrorKind::AccessDenied, AlertKind::DeletionFailed),
        (ErrorKind::Io, AlertKind::DeletionFailed),
        (ErrorKind::Unreachable, Error::new(ErrorKind::Unreachable, "lost").alert().kind()),
    ] {
        let mut report = RetentionReport::default();
        let failed = DeletionOutcome::Failed { code: kind.code(), message: "it is in use".into() };
        report.outcomes = vec![(SharePath::root(), DeletionOutcome::Deleted), (SharePath::root(), failed)];
        let error = report.into_result().unwrap_err();
        assert_eq!((error.kind(), error.alert().kind()), (kind, alert));
        assert!(error.to_string().ends_with("it is in use"), "{error}");
    }
}
