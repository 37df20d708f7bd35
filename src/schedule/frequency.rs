//! How often to back up and how long to keep, within Microsoft's bounds or explicitly beyond them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Hours between two scheduled backups.
///
/// Azure Stack Hub accepts 4 to 12 hours, 12 by default (docs, "Enable backup for Azure Stack Hub from the
/// administrator portal"). OEM data may change less often: see [`beyond_microsoft`](Self::beyond_microsoft).
///
/// ```
/// use azs_backup::schedule::Frequency;
///
/// assert_eq!(Frequency::default().hours(), 12);
/// assert!(Frequency::from_hours(24).is_err());
/// assert_eq!(Frequency::beyond_microsoft(24)?.hours(), 24);
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Frequency(u32);

impl Frequency {
    /// The shortest that Azure Stack Hub accepts, in hours.
    pub const MIN: u32 = 4;
    /// The longest that Azure Stack Hub accepts, in hours.
    pub const MAX: u32 = 12;
    /// The longest possible, in hours: 31 days.
    pub const LIMIT: u32 = 31 * 24;

    /// Backs up every `hours`, 4 to 12.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` outside Microsoft's bounds; the message names the way out.
    pub fn from_hours(hours: u32) -> Result<Self> {
        if (Self::MIN..=Self::MAX).contains(&hours) {
            return Ok(Self(hours));
        }
        let (min, max) = (Self::MIN, Self::MAX);
        Err(invalid(format!(
            "a backup every {hours} h is not between {min} and {max} h, as Azure Stack Hub has it; \
             choose one of those, or ask for a frequency beyond Microsoft's for OEM data"
        )))
    }

    /// Backs up every `hours`, 1 to 744 (31 days): for OEM data, to which Microsoft's bounds do not apply.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` outside 1 to 744.
    pub fn beyond_microsoft(hours: u32) -> Result<Self> {
        if (1..=Self::LIMIT).contains(&hours) {
            return Ok(Self(hours));
        }
        Err(invalid(format!("a backup every {hours} h is not between 1 h and {} h (31 days)", Self::LIMIT)))
    }

    /// Returns the hours.
    #[must_use]
    pub fn hours(self) -> u32 {
        self.0
    }

    /// Whether Azure Stack Hub's own scheduler would accept it.
    #[must_use]
    pub fn is_microsofts(self) -> bool {
        (Self::MIN..=Self::MAX).contains(&self.0)
    }

    pub(super) fn seconds(self) -> i64 {
        i64::from(self.0) * 3600
    }
}

/// In JSON it is the number of hours, within or beyond Microsoft's bounds.
impl TryFrom<u32> for Frequency {
    type Error = Error;

    fn try_from(hours: u32) -> Result<Self> {
        Self::beyond_microsoft(hours)
    }
}

impl From<Frequency> for u32 {
    fn from(of: Frequency) -> Self {
        of.0
    }
}

impl Default for Frequency {
    fn default() -> Self {
        Self(12)
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} h", self.0)
    }
}

impl FromStr for Frequency {
    type Err = Error;

    /// Reads `12`, `12h` or `12 h`, within Microsoft's bounds.
    fn from_str(text: &str) -> Result<Self> {
        number(text, 'h')
            .ok_or_else(|| invalid(format!("frequency {} is not like 12 h", shown(text))))
            .and_then(Self::from_hours)
    }
}

/// Days for which backups are kept.
///
/// Azure Stack Hub accepts 2 to 14 days, 7 by default (docs, "Enable backup for Azure Stack Hub from the administrator
/// portal"). OEM data may be kept longer: see [`beyond_microsoft`](Self::beyond_microsoft).
///
/// ```
/// use azs_backup::schedule::RetentionPeriod;
///
/// assert_eq!("14 d".parse::<RetentionPeriod>()?.days(), 14);
/// assert!(RetentionPeriod::from_days(90).is_err());
/// assert_eq!(RetentionPeriod::beyond_microsoft(90)?.days(), 90);
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionPeriod(u32);

