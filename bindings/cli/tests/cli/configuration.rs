//! The file of a site: what is wrong in it, its defaults, its schema.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::nightly::configured;
use crate::site::{PASSWORD, Site, ended, failure, program, result, run, said, text};

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_days = 0\n");
    let check = || site.program(&["config", "check", "site.toml"]);
    let said = failure(&mut check(), "INVALID_ARGUMENT");
    assert!(said.starts_with("site.toml, line 13: ") && said.contains("keep_days"), "{said}");
    configured(&site, "[retention]\nkeep_last = 1\nkep_daily = 3\n");
    let said = failure(&mut check(), "INVALID_ARGUMENT");
    assert!(
        said.contains("line 14: ") && said.contains("kep_daily") && said.contains("keep_daily"),
        "{said}"
    );
    configured(&site, "[schedules]\n");
    let said = failure(&mut check(), "MALFORMED");
    assert!(said.contains("line 12: ") && said.contains("schedules") && said.contains("schedule"), "{said}");
    configured(&site, "");
    let text = fs::read_to_string(site.path("site.toml")).unwrap();
    fs::write(site.path("site.toml"), text.replace("\"HLH\"", "\"MASBackup\"")).unwrap();
    assert!(failure(&mut check(), "RESERVED_PATH").contains("line 23: "));
    fs::write(site.path("site.toml"), text.replace("exclude =", "excludes =")).unwrap();
    let said = failure(&mut check(), "INVALID_ARGUMENT");
    assert!(said.contains("line 19: ") && said.contains("exclude"), "{said}");
    fs::write(site.path("site.toml"), text.replace("exclude =", "level = 99\nexclude =")).unwrap();
    let said = failure(&mut check(), "INVALID_ARGUMENT");
    assert!(said.contains("line 19: ") && said.contains("level 99"), "{said}");
    fs::write(site.path("site.toml"), "deployment = ").unwrap();
    failure(&mut check(), "MALFORMED");
    for named in [&["nowhere.toml"][..], &["--config", "nowhere.toml"]] {
        failure(&mut site.program(&[&["config", "check"], named].concat()), "NOT_FOUND");
        // A file that is named comes before the environment.
        failure(
            site.program(&[&["config", "show"], named].concat()).env("AZS_CONFIG", "site.toml"),
            "NOT_FOUND",
        );
    }
    ended(&mut site.program(&["config", "check", "--config", "site.toml", "nowhere.toml"]), 2);
}

#[test]
fn the_readme_s_configuration_is_one() {
    let site = Site::new();
    let (_, rest) = include_str!("../../README.md").split_once("```toml\n").unwrap();
    let text = rest.split_once("```").unwrap().0.replace("/etc/azs-backup/", "");
    fs::write(site.path("site.toml"), text).unwrap();
    let said = failure(&mut site.program(&["config", "check", "site.toml"]), "NOT_FOUND");
    assert!(said.contains("smb-password"), "{said}");
    fs::write(site.path("smb-password"), PASSWORD).unwrap();
    fs::set_permissions(site.path("smb-password"), fs::Permissions::from_mode(0o600)).unwrap();
    let checked = result(&mut site.program(&["config", "check", "site.toml"]));
    assert_eq!(checked["components"], json!(["contoso.com/nyc/Switches", "contoso.com/nyc/HLH"]));
    assert_eq!(checked["root"], r"\\fileserver01.contoso.com\AzSBackups");
}

#[test]
fn what_only_a_run_would_find_is_found_before() {
    let site = Site::new();
    configured(&site, "");
    let text = fs::read_to_string(site.path("site.toml")).unwrap();
    let check = || site.program(&["config", "check", "site.toml"]);
    for (from, to, code, says) in [
        (
            "name = \"renamed\"",
            "name = \"configs\"",
            "ALREADY_EXISTS",
            "line 15: the sources configs and configs",
        ),
        ("name = \"renamed\"", "name = \"configs/a\"", "ALREADY_EXISTS", "configs and configs/a"),
        (
            "root = \"share\"",
            "root = '\\\\fs\\s'\noptions = { connection = 1 }",
            "INVALID_ARGUMENT",
            "connections",
        ),
        ("root = \"share\"", "root = '\\\\fs\\s'\npassword_file = \"none\"", "NOT_FOUND", "none"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(site.path("site.toml"), text.replacen(from, to, 1)).unwrap();
        let said = failure(&mut check(), code);
        assert!(said.contains(says), "{to}: {said}");
    }
}

#[test]
fn relative_paths_count_from_the_folder_of_the_file() {
    let site = Site::new();
    configured(&site, "");
    let file = site.path("site.toml");
    let elsewhere = tempfile::tempdir().unwrap();
    let nightly = |folder: &std::path::Path| {
        let mut nightly = program(&["nightly", "--config"]);
        nightly.arg(&file).arg("--now").current_dir(folder);
        nightly
    };
    assert_eq!(result(&mut nightly(elsewhere.path()))["components"][0]["status"], "Succeeded");
    assert!(site.path("report.json").is_file() && site.path("state/jobs.jsonl").is_file());
    assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0);
    // From where the file is, it is the same site: nothing is stored again.
    assert_eq!(result(&mut nightly(site.temp.path()))["components"][0]["files"], 3);
}

