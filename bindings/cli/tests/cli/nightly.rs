//! nightly and config: a site from its file to a report.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::site::{Site, ended, failure, result, result_with, run, said, text};

/// A site whose share is a folder.
pub(crate) fn configured(site: &Site, more: &str) {
    let file = format!(
        r#"
deployment = "contoso.com/nyc"
certificates = ["backup.cer"]
state = "state"

[share]
root = "share"

[report]
json = "report.json"
prometheus = "azs.prom"
{more}

[[component]]
name = "Switches"
sources = ["configs", {{ name = "renamed", path = "configs/tor2.cfg" }}]

[component.options]
exclude = ["*.tmp"]
labels = {{ model = "S4148-ON" }}

[[component]]
name = "HLH"
sources = ["hlh"]
"#
    );
    fs::write(site.path("site.toml"), file).unwrap();
    fs::create_dir_all(site.path("hlh")).unwrap();
    fs::write(site.path("hlh/hosts"), "127.0.0.1 localhost\n").unwrap();
}

pub(crate) fn nightly(site: &Site, options: &[&str]) -> std::process::Command {
    site.program(&[&["nightly", "--config", "site.toml"], options].concat())
}

#[test]
fn a_run_backs_up_each_component_once_for_each_time_that_is_due() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 1\n");
    let checked = said(&mut site.program(&["config", "check", "site.toml"]));
    assert!(
        checked.contains("contoso.com/nyc/Switches") && checked.contains("deletes old sets"),
        "{checked}"
    );
    let planned = result(&mut nightly(&site, &["--dry-run"]));
    assert!(planned["why"].as_str().unwrap().contains("contoso.com/nyc/HLH"), "{planned}");
    assert_eq!(site.sets("Switches"), Vec::<std::path::PathBuf>::new());

    let done = result(&mut nightly(&site, &[]));
    assert_eq!((&done["outcome"], done["components"].as_array().unwrap().len()), (&json!("done"), 2));
    assert_eq!(done["components"][0]["status"], "Succeeded");
    assert_eq!(done["components"][0]["files"], 3);
    let report: Value = serde_json::from_slice(&fs::read(site.path("report.json")).unwrap()).unwrap();
    assert_eq!((&report["version"], &report["command"]), (&json!(1), &json!("nightly")));
    assert_eq!(report["result"]["components"], done["components"]);
    let set = site.path("share").join(done["components"][0]["set"].as_str().unwrap());
    assert_eq!(said(&mut site.opened("cat", &set, &["renamed"])), "hostname tor2\n");

    let again = result(&mut nightly(&site, &[]));
    assert_eq!(again["outcome"], "not_due", "{again}");
    let again = result(&mut nightly(&site, &["--now"]));
    assert_eq!(again["deleted"], 2, "{again}");
    // Whoever asks for a run moves no run that the schedule will begin.
    let jobs = fs::read_to_string(site.path("state/jobs.jsonl")).unwrap();
    let of = |trigger: &str| jobs.matches(&format!("\"trigger\":\"{trigger}\"")).count();
    assert!(of("scheduled") > 0 && of("scheduled") == of("on_demand"), "{jobs}");
    assert_eq!((site.sets("Switches").len(), site.sets("HLH").len()), (1, 1));
    // The second set took over what the first had.
    assert!(
        again["components"][0]["new_bytes"].as_u64() < done["components"][0]["new_bytes"].as_u64(),
        "{again}"
    );
}

/// A folder that nobody may change, until this is dropped.
struct Immutable(PathBuf);

impl Immutable {
    /// `None` where this process cannot do that to itself.
    fn make(folder: PathBuf) -> Option<Self> {
        // Permissions stop whoever is not root, and the flag stops root.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
        let immutable = Self(folder);
        if !immutable.flag("+i") && rustix::process::geteuid().is_root() {
            eprintln!("skipped: this process may not make a folder immutable");
            return None;
        }
        Some(immutable)
    }

