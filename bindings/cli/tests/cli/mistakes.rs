//! What a tired operator does, and what the program says then.

use std::fs;
use std::process::Command;

use crate::nightly::{configured, nightly};
use crate::site::{Site, ended, failure, result, result_with, run, said, text};

#[test]
fn a_region_that_is_not_there_is_no_empty_list() {
    let site = Site::new();
    let asked = |command: &str, deployment: &str, more: &[&str]| {
        site.program(&[&[command, "--root", "share", "--deployment", deployment], more].concat())
    };
    for command in ["list", "retention"] {
        let error = failure(&mut asked(command, "contoso.com/nycc", &[]), "NOT_FOUND");
        assert!(error.contains("no region folder contoso.com/nycc"), "{error}");
        let output = run(&mut asked(command, "contoso.com/nyc", &["--component", "HLHX"]));
        assert!(text(&output.stderr).contains("no component HLHX"), "{}", text(&output.stderr));
        said(&mut asked(command, "contoso.com/nyc", &[]));
    }
}

#[test]
fn a_set_is_named_as_the_list_names_it() {
    let site = Site::new();
    let set = site.back_up();
    let name = format!("Switches/{}", set.file_name().unwrap().to_str().unwrap());
    let show = |set: &str| site.program(&["show", "--root", "share", set]);
    failure(&mut show(&name), "NOT_FOUND");
    for set in [name.as_str(), "Switches/latest", "contoso.com/nyc/Switches/latest"] {
        said(show(set).env("AZS_DEPLOYMENT", "contoso.com/nyc"));
    }
    // A folder of this host is one, whatever the environment says of a share.
    said(site.program(&["show", set.to_str().unwrap()]).env("AZS_ROOT", site.path("configs")));
}

#[test]
fn a_share_that_is_no_unc_path_is_said_to_be_none() {
    let site = Site::new();
    for root in ["smb://fs01/AzSBackups", r"\fs01AzSBackups"] {
        let list = ["list", "--root", root, "--deployment", "contoso.com/nyc"];
        let error = failure(&mut site.program(&list), "INVALID_NAME");
        assert!(error.contains("UNC path"), "{error}");
    }
}

#[test]
fn nothing_is_restored_onto_the_share() {
    let site = Site::new();
    site.back_up();
    let restore = |into: &str| {
        let set = [
            "restore",
            "--root",
            "share",
            "contoso.com/nyc/Switches/latest",
            "--pfx",
            "backup.pfx",
            "--into",
        ];
        let mut restore = site.program(&[&set, &[into][..]].concat());
        restore.env("AZS_PFX_PASSWORD", crate::site::PASSWORD);
        restore
    };
    for into in ["share/contoso.com/nyc/Switches/restored", "share"] {
        let error = failure(&mut restore(into), "INVALID_ARGUMENT");
        assert!(error.contains("that is on the share"), "{error}");
    }
    assert!(!site.path("share/contoso.com/nyc/Switches/restored").exists());
    said(&mut restore("restored"));
}

#[test]
fn who_restores_an_empty_set_is_told_so() {
    let site = Site::new();
    for name in ["configs/tor1", "configs/tor2.cfg"] {
        let _ = fs::remove_dir_all(site.path(name)).or_else(|_| fs::remove_file(site.path(name)));
    }
    let set = site.back_up();
    let output = run(&mut site.opened("restore", &set, &["--into", "restored"]));
    assert!(text(&output.stderr).contains("the set has no file"), "{}", text(&output.stderr));
}

#[test]
fn the_latest_of_one_second_is_the_last_one() {
    let site = Site::new();
    for number in 0..6 {
        fs::write(site.path("configs/tor2.cfg"), format!("hostname tor{number}\n")).unwrap();
        site.back_up();
        let cat = [
            "cat",
            "--root",
            "share",
            "contoso.com/nyc/Switches/latest",
            "--pfx",
            "backup.pfx",
            "configs/tor2.cfg",
        ];
        let latest = said(site.program(&cat).env("AZS_PFX_PASSWORD", crate::site::PASSWORD));
        assert_eq!(latest, format!("hostname tor{number}\n"));
    }
}

#[test]
fn a_label_without_a_name_is_none() {
    let site = Site::new();
    let backup = ["backup", "--root", "share", "--place", "contoso.com/nyc/Switches", "--cer", "backup.cer"];
    for label in ["=", "=S4148-ON", "S4148-ON"] {
        ended(&mut site.program(&[&backup[..], &["--label", label, "configs"]].concat()), 2);
    }
}

#[test]
fn two_sites_with_one_state_folder_are_both_backed_up() {
    let site = Site::new();
    configured(&site, "");
    let other =
        fs::read_to_string(site.path("site.toml")).unwrap().replace("contoso.com/nyc", "contoso.com/lon");
    fs::write(site.path("other.toml"), other).unwrap();
    fs::create_dir_all(site.path("share/contoso.com/lon")).unwrap();
    said(&mut nightly(&site, &[]));
    let run = result(&mut site.program(&["nightly", "--config", "other.toml"]));
    assert_eq!(run["outcome"], "done");
    assert_eq!(result(&mut nightly(&site, &[]))["outcome"], "not_due");
}

#[test]
fn a_night_that_makes_room_every_night_is_refused() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_days = 7\nmake_room = 1000\n");
    let error = failure(&mut site.program(&["config", "check", "site.toml"]), "INVALID_ARGUMENT");
    assert!(error.contains("again every night"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_skipped_or_empty_shows_in_the_report() {
    let site = Site::new();
    configured(&site, "");
    assert!(Command::new("mkfifo").arg(site.path("hlh/pipe")).status().unwrap().success());
    fs::remove_file(site.path("hlh/hosts")).unwrap();
    let report = result_with(&mut nightly(&site, &[]), 3);
    let hlh = &report["components"][1];
    assert_eq!((&hlh["skipped_count"], &hlh["files"]), (&1.into(), &0.into()), "{hlh}");
    assert!(hlh["skipped"][0].as_str().unwrap().contains("pipe"), "{hlh}");
    fs::write(site.path("hlh/hosts"), "127.0.0.1 localhost\n").unwrap();
    let shown = ended(&mut nightly(&site, &["--now"]), 0);
    assert!(shown.contains("skipped: 1 thing, "), "{shown}");
}

#[test]
fn a_gate_without_an_answer_is_no_fault_of_the_share() {
    let site = Site::new();
    configured(&site, "[gate]\noperations = \"operations.json\"\n");
    let output = run(&mut nightly(&site, &[]));
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(
        shown.contains("See to the script that writes operations") && !shown.contains("file server"),
        "{shown}"
    );
}
