//! A synthetic `MASBackup`: the healthy tree of the vectors, as if its newest backup were of the last morning.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file of its PFX.
pub(super) const PFX: &str = "azure-stack-hub.pfx";

/// The password of its PFX.
pub(super) const PASSWORD: &str = "Test-Passw0rd";

/// Writes the tree into a folder, and the PFX of its newer backups to a file.
pub(super) fn write(folder: &Path, pfx: &Path) -> Result<()> {
    let vectors = fs::read_to_string("tests/vectors/mas_backup.json")?;
    // The file is made by a script, with a line for each value: reading it takes no parser for JSON.
    for (path, content) in values(&vectors, "healthy") {
        let content = match path.rsplit_once('.') {
            // What is not encrypted is text.
            Some((_, "xml" | "json")) => moved(&String::from_utf8_lossy(&decoded(content)?)).into_bytes(),
            _ => decoded(content)?,
        };
        let path = folder.join(moved(path));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, content)?;
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

/// Moves the days of January 2023 on, so that the last of them with a backup is the last day whose morning is over.
fn moved(text: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let today = now.as_secs().saturating_sub(8 * 3600) / 86_400;
    (1..=LAST_DAY).fold(text.to_owned(), |text, day| {
        let (year, month, new) = civil(today - (LAST_DAY - day));
        text.replace(&format!("2023-01-{day:02}"), &format!("{year}-{month:02}-{new:02}"))
            .replace(&format!("202301{day:02}"), &format!("{year}{month:02}{new:02}"))
    })
}

/// The day in January 2023 of the newest backup.
const LAST_DAY: u64 = 18;

/// Year, month and day of a day since 1970, by counting.
fn civil(mut day: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= months[month] {
        day -= months[month];
        month += 1;
    }
    (year, month as u64 + 1, day + 1)
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
