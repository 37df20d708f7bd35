//! A network that loses packets, and one that swallows them all: what the kernel does then, and not a proxy.
//!
//! With root's rights each test runs once more in a network of its own, where only the loopback is, and spoils that.
#![cfg(all(target_os = "linux", feature = "smb"))]

mod common;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use azs_backup::alert::AlertKind;
use common::night::{Night, NightResult};

/// Whether this process is in a network of its own; where it is not, the test runs in one, if that can be had.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "AZS_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        // Packets as they are on a wire, and no room for others to wait.
        shell("ip link set lo mtu 1500 up");
        return true;
    }
    let possible = Command::new("unshare").args(["--net", "--", "tc", "-V"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT RUN: {test} wants root's rights, `unshare` and `tc`");
        return false;
    }
    let mut again = Command::new("unshare");
    again.args(["--net", "--"]).arg(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(ALONE, "1");
    print!("{}", String::from_utf8_lossy(&common::run(&mut again).stdout));
    false
}

fn shell(line: &str) -> String {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = common::run(Command::new("sh").args(["-ec", line]).env("PATH", path));
    String::from_utf8(output.stdout).unwrap()
}

/// A backup without a proxy in between, and something that happens when it has sent so many bytes.
fn during(night: &Night, bytes: u64, happen: impl Fn() + Sync) -> NightResult {
    let before = sent();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while sent() < before + bytes {
                assert!(!ended.load(Ordering::Relaxed), "the backup ended before anything happened");
                std::thread::sleep(Duration::from_millis(1));
            }
            happen();
        });
        let outcome = night.backup_by(night.builder().port(night.samba.port()));
        ended.store(true, Ordering::Relaxed);
        outcome
    })
}

/// Bytes that have gone over the loopback.
fn sent() -> u64 {
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    line.split_whitespace().nth(8).unwrap().parse().unwrap()
}

#[test]
fn packets_that_are_lost_are_sent_again() {
    if !is_alone("packets_that_are_lost_are_sent_again") {
        return;
    }
    let night = Night::new();
    // What comes faster than this finds no room to wait in.
    shell("tc qdisc add dev lo root tbf rate 160mbit burst 16kb limit 24kb");
    let outcome = night.backup_by(night.builder().port(night.samba.port()));
    outcome.say("packets lost");
    let statistics = shell("tc -s qdisc show dev lo");
    let lost = statistics.split("dropped ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    println!("{lost} packets lost");
    assert!(lost.parse::<u64>().unwrap() > 10, "{statistics}");
    shell("tc qdisc del dev lo root");
    night.assert_restores(outcome.result.as_ref().unwrap());
}

#[test]
fn a_black_hole_ends_in_an_alert() {
    if !is_alone("a_black_hole_ends_in_an_alert") {
        return;
    }
    let night = Night::new();
    let outcome = during(&night, 4_000_000, || {
        shell("tc qdisc add dev lo root blackhole");
        std::thread::sleep(Duration::from_secs(1));
        shell("tc qdisc del dev lo root");
    });
    outcome.say("black hole for 1 s");
    night.assert_restores(outcome.result.as_ref().unwrap());
    let outcome = during(&night, 4_000_000, || drop(shell("tc qdisc add dev lo root blackhole")));
    outcome.say("black hole for good");
    assert_eq!(outcome.alert(), Some(AlertKind::Connectivity));
    assert!(outcome.took < Duration::from_secs(40));
    shell("tc qdisc del dev lo root");
    night.assert_no_false_set(1);
    let later = during(&night, 0, || ());
    night.assert_restores(later.result.as_ref().unwrap());
}
