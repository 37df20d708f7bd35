//! The name of a backup set's folder.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::name::Name;
use super::refusal::{invalid, quoted};
use super::text_serde;
use crate::{Error, ErrorKind, Result};

/// The name of a backup set's folder: `20261123T020000Z-7f3a91c2`, the second of its start in UTC and a random suffix.
///
/// Names sort by time, as text and as values; the suffix distinguishes sets that two hosts begin in the same second.
/// Parsing is strict: 25 characters, capital `T` and `Z`, lower-case hex digits, an existing date and time in a year
/// from 1970 to 9999 (ISO 8601 basic format). There is no name for a leap second, or for the last 26 hours of 9999,
/// which [`Timestamp`] cannot represent.
///
/// ```
/// use azs_backup::layout::SetName;
///
/// let name: SetName = "20261123T020000Z-7f3a91c2".parse()?;
/// assert_eq!(name.created().to_string(), "2026-11-23T02:00:00Z");
/// assert_eq!(name.suffix(), 0x7f3a91c2);
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SetName {
    created: Timestamp,
    suffix: u32,
}

impl SetName {
    /// Creates the name of a set begun at `created`, whose fraction of a second is dropped.
    ///
    /// Fails with [`InvalidArgument`](ErrorKind::InvalidArgument) for a time before 1970.
    pub fn new(created: Timestamp, suffix: u32) -> Result<Self> {
        match Timestamp::from_second(created.as_second()) {
            // `as_second` rounds towards zero and would move the last second of 1969 to 1970.
            Ok(second) if created >= Timestamp::UNIX_EPOCH => Ok(Self { created: second, suffix }),
            _ => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("time {created} lies before 1970; set the clock"),
            )),
        }
    }

    /// Returns when the set began, to the second.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Returns the random suffix.
    #[must_use]
    pub fn suffix(&self) -> u32 {
        self.suffix
    }

    /// Returns it as the name of a folder.
    #[must_use]
    pub fn as_name(&self) -> Name {
        Name::known(self.to_string())
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = Offset::UTC.to_datetime(self.created);
        write!(
            f,
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z-{:08x}",
            utc.year(),
            utc.month(),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            self.suffix
        )
    }
}

impl FromStr for SetName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // The shape allows any letter case; only text that prints back unchanged is a name.
        let parsed = Some(text).filter(|text| is_set_shaped(text)).and_then(parse);
        let parsed = parsed.filter(|name| name.to_string() == text);
        parsed.ok_or_else(|| {
            invalid(format!("set name {text} is not like 20261123T020000Z-7f3a91c2", text = quoted(text)))
        })
    }
}

impl From<SetName> for Name {
    fn from(name: SetName) -> Self {
        name.as_name()
    }
}

text_serde!(SetName);

/// Whether the text has the shape of a set's name, in any letter case and with any date.
///
/// A folder of that name would look like a set in listings.
pub(super) fn is_set_shaped(text: &str) -> bool {
    text.len() == PATTERN.len()
        && text.bytes().zip(PATTERN).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            _ => byte.eq_ignore_ascii_case(like),
        })
}

/// Parses text of the right shape.
fn parse(text: &str) -> Option<SetName> {
    let [year, month, day, hour, minute, second] = [0..4, 4..6, 6..8, 9..11, 11..13, 13..15]
        .map(|range| text[range].bytes().fold(0, |number, digit| number * 10 + i16::from(digit - b'0')));
    // All but the year have two digits.
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|number| number as i8);
    let utc = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let created = Offset::UTC.to_timestamp(utc).ok()?;
    let suffix = u32::from_str_radix(&text[17..], 16).ok()?;
    SetName::new(created, suffix).ok()
}

const PATTERN: &[u8; 25] = b"00000000T000000Z-xxxxxxxx";
