//! Recovery of a set by hand, with the lines in the README.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use azs_backup::backup::BackupReport;

use crate::common::system::copy_folder;
use crate::common::{Fixture, PASSWORD, assert_same_tree};

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
    copy_folder(set, &copy, false);
    fs::write(copy.join("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(block("recovery")).current_dir(&copy).env("AZS_PFX_PASSWORD", PASSWORD);
    let said = bash.output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    copy.join("restored")
}

/// The lines give back these sources as they are; where there is no shell for them, nothing is checked.
pub fn check(fixture: &Fixture, report: &BackupReport, sources: &[(&str, &Path)]) {
    if cfg!(windows) {
        return;
    }
    let recovered = recover(fixture, &fixture.native(&report.folder));
    for (name, folder) in sources {
        assert_same_tree(folder, &recovered.join(name));
    }
}
