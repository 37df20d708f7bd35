//! Reads a set: the cover sheet and the digests without a key, the index and the segments with one.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use super::cover::{self, CoverSheet};
use super::digest::Digest;
use super::entry::{Change, Content, Entry, EntryPath, Problem};
use super::filter::LineFilter;
use super::index::{PieceReader, piece_number};
use super::overlay::Overlay;
use super::record::{Record, StoredFile};
use super::{segment, sums};
use crate::envelope::{CertificateFacts, MAX_MESSAGE, Opener};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, SetName, SharePath};
use crate::share::{ItemKind, Share};

/// A backup set on a share, found complete by its cover sheet.
#[derive(Debug)]
pub struct Set {
    share: Arc<dyn Share>,
    folder: SharePath,
    cover: CoverSheet,
    sums: Vec<(String, Digest)>,
    items: HashMap<String, u64>,
}

impl Set {
    /// Opens the set in this folder, without a key.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such folder; `INCOMPLETE` when it has no cover sheet, or one that does not fit its
    /// `SHA256SUMS`; `UNSUPPORTED` for a later version of the stored form.
    pub fn open(share: Arc<dyn Share>, folder: SharePath) -> Result<Self> {
        let items = share
            .list(&folder)?
            .into_iter()
            .map(|item| (item.name, if item.kind == ItemKind::File { item.length } else { u64::MAX }))
            .collect::<HashMap<_, _>>();
        let incomplete =
            |what: String| Error::new(ErrorKind::Incomplete, format!("{}: {what}", shown(&*share, &folder)));
        let read = |name: &str, limit: u64, why: &str| -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            if !items.contains_key(name) {
                return Err(incomplete(format!("has no {name}: {why}")));
            }
            share.read(&folder.join(Name::new(name)?), limit, &mut bytes)?;
            Ok(bytes)
        };
        let sheet = read(
            cover::FILE_NAME,
            cover::MAX_LENGTH,
            "its backup never finished, is still running, or the folder was partly deleted; use another set",
        )?;
        let cover = CoverSheet::parse(&sheet).map_err(|e| {
            let kind = e.kind();
            Error::new(kind, format!("{}: {e}", shown(&*share, &folder))).with_source(e)
        })?;
        if let Some(name) = folder.file_name().and_then(|name| name.as_str().parse::<SetName>().ok())
            && name != cover.set
        {
            return Err(incomplete(format!("its backup.json belongs to another set, {}", cover.set)));
        }
        let text = read(sums::FILE_NAME, sums::MAX_LENGTH, "it was deleted; the set cannot be checked")?;
        if Digest::of(&text) != cover.sha256sums {
            return Err(incomplete("SHA256SUMS is not the one that backup.json names: one of them is damaged or from another set".into()));
        }
        let sums = sums::parse(&text)?;
        Ok(Self { share, folder, cover, sums, items })
    }

    /// The cover sheet.
    #[must_use]
    pub fn cover(&self) -> &CoverSheet {
        &self.cover
    }

    /// The set's folder on the share.
    #[must_use]
    pub fn folder(&self) -> &SharePath {
        &self.folder
    }

    /// The first thing that shows, without reading any data, that files are missing or of another length.
    pub(crate) fn first_absence(&self) -> Option<String> {
        for (name, _) in &self.sums {
            if !self.items.contains_key(name) {
                return Some(format!("{name} is missing"));
            }
        }
        let bytes: u64 = self.sums.iter().map(|(name, _)| self.items[name]).fold(0, u64::saturating_add);
        (bytes != self.cover.stored.bytes)
            .then(|| format!("its files have {bytes} bytes instead of {}", self.cover.stored.bytes))
    }

    /// Digest and length of each stored file that is there.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Digest, u64)> {
        self.sums.iter().filter_map(|(name, digest)| Some((digest, *self.items.get(name)?)))
    }

    /// Stored files and their digests, as `SHA256SUMS` lists them.
    pub(crate) fn sums(&self) -> &[(String, Digest)] {
        &self.sums
    }

    /// Whether the folder had no file of this name when the set was opened.
    pub(crate) fn is_missing(&self, name: &str) -> bool {
        !self.items.contains_key(name)
    }

    /// Length of a file of the folder when the set was opened.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        self.items.get(name).copied().filter(|length| *length != u64::MAX)
    }

    /// What lies in the folder and belongs to no set of this name.
    pub(crate) fn foreign(&self) -> Vec<String> {
        let known = |name: &str| {
            name == cover::FILE_NAME || name == sums::FILE_NAME || self.sums.iter().any(|(n, _)| n == name)
        };
        let mut foreign: Vec<_> = self.items.keys().filter(|name| !known(name)).cloned().collect();
        foreign.sort();
        foreign
    }

    /// Reads a stored file of the set whole. A file that is missing or too long is `DAMAGED`.
    pub(crate) fn fetch(&self, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
        let damaged =
            |what: &str, e: Error| Error::new(ErrorKind::Damaged, format!("{name} {what}")).with_source(e);
        self.share.read(&self.folder.join(Name::new(name)?), MAX_MESSAGE as u64, buffer).map_err(|e| match e
            .kind()
        {
            ErrorKind::NotFound => damaged("is missing", e),
            ErrorKind::LimitExceeded => damaged("is longer than any stored file may be", e),
            _ => e,
        })
    }

    /// Reads a stored file and opens it in place; gives where in `buffer` its authenticated content is.
    pub(crate) fn unseal(
        &self,
        opener: &Opener,
        file: &StoredFile,
        buffer: &mut Vec<u8>,
    ) -> Result<Range<usize>> {
        self.fetch(&file.name, buffer)?;
        self.open_fetched(opener, file, buffer)
    }

    /// Opens in place a stored file that was read before.
    pub(crate) fn open_fetched(
        &self,
        opener: &Opener,
        file: &StoredFile,
        buffer: &mut [u8],
    ) -> Result<Range<usize>> {
        let damaged = |what: &str| Error::new(ErrorKind::Damaged, format!("{} {what}", file.name));
        if buffer.len() as u64 != file.length {
            return Err(damaged(&format!("has {} bytes instead of {}", buffer.len(), file.length)));
        }
        // The certificate opened the index: a message that it does not open is not the one that was written.
        let (content, tag) = self.open_message(opener, &file.name, buffer).map_err(|e| match e.kind() {
            ErrorKind::WrongCertificate | ErrorKind::Unsupported | ErrorKind::LimitExceeded => {
                damaged("is not what was written").with_source(e)
            }
            _ => e,
        })?;
        if tag != file.tag {
            buffer.fill(0);
            return Err(damaged(
                "is not the one that the index lists: it is from another place or another set",
            ));
        }
        Ok(content)
    }

    fn open_message(
        &self,
        opener: &Opener,
        name: &str,
        buffer: &mut [u8],
    ) -> Result<(Range<usize>, [u8; 16])> {
        let needed = || {
            let thumbprints: Vec<_> =
                self.cover.certificates.iter().map(|c| c.sha1_thumbprint.as_str()).collect();
            thumbprints.join(" or ")
        };
        // Two certificates may share issuer and serial; the thumbprints tell them apart.
        let is_named = |held: &CertificateFacts| {
            self.cover.certificates.iter().any(|c| c.sha256_thumbprint == held.sha256_thumbprint)
        };
        let opened = opener.open_in_place(buffer).map_err(|e| match e.kind() {
            ErrorKind::WrongCertificate | ErrorKind::Damaged if !opener.certificates().any(is_named) => {
                let message =
                    format!("the set needs the decryption certificate with the thumbprint {}; {e}", needed());
                Error::new(ErrorKind::WrongCertificate, message).with_source(e)
            }
            ErrorKind::Malformed => {
                Error::new(ErrorKind::Damaged, format!("{name} is damaged: {e}")).with_source(e)
            }
            kind => Error::new(kind, format!("{name}: {e}")).with_source(e),
        })?;
        Ok((opened.content, opened.tag))
    }

    /// Reads the lists of the newest index piece and holds them against `SHA256SUMS`.
    pub(crate) fn catalog(&self, opener: &Opener) -> Result<Catalog> {
        let damaged = |what: String| Error::new(ErrorKind::Damaged, what);
        let (newest, number, sha256) = self
            .sums
            .iter()
            .filter_map(|(name, digest)| Some((name, piece_number(name)?, *digest)))
            .max_by_key(|(_, number, _)| *number)
            .ok_or_else(|| damaged("SHA256SUMS lists no index".into()))?;
        let mut buffer = Vec::new();
        self.fetch(newest, &mut buffer)?;
        let length = buffer.len() as u64;
        // Before the certificate is blamed for not opening it.
        if Digest::of(&buffer) != sha256 {
            return Err(damaged(format!(
                "{newest} is not what was written: its SHA-256 differs from SHA256SUMS"
            )));
        }
        let (content, tag) = self.open_message(opener, newest, &mut buffer)?;
        let mut lines = PieceReader::new(newest, buffer, content)?;
        match lines.next()? {
            Some(Record::Piece { number: n, set, place })
                if n == number && set == self.cover.set && place == self.cover.place => {}
            Some(Record::Piece { set, place, .. }) => {
                return Err(damaged(format!(
                    "{newest} belongs to the set {set} of {place}, not to this one"
                )));
            }
            _ => return Err(damaged(format!("{newest} does not say which set it belongs to"))),
        }
        let mut catalog = Catalog::default();
        while let Some(record) = lines.next()? {
            match record {
                Record::Problem(problem) => catalog.problems.push(problem),
                Record::ByHand(entry) => catalog.by_hand = Some(entry),
                Record::Segment(file) => catalog.segments.push(file),
                Record::Index(file) => catalog.pieces.push(file),
                Record::End { records } => catalog.records = Some(records),
                _ => return Err(damaged(format!("{newest} has a line that belongs into an earlier piece"))),
            }
            // SHA256SUMS is bounded, and has to say the same.
            if catalog.segments.len() + catalog.pieces.len() > self.sums.len() {
                return Err(damaged(format!("{newest} lists more files than SHA256SUMS")));
            }
        }
        catalog.newest = Some(StoredFile {
            number,
            name: newest.clone(),
            length,
            sha256,
            tag,
            content_length: lines.read(),
            live_length: lines.read(),
            supersedes: false,
        });
        catalog.check(&self.sums)?;
        self.read_overlay(opener, &mut catalog)?;
        Ok(catalog)
    }

    /// What the set holds: its entries in the order of the index, one piece of the index in memory at a time.
    ///
    /// # Errors
    /// `WRONG_CERTIFICATE`; `DAMAGED` when the newest piece of the index is. A later piece that is damaged is an error of
    /// the iterator, which then goes on with the next.
    pub fn entries(self: &Arc<Self>, opener: &Arc<Opener>) -> Result<Entries> {
        let catalog = self.catalog(opener)?;
        Ok(Entries { set: self.clone(), opener: opener.clone(), catalog, place: IndexPlace::default() })
    }

    /// Reads the pieces whose lines count more than earlier ones. Where one is damaged, what it changed is not known:
    /// whoever reads the lines is told.
    fn read_overlay(&self, opener: &Opener, catalog: &mut Catalog) -> Result<()> {
        let Catalog { pieces, overlay, changes, .. } = catalog;
        for (ordinal, piece) in (0..).zip(pieces.iter()).filter(|(_, piece)| piece.supersedes) {
            let mut lines = match self.open_piece(opener, piece) {
                Err(e) if e.scope() == Scope::Object => continue,
                lines => lines?,
            };
            loop {
                match lines.next() {
                    Ok(Some(record)) => {
                        overlay.note(ordinal, &record);
                        if let Record::Change(change) = record {
                            changes.insert(change.path.clone(), change);
                        }
                    }
                    Ok(None) => break,
                    Err(e) if e.scope() == Scope::Object => break,
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(())
    }

    fn open_piece(&self, opener: &Opener, piece: &StoredFile) -> Result<PieceReader<Cursor<Vec<u8>>>> {
        let mut buffer = Vec::new();
        let content = self.unseal(opener, piece, &mut buffer)?;
        PieceReader::new(&piece.name, buffer, content)
    }

    /// Reads the lines that count and pass the filter, from the first piece to the last, one piece in memory at a time.
    pub(crate) fn records<'a>(
        &'a self,
        opener: &'a Opener,
        catalog: &'a Catalog,
        filter: LineFilter,
    ) -> Records<'a> {
        Records { set: self, opener, catalog, place: IndexPlace { filter, ..IndexPlace::default() } }
    }
}