impl RetentionPeriod {
    /// The shortest that Azure Stack Hub accepts, in days.
    pub const MIN: u32 = 2;
    /// The longest that Azure Stack Hub accepts, in days.
    pub const MAX: u32 = 14;
    /// The longest possible, in days: a hundred years.
    pub const LIMIT: u32 = 36_500;

    /// Keeps for `days`, 2 to 14.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` outside Microsoft's bounds; the message names the way out.
    pub fn from_days(days: u32) -> Result<Self> {
        if (Self::MIN..=Self::MAX).contains(&days) {
            return Ok(Self(days));
        }
        let (min, max) = (Self::MIN, Self::MAX);
        Err(invalid(format!(
            "keeping backups for {days} days is not between {min} and {max} days, as Azure Stack Hub has it; \
             choose one of those, or ask for a period beyond Microsoft's for OEM data"
        )))
    }

    /// Keeps for `days`, 1 to 36,500: for OEM data, to which Microsoft's bounds do not apply.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` outside 1 to 36,500.
    pub fn beyond_microsoft(days: u32) -> Result<Self> {
        if (1..=Self::LIMIT).contains(&days) {
            return Ok(Self(days));
        }
        Err(invalid(format!("keeping backups for {days} days is not between 1 and {} days", Self::LIMIT)))
    }

    /// Returns the days.
    #[must_use]
    pub fn days(self) -> u32 {
        self.0
    }

    /// Whether Azure Stack Hub's own retention would accept it.
    #[must_use]
    pub fn is_microsofts(self) -> bool {
        (Self::MIN..=Self::MAX).contains(&self.0)
    }

    pub(super) fn seconds(self) -> i64 {
        i64::from(self.0) * 86_400
    }
}

/// In JSON it is the number of days, within or beyond Microsoft's bounds.
impl TryFrom<u32> for RetentionPeriod {
    type Error = Error;

    fn try_from(days: u32) -> Result<Self> {
        Self::beyond_microsoft(days)
    }
}

impl From<RetentionPeriod> for u32 {
    fn from(of: RetentionPeriod) -> Self {
        of.0
    }
}

impl Default for RetentionPeriod {
    fn default() -> Self {
        Self(7)
    }
}

impl fmt::Display for RetentionPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} d", self.0)
    }
}

impl FromStr for RetentionPeriod {
    type Err = Error;

    /// Reads `7`, `7d` or `7 d`, within Microsoft's bounds.
    fn from_str(text: &str) -> Result<Self> {
        number(text, 'd')
            .ok_or_else(|| invalid(format!("period {} is not like 7 d", shown(text))))
            .and_then(Self::from_days)
    }
}

fn number(text: &str, unit: char) -> Option<u32> {
    let digits = text.trim();
    let digits = digits.strip_suffix(unit).unwrap_or(digits).trim_end();
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Quotes and shortens foreign text for a message.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_microsofts_and_the_way_beyond_them_is_named() {
        for hours in 0..=1000 {
            assert_eq!(Frequency::from_hours(hours).is_ok(), (4..=12).contains(&hours));
            assert_eq!(Frequency::beyond_microsoft(hours).is_ok(), (1..=744).contains(&hours));
            assert_eq!(RetentionPeriod::from_days(hours).is_ok(), (2..=14).contains(&hours));
        }
        assert!(RetentionPeriod::beyond_microsoft(36_501).is_err());
        let said = Frequency::from_hours(3).unwrap_err().to_string();
        assert!(said.contains("3 h") && said.contains("4 and 12 h") && said.contains("OEM"), "{said}");
    }

    #[test]
    fn text_round_trips_and_nonsense_is_refused() {
        for text in ["12", "12h", " 12 h "] {
            assert_eq!(text.parse::<Frequency>().unwrap(), Frequency::default());
        }
        assert_eq!(Frequency::default().to_string().parse::<Frequency>().unwrap(), Frequency::default());
        assert_eq!(RetentionPeriod::default().to_string().parse::<RetentionPeriod>().unwrap().days(), 7);
        for text in ["", "h", "-4", "4.5", "12 d", "+6", "99999999999", "0"] {
            assert_eq!(text.parse::<Frequency>().unwrap_err().code(), "INVALID_ARGUMENT", "{text}");
        }
    }
}
