//! The names in `MASBackup`: snapshots, repositories, stores, legacy folders.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What the name of a snapshot's file says: `202301171931_<id>_Full_C`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SnapshotName {
    /// To the minute.
    pub(super) created: Timestamp,
    pub(super) backup_id: String,
    pub(super) is_full: bool,
    pub(super) is_contemporaneous: bool,
}

impl SnapshotName {
    /// Reads a name without its extension, ignoring letter case.
    pub(super) fn parse(stem: &str) -> Option<Self> {
        let lower = stem.to_ascii_lowercase();
        let mut parts = lower.split('_');
        let created = minute(parts.next()?)?;
        let backup_id = parts.next().filter(|id| is_guid(id))?.to_owned();
        let is_full = match parts.next()? {
            "full" => true,
            "progressive" => false,
            _ => return None,
        };
        let is_contemporaneous = match parts.next() {
            None => false,
            Some("c") => true,
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self { created, backup_id, is_full, is_contemporaneous })
    }
}

/// The time that a legacy folder or a file name states, which is UTC.
pub(super) fn minute(text: &str) -> Option<Timestamp> {
    if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i16>().ok();
    let (month, day) = (number(4, 6)? as i8, number(6, 8)? as i8);
    let (hour, minute) = (number(8, 10)? as i8, number(10, 12)? as i8);
    let time = DateTime::new(number(0, 4)?, month, day, hour, minute, 0, 0).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// `1.2209.0.53`
pub(super) fn is_version(name: &str) -> bool {
    let parts = name.split('.');
    parts.clone().count() == 4
        && parts.into_iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a name has the four parts of a repository: role, component, partition, repository.
pub(super) fn is_repository(name: &str) -> bool {
    name.split(';').count() == 4 && name.split(';').all(|part| !part.is_empty())
}

/// Joins the parts of a repository's name; an empty one is written as a dash.
pub(super) fn repository(parts: [&str; 4]) -> String {
    parts.map(|part| if part.is_empty() { "-" } else { part }).join(";")
}

pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Splits off this extension, ignoring letter case.
pub(super) fn without<'a>(name: &'a str, extension: &str) -> Option<&'a str> {
    let (stem, found) = name.split_at_checked(name.len().checked_sub(extension.len())?)?;
    (!stem.is_empty() && same(found, extension)).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "fa396b1d-1814-4c75-9ddc-fef71cf2ecd1";

    #[test]
    fn names_of_snapshots_are_read_in_any_letter_case() {
        let read = SnapshotName::parse(&format!("202301171931_{ID}_Full_C")).unwrap();
        assert_eq!(read.created.to_string(), "2023-01-17T19:31:00Z");
        assert!(read.is_full && read.is_contemporaneous && read.backup_id == ID);
        let read = SnapshotName::parse(&format!("202301171931_{}_PROGRESSIVE", ID.to_uppercase())).unwrap();
        assert!(!read.is_full && !read.is_contemporaneous && read.backup_id == ID);
    }

    #[test]
    fn other_names_are_not_snapshots() {
        for name in [
            "yesterday".to_owned(),
            format!("202313171931_{ID}_Full_C"),
            format!("202301171931_{ID}_Full_D"),
            format!("202301171931_{ID}_Full_C_C"),
            format!("202301171931_{ID}_Half"),
            format!("20230117193_{ID}_Full"),
            format!("202301171931_{}_Full", &ID[1..]),
            format!("٢٠٢٣01171931_{ID}_Full"),
        ] {
            assert_eq!(SnapshotName::parse(&name), None, "{name}");
        }
    }

    #[test]
    fn extensions_are_split_off_in_any_letter_case() {
        assert_eq!(without("a.ZIP", ".zip"), Some("a"));
        assert_eq!(without(".zip", ".zip"), None);
        assert_eq!(without("zip", ".zip"), None);
        assert_eq!(without("é.xml", ".xml"), Some("é"));
        assert_eq!(without("aé", ".x"), None);
    }
}