fn shown(share: &dyn Share, folder: &SharePath) -> String {
    if folder.is_root() { share.describe() } else { format!("{}/{folder}", share.describe()) }
}

/// What the newest index piece says: every stored file of the set, in order, and what is of this set alone.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) segments: Vec<StoredFile>,
    /// In the order in which they are read: a later one counts more.
    pub(crate) pieces: Vec<StoredFile>,
    newest: Option<StoredFile>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) by_hand: Option<Entry>,
    records: Option<u64>,
    overlay: Overlay,
    changes: HashMap<EntryPath, Change>,
}

impl Catalog {
    /// The segment of this number.
    pub(crate) fn segment(&self, number: u32) -> Option<&StoredFile> {
        let found = self.segments.binary_search_by_key(&number, |file| file.number).ok()?;
        Some(&self.segments[found])
    }

    /// All index pieces, the newest one last.
    pub(crate) fn all_pieces(&self) -> impl Iterator<Item = &StoredFile> {
        self.pieces.iter().chain(&self.newest)
    }

    /// What a large file is now, where it changed since it was stored whole.
    pub(crate) fn change(&self, entry: &Entry) -> Option<&Change> {
        if self.overlay.is_changed(&entry.path) { self.changes.get(&entry.path) } else { None }
    }

    /// The entry as it is now, where it is a large file that changed since it was stored whole.
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

