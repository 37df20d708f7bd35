//! Copies between shares that fail: at each call once, and at random.

use std::sync::Arc;

use azs_backup::copies::replicate;
use azs_backup::error::Scope;
use azs_backup::layout::SharePath;
use azs_backup::{Error, ErrorKind, Result, Share};

use super::unsteady::Unsteady;
use super::{Sites, outcomes};
use crate::common::{Fixture, backend, forward};

/// Copies a set to another share, where nothing works from the n-th call on; then without a fault.
#[test]
fn a_copy_cut_off_at_any_call_is_no_backup_and_is_completed() {
    let sites = Sites::new();
    let first = sites.back_up(1);
    sites.copied();
    let folder = sites.back_up(0);
    let mut cuts = 0;
    // The share is gone, then it is the first one.
    for at_source in [false, true] {
        for call in 1.. {
            let (from, to) = (Unsteady::new(&sites.fixture.share), Unsteady::new(&sites.to));
            let cut = if at_source { from.clone() } else { to.clone() };
            cut.dies_at(call);
            let cut_off = replicate(from.clone(), to.clone(), sites.fixture.place.deployment()).run();
            if !cut.has_failed() {
                assert_eq!(cut_off.unwrap().copied(), 1);
                break;
            }
            assert_eq!(cut_off.unwrap_err().kind(), ErrorKind::Unreachable, "call {call}");
            // The cover sheet may have arrived, and then all of it has.
            let has_arrived = sites.complete().len() == 2;
            let sent = to.sent();
            to.dies_at(0);
            from.dies_at(0);
            let report = replicate(from, to.clone(), sites.fixture.place.deployment()).run().unwrap();
            assert_eq!(outcomes(&report)[0], if has_arrived { "present" } else { "copied" }, "call {call}");
            assert_eq!(sites.complete().len(), 2);
            assert_eq!(to.most_often(), 1, "call {call}: sent {sent} bytes, then {}", to.sent() - sent);
            std::fs::remove_dir_all(sites.there(&folder)).unwrap();
            cuts += 1;
        }
        // The next round begins where this one began.
        std::fs::remove_dir_all(sites.there(&folder)).unwrap();
    }
    assert!(cuts > 20, "{cuts}");
    assert!(sites.there(&first).exists());
}

/// Copies 200 sets, a fifth of that to a server and on Windows, with faults at random at both ends.
#[test]
fn random_faults_end_in_complete_and_equal_copies_and_nothing_is_sent_twice() {
    let sites = Sites::of(Fixture::in_memory());
    let is_slow = backend::is_remote() || cfg!(windows);
    let (sets, of_a_thousand) = if is_slow { (40, 10) } else { (200, 2) };
    for days in (0..sets).rev() {
        sites.back_up(days);
    }
    let (from, to) = (Unsteady::new(&sites.fixture.share), Unsteady::new(&sites.to));
    let run = || replicate(from.clone(), to.clone(), sites.fixture.place.deployment()).run();
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs < 2000, "it does not come to an end: {} of {sets}", sites.complete().len());
        from.faults(of_a_thousand, runs);
        to.faults(of_a_thousand, runs + 1_000_000);
        let copied = run().and_then(azs_backup::copies::CopyReport::into_result);
        if runs % 16 == 0 {
            sites.complete();
        }
        match copied {
            Ok(_) => break,
            Err(e) => assert_ne!(e.scope(), Scope::Caller, "{e}"),
        }
    }
    assert_eq!(sites.complete().len() as u64, sets);
    assert!(runs > 3, "{runs}");
    println!("{runs} runs, {} bytes", to.sent());
    assert_eq!(to.most_often(), 1, "something was sent twice");
    from.faults(0, 1);
    to.faults(0, 1);
    let sent = to.sent();
    let again = run().unwrap();
    assert_eq!((again.copied(), to.sent()), (0, sent));
    assert!(outcomes(&again).iter().all(|outcome| outcome == "present"));
}

/// A share that is full after so many bytes.
#[derive(Debug)]
struct Full(Arc<dyn Share>);

impl Share for Full {
    forward!(0: describe, read, list, flush, create_folder, remove, remove_folder);
    fn put(&self, path: &SharePath, _: &[u8]) -> Result<()> {
        Err(Error::new(ErrorKind::OutOfCapacity, format!("{path}: as the test has it")))
    }
}

#[test]
fn a_full_share_ends_the_run() {
    let sites = Sites::new();
    sites.back_up(0);
    let full: Arc<dyn Share> = Arc::new(Full(sites.to.clone()));
    let error =
        replicate(sites.fixture.share.clone(), full, sites.fixture.place.deployment()).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfCapacity);
    assert!(sites.complete().is_empty());
    assert_eq!(sites.copied().copied(), 1);
}

/// A share from which the set is deleted when its first stored file is read.
#[derive(Debug)]
struct Deleting(Arc<dyn Share>, std::path::PathBuf);

impl Share for Deleting {
    forward!(0: describe, put, list, flush, create_folder, remove, remove_folder);
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        if path.to_string().ends_with(".p7m") && self.1.exists() {
            std::fs::remove_dir_all(&self.1).unwrap();
        }
        self.0.read(path, limit, buffer)
    }
}

#[test]
fn a_set_that_is_deleted_meanwhile_leaves_nothing() {
    let sites = Sites::new();
    let folder = sites.back_up(0);
    let from: Arc<dyn Share> = Arc::new(Deleting(sites.fixture.share.clone(), sites.here(&folder)));
    let report = replicate(from, sites.to.clone(), sites.fixture.place.deployment()).run().unwrap();
    assert_eq!(outcomes(&report), ["gone"]);
    assert!(!sites.there(&folder).exists());
}
