//! The JSON form of a line: every field that one may have, and which of them each kind has.

use serde::{Deserialize, Serialize};

use super::{Record, StoredFile};
use crate::layout::{Place, SetName};
use crate::set::digest::{Digest, hex, unhex};
use crate::set::entry::{Block, Change, Content, Entry, EntryPath, Metadata, Mtime, Part, Position, Problem};
use crate::set::text::{Base64, Text};

/// Every field that a line may have; `kind` decides which ones it must have.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Line {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<EntryPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sparse: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<Mtime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    xattrs: Vec<(Text, Base64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_length: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    supersedes: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    zero: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<SetName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Missing,
    Block,
    Change,
    Copy,
    Cover,
    End,
    Extents,
    File,
    Folder,
    Gone,
    HardLink,
    Index,
    LargeFile,
    Part,
    Piece,
    Problem,
    Segment,
    Symlink,
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        match record {
            Record::Piece { number, set, place } => Line {
                kind: Kind::Piece,
                number: Some(*number),
                set: Some(*set),
                place: Some(place.clone()),
                ..Line::default()
            },
            Record::Entry(entry) => entry_line(entry),
            Record::Part(part) => Line {
                kind: Kind::Part,
                path: Some(part.path.clone()),
                from: Some(part.from),
                size: Some(part.size),
                sha256: Some(part.sha256),
                segment: Some(part.at.segment),
                offset: Some(part.at.offset),
                ..Line::default()
            },
            Record::Gone(path) => Line { kind: Kind::Gone, path: Some(path.clone()), ..Line::default() },
            Record::Change(change) => Line {
                kind: Kind::Change,
                path: Some(change.path.clone()),
                size: Some(change.size),
                sparse: change.sparse,
                segment: Some(change.at.segment),
                offset: Some(change.at.offset),
                ..metadata_line(&change.metadata)
            },
            Record::Block(block) => Line {
                kind: Kind::Block,
                path: Some(block.path.clone()),
                from: Some(block.from),
                size: Some(block.size),
                sha256: block.stored.map(|(sha256, _)| sha256),
                segment: block.stored.map(|(_, at)| at.segment),
                offset: block.stored.map(|(_, at)| at.offset),
                zero: block.stored.is_none(),
                ..Line::default()
            },
            Record::Cover(text) => Line { kind: Kind::Cover, text: Some(text.clone()), ..Line::default() },
            Record::Extents(file) => Line { kind: Kind::Extents, ..stored_line(file) },
            Record::Problem(problem) => Line {
                kind: Kind::Problem,
                path: Some(problem.path.clone()),
                code: Some(problem.code.clone()),
                message: Some(problem.message.clone()),
                ..Line::default()
            },
            Record::Segment(file) => Line {
                kind: Kind::Segment,
                live_length: (file.live_length != file.content_length).then_some(file.live_length),
                ..stored_line(file)
            },
            Record::Index(file) => {
                Line { kind: Kind::Index, supersedes: file.supersedes, ..stored_line(file) }
            }
            Record::End { records } => Line { kind: Kind::End, records: Some(*records), ..Line::default() },
        }
    }
}

impl Serialize for Entry {
    /// Serialises as in a line of the index: `kind`, `path`, `size`, `sha256`, `mode` in octal digits, `mtime` in
    /// seconds…
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        entry_line(self).serialize(serializer)
    }
}

fn stored_line(file: &StoredFile) -> Line {
    Line {
        number: Some(file.number),
        name: Some(file.name.clone()),
        length: Some(file.length),
        sha256: Some(file.sha256),
        tag: Some(hex(&file.tag)),
        content_length: Some(file.content_length),
        ..Line::default()
    }
}

fn metadata_line(metadata: &Metadata) -> Line {
    Line {
        mode: metadata.mode.map(|mode| format!("{mode:04o}")),
        uid: metadata.uid,
        gid: metadata.gid,
        mtime: metadata.mtime,
        xattrs: metadata.xattrs.iter().map(|(name, value)| (name.clone(), Base64(value.clone()))).collect(),
        ..Line::default()
    }
}

