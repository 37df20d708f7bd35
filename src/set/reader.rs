//! Reads a set: the cover sheet and the digests without a key, the index and the segments with one.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use super::catalog::Catalog;
use super::catalog::Newest;
use super::cover::{self, CoverSheet};
use super::digest::Digest;
use super::extents::Extents;
use super::index::{PieceReader, piece_number};
use super::lost_pieces::LostPieces;
use super::prefetch::Prefetched;
use super::record::{Record, StoredFile};
use super::stored_files::{check_digest, fetch, lengths, open_message};
use super::sums;
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, Place, SetName, SharePath};
use crate::share::{Item, Share, concerning, joined};
use crate::worker_pool::join;

/// A backup set on a share, complete by its cover sheet.
#[derive(Debug)]
pub struct Set {
    pub(super) share: Arc<dyn Share>,
    pub(super) folder: SharePath,
    pub(super) cover: CoverSheet,
    /// The cover sheet as it was read.
    pub(super) sheet: Vec<u8>,
    sums: Vec<(String, Digest)>,
    items: HashMap<String, u64>,
}

impl Set {
    /// Opens the set in this folder, without a key.
    ///
    /// The folder must be the one that the cover sheet names. Under a deployment's region folder only sets of that
    /// place open, and under a set's name only that set. Elsewhere there is nothing to compare with.
    ///
    /// # Errors
    /// `NOT_FOUND` when the folder does not exist; `INCOMPLETE` when it has no cover sheet or no `SHA256SUMS`, or the
    /// two do not match; `DAMAGED` or `MALFORMED` when one of them is not as it was written; `CONFLICT` when the set
    /// belongs elsewhere; `UNSUPPORTED` for a later version of the stored form.
    pub fn open(share: Arc<dyn Share>, folder: SharePath) -> Result<Self> {
        let set = Self::open_anywhere(share, folder)?;
        let place = Place::of_set_folder(&set.folder).unwrap_or_else(|| set.cover.place.clone());
        set.check_belongs(&place)?;
        Ok(set)
    }

    /// Opens a set of this place, whatever folder it was copied to, without a key.
    ///
    /// # Errors
    /// As [`open`](Self::open); `CONFLICT` when it belongs to another place.
    pub fn open_foreign(share: Arc<dyn Share>, folder: SharePath, place: &Place) -> Result<Self> {
        let set = Self::open_anywhere(share, folder)?;
        if set.cover.place == *place {
            return Ok(set);
        }
        let (shown, belongs) = (shown(&*set.share, &set.folder), &set.cover.place);
        Err(Error::new(ErrorKind::Conflict, format!("{shown} is a set of {belongs}, not of {place}"))
            .doing("open", shown)
            .in_set(set.cover.set))
    }

    /// Where the set belongs by its cover sheet, if that is not this place or not under the folder's own name.
    pub(crate) fn belongs_elsewhere(&self, place: &Place) -> Option<SharePath> {
        let name = self.folder.file_name().and_then(|name| name.as_str().parse::<SetName>().ok());
        let is_here = self.cover.place == *place && name.is_none_or(|name| name == self.cover.set);
        (!is_here).then(|| self.cover.place.set_folder(&self.cover.set))
    }

    fn check_belongs(&self, place: &Place) -> Result<()> {
        let Some(belongs) = self.belongs_elsewhere(place) else { return Ok(()) };
        let shown = shown(&*self.share, &self.folder);
        let message = format!(
            "{shown}: its backup.json belongs to another set, {belongs}; to use it all the same, name its place, {}",
            self.cover.place
        );
        Err(Error::new(ErrorKind::Conflict, message).doing("open", shown).in_set(self.cover.set))
    }

    /// Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the
    /// data is there: the index holds what both say, and is authentic.
    ///
    /// # Errors
    /// `INCOMPLETE` when the set has no index; `DAMAGED` when the index is damaged; `WRONG_CERTIFICATE`; `CONFLICT`
    /// when the set belongs elsewhere.
    pub fn open_by_index(share: Arc<dyn Share>, folder: SharePath, opener: &Opener) -> Result<Self> {
        opening(share, folder, |share, folder| Self::read_index(share, folder, opener))
    }

