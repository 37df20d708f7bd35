//! A night of backups over SMB with faults at random: whatever says that it is complete is whole, and nothing else is
//! left that retention does not clear away.
//!
//! `cargo xtask night` runs 200 backups of each; the tests have a few.
#![cfg(all(unix, feature = "smb"))]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::common::night::Night;
use crate::common::proxy::Fault;
use azs_backup::schedule::{DeletionOutcome, RetentionPolicy};
use azs_backup::{ErrorKind, list_sets};
use jiff::{Timestamp, ToSpan};

#[test]
fn a_night_of_faults_leaves_whole_sets_and_nothing_that_stays() {
    pass(Night::new());
}

#[test]
fn a_night_of_faults_on_a_server_with_few_credits() {
    pass(Night::with("smb2 max credits = 64", "", 9_000_000));
}

fn pass(night: Night) {
    let backups: u32 = std::env::var("AZS_TEST_NIGHT").map_or(12, |count| count.parse().unwrap());
    let first = night.backup();
    night.assert_restores(first.result.as_ref().unwrap());
    let bytes = night.proxy.passed();
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut complete = 1;
    for _ in 0..backups {
        for _ in 0..=random.below(2) {
            let fault = match random.below(8) {
                0 | 1 => Fault::Cut,
                2 | 3 => Fault::Reset,
                4 => Fault::Corrupt,
                5 => Fault::Stall,
                6 => Fault::Delay(Duration::from_millis(2)),
                // Smaller pieces make a link so slow that a run takes minutes, as it should.
                _ => Fault::Split(200 + random.below(3000) as usize, Duration::from_micros(100)),
            };
            night.proxy.after(random.below(bytes), fault);
            // Half of the faults pass by themselves.
            if random.below(2) == 0 {
                night.proxy.after(random.below(bytes / 4), Fault::None);
            }
        }
        let outcome = night.backup_by(night.builder().attempts(3));
        assert!(outcome.took < Duration::from_secs(45), "{:?}", outcome.took);
        let end = outcome.result.as_ref().map_or_else(|error| error.code(), |_| "complete");
        *ends.entry(end.to_owned()).or_default() += 1;
        complete += usize::from(outcome.result.is_ok());
        night.proxy.set(Fault::None);
        if let Err(error) = outcome.result {
            assert!(
                [ErrorKind::Unreachable, ErrorKind::TimedOut, ErrorKind::Io].contains(&error.kind()),
                "{error:?}"
            );
        }
    }
    let (seen, unfinished) = night.assert_no_false_set(complete);
    println!("{backups} backups: {ends:?}; longest {:.1} s", night.longest().as_secs_f64());
    println!("{seen} complete sets, all verified; {unfinished} unfinished");

    // Two days later retention clears away what never became a set.
    let share = night.native();
    let later = Timestamp::now() + 48.hours();
    let policy = RetentionPolicy::new().keep_last(1);
    let sets = list_sets(share.clone(), night.place.deployment()).run().unwrap();
    let plan = policy.plan(&sets, later);
    let report = plan.apply(share.clone()).run();
    for (folder, outcome) in &report.outcomes {
        assert!(matches!(outcome, DeletionOutcome::Deleted | DeletionOutcome::Gone), "{folder}: {outcome:?}");
    }
    let component = night.root().join("contoso.com/nyc/Switches");
    assert_eq!(fs::read_dir(component).unwrap().count(), 1, "the last good set, and nothing else");
    night.assert_no_false_set(1);
}

/// With the limits that are in force where nobody sets any: 5 seconds, and a minute when a whole night is asked for.
#[test]
fn a_link_that_is_dead_for_a_while_is_borne_by_default() {
    let seconds = if std::env::var_os("AZS_TEST_NIGHT").is_some() { 60 } else { 5 };
    let night = Night::new();
    let bytes = night.first_backup();
    let builder = night.samba.builder("data").port(night.proxy.port());
    let outcome = night.during_by(builder, bytes / 2, || std::thread::sleep(Duration::from_secs(seconds)));
    outcome.say(&format!("link dead for {seconds} s, with the limits of the product"));
    night.assert_restores(outcome.result.as_ref().unwrap());
    assert!(outcome.took < Duration::from_secs(2 * seconds + 60));
    night.assert_no_false_set(2);
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}
