//! Recovery of a set by hand, with the lines in the README.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Fixture, PASSWORD, run};

/// The fenced block behind this comment of the README.
fn block(marker: &str) -> &'static str {
    const README: &str = include_str!("../../../README.md");
    let (_, rest) = README.split_once(&format!("<!-- {marker} -->\n```bash\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// Copies a set, recovers it there and gives the folder that the files are in.
pub fn recover(fixture: &Fixture, set: &Path) -> PathBuf {
    let copy = fixture.path("by hand");
    let _ = fs::remove_dir_all(&copy);
    run(Command::new("cp").arg("-r").arg(set).arg(&copy));
    fs::write(copy.join("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(block("recovery")).current_dir(&copy).env("AZS_PFX_PASSWORD", PASSWORD);
    let said = bash.output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    copy.join("restored")
}
