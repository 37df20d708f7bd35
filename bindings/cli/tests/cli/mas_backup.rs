//! `mas-backup`: Azure Stack Hub's own backups, by the healthy tree of the vectors.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::site::{program, run, text};

/// A share with `MASBackup` in a region folder, and the two PFX files.
struct Theirs {
    temp: TempDir,
    vectors: Value,
}

impl Theirs {
    fn new() -> Self {
        let vectors = include_str!("../../../../tests/vectors/mas_backup.json");
        let theirs = Self { temp: TempDir::new().unwrap(), vectors: serde_json::from_str(vectors).unwrap() };
        let region = theirs.path("share/contoso.com/nyc");
        for (path, content) in theirs.vectors["healthy"].as_object().unwrap() {
            let path = region.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, STANDARD.decode(content.as_str().unwrap()).unwrap()).unwrap();
        }
        for (name, pfx) in theirs.vectors["pfx"].as_object().unwrap() {
            let pfx = STANDARD.decode(pfx.as_str().unwrap()).unwrap();
            fs::write(theirs.path(&format!("{name}.pfx")), pfx).unwrap();
        }
        theirs
    }

    fn path(&self, below: &str) -> PathBuf {
        self.temp.path().join(below)
    }

    /// A command about this share.
    fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut program =
            program(&["mas-backup", command, "--root", "share", "--deployment", "contoso.com/nyc"]);
        program.args(more).current_dir(self.temp.path());
        program.env("AZS_PFX_PASSWORD", self.vectors["password"].as_str().unwrap());
        program
    }

    /// The JSON of a command that ends with this code.
    fn json(&self, command: &str, more: &[&str], code: i32) -> Value {
        let output = run(self.command(command, more).arg("--json"));
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["result"].take()
    }
}

#[test]
fn backups_are_listed_and_shown() {
    let theirs = Theirs::new();
    let list = theirs.json("list", &[], 0);
    assert_eq!(list["backups"].as_array().unwrap().len(), 10);
    let output = run(&mut theirs.command("list", &[]));
    assert!(text(&output.stdout).contains("needs the PFX of"), "{}", text(&output.stdout));
    let newest = theirs.json("show", &["latest"], 0);
    assert_eq!(newest["readiness"], "ready");
    let output = run(&mut theirs.command("show", &[newest["id"].as_str().unwrap()]));
    assert!(
        text(&output.stdout)
            .contains("WAS;WasService;-;Microsoft.AzureStack.Subscriptions: complete, essential")
    );
    assert_eq!(run(&mut theirs.command("show", &["nothing"])).status.code(), Some(1));
}

#[test]
fn backups_are_verified_with_every_pfx_that_they_need() {
    let theirs = Theirs::new();
    let report = theirs.json("verify", &["--pfx", "new.pfx", "--pfx", "old.pfx"], 0);
    assert_eq!(report["state"], "verified");
    let report = theirs.json("verify", &["--pfx", "new.pfx", "--backup", "latest"], 0);
    assert_eq!((&report["state"], report["snapshots"].as_array().unwrap().len()), (&"verified".into(), 6));
    let report = theirs.json("verify", &["--pfx", "new.pfx"], 3);
    assert_eq!(report["not_shown"][0], theirs.vectors["thumbprints"]["old"]);
    assert_eq!(theirs.json("verify", &[], 0)["state"], "not_checked");
}

#[test]
fn a_damaged_snapshot_ends_with_three_and_is_named() {
    let theirs = Theirs::new();
    let path = theirs.vectors["healthy"]
        .as_object()
        .unwrap()
        .keys()
        .find(|path| path.contains("WAS;") && path.ends_with(".zip"));
    let path = theirs.path("share/contoso.com/nyc").join(path.unwrap());
    let mut bytes = fs::read(&path).unwrap();
    bytes[300] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = theirs.json("verify", &["--pfx", "new.pfx", "--pfx", "old.pfx"], 3);
    assert_eq!(report["findings"][0]["code"], "TAG_MISMATCH");
}

#[test]
fn a_backup_is_extracted() {
    let theirs = Theirs::new();
    let report = theirs.json("extract", &["latest", "--pfx", "new.pfx", "--to", "out", "--open-inner"], 0);
    assert_eq!(report["state"], "verified");
    let quota = theirs.path("out/CRP;Microsoft.Compute.Admin;-;Quota");
    let snapshot = fs::read_dir(quota).unwrap().next().unwrap().unwrap().path();
    assert!(
        fs::read_to_string(snapshot.join("CRP-Microsoft.Compute.Admin.json")).unwrap().contains("vmCount")
    );
    let again = run(&mut theirs.command("extract", &["latest", "--pfx", "new.pfx", "--to", "out"]));
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("ALREADY_EXISTS"));
    let wrong = run(&mut theirs.command("extract", &["latest", "--pfx", "old.pfx", "--to", "other"]));
    assert!(text(&wrong.stderr).contains("WRONG_CERTIFICATE"), "{}", text(&wrong.stderr));
}

#[test]
fn a_prune_is_foretold_and_nothing_is_removed() {
    let theirs = Theirs::new();
    assert_eq!(theirs.json("prune", &[], 0)["prunable"].as_array().unwrap().len(), 0);
    let key = theirs.path("share/contoso.com/nyc/MASBackup/ProgressiveBackup/backup.pfx");
    fs::copy(theirs.path("new.pfx"), &key).unwrap();
    let prune = theirs.json("prune", &[], 3);
    assert_eq!(prune["prunable"][0], "ProgressiveBackup/backup.pfx");
    assert!(key.exists());
}

#[test]
fn a_review_opens_the_newest_backup() {
    let theirs = Theirs::new();
    let config = r#"{"root": "\\\\fileserver01.contoso.com\\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"}}"#;
    fs::write(theirs.path("review.json"), config).unwrap();
    let mut review =
        program(&["review", "--root", "share", "--config", "review.json", "--pfx", "new.pfx", "--json"]);
    review.current_dir(theirs.temp.path());
    review.env("AZS_PFX_PASSWORD", theirs.vectors["password"].as_str().unwrap());
    let output = run(&mut review);
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(review["result"]["their_backups"][0]["drill"], "verified", "{}", text(&output.stderr));
}