#[test]
fn what_a_file_does_not_say_has_its_default() {
    let site = Site::new();
    configured(&site, "[retention]\nkeep_last = 3\n");
    let shown = result(&mut site.program(&["config", "show", "site.toml"]));
    assert_eq!(shown["schedule"]["frequency_hours"], 12);
    assert_eq!(
        (&shown["retention"]["keep_last"], &shown["retention"]["grace_hours"]),
        (&json!(3), &json!(24))
    );
    assert_eq!(shown["share"]["options"]["encryption"], "preferred");
    let options = &shown["component"][0]["options"];
    assert_eq!((&options["exclude"], &options["recheck"]), (&json!(["*.tmp"]), &json!(7)));
    // What it prints is a configuration, too, which says the same.
    let text = said(&mut site.program(&["config", "show", "site.toml"]));
    fs::write(site.path("again.toml"), text).unwrap();
    said(&mut site.program(&["config", "check", "again.toml"]));
    assert_eq!(result(&mut site.program(&["config", "show", "again.toml"])), shown);
}

fn schema() -> Value {
    serde_json::from_str(&said(&mut program(&["config", "schema"]))).unwrap()
}

/// That of the program as it is published, without object stores.
#[cfg(not(feature = "object-store"))]
#[test]
fn the_schema_is_the_published_one() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/site.schema.json");
    let schema = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(file, &schema).unwrap();
    }
    let published = fs::read_to_string(file).unwrap();
    assert_eq!(published, schema, "UPDATE_SCHEMA=1 cargo test -p azs-backup-cli schema writes it anew");
}

#[test]
fn the_schema_has_the_options_of_the_library_and_their_defaults() {
    let schema = schema();
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/options.json")).unwrap();
    for (of, name) in [
        ("backup", "BackupOptions"),
        ("retention", "RetentionOptions"),
        ("schedule", "ScheduleOptions"),
        ("smb", "SmbOptions"),
    ] {
        let known = schema["$defs"][name]["properties"].as_object().unwrap();
        let named: BTreeSet<_> = known.keys().map(String::as_str).collect();
        let all = vectors.iter().filter(|vector| vector["of"] == of);
        // Nobody serves the share of a vector.
        let all = all.filter(|vector| vector["error"].is_null() || vector["error"] == "UNREACHABLE");
        let all = all.filter_map(|vector| vector["options"].as_object()).flatten();
        let all: BTreeSet<_> = all.map(|(name, _)| name.as_str()).chain(extra(of)).collect();
        assert_eq!(named, all, "{name}");
    }
    // Each default is a value that the library takes.
    let site = Site::new();
    let defaults = |name: &str| -> String {
        let known = schema["$defs"][name]["properties"].as_object().unwrap();
        let known = known.iter().filter_map(|(name, option)| Some((name, option.get("default")?)));
        known
            .filter(|(_, value)| !value.is_array())
            .map(|(name, value)| format!("{name} = {value}\n"))
            .collect()
    };
    let (schedule, retention) = (defaults("ScheduleOptions"), defaults("RetentionOptions"));
    configured(&site, &format!("[schedule]\n{schedule}[retention]\n{retention}"));
    let text = fs::read_to_string(site.path("site.toml")).unwrap();
    let options = format!("[component.options]\n{}", defaults("BackupOptions"));
    fs::write(site.path("site.toml"), text.replace("[component.options]\n", &options)).unwrap();
    said(&mut site.program(&["config", "check", "site.toml"]));
}

/// Options that no vector of this kind can have, since they name a folder of this machine.
fn extra(of: &str) -> Option<&'static str> {
    (of == "backup").then_some("state")
}

#[test]
fn the_file_is_the_configuration_of_a_review_too() {
    let site = Site::new();
    let known = "[review]\nroot = '\\\\fileserver01\\AzSBackups'\nhlh_hosts = [\"hlh01\"]\n";
    configured(&site, known);
    said(&mut crate::nightly::nightly(&site, &["--now"]));
    let review = || site.program(&["review", "--config", "site.toml"]);
    let made = crate::site::result_with(review().args(["--html", "review.html"]), 3);
    let rules: Vec<_> =
        made["findings"].as_array().unwrap().iter().map(|of| of["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"ROOT_HOST_NOT_FQDN"), "{rules:?}");
    assert!(!rules.contains(&"BACKUP_MISSING"), "both components have a set: {rules:?}");
    assert!(site.path("review.html").exists());
    configured(&site, "[review]\nscale_units = 1\n");
    assert!(failure(&mut review(), "MALFORMED").contains("site.toml, line 12: "));
}

/// What each night would fail at, or do otherwise than it reads, is refused by day.
#[test]
fn a_component_that_no_night_could_back_up_is_refused_with_its_line() {
    let head = "deployment = \"contoso.com/nyc\"\ncertificates = [\"backup.cer\"]\nstate = \"state\"\n[share]\nroot = \"share\"\n";
    let site = Site::new();
    for (components, line, named) in [
        ("[[component]]\nname = \"HLH\"\nsources = []\n", 7, "has no sources"),
        (
            "[[component]]\nname = \"HLH\"\nsources = [\"configs\"]\n[[component]]\nname = \"HLH\"\nsources = [\"configs\"]\n",
            10,
            "is there twice",
        ),
        (
            "[[component]]\nname = \"HLH\"\nsources = [{ name = \"a\", path = \"configs\", exclude = [\"*.tmp\"] }]\n",
            8,
            "a source is a path, or { name",
        ),
        (
            "[[component]]\nname = \"HLH\"\nsources = [\"configs\"]\n[component.options]\nset_name = \"20261123T020000Z-7f3a91c2\"\n",
            9,
            "set_name cannot be given here",
        ),
    ] {
        fs::write(site.path("site.toml"), format!("{head}{components}")).unwrap();
        let output = run(&mut site.program(&["config", "check", "site.toml"]));
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{components}");
        assert!(said.contains(&format!("site.toml, line {line}: ")) && said.contains(named), "{said}");
    }
}

#[test]
fn a_configuration_is_read_without_a_temporary_folder() {
    let site = Site::new();
    configured(&site, "");
    said(site.program(&["config", "check", "site.toml"]).env("TMPDIR", site.path("nowhere")));
}
