//! The lines of an index: one JSON object each.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::entry::{Block, Change, Entry, EntryPath, Part, Problem};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName};

mod line;

use line::Line;

/// A line of an index.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    /// First line of every piece.
    Piece { number: u32, set: SetName, place: Place },
    /// An entry of the tree.
    Entry(Entry),
    /// A part of the last large file listed before it.
    Part(Part),
    /// What the set no longer holds: this path and everything below it in earlier pieces.
    Gone(EntryPath),
    /// The current state of a large file of an earlier piece.
    Change(Change),
    /// A changed block of one.
    Block(Block),
    /// Something that the set does not hold as it was; only in the newest piece.
    Problem(Problem),
    /// The cover sheet, without the end that is known only once this piece is stored; only in the newest piece.
    Cover(String),
    /// The list of extents; only in the newest piece.
    Extents(StoredFile),
    /// A segment of the set; only in the newest piece.
    Segment(StoredFile),
    /// A piece of the index; only in the newest piece.
    Index(StoredFile),
    /// Last line of the newest piece: the number of lines in the pieces before it.
    End { records: u64 },
}

/// The lines that an index has at most once for each path.
pub(crate) enum Subject<'a> {
    /// An entry, and its parts.
    Entry(&'a EntryPath),
    Gone(&'a EntryPath),
    Change(&'a EntryPath),
    Block(&'a EntryPath, u64),
}

/// A stored file as the newest index piece lists it. These fields bind its position, name and content.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredFile {
    /// Its place in the order of segments, or of index pieces.
    pub number: u32,
    /// Name in the set's folder.
    pub name: String,
    /// Length in bytes.
    pub length: u64,
    /// Digest of the stored bytes, as in `SHA256SUMS`.
    pub sha256: Digest,
    /// Authentication tag of the CMS message.
    pub tag: [u8; 16],
    /// Length of the decompressed content in bytes.
    pub content_length: u64,
    /// Bytes of a segment's content that the index lists; fewer if only an earlier set needs the rest.
    pub live_length: u64,
    /// Whether an index piece has lines that take precedence over those of earlier pieces.
    pub supersedes: bool,
}

impl Record {
    /// What the line is about, if a later line can replace it.
    pub(crate) fn subject(&self) -> Option<Subject<'_>> {
        Some(match self {
            Record::Entry(entry) => Subject::Entry(&entry.path),
            Record::Part(part) => Subject::Entry(&part.path),
            Record::Gone(path) => Subject::Gone(path),
            Record::Change(change) => Subject::Change(&change.path),
            Record::Block(block) => Subject::Block(&block.path, block.from / Block::SIZE),
            _ => return None,
        })
    }

    /// Appends the line and its line feed.
    pub(crate) fn print(&self, out: &mut impl std::io::Write) -> Result<()> {
        serde_json::to_writer(&mut *out, &Line::from(self))
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|e| Error::io("write the index", e))
    }

    /// Reads a line.
    pub(crate) fn parse(line: &[u8]) -> Result<Self> {
        let malformed = |what: String| Error::new(ErrorKind::Malformed, format!("index line: {what}"));
        let line: Line = serde_json::from_slice(line).map_err(|e| malformed(e.to_string()))?;
        line.into_record().ok_or_else(|| malformed("a field is missing or wrong".into()))
    }
}