    fn read_index(share: Arc<dyn Share>, folder: SharePath, opener: &Opener) -> Result<Self> {
        let items = lengths(&share.list(&folder)?);
        let newest = items.keys().filter_map(|name| Some((name, piece_number(name)?)));
        let (name, number) = newest.max_by_key(|(_, number)| *number).ok_or_else(|| {
            let message = format!("{}: has no index: its backup never finished", shown(&*share, &folder));
            Error::new(ErrorKind::Incomplete, message)
        })?;
        let mut buffer = Vec::new();
        fetch(&*share, &folder, name, &mut buffer)?;
        let Newest { set, place, catalog } = Newest::open(opener, &[], name, number, buffer)?;
        let damaged = |what: &str| Error::new(ErrorKind::Damaged, format!("{name} {what}"));
        let sheet = catalog.sheet()?.ok_or_else(|| damaged("has no cover sheet"))?;
        let cover = CoverSheet::parse(&sheet)?;
        if cover.set != set || cover.place != place {
            return Err(damaged("and its cover sheet name different sets"));
        }
        let sums: Vec<_> = catalog.files().map(|file| (file.name.clone(), file.sha256)).collect();
        catalog.check(&sums)?;
        let set = Self { share, folder, cover, sheet, sums, items };
        let here = Place::of_set_folder(&set.folder).unwrap_or_else(|| set.cover.place.clone());
        set.check_belongs(&here)?;
        Ok(set)
    }

    /// Opens the set in this folder, wherever it belongs.
    pub(crate) fn open_anywhere(share: Arc<dyn Share>, folder: SharePath) -> Result<Self> {
        opening(share, folder, |share, folder| {
            let items = lengths(&share.list(&folder)?);
            Self::read_clear_files(share, folder, items)
        })
    }

    /// The same, of a folder that was just listed.
    pub(crate) fn open_listed(share: Arc<dyn Share>, folder: SharePath, items: &[Item]) -> Result<Self> {
        opening(share, folder, |share, folder| Self::read_clear_files(share, folder, lengths(items)))
    }

