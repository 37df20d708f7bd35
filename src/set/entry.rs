//! The entries of a set, as the index lists them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::Digest;
use super::text::Text;
use crate::error::{Error, ErrorKind, Result};

/// The path of an entry in a set: relative, with `/` between its names.
///
/// # Invariants
/// - 1 to [`MAX_LENGTH`](Self::MAX_LENGTH) bytes, not necessarily UTF-8, no NUL;
/// - no empty name, no `.` and no `..`: it cannot lead out of the folder that it is joined to.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct EntryPath(Text);

impl EntryPath {
    /// Longest path in bytes.
    pub const MAX_LENGTH: usize = 32 * 1024;

    /// Checks a path.
    ///
    /// # Errors
    /// `INVALID_NAME` when it breaks an invariant.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let text = Text(bytes.into().into());
        let wrong = |what: &str| Err(Error::new(ErrorKind::InvalidName, format!("path {text:?} {what}")));
        if text.0.len() > Self::MAX_LENGTH {
            return wrong("is longer than 32 KiB");
        }
        if text.0.contains(&0) {
            return wrong("has a NUL byte");
        }
        if text.0.split(|b| *b == b'/').any(|name| matches!(name, b"" | b"." | b"..")) {
            return wrong("must be relative and without empty, \".\" and \"..\" names");
        }
        Ok(Self(text))
    }

    /// Returns this path with one more name below it.
    ///
    /// # Errors
    /// `INVALID_NAME` when the result breaks an invariant.
    pub fn join(&self, name: &[u8]) -> Result<Self> {
        let mut bytes = Vec::with_capacity(self.0.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        Self::new(bytes)
    }

    /// The bytes, with `/` between the names.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.0
    }

    /// The names from the top down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.0.split(|b| *b == b'/')
    }

    /// The folder above it; `None` for a name at the top.
    #[must_use]
    pub fn parent(&self) -> Option<&[u8]> {
        self.0.0.iter().rposition(|b| *b == b'/').map(|slash| &self.0.0[..slash])
    }

    /// Whether it is below this folder.
    #[must_use]
    pub fn is_below(&self, folder: &EntryPath) -> bool {
        self.0.0.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EntryPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text.as_bytes())
    }
}

impl<'de> Deserialize<'de> for EntryPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Text::deserialize(deserializer)?.0.into_vec()).map_err(serde::de::Error::custom)
    }
}

/// A time of last change, as seconds and nanoseconds since 1970. Prints in pax's decimal notation
/// (`1760000000.123456789`).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Mtime {
    /// Whole seconds, rounded down; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after that, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Mtime {
    /// The time at this many seconds (rounded down) and nanoseconds.
    #[must_use]
    pub fn new(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, nanoseconds: nanoseconds.min(999_999_999) }
    }

    /// The present time by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        let now = jiff::Timestamp::now();
        Self::new(now.as_second(), now.subsec_nanosecond().unsigned_abs())
    }
}

impl fmt::Display for Mtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanoseconds == 0 {
            return write!(f, "{}", self.seconds);
        }
        // -2 s + 0.5 s is written as -1.5.
        let (sign, whole, nanos) = if self.seconds < 0 {
            ("-", (i128::from(self.seconds) + 1).unsigned_abs(), 1_000_000_000 - self.nanoseconds)
        } else {
            ("", i128::from(self.seconds).unsigned_abs(), self.nanoseconds)
        };
        let digits = format!("{nanos:09}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Mtime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || -> Option<Self> {
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 9 {
                return None;
            }
            let whole: i64 = whole.parse().ok()?;
            let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
            Some(match (negative, nanos) {
                (false, _) => Self::new(whole, nanos),
                (true, 0) => Self::new(-whole, 0),
                (true, _) => Self::new((-whole).checked_sub(1)?, 1_000_000_000 - nanos),
            })
        };
        parse().ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{text:?} is not a time in seconds")))
    }
}

impl Serialize for Mtime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mtime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a file system knows about an entry besides its content.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// The 12 permission bits.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub uid: Option<u32>,
    /// Numeric group.
    pub gid: Option<u32>,
    /// Time of last change.
    pub mtime: Option<Mtime>,
    /// Extended attributes, by name.
    pub xattrs: Vec<(Text, Vec<u8>)>,
}

/// A position in a set's data.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Position {
    /// Number of the segment.
    pub segment: u32,
    /// Byte in that segment's decompressed content.
    pub offset: u64,
}

impl Position {
    pub(crate) fn new(segment: u32, offset: u64) -> Self {
        Self { segment, offset }
    }
}

/// One entry of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Its path in the set.
    pub path: EntryPath,
    /// What it is.
    pub content: Content,
    /// What the file system knew about it.
    pub metadata: Metadata,
    /// Where its tar header begins.
    pub at: Position,
}