    /// The lists must say exactly what `SHA256SUMS` says, and be in order.
    fn check(&self, sums: &[(String, Digest)]) -> Result<()> {
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
        let listed = self.segments.iter().chain(self.all_pieces()).map(|file| (&file.name, &file.sha256));
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

/// The lines of an index in order.
pub(crate) struct Records<'a> {
    set: &'a Set,
    opener: &'a Opener,
    catalog: &'a Catalog,
    place: IndexPlace,
}

impl Records<'_> {
    /// The next line that counts: an entry, a part or a block. After an error the next call goes on with the next
    /// piece.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        self.place.next(self.set, self.opener, self.catalog)
    }
}

/// The entries of a set: [`Set::entries`].
pub struct Entries {
    set: Arc<Set>,
    opener: Arc<Opener>,
    catalog: Catalog,
    place: IndexPlace,
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.place.next(&self.set, &self.opener, &self.catalog).transpose()? {
                Ok(Record::Entry(entry)) => return Some(Ok(self.catalog.current(entry))),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").field("set", &self.set.folder).finish_non_exhaustive()
    }
}

/// How far an index has been read.
#[derive(Default)]
struct IndexPlace {
    next: usize,
    open: Option<PieceReader<Cursor<Vec<u8>>>>,
    filter: LineFilter,
    /// Lines of the pieces that are done.
    seen: u64,
    skipped: bool,
}