    fn read_clear_files(
        share: Arc<dyn Share>,
        folder: SharePath,
        items: HashMap<String, u64>,
    ) -> Result<Self> {
        // The index can replace both clear files.
        let has_index = items.keys().any(|name| piece_number(name).is_some());
        let way_out = if has_index { "open it by its index, or use another set" } else { "use another set" };
        let incomplete = |what: String| {
            Error::new(ErrorKind::Incomplete, format!("{}: {what}; {way_out}", shown(&*share, &folder)))
        };
        let read = |name: &str, limit: u64, why: &str| -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            if !items.contains_key(name) {
                return Err(incomplete(format!("has no {name}: {why}")));
            }
            share.read(&folder.join(Name::new(name)?), limit, &mut bytes)?;
            Ok(bytes)
        };
        let sheet = || {
            let why = "its backup never finished, is still running, or the folder was partly deleted";
            read(cover::FILE_NAME, cover::MAX_LENGTH, why)
        };
        let text = || read(sums::FILE_NAME, sums::MAX_LENGTH, "it was deleted");
        // A server takes its time, a folder answers at once: a thread would cost more than it saves.
        let (sheet, text) = if share.local_root().is_some() { (sheet(), text()) } else { join(sheet, text) };
        let sheet = sheet?;
        let cover = CoverSheet::parse(&sheet).map_err(|e| {
            let kind = e.kind();
            let hint = if kind == ErrorKind::Unsupported { String::new() } else { format!("; {way_out}") };
            Error::new(kind, format!("{}: {e}{hint}", shown(&*share, &folder))).with_source(e)
        })?;
        let text = text?;
        if Digest::of(&text) != cover.sha256sums {
            return Err(incomplete("SHA256SUMS is not the one that backup.json names: one of them is damaged or from another set".into()));
        }
        let sums = sums::parse(&text)?;
        Ok(Self { share, folder, cover, sheet, sums, items })
    }

    /// The cover sheet.
    #[must_use]
    pub fn cover(&self) -> &CoverSheet {
        &self.cover
    }

    /// The cover sheet as it was read: the bytes of `backup.json`.
    pub(crate) fn sheet(&self) -> &[u8] {
        &self.sheet
    }

    /// The set's folder on the share.
    #[must_use]
    pub fn folder(&self) -> &SharePath {
        &self.folder
    }

    /// The first sign that files are missing or of the wrong length, found without reading any data.
    pub(crate) fn first_absence(&self) -> Option<String> {
        if let Some((name, _)) = self.sums.iter().find(|(name, _)| self.length(name).is_none()) {
            let what = if self.is_missing(name) { "is missing" } else { "is not a file" };
            return Some(format!("{name} {what}"));
        }
        let bytes: u64 = self.sums.iter().map(|(name, _)| self.items[name]).fold(0, u64::saturating_add);
        (bytes != self.cover.stored.bytes)
            .then(|| format!("its files have {bytes} bytes instead of {}", self.cover.stored.bytes))
    }

    /// Digest and length of each stored file that exists.
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

    /// Length of a file in the folder when the set was opened.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        self.items.get(name).copied().filter(|length| *length != u64::MAX)
    }

    /// Names in the folder that belong to no set of this name.
    pub(crate) fn foreign(&self) -> Vec<String> {
        let listed: HashSet<&str> = self.sums.iter().map(|(name, _)| name.as_str()).collect();
        let known = |name: &str| name == cover::FILE_NAME || name == sums::FILE_NAME || listed.contains(name);
        let mut foreign: Vec<_> = self.items.keys().filter(|name| !known(name)).cloned().collect();
        foreign.sort();
        foreign
    }

    /// Reads a stored file of the set whole. A file that is missing or too long is `DAMAGED`.
    pub(crate) fn fetch(&self, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
        fetch(&*self.share, &self.folder, name, buffer).map_err(|e| e.in_set(self.cover.set))
    }

    /// Opens in place a stored file that is already in the buffer.
    pub(crate) fn open_fetched(
        &self,
        opener: &Opener,
        file: &StoredFile,
        buffer: &mut [u8],
    ) -> Result<Range<usize>> {
        self.open_message_of(opener, file, buffer).map_err(|e| self.concerning(e, &file.name))
    }

    /// Says which stored file of the set an error concerns.
    fn concerning(&self, error: Error, name: &str) -> Error {
        error.doing("read", joined(self.share.describe(), &self.folder) + "/" + name).in_set(self.cover.set)
    }

    fn open_message_of(&self, opener: &Opener, file: &StoredFile, buffer: &mut [u8]) -> Result<Range<usize>> {
        let damaged = |what: &str| Error::new(ErrorKind::Damaged, format!("{} {what}", file.name));
        if buffer.len() as u64 != file.length {
            return Err(damaged(&format!("has {} bytes instead of {}", buffer.len(), file.length)));
        }
        // The certificate opened the index, so a message that it cannot open is not the one that was written.
        let (content, tag) =
            open_message(opener, &self.cover.certificates, &file.name, buffer).map_err(|e| {
                match e.kind() {
                    ErrorKind::WrongCertificate | ErrorKind::Unsupported | ErrorKind::LimitExceeded => {
                        damaged("is not what was written").with_source(e)
                    }
                    _ => e,
                }
            })?;
        if tag != file.tag {
            buffer.fill(0);
            return Err(damaged(
                "is not the one that the index lists: it is from another place or another set",
            ));
        }
        Ok(content)
    }

    /// Reads the lists of the newest index piece and compares them with `SHA256SUMS`.
    pub(crate) fn catalog(&self, opener: &Opener) -> Result<Catalog> {
        self.read_catalog(opener).map_err(|e| e.in_set(self.cover.set))
    }

    fn read_catalog(&self, opener: &Opener) -> Result<Catalog> {
        let damaged = |what: String| Error::new(ErrorKind::Damaged, what);
        let (newest, number, sha256) = self
            .sums
            .iter()
            .filter_map(|(name, digest)| Some((name, piece_number(name)?, *digest)))
            .max_by_key(|(_, number, _)| *number)
            .ok_or_else(|| damaged("SHA256SUMS lists no index".into()))?;
        let mut buffer = Vec::new();
        self.fetch(newest, &mut buffer)?;
        // Check this before the certificate gets the blame for not opening it.
        if Digest::of(&buffer) != sha256 {
            return Err(damaged(format!(
                "{newest} is not what was written: its SHA-256 differs from SHA256SUMS"
            )));
        }
        let named = &self.cover.certificates;
        let Newest { set, place, mut catalog } = Newest::open(opener, named, newest, number, buffer)?;
        if set != self.cover.set || place != self.cover.place {
            return Err(damaged(format!("{newest} belongs to the set {set} of {place}, not to this one")));
        }
        catalog.check(&self.sums)?;
        catalog.cover_fault = catalog.sheet()?.is_none_or(|sheet| sheet != self.sheet);
        let pieces = catalog.pieces.iter().filter(|piece| self.length(&piece.name) == Some(piece.length));
        catalog.prefetched = Prefetched::fetch(&*self.share, &self.folder, pieces)?;
        self.read_overlay(opener, &mut catalog)?;
        Ok(catalog)
    }

    /// Reads the pieces whose lines take precedence over earlier ones. If one is lost, the list of extents says what it
    /// cannot have changed.
    fn read_overlay(&self, opener: &Opener, catalog: &mut Catalog) -> Result<()> {
        let mut lost = None;
        for ordinal in 0..catalog.pieces.len() {
            let piece = &catalog.pieces[ordinal];
            // After a lost piece, every line matters for whether it is later.
            if !piece.supersedes && lost.is_none() {
                continue;
            }
            let (ordinal, name) = (ordinal as u32, piece.supersedes.then(|| piece.name.clone()));
            match self.note_piece(opener, ordinal, catalog) {
                Err(e) if e.scope() == Scope::Object => {
                    if let Some(name) = name {
                        lost = Some((ordinal, name));
                    }
                }
                done => done?,
            }
        }
        let Some((ordinal, name)) = lost else { return Ok(()) };
        let extents = match catalog.extents.as_ref().map(|file| self.extents(opener, file)).transpose() {
            Err(e) if e.scope() == Scope::Object => None,
            extents => extents?,
        };
        catalog.doubt = Some(LostPieces::new(ordinal, name, extents));
        Ok(())
    }

    fn note_piece(&self, opener: &Opener, ordinal: u32, catalog: &mut Catalog) -> Result<()> {
        let mut lines = self.open_piece(opener, catalog, &catalog.pieces[ordinal as usize])?;
        while let Some(record) = lines.next()? {
            catalog.overlay.note(ordinal, &record);
            if let Record::Change(change) = record {
                catalog.changes.insert(change.path.clone(), change);
            }
        }
        Ok(())
    }

    fn extents(&self, opener: &Opener, file: &StoredFile) -> Result<Extents> {
        let mut buffer = Vec::new();
        self.fetch(&file.name, &mut buffer)?;
        check_digest(file, &buffer).map_err(|e| self.concerning(e, &file.name))?;
        let content = self.open_fetched(opener, file, &mut buffer)?;
        Extents::read(&buffer[content])
    }

    pub(super) fn open_piece(
        &self,
        opener: &Opener,
        catalog: &Catalog,
        piece: &StoredFile,
    ) -> Result<PieceReader<Cursor<Vec<u8>>>> {
        let mut buffer = Vec::new();
        match catalog.prefetched.get(&piece.name) {
            Some(message) => buffer = message,
            None => self.fetch(&piece.name, &mut buffer)?,
        }
        check_digest(piece, &buffer).map_err(|e| self.concerning(e, &piece.name))?;
        let content = self.open_fetched(opener, piece, &mut buffer)?;
        PieceReader::new(&piece.name, buffer, content)
    }
}

fn shown(share: &dyn Share, folder: &SharePath) -> String {
    joined(share.describe(), folder)
}

/// Opens a set; an error says which.
fn opening(
    share: Arc<dyn Share>,
    folder: SharePath,
    open: impl FnOnce(Arc<dyn Share>, SharePath) -> Result<Set>,
) -> Result<Set> {
    open(share.clone(), folder.clone()).map_err(|e| concerning(e, "open", shown(&*share, &folder), &folder))
}
