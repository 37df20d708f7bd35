//! A mounted share, a certificate and a source; and the program, to be run on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse";

/// The program, without anything from this environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azs-backup"));
    command.args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a command that must succeed; returns what it printed.
pub(crate) fn said(command: &mut Command) -> String {
    ended(command, 0)
}

/// Runs a command that must end with this code; returns what it printed.
pub(crate) fn ended(command: &mut Command, code: i32) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must succeed; returns the result in its JSON.
pub(crate) fn result(command: &mut Command) -> Value {
    result_with(command, 0)
}

/// The same for a command that ends with this code.
pub(crate) fn result_with(command: &mut Command, code: i32) -> Value {
    let mut document: Value = serde_json::from_str(&ended(command.arg("--json"), code)).unwrap();
    assert_eq!(document["version"], 1);
    document["result"].take()
}

/// Runs a command that must fail with this error: its code is the first word on stderr, and in the JSON.
pub(crate) fn failure(command: &mut Command, code: &str) -> String {
    let output = run(command);
    let stderr = text(&output.stderr);
    let is_usage = ["INVALID_ARGUMENT", "INVALID_NAME", "RESERVED_PATH"].contains(&code);
    assert_eq!(output.status.code(), Some(if is_usage { 2 } else { 1 }), "{command:?}: {stderr}");
    let line = stderr.lines().find_map(|line| line.strip_prefix(code)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{command:?}: not {code}: {stderr}")).to_owned()
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) struct Site {
    pub(crate) temp: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self { temp: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(site.path("share/contoso.com/nyc/MASBackup")).unwrap();
        std::fs::create_dir_all(site.path("configs/tor1")).unwrap();
        std::fs::write(site.path("configs/tor1/running-config"), "hostname tor1\n").unwrap();
        std::fs::write(site.path("configs/tor2.cfg"), "hostname tor2\n").unwrap();
        said(site.program(&["key", "new", "backup"]).env("AZS_PFX_PASSWORD", PASSWORD));
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The program, in the folder of this site.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.current_dir(self.temp.path());
        command
    }

    pub(crate) fn backup(&self, arguments: &[&str]) -> Command {
        self.backup_of("contoso.com/nyc/Switches", arguments)
    }

    pub(crate) fn backup_of(&self, place: &str, arguments: &[&str]) -> Command {
        let place = ["backup", "--root", "share", "--place", place, "--cer", "backup.cer"];
        self.program(&[&place, arguments].concat())
    }

    /// Backs up the configurations; returns the set's folder.
    pub(crate) fn back_up(&self) -> PathBuf {
        let report = result(&mut self.backup(&["configs"]));
        self.path("share").join(report["folder"].as_str().unwrap())
    }

    /// A command with a set, and the key that opens it.
    pub(crate) fn opened(&self, command: &str, set: &Path, arguments: &[&str]) -> Command {
        let set = set.to_str().unwrap();
        let mut command = self.program(&[&[command, set, "--pfx", "backup.pfx"], arguments].concat());
        command.env("AZS_PFX_PASSWORD", PASSWORD);
        command
    }

    /// A command about the deployment.
    pub(crate) fn deployed(&self, command: &str, arguments: &[&str]) -> Command {
        let deployment = [command, "--root", "share", "--deployment", "contoso.com/nyc"];
        self.program(&[&deployment, arguments].concat())
    }

    /// The folders of a component's sets.
    pub(crate) fn sets(&self, component: &str) -> Vec<PathBuf> {
        let Ok(items) = std::fs::read_dir(self.path("share/contoso.com/nyc").join(component)) else {
            return Vec::new();
        };
        items.map(|item| item.unwrap().path()).collect()
    }
}

/// Compares two trees by the programs that everyone has.
pub(crate) fn assert_same_tree(one: &Path, other: &Path) {
    let output = run(Command::new("diff").args(["-r", "--no-dereference"]).arg(one).arg(other));
    assert!(output.status.success(), "{}", text(&output.stdout));
}
