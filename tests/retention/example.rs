//! The example that carries plans out.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::common::{self, Fixture};
use crate::real::fixture;

/// The example's program, built as it is now.
fn example(fixture: &Fixture) -> Command {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--example", "retention"]);
        if !cfg!(feature = "vendored-openssl") {
            build.arg("--no-default-features");
        }
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        common::run(build.current_dir(env!("CARGO_MANIFEST_DIR")));
    }
    let here: PathBuf = std::env::current_exe().unwrap();
    let mut command = Command::new(here.parent().unwrap().parent().unwrap().join("examples/retention"));
    command.arg("--root").arg(fixture.path("share"));
    command.args(["--domain", "contoso.com", "--region", "nyc", "--component", "Switches"]);
    command
}

#[test]
fn the_example_shows_and_does() {
    let (fixture, folders) = fixture(&[40, 20, 3, 1]);
    let report = |command: &mut Command| -> Value {
        serde_json::from_slice(&common::run(command.arg("--json")).stdout).unwrap()
    };
    let shown = report(example(&fixture).args(["--keep-days", "7", "--keep-monthly", "1", "--dry-run"]));
    let deletions = shown["plan"]["deletions"].as_array().unwrap();
    assert_eq!(deletions.len(), 2);
    assert_eq!(deletions[0]["folder"], folders[0].to_string());
    assert_eq!(deletions[0]["reason"], "expired");
    assert_eq!(shown["plan"]["kept"][1]["reasons"][1], "monthly");
    assert!(shown["done"].is_null() && fixture.native(&folders[0]).exists());

    let said = common::run(example(&fixture).args(["--keep-last", "3", "--grace-hours", "2"])).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains(&format!("delete  {}  no rule keeps it; deleted\n", folders[0])), "{said}");
    assert!(said.contains("last good set") && said.contains("freed at most"), "{said}");
    assert!(!fixture.native(&folders[0]).exists() && fixture.native(&folders[1]).exists());

    let done = report(example(&fixture).args(["--make-room", "1000000000"]));
    assert_eq!(done["done"]["outcomes"].as_array().unwrap().len(), 2);
    assert_eq!(done["done"]["outcomes"][0][1]["outcome"], "deleted");
    assert!(done["plan"]["shortfall"].as_u64().unwrap() > 0);
    assert!(fixture.native(&folders[3]).exists());

    for wrong in [&["--keep-days", "0"][..], &["--keep-last", "-1"], &["--make-room", "1 GB"], &["--keep"]] {
        let output = example(&fixture).args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("INVALID_ARGUMENT: "));
    }
    let help = String::from_utf8(common::run(example(&fixture).arg("--help")).stdout).unwrap();
    assert!(help.contains("\nretention "), "{help}");
}
