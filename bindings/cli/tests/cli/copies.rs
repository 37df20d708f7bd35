//! copy, and the copies of a nightly run.

use std::fs;

use serde_json::json;

use crate::nightly::{configured, hours_later, nightly};
use crate::site::{Site, assert_same_tree, failure, result, run, said, text};

const TO: [&str; 4] = ["--root", "share", "--to", "elsewhere"];

fn elsewhere(site: &Site) {
    fs::create_dir_all(site.path("elsewhere/contoso.com/nyc")).unwrap();
}

#[test]
fn sets_are_copied_once_and_restored_from_the_copy() {
    let site = Site::new();
    let folders = [site.back_up(), site.back_up()];
    let copy = |more: &[&str]| site.program(&[&["copy"], &TO[..], more].concat());
    let refused = failure(&mut site.program(&["copy", "--root", "share", "--to", "nowhere"]), "NOT_FOUND");
    assert!(refused.contains("nowhere"), "{refused}");
    fs::create_dir(site.path("elsewhere")).unwrap();
    let refused = failure(&mut copy(&[]), "NOT_FOUND");
    assert!(refused.contains("no region folder contoso.com/nyc"), "{refused}");
    elsewhere(&site);
    let planned = said(&mut copy(&["--dry-run"]));
    assert!(planned.contains("2 sets would be copied; 0 there already"), "{planned}");
    assert_eq!(fs::read_dir(site.path("elsewhere/contoso.com/nyc")).unwrap().count(), 0);

    let one = folders[0].file_name().unwrap().to_str().unwrap();
    let name = format!("contoso.com/nyc/Switches/{one}");
    let copied = said(&mut copy(&["--set", &name]));
    assert!(copied.contains(&format!("copied    {name}")) && copied.contains("1 set copied"), "{copied}");
    let copied = result(&mut copy(&["--deployment", "contoso.com/nyc"]));
    let outcomes = copied["deployments"][0]["sets"].as_array().unwrap().iter().map(|set| &set["outcome"]);
    // Sets of one second are in the order of their names.
    let mut outcomes: Vec<_> = outcomes.collect();
    outcomes.sort_by_key(|outcome| outcome.to_string());
    assert_eq!(outcomes, ["copied", "present"]);
    let again = said(&mut copy(&[]));
    assert!(again.contains("0 sets copied, 0 B sent; 2 there already"), "{again}");

    let there = site.path("elsewhere").join(&name);
    said(&mut site.opened("restore", &there, &["--into", "restored"]));
    assert_same_tree(&site.path("restored/configs"), &site.path("configs"));
}

#[test]
fn what_cannot_be_copied_is_named() {
    let site = Site::new();
    let damaged = site.back_up();
    site.back_up();
    elsewhere(&site);
    let segment = stored(&damaged);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let mut copy = site.program(&[&["copy"], &TO[..]].concat());
    let output = run(&mut copy);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(
        stdout.contains("FAILED    contoso.com/nyc/Switches/") && stdout.contains("1 set copied"),
        "{stdout}"
    );
    assert!(stderr.contains("DAMAGED"), "{stderr}");
    let same = failure(&mut site.program(&["copy", "--root", "share", "--to", "share"]), "INVALID_ARGUMENT");
    assert!(same.contains("one share"), "{same}");
    fs::create_dir(site.path("empty")).unwrap();
    for options in [
        &["--root", "empty", "--to", "elsewhere"][..],
        &["--root", "share", "--to", "elsewhere", "--deployment", "contso.com/nyc"],
    ] {
        let nothing = failure(&mut site.program(&[&["copy"], options].concat()), "NOT_FOUND");
        assert!(nothing.contains("is the first share mounted"), "{nothing}");
    }
    let wrong =
        failure(&mut site.program(&[&["copy"], &TO[..], &["--set", "latest"]].concat()), "INVALID_ARGUMENT");
    assert!(wrong.contains("--set is not like"), "{wrong}");
}

/// A stored file of a set.
fn stored(set: &std::path::Path) -> std::path::PathBuf {
    let mut files: Vec<_> = fs::read_dir(set).unwrap().map(|item| item.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "p7m"));
    files.sort();
    files.remove(0)
}