impl IndexPlace {
    fn next(&mut self, set: &Set, opener: &Opener, catalog: &Catalog) -> Result<Option<Record>> {
        loop {
            let Some(lines) = &mut self.open else {
                let Some(piece) = catalog.pieces.get(self.next) else {
                    if !self.skipped && Some(self.seen) != catalog.records {
                        self.skipped = true;
                        return Err(Error::new(
                            ErrorKind::Damaged,
                            "the index has another number of lines than its end says",
                        ));
                    }
                    return Ok(None);
                };
                self.next += 1;
                let lines = set.open_piece(opener, piece);
                self.open = Some(lines.inspect_err(|_| self.skipped = true)?);
                continue;
            };
            match lines.next_of(&self.filter) {
                Ok(Some(Record::Piece { .. })) => {}
                Ok(Some(record)) => {
                    let ordinal = self.next as u32 - 1;
                    if record.subject().is_none() {
                        self.skipped = true;
                        let name = &catalog.pieces[self.next - 1].name;
                        let message = format!("{name} has a line that belongs into the newest piece");
                        return Err(Error::new(ErrorKind::Damaged, message));
                    }
                    let counts = catalog.overlay.counts(ordinal, &record);
                    if counts && !matches!(record, Record::Gone(_) | Record::Change(_)) {
                        return Ok(Some(record));
                    }
                }
                Ok(None) => {
                    self.seen += lines.seen();
                    self.open = None;
                }
                Err(error) => {
                    self.open = None;
                    self.skipped = true;
                    return Err(error);
                }
            }
        }
    }
}
