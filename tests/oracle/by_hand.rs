//! Recovery by hand, with every block in the README for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::expected::Expected;
use super::model::{Detail, Walker};
use super::{Fault, Found, Key};
use crate::common::PASSWORD;

/// The fenced blocks behind comments that begin with `recovery`, in their order.
fn blocks() -> Vec<&'static str> {
    const README: &str = include_str!("../../README.md");
    let (mut blocks, mut rest) = (Vec::new(), README);
    while let Some((_, behind)) = rest.split_once("<!-- recovery") {
        let (_, behind) = behind.split_once("-->\n```bash\n").expect("a block behind the comment");
        let (block, behind) = behind.split_once("\n```").expect("the block ends");
        blocks.push(block);
        rest = behind;
    }
    assert!(!blocks.is_empty(), "the README says nothing of recovery");
    blocks
}

/// Recovers a set in `folder`, a copy, and compares the result with what the set must contain.
pub fn check(set: &Path, expected: &Expected, key: &Key, folder: &Path) -> Found {
    fs::create_dir(folder).unwrap();
    for file in fs::read_dir(set).unwrap().flatten() {
        let name = file.file_name();
        // Nobody writes into a stored file: another name is as good as a copy.
        fs::hard_link(file.path(), folder.join(&name))
            .or_else(|_| fs::copy(file.path(), folder.join(&name)).map(drop))
            .unwrap();
    }
    fs::write(folder.join("backup.pfx"), &key.certificate.pfx).unwrap();
    let mut said = String::new();
    for block in blocks() {
        // Without a umask, so that modes come back even without root's rights.
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(format!("umask 0\n{block}")).current_dir(folder).env("AZS_PFX_PASSWORD", PASSWORD);
        said += &String::from_utf8_lossy(&bash.output().expect("bash runs").stderr);
    }
    let found = Walker::walk(&folder.join("restored"));
    let mut lines = expected.differences(&found, Detail::BY_HAND);
    lines.extend(
        said.lines().filter(|line| line.contains("LOST") || line.contains("REFUSED")).map(Into::into),
    );
    if lines.is_empty() {
        return fs::remove_dir_all(folder).map_err(|e| Fault::new("by hand", [e.to_string()]));
    }
    lines.extend(said.lines().take(5).map(|line| format!("(said: {line})")));
    Err(Fault::new("by hand", lines))
}
