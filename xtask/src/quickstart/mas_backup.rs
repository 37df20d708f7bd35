//! A synthetic `MASBackup`: the healthy tree of the vectors.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The file of its PFX.
pub(super) const PFX: &str = "azure-stack-hub.pfx";

/// The password of its PFX.
pub(super) const PASSWORD: &str = "Test-Passw0rd";

/// Writes the tree into a folder, and the PFX of its newer backups to a file.
pub(super) fn write(folder: &Path, pfx: &Path) -> Result<()> {
    let vectors = fs::read_to_string("tests/vectors/mas_backup.json")?;
    // The file is made by a script, with a line for each value: reading it takes no parser for JSON.
    for (path, content) in values(&vectors, "healthy") {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, decoded(content)?)?;
    }
    let found = values(&vectors, "pfx").find(|(name, _)| *name == "new");
    let (_, content) = found.ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
    fs::write(pfx, decoded(content)?)
}

/// The lines of an object at the top: names and texts.
fn values<'a>(vectors: &'a str, object: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let begins = format!(" \"{object}\": {{");
    let lines = vectors.lines().skip_while(move |line| *line != begins).skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    lines.filter_map(|line| line.trim_matches([' ', ',', '"']).split_once("\": \""))
}

/// Decodes Base64 (RFC 4648 §4).
fn decoded(text: &str) -> Result<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(ErrorKind::InvalidData.into()),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}
