//! One file or folder name.

use std::fmt;
use std::str::FromStr;

use super::refusal::{invalid, quoted, reserved};
use super::reserved::is_mas_backup;
use super::text_serde;
use crate::{Error, Result};

/// The name of one file or folder on a share, safe to create there and outside `MASBackup`.
///
/// Each name
/// - has 1 to 255 UTF-16 units and none of `" \ / : | < > * ?` and U+0000 to U+001F (MS-FSCC 2.1.5.2);
/// - does not end in a dot or a space and is not `.` or `..` (Win32, "Naming Files, Paths, and Namespaces");
/// - is not a Win32 device name in any letter case, with or without an extension: `CON`, `PRN`, `AUX`, `NUL`,
///   `COM1` to `COM9`, `LPT1` to `LPT9`, the superscript digits ¹ ² ³ in their place, `CONIN$`, `CONOUT$`
///   (same page);
/// - is not `MASBackup` or a [disguise](super::is_mas_backup) of it.
///
/// It keeps its letter case and is compared exactly. File servers ignore letter case, and so does
/// [`same_name`](Self::same_name).
///
/// ```
/// use azs_backup::layout::Name;
///
/// assert!(Name::new("Switches").is_ok());
/// assert!(Name::new("nul.txt").is_err());
/// assert_eq!(Name::new("masbackup.").unwrap_err().code(), "RESERVED_PATH");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(String);

impl Name {
    /// Creates a name, if it follows every rule above.
    ///
    /// Fails with [`ReservedPath`](crate::ErrorKind::ReservedPath) for `MASBackup` in any form and with
    /// [`InvalidName`](crate::ErrorKind::InvalidName) for the rest.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_name("name", &name)?;
        Ok(Self(name))
    }

    /// Creates a name that is known to follow the rules.
    pub(super) fn known(name: String) -> Self {
        debug_assert!(check_name("name", &name).is_ok());
        Self(name)
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a file server treats both names as the same, ignoring letter case.
    ///
    /// This folds one character to one, as NTFS does; the server's own table may differ for rare letters.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        same_text(&self.0, &other.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

text_serde!(Name);

/// Checks the rules of a file or folder name; `what` is what the error calls it.
pub(super) fn check_name(what: &str, name: &str) -> Result<()> {
    if is_mas_backup(name) {
        return Err(reserved(what, name));
    }
    check_characters(what, name, NAME_MAX, ILLEGAL)?;
    check_win32(what, name)
}

/// Checks what Windows and its programs refuse, for names that need not be safe for a share.
pub(crate) fn check_windows_name(name: &str) -> Result<()> {
    check_characters("name", name, NAME_MAX, ILLEGAL)?;
    check_win32("name", name)
}

/// Checks length and characters, the rules of MS-FSCC.
pub(super) fn check_characters(what: &str, name: &str, max: usize, illegal: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid(format!("{what} is empty; give it at least one character")));
    }
    let units = name.encode_utf16().count();
    if units > max {
        return Err(invalid(format!(
            "{what} {name} has {units} UTF-16 units; shorten it to {max}",
            name = quoted(name)
        )));
    }
    match name.chars().find(|&c| c < ' ' || illegal.contains(c)) {
        Some(c) => Err(invalid(format!(
            "{what} {name} has the character \"{}\", which a {what} may not have",
            c.escape_default(),
            name = quoted(name)
        ))),
        None => Ok(()),
    }
}

/// Checks what Win32 forbids beyond that: relative names, trailing dots and spaces, devices.
pub(super) fn check_win32(what: &str, name: &str) -> Result<()> {
    if matches!(name, "." | "..") {
        return Err(invalid(format!("{what} {name} is relative; write the full path", name = quoted(name))));
    }
    if name.ends_with(['.', ' ']) {
        return Err(invalid(format!(
            "{what} {name} ends in a dot or a space, which Windows drops; remove it",
            name = quoted(name)
        )));
    }
    if is_device(name) {
        return Err(invalid(format!(
            "{what} {name} is a device to Windows; choose another",
            name = quoted(name)
        )));
    }
    Ok(())
}

/// Whether Win32 takes the name for a device, whatever its extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let mut chars = stem.chars();
    let number = chars.next_back();
    let port = chars.as_str();
    matches!(number, Some('1'..='9' | '¹' | '²' | '³'))
        && (port.eq_ignore_ascii_case("COM") || port.eq_ignore_ascii_case("LPT"))
}

/// Whether two names are the same, ignoring letter case.
pub(super) fn same_text(one: &str, other: &str) -> bool {
    fn upper(c: char) -> char {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(only), None) => only,
            _ => c,
        }
    }
    one.chars().map(upper).eq(other.chars().map(upper))
}

/// The longest name of a file or folder in UTF-16 units (MS-FSCC 2.1.5.2).
const NAME_MAX: usize = 255;
const ILLEGAL: &str = "\"\\/:|<>*?";
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
