//! What a bad night does to backups over SMB: each fault ends in minutes, with the right alert, and leaves no false
//! set.
//!
//! `cargo test --test file_server smb_faults:: -- --nocapture --test-threads 1` prints the table of faults.
#![cfg(all(unix, feature = "smb"))]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::night::{Night, NightResult, alert, walk};
use crate::common::proxy::Fault;
use azs_backup::alert::AlertKind;
use azs_backup::share::Encryption;
use azs_backup::{ErrorKind, Set, Share};

/// The moments of a backup, as shares of the bytes that it moves.
const MOMENTS: [(&str, f64); 9] = [
    ("connecting", 0.0),
    ("negotiating", 0.000_02),
    ("logging on", 0.000_08),
    ("opening the share", 0.000_12),
    ("first folders", 0.000_3),
    ("first put", 0.1),
    ("during puts", 0.5),
    ("last put", 0.97),
    ("commit", 0.998),
];

#[test]
fn a_connection_that_ends_at_any_moment_is_made_anew() {
    let night = Night::new();
    let bytes = night.first_backup();
    let mut complete = 1;
    for fault in [Fault::Cut, Fault::Reset, Fault::Corrupt] {
        for (moment, at) in MOMENTS {
            night.proxy.set(Fault::None);
            night.proxy.after((bytes as f64 * at) as u64, fault);
            if fault == Fault::Corrupt {
                // A little of it, then no more.
                night.proxy.after((bytes as f64 * at) as u64 + 1, Fault::None);
            }
            let outcome = night.backup();
            outcome.say(&format!("{fault:?} once, {moment}"));
            assert!(outcome.took < Duration::from_secs(20));
            complete += 1;
            night.assert_no_false_set(complete);
            assert!(outcome.result.is_ok());
        }
    }
    println!("longest: {:.1} s", night.longest().as_secs_f64());
}

#[test]
fn a_cable_that_is_pulled_at_any_moment_ends_in_an_alert() {
    let night = Night::new();
    let bytes = night.first_backup();
    let mut complete = 1;
    for (moment, at) in MOMENTS {
        night.proxy.set(Fault::None);
        night.proxy.after((bytes as f64 * at) as u64, Fault::Stall);
        let outcome = night.backup();
        outcome.say(&format!("link dead for good, {moment}"));
        if outcome.result.is_ok() {
            // All was done, and only the log-off was not answered.
            assert_eq!(moment, "commit");
        } else {
            assert_eq!(outcome.alert(), Some(AlertKind::Connectivity), "{moment}");
        }
        assert!(outcome.took < Duration::from_secs(40), "{moment}");
        night.proxy.set(Fault::None);
        complete = night.assert_recovers(&outcome, complete);
    }
    // For so long that the connections are given up, and then back.
    for seconds in [1, 2] {
        let outcome = night.during(bytes / 2, || std::thread::sleep(Duration::from_secs(seconds)));
        outcome.say(&format!("link dead for {seconds} s, with 1.5 s of patience"));
        assert!(outcome.result.is_ok());
        complete = night.assert_recovers(&outcome, complete);
    }
    println!("longest: {:.1} s", night.longest().as_secs_f64());
}

#[test]
fn a_server_that_dies_freezes_or_restarts_ends_in_an_alert_or_a_backup() {
    let night = Night::new();
    let bytes = night.first_backup();
    let mut complete = 1;
    let samba = &night.samba;
    let restart = || {
        samba.kill();
        std::thread::sleep(Duration::from_millis(500));
        samba.start();
    };
    let freeze_a_while = || {
        samba.freeze();
        std::thread::sleep(Duration::from_secs(1));
        samba.thaw();
    };
    let faults: [(&str, bool, &(dyn Fn() + Sync)); 4] = [
        ("killed", false, &|| samba.kill()),
        ("restarted", true, &restart),
        ("frozen", false, &|| samba.freeze()),
        ("frozen for 1 s", true, &freeze_a_while),
    ];
    for (moment, at) in [("first put", 0.05), ("during puts", 0.5), ("last put", 0.95)] {
        for (what, completes, fault) in faults {
            let outcome = night.during((bytes as f64 * at) as u64, fault);
            outcome.say(&format!("server {what}, {moment}"));
            assert_eq!(outcome.result.is_ok(), completes);
            if !completes {
                assert_eq!(outcome.alert(), Some(AlertKind::Connectivity));
            }
            assert!(outcome.took < Duration::from_secs(40));
            if what == "killed" {
                samba.start();
            }
            samba.thaw();
            complete = night.assert_recovers(&outcome, complete);
        }
    }
    println!("longest: {:.1} s", night.longest().as_secs_f64());
}

