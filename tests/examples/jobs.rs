//! backup, list, verify and restore.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::common::assert_same_tree;
use super::{Site, example, failure, named, output, report, text};

#[test]
fn a_set_is_backed_up_listed_verified_and_restored() {
    let site = Site::new();
    let made = report(
        site.backup()
            .args([
                "--scale-unit",
                "su1",
                "--create",
                "--label",
                "model=S4148-ON",
                "--exclude",
                "*.tmp",
                "--state",
            ])
            .arg(site.path("state"))
            .arg(site.path("configs")),
    );
    assert_eq!(made["status"], "Succeeded");
    assert_eq!(made["content"]["files"], 2);
    assert_eq!(made["scale_unit"], "su1");
    assert_eq!(made["labels"]["model"], "S4148-ON");
    let set = site.path("share").join(made["folder"].as_str().unwrap());

    let sets = report(&mut site.placed("list"));
    let set_of = &sets["sets"][0];
    assert_eq!((sets["sets"].as_array().unwrap().len(), &sets["unreadable"]), (1, &serde_json::json!([])));
    assert_eq!(set_of["name"], made["set"]);
    assert_eq!(set_of["state"], "complete");
    assert_eq!(set_of["cover"]["sha256sums"], made["sha256sums"]);
    let none = report(site.placed("list").args(["--component", "HLH"]));
    assert!(none["sets"].as_array().unwrap().is_empty());

    let digests = report(example("verify").arg("--set").arg(&set));
    assert_eq!((&digests["full"], &digests["stored_files"]), (&false.into(), &4.into()));
    let full = report(&mut site.on_set("verify", &set));
    assert_eq!((&full["full"], &full["files"]), (&true.into(), &2.into()));

    let all = report(site.on_set("restore", &set).arg("--to").arg(site.path("all")));
    assert_eq!((&all["status"], &all["files"]), (&"Succeeded".into(), &2.into()));
    assert_same_tree(&site.path("configs"), &site.path("all/configs"));

    let some = report(site.on_set("restore", &set).arg("tor1/").arg("--to").arg(site.path("some")));
    assert_eq!(some["files"], 1);
    assert!(site.path("some/configs/tor1/running-config").exists());
    assert!(!site.path("some/configs/tor2.cfg").exists());
}

#[test]
fn people_get_lines() {
    let site = Site::new();
    let made = text(&output(site.backup().arg(site.path("configs"))).stdout);
    assert!(made.starts_with("Succeeded: contoso.com/nyc/Switches/"), "{made}");
    assert!(made.contains("2 files, 2 folders, 0 links with 28 bytes"), "{made}");
    let set = &site.sets("Switches")[0];
    let listed = text(&output(&mut site.placed("list")).stdout);
    assert!(listed.contains("Succeeded, 2 files with 28 bytes"), "{listed}");
    let checked = text(&output(&mut site.on_set("verify", set)).stdout);
    assert!(checked.ends_with("the set is what was written\n"), "{checked}");
    let restored = text(&output(site.on_set("restore", set).arg("--to").arg(site.path("to"))).stdout);
    assert!(restored.starts_with("Succeeded: 2 files with 28 bytes"), "{restored}");
    for name in ["backup", "list", "verify", "restore", "quickstart"] {
        let help = text(&output(example(name).arg("--help")).stdout);
        assert!(help.contains(&format!("\n{name} ")), "{help}");
    }
}

#[test]
fn a_set_that_was_copied_elsewhere_opens() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    let copy = site.path("copy");
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(&set).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    assert_eq!(report(&mut site.on_set("verify", &copy))["files"], 2);
}

#[test]
fn what_is_there_already_is_refused_kept_or_replaced() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    let target = site.path("configs");
    let restore = || {
        let mut command = site.on_set("restore", &set);
        command.arg("--to").arg(site.temp.path());
        command
    };
    fs::write(target.join("tor2.cfg"), "newer").unwrap();
    failure(&mut restore(), "ALREADY_EXISTS");
    let kept: serde_json::Value =
        serde_json::from_str(&named(restore().arg("--keep-existing").arg("--json"))).unwrap();
    assert_eq!((&kept["kept"], &kept["kept_differing"][0]), (&1.into(), &"configs/tor2.cfg".into()));
    assert_eq!(fs::read_to_string(target.join("tor2.cfg")).unwrap(), "newer");
    report(restore().arg("--replace-existing"));
    assert_eq!(fs::read_to_string(target.join("tor2.cfg")).unwrap(), "hostname tor2\n");
}