    fn flag(&self, flag: &str) -> bool {
        Command::new("chattr").arg(flag).arg(&self.0).output().is_ok_and(|done| done.status.success())
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        self.flag("-i");
        let _ = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o755));
    }
}

#[test]
fn a_share_that_may_only_be_read_is_named_so() {
    let site = Site::new();
    configured(&site, "");
    said(&mut nightly(&site, &[]));
    let Some(immutable) = Immutable::make(site.path("share/contoso.com/nyc")) else { return };
    let output = run(&mut nightly(&site, &["--now", "--json"]));
    let check = run(&mut site.deployed("check", &["--json"]));
    drop(immutable);
    for output in [output, check] {
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let found = text(&output.stdout);
        assert!(found.contains("SHARE_NOT_WRITABLE") && !found.contains("AUTHENTICATION"), "{found}");
    }
}

#[test]
fn sets_that_must_not_be_deleted_are_an_alert_of_their_own() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 1\n");
    said(&mut nightly(&site, &[]));
    let Some(immutable) = Immutable::make(site.sets("Switches").remove(0)) else { return };
    let output = run(&mut nightly(&site, &["--now", "--json"]));
    drop(immutable);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let night = serde_json::from_slice::<Value>(&output.stdout).unwrap()["result"].take();
    let failure = &night["retention_failure"];
    assert_eq!(failure["alert"], "DELETION_FAILED", "{night}");
    assert!(failure["next"].to_string().contains("right to delete"), "{failure}");
    assert_eq!(night["components"][0]["status"], "Succeeded");
}

/// Makes the clock of whatever loads it run ahead by `AHEAD` seconds. The kernel's, which writes the times of files, does not.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = syscall(SYS_clock_gettime, clock, time);
    if (done == 0 && clock == CLOCK_REALTIME) {
        time->tv_sec += atol(getenv("AHEAD"));
    }
    return done;
}
"#;

#[test]
fn a_clock_that_jumped_ahead_deletes_nothing() {
    let site = Site::new();
    fs::create_dir_all(site.path("elsewhere/contoso.com/nyc")).unwrap();
    let copy = "\n[[copy]]\nshare.root = \"elsewhere\"\nretention.keep_days = 1\n";
    configured(&site, &format!("[retention]\nkeep_days = 1\n{copy}"));
    said(&mut nightly(&site, &[]));
    fs::write(site.path("clock.c"), CLOCK).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(site.path("clock.so")).arg(site.path("clock.c"));
    assert!(cc.status().unwrap().success());
    let mut ahead = nightly(&site, &["--now"]);
    ahead.env("LD_PRELOAD", site.path("clock.so")).env("AHEAD", (10 * 86_400).to_string());
    let night = result(&mut ahead);
    assert_eq!(night["deleted"], 0, "{night}");
    let warned = night["warnings"].to_string();
    assert!(warned.contains(" s behind") && warned.contains("nothing old is deleted"), "{night}");
    assert_eq!((site.sets("Switches").len(), site.sets("HLH").len()), (2, 2));
    let copies = fs::read_dir(site.path("elsewhere/contoso.com/nyc/HLH")).unwrap().count();
    assert!(copies >= 1 && night["copies"][0]["deleted"] == 0, "{night}");
}