#[test]
fn reading_back_meets_the_same_faults() {
    let night = Night::new();
    let first = night.backup().result.unwrap();
    let before = night.proxy.passed();
    let read = |builder: azs_backup::share::SmbBuilder| -> azs_backup::Result<()> {
        let share: Arc<dyn Share> = Arc::new(builder.connect()?);
        let set = Set::open(share, first.clone())?;
        set.verify_full(&night.opener()).run()?.into_result()?;
        let target = night.target();
        let restored = set.restore(&night.opener()).into(&target);
        let _ = fs::remove_dir_all(target);
        restored.map(drop)
    };
    read(night.builder()).unwrap();
    let bytes = night.proxy.passed() - before;
    for (fault, completes) in [(Fault::Cut, true), (Fault::Reset, true), (Fault::Stall, false)] {
        for (moment, at) in [("open", 0.001), ("verify", 0.25), ("restore", 0.75)] {
            night.proxy.set(Fault::None);
            night.proxy.after((bytes as f64 * at) as u64, fault);
            let begun = Instant::now();
            let result = read(night.builder());
            let outcome = NightResult { result: result.map(|()| first.clone()), took: begun.elapsed() };
            outcome.say(&format!("{fault:?}, {moment}"));
            assert_eq!(outcome.result.is_ok(), completes);
            assert!(completes || outcome.alert() == Some(AlertKind::Connectivity));
            assert!(outcome.took < Duration::from_secs(40));
        }
    }
    night.proxy.set(Fault::None);
    read(night.builder()).unwrap();
}

#[test]
fn linking_meets_the_same_faults() {
    let night = Night::with("", "", 24_000_000).incremental();
    night.assert_restores(night.backup().result.as_ref().unwrap());
    let before = night.proxy.passed();
    let second = night.backup().result.unwrap();
    let bytes = night.proxy.passed() - before;
    // Names of one file: what the second run did was to link.
    let linked = |folder: &azs_backup::layout::SharePath| {
        let files = walk(&night.root().join(folder.to_string()));
        files.iter().filter(|file| file.metadata().unwrap().nlink() > 1 && file.is_file()).count()
    };
    assert!(linked(&second) >= 6, "{:?}", walk(&night.root()));
    let mut complete = 2;
    for (fault, completes) in [(Fault::Cut, true), (Fault::Reset, true), (Fault::Stall, false)] {
        for (moment, at) in [("the first links", 0.5), ("the last links", 0.8), ("commit", 0.95)] {
            night.proxy.set(Fault::None);
            night.proxy.after((bytes as f64 * at) as u64, fault);
            let outcome = night.backup();
            outcome.say(&format!("{fault:?}, linking: {moment}"));
            assert_eq!(outcome.result.is_ok(), completes, "{moment}");
            assert!(completes || outcome.alert() == Some(AlertKind::Connectivity));
            assert!(outcome.took < Duration::from_secs(40));
            night.proxy.set(Fault::None);
            complete = night.assert_recovers(&outcome, complete);
        }
    }
    let outcome = night.during(bytes / 2, || night.samba.kill());
    outcome.say("server killed, linking");
    assert_eq!(outcome.alert(), Some(AlertKind::Connectivity));
    night.samba.start();
    night.assert_recovers(&outcome, complete);
    let last = night.backup().result.unwrap();
    assert!(linked(&last) >= 6);
}

#[test]
fn a_slow_or_choppy_link_is_slow_and_no_more() {
    let night = Night::with("", "", 400_000);
    for fault in [
        Fault::Slow(64 << 10),
        Fault::Split(1400, Duration::from_millis(1)),
        Fault::Delay(Duration::from_millis(30)),
    ] {
        night.proxy.set(fault);
        let outcome = night.backup_by(night.builder().silence_limit(Duration::from_secs(10)));
        outcome.say(&format!("{fault:?}"));
        assert!(outcome.took < Duration::from_secs(60));
        night.proxy.set(Fault::None);
        night.assert_restores(outcome.result.as_ref().unwrap());
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_a_few_times() {
    let night = Night::new();
    night.proxy.refuse();
    let outcome = night.backup();
    outcome.say("connections refused");
    assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Unreachable);
    assert!((0.9..20.0).contains(&outcome.took.as_secs_f64()), "{:?}", outcome.took);
    // It comes back while it is tried.
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(600));
            night.proxy.accept();
        });
        night.backup()
    });
    outcome.say("connections refused for 0.6 s");
    night.assert_restores(outcome.result.as_ref().unwrap());
}

#[test]
fn answers_that_were_changed_on_their_way_are_not_taken() {
    let night = Night::new();
    for number in 0..30 {
        // So that the listing is longer than what the proxy leaves alone for the log-on.
        fs::create_dir(night.samba.path("data").join(format!("folder {number}"))).unwrap();
    }
    for (encryption, seen, words) in [
        (Encryption::Off, AlertKind::General, "STATUS_INVALID_SIGNATURE"),
        // The client throws away what it cannot decrypt, and the limit of silence ends the wait.
        (Encryption::Required, AlertKind::Connectivity, "no answer from the server"),
    ] {
        let share = night.builder().encryption(encryption).connect().unwrap();
        share.create_folder(&format!("{encryption:?}").parse().unwrap()).unwrap();
        night.proxy.set(Fault::Corrupt);
        let begun = Instant::now();
        let error = share.list(&azs_backup::layout::SharePath::root()).unwrap_err();
        assert_eq!(alert(&error), seen, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        NightResult { result: Err(error), took: begun.elapsed() }
            .say(&format!("encryption {encryption:?}, every answer changed on its way"));
        assert!(begun.elapsed() < Duration::from_secs(40));
        night.proxy.set(Fault::None);
    }
}