#[test]
fn damage_is_named_and_passed_over_only_when_asked() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    let files: Vec<_> = fs::read_dir(&set).unwrap().map(|f| f.unwrap().path()).collect();
    let segment = files.iter().find(|f| f.to_str().unwrap().ends_with(".tar.zst.p7m")).unwrap();
    let mut bytes = fs::read(segment).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(segment, bytes).unwrap();

    for command in [&mut site.on_set("verify", &set), example("verify").arg("--set").arg(&set)] {
        failure(command, "DAMAGED");
        failure(command.arg("--json"), "DAMAGED");
    }
    let restore = |to: &str| {
        let mut command = site.on_set("restore", &set);
        command.arg("--to").arg(site.path(to));
        command
    };
    failure(&mut restore("stop"), "DAMAGED");
    let report = named(restore("continue").arg("--continue").arg("--json"));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["status"], "PartialSucceeded");
    assert!(!report["losses"].as_array().unwrap().is_empty());
    let said = named(restore("again").arg("--continue"));
    assert!(said.contains("lost by damage: 4\n  configs: "), "{said}");
}

#[test]
fn a_source_that_cannot_be_read_is_passed_over_only_when_asked() {
    let site = Site::new();
    // Root can read everything, so use a source that nobody can read: the name of a missing file in another folder.
    let missing = site.path("missing");
    failure(site.backup().arg(&missing), "NOT_FOUND");
    let pipe = site.path("configs/pipe");
    output(std::process::Command::new("mkfifo").arg(&pipe));
    let report = report(site.backup().arg("--allow-partial").arg(site.path("configs")));
    assert_eq!(report["skipped"].as_array().unwrap().len(), 1);
    assert_eq!(site.sets("Switches").len(), 1);
}

#[test]
fn a_restore_that_is_not_whole_ends_with_a_code_of_its_own() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    let restore = |to: &str| {
        let mut command = site.on_set("restore", &set);
        command.arg("--to").arg(site.path(to));
        command
    };
    assert_eq!(restore("whole").output().unwrap().status.code(), Some(0));
    let output = restore("partial").args(["tor1/", "tor7/"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("PartialSucceeded") && said.contains("tor7/"), "{said}");
    std::fs::write(set.join("Thumbs.db"), "").unwrap();
    let output = site.on_set("verify", &set).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("Thumbs.db"));
}

#[test]
fn mistakes_are_one_line_with_a_code() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    for name in ["backup", "list", "verify", "restore", "quickstart"] {
        failure(example(name).arg("--no-such-option"), "INVALID_ARGUMENT");
    }
    failure(&mut site.backup(), "INVALID_ARGUMENT");
    failure(site.backup().args(["--label", "no value", "x"]), "INVALID_ARGUMENT");
    failure(example("verify").arg("--json"), "INVALID_ARGUMENT");
    failure(site.placed("list").args(["--component", "MASBackup"]), "RESERVED_PATH");
    failure(site.placed("list").args(["--component", "a/b"]), "INVALID_NAME");
    failure(example("verify").arg("--set").arg(site.path("nowhere")), "NOT_FOUND");
    failure(example("verify").arg("--set").arg(site.path("share")), "INCOMPLETE");
    let unc = r"\\fileserver01.contoso.com\AzSBackups";
    let said = failure(example("verify").args(["--set", unc]).env_remove("AZS_SMB_USER"), "INVALID_ARGUMENT");
    assert!(said.contains(unc) && said.contains("AZS_SMB_USER"), "{said}");
    failure(example("verify").args(["--set", r"\\server\share\MASBackup"]), "RESERVED_PATH");

    let to = site.path("to");
    let restore = || {
        let mut command = site.on_set("restore", &set);
        command.arg("--to").arg(&to);
        command
    };
    failure(restore().env("AZS_PFX_PASSWORD", "wrong"), "WRONG_PASSWORD");
    let said = failure(restore().env_remove("AZS_PFX_PASSWORD"), "WRONG_PASSWORD");
    assert!(said.contains("AZS_PFX_PASSWORD"), "{said}");
    let other = Site::new();
    failure(&mut other.on_set("verify", &set), "WRONG_CERTIFICATE");
    let said = failure(restore().env("AZS_PFX_PASSWORD", "correct horse\r"), "WRONG_PASSWORD");
    assert!(said.contains("line break"), "{said}");
    let bytes: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xe4]);
    let said = failure(restore().env("AZS_PFX_PASSWORD", bytes), "INVALID_ARGUMENT");
    assert!(said.contains("not UTF-8"), "{said}");
    failure(restore().arg("nothing-like-this"), "NOT_FOUND");
    assert!(!to.exists(), "a restore that failed before it began leaves no folder");
}

