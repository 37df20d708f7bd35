//! nightly on a share whose disk loses bits.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::nightly::{configured, nightly};
use crate::site::{Site, result, run, said};

/// A site with a component whose files are read back rarely, in small segments.
fn site() -> Site {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 2\n");
    let mut file = fs::read_to_string(site.path("site.toml")).unwrap();
    file += "[component.options]\nrecheck = 100\nsegment_size = 4194304\n";
    fs::write(site.path("site.toml"), file).unwrap();
    site
}

fn noise(file: &Path, bytes: usize) {
    let mut content = vec![0; bytes];
    openssl::rand::rand_bytes(&mut content).unwrap();
    fs::write(file, content).unwrap();
}

/// The sets of HLH from old to new.
fn sets(site: &Site) -> Vec<PathBuf> {
    let mut sets = site.sets("HLH");
    sets.sort();
    sets
}

fn flip(file: &Path) {
    let modified = fs::metadata(file).unwrap().modified().unwrap();
    let mut content = fs::read(file).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    let file = fs::File::options().write(true).open(file).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &content, 0).unwrap();
    file.set_modified(modified).unwrap();
}

fn is_whole(site: &Site, set: &Path) -> bool {
    run(&mut site.opened("verify", set, &[])).status.success()
}

fn night(site: &Site) -> Value {
    // Sets are named by the second.
    sleep(Duration::from_millis(1100));
    result(&mut nightly(site, &["--now"]))
}

fn of_hlh(night: &Value) -> &Value {
    night["components"].as_array().unwrap().iter().find(|of| of["place"]["component"] == "HLH").unwrap()
}

/// The segments of a set, the newest last.
fn segments(set: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(set).unwrap().map(|item| item.unwrap().path());
    let mut segments: Vec<_> =
        files.filter(|file| file.to_str().unwrap().ends_with(".tar.zst.p7m")).collect();
    segments.sort();
    segments
}

#[test]
fn what_a_verification_finds_damaged_is_stored_again_and_its_sets_push_no_good_one_out() {
    let site = site();
    noise(&site.path("hlh/a"), 100_000);
    night(&site);
    noise(&site.path("hlh/b"), 30_000_000);
    night(&site);
    let [first, second] = <[PathBuf; 2]>::try_from(sets(&site)).unwrap();
    let damaged = segments(&second).pop().unwrap();
    flip(&damaged);
    assert!(is_whole(&site, &first) && !is_whole(&site, &second));

    let third = night(&site);
    let report = of_hlh(&third);
    assert!(report["failure"].is_null() && report["status"] == "Succeeded", "{report:#}");
    let warned = report["warnings"].to_string();
    assert!(warned.contains(damaged.file_name().unwrap().to_str().unwrap()), "{warned}");
    let after = sets(&site);
    assert_eq!(after.len(), 4, "the first, two with the damaged file, and a good one: {after:?}");
    assert!(after.contains(&first), "{third:#}");
    let whole: Vec<_> = after.iter().filter(|set| is_whole(&site, set)).collect();
    let newest = site.path("share").join(report["set"].as_str().unwrap());
    assert_eq!(whole, [&first, &newest]);
    let log = fs::read_to_string(site.path("state/jobs.jsonl")).unwrap();
    assert!(log.contains("DAMAGED"), "{log}");
    assert!(
        third["warnings"].to_string().contains(second.file_name().unwrap().to_str().unwrap()),
        "{third:#}"
    );

    // The damaged ones neither count nor go; of the others the oldest goes.
    let fourth = night(&site);
    assert_eq!(of_hlh(&fourth)["status"], "Succeeded");
    let left = sets(&site);
    assert!(left.len() == 4 && !left.contains(&first) && left.contains(&second), "{left:?}");
    assert!(fourth["warnings"].to_string().contains("damaged"), "{fourth:#}");

    // Once somebody deleted them, nothing is said of them.
    for set in left.iter().filter(|set| !is_whole(&site, set)) {
        fs::remove_dir_all(set).unwrap();
    }
    let fifth = night(&site);
    assert!(!fifth["warnings"].to_string().contains("damaged"), "{fifth:#}");
    assert_eq!(fs::read_to_string(site.path("state/damaged.json")).unwrap(), "{}");
    assert!(sets(&site).iter().all(|set| is_whole(&site, set)));
}

