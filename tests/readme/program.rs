//! The program that the README prints.

use std::fs;
use std::process::Command;

use crate::common::{self, Fixture, PASSWORD};

/// The README's program, built as it is now.
fn program() -> Command {
    // `cargo test` has built it, `cargo test --test readme` has not.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--example", "readme"]);
        if !cfg!(feature = "vendored-openssl") {
            build.arg("--no-default-features");
        }
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        common::run(build.current_dir(env!("CARGO_MANIFEST_DIR")));
    }
    let here = std::env::current_exe().unwrap();
    Command::new(here.parent().unwrap().parent().unwrap().join("examples/readme"))
}

#[test]
fn the_readme_s_program_runs_as_printed() {
    let (_, printed) = include_str!("../../README.md").split_once("```rust,no_run\n").unwrap();
    let (_, example) = include_str!("../../examples/readme.rs").split_once("\n\n").unwrap();
    assert_eq!(printed.split_once("```").unwrap().0, example);

    let fixture = Fixture::new();
    fs::create_dir_all(fixture.path("switch-configs/tor1")).unwrap();
    fs::write(fixture.path("switch-configs/tor1/running-config"), "hostname tor1\n").unwrap();
    fs::write(fixture.path("switch-configs/tor2.cfg"), "hostname tor2\n").unwrap();
    fs::write(fixture.path("backup.cer"), &fixture.certificate.cer).unwrap();
    fs::write(fixture.path("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let shown = common::run(program().current_dir(fixture.path("")).env("AZS_PFX_PASSWORD", PASSWORD)).stdout;
    assert!(shown.starts_with(b"Succeeded: contoso.com/nyc/Switches/"), "{}", shown.escape_ascii());
    let restored = |name: &str| fixture.path("restored").join(name);
    assert_eq!(fs::read_to_string(restored("tor1/running-config")).unwrap(), "hostname tor1\n");
    // A folder of that name wherever it is, as in a .gitignore.
    assert!(restored("switch-configs/tor1").exists() && !restored("switch-configs/tor2.cfg").exists());
}
