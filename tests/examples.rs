//! Runs the examples as a user would, and the recovery in the README.
#![cfg(unix)]

#[path = "examples/classify.rs"]
mod classify;
mod common;
#[path = "examples/jobs.rs"]
mod jobs;
#[path = "examples/quickstart.rs"]
mod quickstart;
#[path = "examples/readme.rs"]
mod readme;
#[path = "examples/recovery.rs"]
mod recovery;
#[cfg(feature = "smb")]
#[path = "examples/smb.rs"]
mod smb;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use common::{Certificate, PASSWORD};
use serde_json::Value;
use tempfile::TempDir;

/// Returns the folder of the examples' programs, built from the current sources.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // `cargo test` has built them, `cargo test --test examples` has not.
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.args(["build", "--quiet", "--locked", "--examples"]);
            if !cfg!(feature = "vendored-openssl") {
                build.arg("--no-default-features");
            }
            if !cfg!(debug_assertions) {
                build.arg("--release");
            }
            common::run(build.current_dir(env!("CARGO_MANIFEST_DIR")));
        }
        let here = std::env::current_exe().unwrap();
        here.parent().unwrap().parent().unwrap().join("examples")
    })
}

/// An example to run, with the password of the test's PFX.
fn example(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    command.env("AZS_PFX_PASSWORD", PASSWORD);
    command
}

/// Runs an example that must succeed; returns its report.
fn report(command: &mut Command) -> Value {
    let output = common::run(command.arg("--json"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Runs an example that does its work and names something in its report: exit code 3. Returns what it printed.
fn named(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs an example that must fail: exit code 1, or 2 for a wrong command line, and one line with this code on stderr.
fn failure(command: &mut Command, code: &str) -> String {
    let output = command.output().unwrap();
    let stderr = text(&output.stderr);
    let is_usage = ["INVALID_ARGUMENT", "INVALID_NAME", "RESERVED_PATH"].contains(&code);
    assert_eq!(output.status.code(), Some(if is_usage { 2 } else { 1 }), "{command:?}: {stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    let line = last.strip_prefix(code).and_then(|rest| rest.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{command:?}: not {code}: {stderr}")).to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A mounted share, a certificate in files, and a source.
struct Site {
    temp: TempDir,
}

impl Site {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let site = Self { temp };
        std::fs::create_dir_all(site.path("share/contoso.com/nyc/MASBackup")).unwrap();
        // The name tells certificates apart, whose serial numbers are all the same.
        let certificate = Certificate::new(&temp_name(&site.temp));
        std::fs::write(site.path("backup.cer"), &certificate.cer).unwrap();
        std::fs::write(site.path("backup.pfx"), &certificate.pfx).unwrap();
        std::fs::create_dir_all(site.path("configs/tor1")).unwrap();
        std::fs::write(site.path("configs/tor1/running-config"), "hostname tor1\n").unwrap();
        std::fs::write(site.path("configs/tor2.cfg"), "hostname tor2\n").unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Returns an example with the options that name the component.
    fn placed(&self, name: &str) -> Command {
        let mut command = example(name);
        command.arg("--root").arg(self.path("share"));
        command.args(["--domain", "contoso.com", "--region", "nyc"]);
        command
    }

    fn backup(&self) -> Command {
        let mut command = self.placed("backup");
        command.args(["--component", "Switches", "--cer"]).arg(self.path("backup.cer"));
        command
    }

    /// Backs up a source, and returns the set's folder.
    fn back_up(&self, source: &Path) -> PathBuf {
        let report = report(self.backup().arg(source));
        self.path("share").join(report["folder"].as_str().unwrap())
    }

    /// `verify` or `restore` with the set and the PFX.
    fn on_set(&self, name: &str, set: &Path) -> Command {
        let mut command = example(name);
        command.arg("--set").arg(set).arg("--pfx").arg(self.path("backup.pfx"));
        command
    }

    /// Names in a component's folder.
    fn sets(&self, component: &str) -> Vec<PathBuf> {
        let folder = self.path("share/contoso.com/nyc").join(component);
        let Ok(items) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        items.map(|item| item.unwrap().path()).collect()
    }
}

fn temp_name(temp: &TempDir) -> String {
    temp.path().file_name().unwrap().to_str().unwrap().to_owned()
}

/// Runs a command and ignores its output.
fn output(command: &mut Command) -> Output {
    common::run(command)
}