#[test]
fn the_next_steps_name_the_share() {
    let site = Site::new();
    configured(&site, "");
    fs::remove_dir_all(site.path("share")).unwrap();
    let output = run(&mut nightly(&site, &["--json"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failure = &document["result"]["components"][0]["failure"];
    assert_eq!(failure["alert"], "PATH");
    let steps = failure["next"].to_string();
    assert!(steps.contains("configured path with") && !steps.contains("the backup share"), "{steps}");
}

#[test]
fn a_component_that_fails_does_not_stop_the_others() {
    let site = Site::new();
    configured(&site, "");
    fs::remove_dir_all(site.path("configs")).unwrap();
    let output = run(&mut nightly(&site, &["--json"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("SOURCE_UNREADABLE: "), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let components = &document["result"]["components"];
    assert_eq!(components[0]["failure"]["code"], "SOURCE_UNREADABLE");
    // Nothing is wrong with the share's path.
    assert_eq!(components[0]["failure"]["alert"], "GENERAL");
    assert!(!components[0]["failure"]["next"].as_array().unwrap().is_empty());
    assert_eq!((&components[1]["status"], &components[1]["failure"]), (&json!("Succeeded"), &Value::Null));
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    assert!(
        metrics.contains("azs_backup_last_run_success{place=\"contoso.com/nyc/Switches\"} 0\n"),
        "{metrics}"
    );
    assert!(metrics.contains("azs_backup_last_run_success{place=\"contoso.com/nyc/HLH\"} 1\n"), "{metrics}");
    // It is on record.
    let jobs = fs::read_to_string(site.path("state/jobs.jsonl")).unwrap();
    assert!(jobs.contains("\"Failed\"") && jobs.contains("\"Succeeded\""), "{jobs}");
}

#[test]
fn a_run_waits_for_updates_and_for_another_run() {
    let site = Site::new();
    configured(&site, "[gate]\noperations = \"operations.json\"\n");
    let update = r#"[{"kind": "update", "state": "running", "started": "2026-11-28T00:00:00Z"}]"#;
    fs::write(site.path("operations.json"), update).unwrap();
    let blocked = result_with(&mut nightly(&site, &["--now"]), 4);
    assert_eq!(blocked["outcome"], "blocked", "{blocked}");
    assert_eq!(site.sets("HLH").len(), 0);
    fs::write(site.path("operations.json"), "[]").unwrap();
    let lock = fs::File::create(site.path("state/nightly.lock")).unwrap();
    lock.lock().unwrap();
    let blocked = ended(&mut nightly(&site, &["--now"]), 4);
    assert!(blocked.contains("another nightly run"), "{blocked}");
    drop(lock);
    said(&mut nightly(&site, &["--now"]));
}

#[test]
fn the_metrics_are_as_prometheus_wants_them() {
    let site = Site::new();
    configured(&site, "");
    said(&mut nightly(&site, &[]));
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    let mut typed = Vec::new();
    for line in metrics.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(kind, "gauge");
            typed.push(name.to_owned());
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(typed.iter().any(|of| of == name), "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
    assert_eq!(typed.len(), 13);
    let mut promtool = std::process::Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(fs::File::open(site.path("azs.prom")).unwrap());
    match promtool.output() {
        Ok(checked) => assert!(checked.status.success(), "{}", text(&checked.stderr)),
        Err(_) => eprintln!("the metrics were not looked at by this machine's promtool: it has none"),
    }
}

#[test]
fn systemd_takes_the_units() {
    let site = Site::new();
    for unit in ["azs-backup.service", "azs-backup.timer"] {
        let text = fs::read_to_string(format!("{}/systemd/{unit}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let text = text.replace("/usr/bin/azs-backup", env!("CARGO_BIN_EXE_azs-backup"));
        fs::write(site.path(unit), text.replace("Documentation=man:azs-backup(1)\n", "")).unwrap();
    }
    let analyze = |arguments: &[&str]| {
        let mut analyze = std::process::Command::new("systemd-analyze");
        analyze.args(arguments).args(["./azs-backup.service"]).current_dir(site.temp.path());
        analyze
    };
    if analyze(&["--version"]).output().is_err() {
        eprintln!("the units were not looked at: this machine has no systemd-analyze");
        return;
    }
    let verified = run(analyze(&["verify"]).arg("./azs-backup.timer"));
    // It may say something about other units of this machine.
    let said = text(&verified.stderr);
    assert!(verified.status.success() && !said.contains("azs-backup"), "{said}");
    // In tenths; what systemd calls OK ends at 5.
    let hardened = run(&mut analyze(&["security", "--offline=yes", "--threshold=30"]));
    assert!(hardened.status.success(), "{}", text(&hardened.stdout));
}

/// Sets the clock of all records back.
pub(crate) fn hours_later(site: &Site, hours: i64) {
    let log = site.path("state/jobs.jsonl");
    let jobs = fs::read_to_string(&log).unwrap();
    let earlier = |text: &str| {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some((time - jiff::SignedDuration::from_hours(hours)).to_string())
    };
    let lines = jobs.lines().map(|line| {
        let mut job: Value = serde_json::from_str(line).unwrap();
        for name in ["started", "ended"] {
            if let Some(time) = job[name].as_str().and_then(earlier) {
                job[name] = time.into();
            }
        }
        job.to_string() + "\n"
    });
    fs::write(&log, lines.collect::<String>()).unwrap();
}

#[test]
fn what_failed_is_tried_again_before_its_next_time_and_nothing_else() {
    let site = Site::new();
    configured(&site, "[schedule]\nfrequency_hours = 12\n");
    fs::rename(site.path("hlh"), site.path("away")).unwrap();
    assert_eq!(run(&mut nightly(&site, &["--now"])).status.code(), Some(1));
    assert_eq!((site.sets("HLH").len(), site.sets("Switches").len()), (0, 1));
    // Not at once: somebody has to do something first.
    assert_eq!(result(&mut nightly(&site, &[]))["outcome"], "not_due");
    hours_later(&site, 3);
    let planned = result(&mut nightly(&site, &["--dry-run"]));
    assert_eq!(planned["why"], "would back up contoso.com/nyc/HLH");
    fs::rename(site.path("away"), site.path("hlh")).unwrap();
    let again = result(&mut nightly(&site, &[]));
    assert_eq!(again["components"].as_array().unwrap().len(), 1, "{again:#}");
    assert_eq!((site.sets("HLH").len(), site.sets("Switches").len()), (1, 1));
    // The metrics are those of all.
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    for place in ["HLH", "Switches"] {
        let success = format!("azs_backup_last_run_success{{place=\"contoso.com/nyc/{place}\"}} 1\n");
        assert!(metrics.contains(&success), "{metrics}");
    }
    // The schedule is as it was.
    assert_eq!(result(&mut nightly(&site, &[]))["outcome"], "not_due");
}

#[test]
fn a_certificate_that_expires_soon_is_named() {
    let site = Site::new();
    said(site.program(&["key", "new", "short", "--days", "20"]).env("AZS_PFX_PASSWORD", "correct horse"));
    configured(&site, "");
    let file = fs::read_to_string(site.path("site.toml")).unwrap();
    fs::write(site.path("site.toml"), file.replace("backup.cer", "short.cer")).unwrap();
    let told = said(&mut nightly(&site, &[]));
    assert!(told.contains("warning: the certificate ") && told.contains(" expires on "), "{told}");
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    assert!(metrics.contains("azs_backup_certificate_expiry_timestamp_seconds{thumbprint=\""), "{metrics}");
}

#[test]
fn a_dry_run_and_a_check_of_the_file_name_a_certificate_that_has_expired() {
    let site = Site::new();
    configured(&site, "");
    fs::write(site.path("backup.cer"), expired()).unwrap();
    failure(&mut nightly(&site, &["--dry-run"]), "CERTIFICATE_EXPIRED");
    let check = run(&mut site.program(&["config", "check", "site.toml"]));
    assert_eq!((check.status.code(), text(&check.stderr).contains(" expired at ")), (Some(3), true));
    // As a run would, which is allowed to.
    let file = fs::read_to_string(site.path("site.toml")).unwrap();
    let allow = "allow_expired_certificates = true\n";
    let allowed = file.replace("[component.options]\n", &format!("[component.options]\n{allow}"));
    fs::write(site.path("site.toml"), format!("{allowed}\n[component.options]\n{allow}")).unwrap();
    said(&mut nightly(&site, &["--dry-run"]));
}

/// A CER whose last day was in 1970.
fn expired() -> Vec<u8> {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::from_unix(86_400).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    certificate.build().to_der().unwrap()
}