impl Entry {
    pub(crate) fn new(path: EntryPath, content: Content, metadata: Metadata) -> Self {
        Self { path, content, metadata, at: Position::default() }
    }

    /// Bytes of file content; 0 for anything but a file.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.content {
            Content::Copy { size, .. } | Content::File { size, .. } | Content::LargeFile { size, .. } => size,
            Content::Folder | Content::HardLink { .. } | Content::Symlink { .. } => 0,
        }
    }
}

/// What an [`Entry`] is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A regular file whose whole content follows its header.
    File {
        /// Length in bytes.
        size: u64,
        /// Digest of the content.
        sha256: Digest,
        /// Whether it had holes; a restore then turns its zeros into holes.
        sparse: bool,
    },
    /// A folder.
    Folder,
    /// A separate file with the same content as an earlier one in the set; the content is stored once.
    Copy {
        /// The earlier file.
        target: EntryPath,
        /// Length in bytes.
        size: u64,
    },
    /// Another name of a file that comes earlier in the set.
    HardLink {
        /// The earlier file.
        target: EntryPath,
    },
    /// A regular file whose content follows its header as [`Part`]s, spread over as many segments as it takes.
    LargeFile {
        /// Length in bytes.
        size: u64,
        /// Whether it had holes.
        sparse: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Its target, unchanged.
        target: Text,
    },
}

/// A piece of a large file: a run of its bytes in one segment.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// The file.
    pub path: EntryPath,
    /// Offset of its first byte in the file.
    pub from: u64,
    /// Length in bytes.
    pub size: u64,
    /// Digest of these bytes.
    pub sha256: Digest,
    /// Where these bytes begin.
    pub at: Position,
}

/// The current state of a large file that changed since it was stored whole; its [`Block`]s hold the changes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The file.
    pub path: EntryPath,
    /// Length of the file in bytes.
    pub size: u64,
    /// Whether it has holes.
    pub sparse: bool,
    /// What the file system knew about it.
    pub metadata: Metadata,
    /// Where the tar header that says so begins.
    pub at: Position,
}

impl Change {
    /// The entry whose tar header is at that position.
    pub(crate) fn entry(&self) -> Entry {
        let content = Content::LargeFile { size: self.size, sparse: self.sparse };
        Entry { at: self.at, ..Entry::new(self.path.clone(), content, self.metadata.clone()) }
    }
}

/// A changed block of a large file: it replaces what was stored before.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Block {
    /// The file.
    pub path: EntryPath,
    /// Offset of its first byte in the file, a multiple of [`Block::SIZE`].
    pub from: u64,
    /// Length in bytes: [`Block::SIZE`], or less at the file's end.
    pub size: u64,
    /// Digest of these bytes and where they begin; `None` for zeros, which are not stored.
    pub stored: Option<(Digest, Position)>,
}

impl Block {
    /// Length in bytes of every block except the last of a file.
    pub const SIZE: u64 = super::digest::BLOCK;
}

/// Something in the source that the set does not hold as it was.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The path that it concerns.
    pub path: EntryPath,
    /// The code of its error kind.
    pub code: String,
    /// One line for people.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(path: EntryPath, error: &Error) -> Self {
        Self { path, code: error.code().into(), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_and_parse_back() {
        for (seconds, nanos, text) in [
            (0, 0, "0"),
            (1_760_000_000, 123_456_789, "1760000000.123456789"),
            (5, 500_000_000, "5.5"),
            (-2, 500_000_000, "-1.5"),
            (-1, 1, "-0.999999999"),
            (i64::MIN + 2, 0, "-9223372036854775806"),
        ] {
            let time = Mtime::new(seconds, nanos);
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse::<Mtime>().unwrap(), time);
        }
        for text in ["", "-", "1.", ".5", "1.0000000001", "1e5", "+1"] {
            assert!(text.parse::<Mtime>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_cannot_lead_out() {
        for text in ["", "/etc", "a//b", "a/", "..", "a/../b", "./a", "a/.", "a\0b"] {
            assert!(EntryPath::new(text).is_err(), "{text:?}");
        }
        assert!(EntryPath::new("a/b").unwrap().is_below(&EntryPath::new("a").unwrap()));
        assert!(!EntryPath::new("ab").unwrap().is_below(&EntryPath::new("a").unwrap()));
    }

    #[test]
    fn a_name_that_is_not_unicode_survives_json() {
        let path = EntryPath::new(*b"a/\xff\xfe").unwrap();
        let json = serde_json::to_string(&path).unwrap();
        assert_eq!(json, r#"{"base64":"YS///g=="}"#);
        assert_eq!(serde_json::from_str::<EntryPath>(&json).unwrap(), path);
        assert!(serde_json::from_str::<EntryPath>("\"../a\"").is_err());
    }
}
