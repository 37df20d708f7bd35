//! What the newest index piece lists: every stored file of a set, in order, and the cover sheet.

use std::collections::HashMap;
use std::io::Cursor;

use super::cover::{self, Stored};
use super::digest::Digest;
use super::entry::{Change, Content, Entry, EntryPath, Problem};
use super::index::{PieceReader, piece_number};
use super::lost_pieces::LostPieces;
use super::overlay::Overlay;
use super::prefetch::Prefetched;
use super::record::{Record, StoredFile};
use super::stored_files::open_message;
use super::{extents, segment, sums};
use crate::envelope::{CertificateFacts, Opener};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName};

/// The newest index piece, opened.
pub(super) struct Newest {
    /// The set that it claims to belong to.
    pub(super) set: SetName,
    pub(super) place: Place,
    pub(super) catalog: Catalog,
}

impl Newest {
    /// Opens and reads the piece of this name and number, from a set that names these certificates.
    pub(super) fn open(
        opener: &Opener,
        named: &[CertificateFacts],
        name: &str,
        number: u32,
        mut message: Vec<u8>,
    ) -> Result<Self> {
        let (length, sha256) = (message.len() as u64, Digest::of(&message));
        let (content, tag) = open_message(opener, named, name, &mut message)?;
        let mut lines = PieceReader::new(name, message, content)?;
        let (set, place) = match lines.next()? {
            Some(Record::Piece { number: n, set, place }) if n == number => (set, place),
            _ => {
                let message = format!("{name} does not say which set and piece it is");
                return Err(Error::new(ErrorKind::Damaged, message));
            }
        };
        let mut catalog = Catalog::read(name, &mut lines)?;
        catalog.newest = Some(StoredFile {
            number,
            name: name.to_owned(),
            length,
            sha256,
            tag,
            content_length: lines.read(),
            live_length: lines.read(),
            supersedes: false,
        });
        Ok(Self { set, place, catalog })
    }
}

/// What the newest index piece lists: every stored file of the set, in order, and what concerns only this set.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) segments: Vec<StoredFile>,
    /// In reading order; later ones take precedence.
    pub(crate) pieces: Vec<StoredFile>,
    newest: Option<StoredFile>,
    pub(crate) problems: Vec<Problem>,
    /// The list of extents.
    pub(crate) extents: Option<StoredFile>,
    /// The part of the cover sheet that the index holds.
    head: Option<String>,
    /// Whether `backup.json` differs from what the index says.
    pub(crate) cover_fault: bool,
    pub(super) records: Option<u64>,
    pub(super) overlay: Overlay,
    pub(super) changes: HashMap<EntryPath, Change>,
    /// Set if a piece is lost whose lines take the place of earlier ones.
    pub(super) doubt: Option<LostPieces>,
    pub(super) prefetched: Prefetched,
}

impl Catalog {
    /// Reads the lines of the newest piece that follow its first.
    fn read(name: &str, lines: &mut PieceReader<Cursor<Vec<u8>>>) -> Result<Self> {
        let damaged = |what: String| Error::new(ErrorKind::Damaged, what);
        let mut catalog = Self::default();
        while let Some(record) = lines.next()? {
            match record {
                Record::Problem(problem) => catalog.problems.push(problem),
                Record::Cover(text) => catalog.head = Some(text),
                Record::Extents(file) => catalog.extents = Some(file),
                Record::Segment(file) => catalog.segments.push(file),
                Record::Index(file) => catalog.pieces.push(file),
                Record::End { records } => catalog.records = Some(records),
                _ => return Err(damaged(format!("{name} has a line that belongs into an earlier piece"))),
            }
            if catalog.segments.len() + catalog.pieces.len() > MOST_FILES {
                return Err(damaged(format!("{name} lists more files than a set may have")));
            }
        }
        Ok(catalog)
    }

    /// All stored files of the set, as `SHA256SUMS` lists them.
    pub(super) fn files(&self) -> impl Iterator<Item = &StoredFile> {
        self.segments.iter().chain(&self.extents).chain(self.all_pieces())
    }

    /// The whole text of `backup.json`, derived from the index.
    pub(super) fn sheet(&self) -> Result<Option<Vec<u8>>> {
        let Some(head) = &self.head else { return Ok(None) };
        let sums = sums::print(self.files().map(|file| (file.name.as_str(), &file.sha256)));
        let mut stored = Stored::default();
        self.files().for_each(|file| stored.add(file.length));
        cover::finish(head, &stored, &Digest::of(sums.as_bytes())).map(Some)
    }

    /// The segment of this number.
    pub(crate) fn segment(&self, number: u32) -> Option<&StoredFile> {
        let found = self.segments.binary_search_by_key(&number, |file| file.number).ok()?;
        Some(&self.segments[found])
    }

    /// Whether this is the newest index piece, which lists the others.
    pub(crate) fn is_newest(&self, piece: &StoredFile) -> bool {
        self.newest.as_ref().is_some_and(|newest| newest.name == piece.name)
    }

    /// All index pieces, the newest last.
    pub(crate) fn all_pieces(&self) -> impl Iterator<Item = &StoredFile> {
        self.pieces.iter().chain(&self.newest)
    }

    /// What a large file is now, if it changed since it was stored whole.
    pub(crate) fn change(&self, entry: &Entry) -> Option<&Change> {
        if self.overlay.is_changed(&entry.path) { self.changes.get(&entry.path) } else { None }
    }

    /// The entry as it is now, which differs for a large file that changed since it was stored whole.
    pub(crate) fn current(&self, mut entry: Entry) -> Entry {
        if let Some(Change { size, sparse, metadata, .. }) = self.change(&entry) {
            entry.content = Content::LargeFile { size: *size, sparse: *sparse };
            entry.metadata = metadata.clone();
        }
        entry
    }

    pub(crate) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Checks that the lists match `SHA256SUMS` exactly and are in order.
    pub(super) fn check(&self, sums: &[(String, Digest)]) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Damaged, what));
        if self.records.is_none() {
            return wrong("the newest index piece has no last line".into());
        }
        if let Some(pair) = self.segments.windows(2).find(|pair| pair[0].number >= pair[1].number) {
            return wrong(format!("the index lists {} out of order", pair[1].name));
        }
        if let Some(file) = self.segments.iter().find(|file| segment::number(&file.name) != Some(file.number))
        {
            return wrong(format!("the index lists {:?}, which is not that segment's name", file.name));
        }
        let is_piece = |file: &&StoredFile| piece_number(&file.name) == Some(file.number);
        if let Some(file) = self.pieces.iter().find(|file| !is_piece(file)) {
            return wrong(format!("the index lists {:?}, which is not that piece's name", file.name));
        }
        if self.extents.as_ref().is_some_and(|file| file.name != extents::FILE_NAME) {
            return wrong("the index lists the extents under another name".into());
        }
        let listed = self.files().map(|file| (&file.name, &file.sha256));
        let mut sums = sums.iter();
        for (name, sha256) in listed {
            match sums.next() {
                Some((n, digest)) if n == name && digest == sha256 => {}
                _ => return wrong(format!("SHA256SUMS and the index disagree about {name}")),
            }
        }
        match sums.next() {
            Some((name, _)) => wrong(format!("SHA256SUMS lists {name}, the index does not")),
            None => Ok(()),
        }
    }
}

/// Most segments and index pieces that a set may have.
const MOST_FILES: usize = 2_000_000;