#[test]
fn what_a_backup_finds_damaged_counts_as_damaged_in_earlier_sets_too() {
    let site = site();
    let file = fs::read_to_string(site.path("site.toml")).unwrap().replace("recheck = 100", "recheck = 1");
    fs::write(site.path("site.toml"), file).unwrap();
    noise(&site.path("hlh/a"), 100_000);
    night(&site);
    noise(&site.path("hlh/b"), 5_000_000);
    night(&site);
    let [first, second] = <[PathBuf; 2]>::try_from(sets(&site)).unwrap();
    flip(&segments(&second).pop().unwrap());
    night(&site);
    let after = sets(&site);
    assert_eq!(after.len(), 3);
    assert!(after.contains(&first) && after.contains(&second), "{after:?}");
    let listed = said(&mut nightly(&site, &["--now"]));
    assert!(listed.contains("were found damaged"), "{listed}");
}

#[test]
fn what_this_host_cannot_remember_is_no_alert_about_the_share() {
    let site = site();
    night(&site);
    let record = site.path("state/damaged.json");
    fs::write(&record, "{").unwrap();
    let output = run(&mut nightly(&site, &["--now", "--json"]));
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failure = &document["result"]["retention_failure"];
    assert_eq!(failure["alert"], "GENERAL", "{document:#}");
    assert!(failure["message"].as_str().unwrap().contains("damaged.json"), "{failure:#}");
    assert!(failure["next"].to_string().contains("this host"), "{failure:#}");
    assert_eq!(document["result"]["deleted"], 0);
}

#[test]
fn who_is_told_to_end_while_a_set_is_verified_deletes_nothing_for_it() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 1\n");
    noise(&site.path("hlh/a"), 100_000_000);
    let is_finished = |set: &PathBuf| set.join("backup.json").exists();
    let was_stopped = (0..8).any(|_| {
        night(&site);
        let before = sets(&site);
        sleep(Duration::from_millis(1100));
        let mut run = nightly(&site, &["--now", "--quiet"]).spawn().unwrap();
        while sets(&site).iter().filter(|set| is_finished(set)).count() <= before.len()
            && run.try_wait().unwrap().is_none()
        {
            sleep(Duration::from_millis(1));
        }
        let _ = kill_process(Pid::from_child(&run), Signal::TERM);
        // If it had ended before, try again.
        let was_stopped = run.wait().unwrap().code() == Some(130);
        if was_stopped {
            assert_eq!(before.len(), 1);
            assert!(sets(&site).contains(&before[0]), "the set before is the last that was verified");
        }
        was_stopped
    });
    assert!(was_stopped);
    night(&site);
    assert_eq!(sets(&site).len(), 1, "a set that was verified makes up for all before it");
}

#[test]
fn a_folder_that_stays_because_of_what_is_in_it_is_named() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 1\n");
    night(&site);
    let first = sets(&site).remove(0);
    fs::write(first.join("notes.txt"), "mine").unwrap();
    let second = night(&site);
    let warned = second["warnings"].to_string();
    assert!(warned.contains(first.file_name().unwrap().to_str().unwrap()), "{second:#}");
    assert!(warned.contains("notes.txt") && first.join("notes.txt").exists(), "{second:#}");
}

#[cfg(any(feature = "smb", feature = "object-store"))]
#[test]
fn a_share_that_is_full_of_what_no_rule_keeps_makes_room() {
    use std::io::Write;

    use crate::site::text;

    let site = Site::new();
    configured(&site, "[retention]\nkeep_days = 30\n");
    fs::remove_dir_all(site.path("share")).unwrap();
    let Some(disk) =
        crate::common::mounted::Mounted::new(&["-t", "tmpfs", "-o", "size=20m", "tmpfs"], site.path("share"))
    else {
        eprintln!("skipped: this process may not mount");
        return;
    };
    fs::create_dir_all(disk.0.join("contoso.com/nyc")).unwrap();
    for _ in 0..3 {
        noise(&site.path("hlh/a"), 3_000_000);
        night(&site);
    }
    // Somebody else's files fill it to the last block.
    let mut rest = fs::File::create(disk.0.join("others")).unwrap();
    while rest.write_all(&[1; 4096]).is_ok() {}
    let full = run(&mut nightly(&site, &["--now"]));
    assert_eq!(full.status.code(), Some(1));
    assert!(text(&full.stderr).contains("OUT_OF_CAPACITY"), "{}", text(&full.stderr));
    let file = fs::read_to_string(site.path("site.toml")).unwrap().replace("keep_days = 30", "keep_last = 1");
    fs::write(site.path("site.toml"), file).unwrap();
    noise(&site.path("hlh/a"), 3_000_000);
    let freed = night(&site);
    assert_eq!(of_hlh(&freed)["status"], "Succeeded", "{freed:#}");
    assert!(freed["deleted"].as_u64() >= Some(4), "{freed:#}");
    let left = sets(&site);
    assert!(left.len() == 1 && is_whole(&site, &left[0]), "{left:?}");
}
