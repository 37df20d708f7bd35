//! Opens a set like someone who has never seen this library: with the lines that the README prints.

use std::path::Path;
use std::process::{Command, Stdio};

use azs_backup::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::support::PASSWORD_VARIABLE;

/// The lines that open the set, and the outcome of running them.
#[derive(Serialize)]
pub(crate) struct ByHand {
    pub(crate) lines: Vec<String>,
    /// Programs that this machine lacks.
    pub(crate) missing: Vec<&'static str>,
    pub(crate) ran: bool,
}

impl ByHand {
    pub(crate) fn new(folder: &Path, set: &Path, password: &str) -> Self {
        let within = set.strip_prefix(folder).unwrap_or(set);
        let mut lines = vec![
            format!("cd {}", quoted(folder)),
            format!("mkdir -p by-hand && cp {}/* backup.pfx by-hand && cd by-hand", quoted(within)),
            format!("export {PASSWORD_VARIABLE}={password}"),
        ];
        lines.extend(recovery().lines().map(str::to_owned));
        Self { lines, missing: missing(), ran: false }
    }

    /// Runs the lines with bash, unless a program is missing.
    pub(crate) fn run(mut self) -> Result<Self> {
        if !self.missing.is_empty() {
            return Ok(self);
        }
        let output = Command::new("bash")
            .arg("-c")
            .arg(self.lines.join("\n"))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| Error::io("run bash", e))?;
        // Losses appear on stderr; otherwise all programs are silent.
        if !output.status.success() || !output.stderr.is_empty() {
            return Err(Error::new(
                ErrorKind::Damaged,
                format!(
                    "opened by hand: {}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr).trim_end()
                ),
            ));
        }
        self.ran = true;
        Ok(self)
    }
}

/// The recovery lines, exactly as the README prints them.
fn recovery() -> &'static str {
    const README: &str = include_str!("../../README.md");
    README
        .split_once("<!-- recovery -->\n```bash\n")
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .map_or("", |(lines, _)| lines)
}

fn missing() -> Vec<&'static str> {
    let mut missing: Vec<_> = ["bash", "sha256sum", "zstd", "tar"]
        .into_iter()
        .filter(|program| version(program, "--version").is_none())
        .collect();
    // Earlier versions cannot open AuthEnvelopedData.
    let openssl = version("openssl", "version").filter(|text| {
        let major = text.strip_prefix("OpenSSL ").and_then(|rest| rest.split('.').next());
        major.is_some_and(|major| major.parse().is_ok_and(|major: u32| major >= 3))
    });
    if openssl.is_none() {
        missing.push("openssl 3 or later");
    }
    missing
}

fn version(program: &str, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Quotes a path for a shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