#[test]
fn a_nightly_run_copies_and_keeps_there_what_it_is_told_to() {
    let site = Site::new();
    let copy = "\n[[copy]]\nshare.root = \"elsewhere\"\nretention.keep_last = 2\n";
    configured(&site, copy);
    elsewhere(&site);
    let checked = said(&mut site.program(&["config", "check", "site.toml"]));
    assert!(checked.contains("copies each set to") && checked.contains("elsewhere"), "{checked}");
    let done = result(&mut nightly(&site, &["--now"]));
    let copied = &done["copies"][0];
    assert_eq!(
        (&copied["sets"], &copied["deleted"], &copied["failure"]),
        (&json!(2), &json!(0), &json!(null))
    );
    assert!(copied["sent_bytes"].as_u64().unwrap() > 0, "{copied}");
    for _ in 0..2 {
        hours_later(&site, 13);
        said(&mut nightly(&site, &["--now"]));
    }
    let done = result(&mut nightly(&site, &["--now"]));
    assert_eq!(done["copies"][0]["sets"], json!(2), "{done}");
    let sets = |share: &str| fs::read_dir(site.path(share).join("contoso.com/nyc/Switches")).unwrap().count();
    assert_eq!((sets("share"), sets("elsewhere")), (4, 2));
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    assert!(
        metrics.contains("azs_backup_copy_success{root=") && metrics.contains("elsewhere\"} 1"),
        "{metrics}"
    );

    // The other building is not there.
    fs::rename(site.path("elsewhere"), site.path("burnt")).unwrap();
    let output = run(&mut nightly(&site, &["--now"]));
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("FAILED  copies to") && stdout.contains("NOT_FOUND"), "{stdout}");
    // How old the copies are is still told, or no alert would come of it.
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    assert!(metrics.contains("azs_backup_copy_newest_timestamp_seconds{root="), "{metrics}");
    assert!(
        metrics.contains("azs_backup_copy_success{root=") && metrics.contains("elsewhere\"} 0"),
        "{metrics}"
    );
    assert_eq!(sets("share"), 5, "the backup itself is made");
    let review = ["review", "--config", "site.toml", "--json"];
    let reviewed = run(&mut site.program(&review));
    let reviewed = text(&reviewed.stdout);
    assert!(reviewed.contains("COPY_UNREADABLE") && !reviewed.contains("COPY_MISSING"), "{reviewed}");

    // It is there again: the next turn waits a little, and then copies alone.
    fs::rename(site.path("burnt"), site.path("elsewhere")).unwrap();
    let waits = said(&mut nightly(&site, &[]));
    assert!(waits.contains("copies, which failed, are tried again at"), "{waits}");
    let failed =
        fs::File::options().write(true).open(site.path("state/copies-contoso.com-nyc.owed")).unwrap();
    failed.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(31 * 60)).unwrap();
    let done = result(&mut nightly(&site, &[]));
    assert_eq!((&done["components"], &done["copies"][0]["failure"]), (&json!([]), &json!(null)), "{done}");
    assert_eq!(result(&mut nightly(&site, &[]))["outcome"], "not_due");
}

#[test]
fn a_mistake_in_the_section_of_a_copy_names_its_line() {
    let site = Site::new();
    configured(&site, "\n[[copy]]\nshare.root = \"elsewhere\"\nretention.keep_lats = 2\n");
    let wrong = failure(&mut nightly(&site, &["--dry-run"]), "INVALID_ARGUMENT");
    assert!(wrong.contains("site.toml, line 1") && wrong.contains("keep_lats"), "{wrong}");
    configured(&site, "\n[[copy]]\nroot = \"elsewhere\"\n");
    let wrong = failure(&mut nightly(&site, &["--dry-run"]), "MALFORMED");
    assert!(wrong.contains("root"), "{wrong}");
    // The second would delete what the first must keep.
    for root in ["elsewhere", "share/../elsewhere/", "share"] {
        let copy = |root: &str| format!("\n[[copy]]\nshare.root = \"{root}\"\n");
        configured(&site, &(copy("elsewhere") + &copy(root)));
        fs::create_dir_all(site.path("elsewhere")).unwrap();
        let wrong = failure(&mut site.program(&["config", "check", "site.toml"]), "INVALID_ARGUMENT");
        assert!(wrong.contains("site.toml, line 1") && wrong.contains("is there twice"), "{root}: {wrong}");
    }
}