fn entry_line(entry: &Entry) -> Line {
    let mut line = Line {
        path: Some(entry.path.clone()),
        segment: Some(entry.at.segment),
        offset: Some(entry.at.offset),
        ..metadata_line(&entry.metadata)
    };
    match &entry.content {
        Content::Copy { target, size } => {
            line.kind = Kind::Copy;
            line.target = Some(target.as_bytes().to_vec().into());
            line.size = Some(*size);
        }
        Content::Folder => line.kind = Kind::Folder,
        Content::HardLink { target } => {
            line.kind = Kind::HardLink;
            line.target = Some(target.as_bytes().to_vec().into());
        }
        Content::Symlink { target } => {
            line.kind = Kind::Symlink;
            line.target = Some(target.clone());
        }
        Content::File { size, sha256, sparse } => {
            line.kind = Kind::File;
            line.size = Some(*size);
            line.sha256 = Some(*sha256);
            line.sparse = *sparse;
        }
        Content::LargeFile { size, sparse } => {
            line.kind = Kind::LargeFile;
            line.size = Some(*size);
            line.sparse = *sparse;
        }
    }
    line
}

impl Line {
    pub(super) fn into_record(self) -> Option<Record> {
        Some(match self.kind {
            Kind::Missing => return None,
            Kind::Piece => Record::Piece { number: self.number?, set: self.set?, place: self.place? },
            Kind::Part => Record::Part(Part {
                at: self.position()?,
                path: self.path?,
                from: self.from?,
                size: self.size?,
                sha256: self.sha256?,
            }),
            Kind::Gone => Record::Gone(self.path?),
            Kind::Change => Record::Change(Change {
                size: self.size?,
                sparse: self.sparse,
                at: self.position()?,
                path: self.path.clone()?,
                metadata: self.into_metadata()?,
            }),
            Kind::Block => Record::Block(self.into_block()?),
            Kind::Problem => {
                Record::Problem(Problem { path: self.path?, code: self.code?, message: self.message? })
            }
            Kind::Cover => Record::Cover(self.text?),
            Kind::Extents => Record::Extents(self.into_stored()?),
            Kind::Segment => Record::Segment(self.into_stored()?),
            Kind::Index => Record::Index(self.into_stored()?),
            Kind::End => Record::End { records: self.records? },
            Kind::Copy | Kind::File | Kind::Folder | Kind::HardLink | Kind::LargeFile | Kind::Symlink => {
                Record::Entry(self.into_entry()?)
            }
        })
    }

    fn position(&self) -> Option<Position> {
        Some(Position::new(self.segment?, self.offset?))
    }

    fn into_block(self) -> Option<Block> {
        let stored = if self.zero { None } else { Some((self.sha256?, self.position()?)) };
        let (from, size) = (self.from?, self.size?);
        let fits = from % Block::SIZE == 0 && (1..=Block::SIZE).contains(&size);
        fits.then_some(Block { path: self.path?, from, size, stored })
    }

    fn into_stored(self) -> Option<StoredFile> {
        let content_length = self.content_length?;
        Some(StoredFile {
            number: self.number?,
            name: self.name?,
            length: self.length?,
            sha256: self.sha256?,
            tag: unhex(&self.tag?)?,
            content_length,
            live_length: self.live_length.unwrap_or(content_length),
            supersedes: self.supersedes,
        })
    }

    fn into_metadata(self) -> Option<Metadata> {
        let mode = match self.mode {
            Some(mode) => Some(u32::from_str_radix(&mode, 8).ok().filter(|mode| *mode <= 0o7777)?),
            None => None,
        };
        Some(Metadata {
            mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            xattrs: self.xattrs.into_iter().map(|(name, value)| (name, value.0)).collect(),
        })
    }

    fn into_entry(mut self) -> Option<Entry> {
        let at = self.position()?;
        let target = |line: &mut Self| EntryPath::new(line.target.take()?.as_bytes()).ok();
        let content = match self.kind {
            Kind::Copy => Content::Copy { target: target(&mut self)?, size: self.size? },
            Kind::Folder => Content::Folder,
            Kind::HardLink => Content::HardLink { target: target(&mut self)? },
            Kind::Symlink => Content::Symlink { target: self.target.take()? },
            Kind::File => Content::File { size: self.size?, sha256: self.sha256?, sparse: self.sparse },
            _ => Content::LargeFile { size: self.size?, sparse: self.sparse },
        };
        let path = self.path.take()?;
        Some(Entry { path, content, metadata: self.into_metadata()?, at })
    }
}