#[test]
fn an_interrupted_backup_leaves_nothing() {
    let site = Site::new();
    // Long enough on any machine, and without a block on the disk.
    let large = fs::File::create(site.path("large")).unwrap();
    large.set_len(200 << 30).unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut backup = site.backup();
        backup.arg(site.path("large")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = backup.process_group(0).spawn().unwrap();
        let started = Instant::now();
        // The set's folder, and then something in it.
        while !site.sets("Switches").iter().any(|set| fs::read_dir(set).unwrap().next().is_some()) {
            assert!(started.elapsed() < Duration::from_secs(60), "the backup does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(output.stdout.is_empty());
        assert!(stderr.lines().last().unwrap().starts_with("CANCELLED: "), "{stderr}");
        assert_eq!(site.sets("Switches"), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn a_share_is_reviewed() {
    let site = Site::new();
    report(site.backup().arg(site.path("configs")));
    let config = site.path("review.json");
    let root = r#"{"root": "\\\\fileserver01\\AzSBackups", "deployment": {"external_domain_name": "contoso.com", "region": "nyc"}}"#;
    fs::write(&config, root).unwrap();
    let page = site.path("review.html");
    let review = || {
        let mut review = example("review");
        review.arg("--root").arg(site.path("share")).arg("--config").arg(&config);
        review
    };
    let made = named(review().arg("--html").arg(&page).arg("--json"));
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let rules: Vec<_> =
        made["findings"].as_array().unwrap().iter().map(|of| of["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"ROOT_HOST_NOT_FQDN") && rules.contains(&"BACKUP_MISSING"), "{rules:?}");
    assert!(fs::read_to_string(&page).unwrap().starts_with("<!DOCTYPE html>"));
    let table = named(&mut review());
    assert!(table.contains("ROOT_HOST_NOT_FQDN"), "{table}");
    fs::write(&config, &root[..40]).unwrap();
    failure(&mut review(), "MALFORMED");
}

#[test]
fn what_is_named_is_an_exit_code_and_a_foreign_set_takes_its_place_to_open() {
    let site = Site::new();
    let set = site.back_up(&site.path("configs"));
    let lax = site.path("share/contoso.com/lax/Switches").join(set.file_name().unwrap());
    fs::create_dir_all(&lax).unwrap();
    for file in fs::read_dir(&set).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), lax.join(file.file_name())).unwrap();
    }
    output(&mut site.placed("list"));
    let listed = named(site.placed("list").args(["--region", "lax"]));
    assert!(listed.contains("  FOREIGN: it belongs to contoso.com/nyc/Switches/"), "{listed}");
    let kept = named(site.placed("retention").args(["--region", "lax", "--keep-last", "1"]));
    assert!(kept.contains("belongs to another place") && lax.exists(), "{kept}");

    let restore = || {
        let mut command = site.on_set("restore", &lax);
        command.arg("--to").arg(site.path("to"));
        command
    };
    assert!(failure(&mut restore(), "CONFLICT").contains("contoso.com/nyc/Switches"));
    assert!(!site.path("to").exists());
    failure(restore().args(["--place", "contoso.com/lax/Switches"]), "CONFLICT");
    assert_eq!(report(restore().args(["--place", "contoso.com/nyc/Switches"]))["files"], 2);

    // A missing region folder is named plainly, and created on request.
    let said = failure(site.placed("check").args(["--region", "nyk"]), "NOT_FOUND");
    assert!(said.contains("contoso.com/nyk") && said.contains("mounted"), "{said}");
    failure(site.placed("check").args(["--component", "Swithces"]), "NOT_FOUND");
    let checked = site.placed("check").args(["--region", "nyk", "--create", "--json"]).output().unwrap();
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    // How much room there is on this machine's disk is its own affair.
    let is_fine = |step: &serde_json::Value| {
        let outcome = step["outcome"].as_str().unwrap();
        ["passed", "skipped"].contains(&outcome) || (step["step"] == "space" && outcome == "warned")
    };
    let steps = checked["steps"].as_array().unwrap();
    assert!(steps.iter().all(is_fine), "{checked}");
    assert!(site.path("share/contoso.com/nyk").is_dir());
}
