//! The lines of a set's index, one piece in memory at a time.

use std::io::Cursor;
use std::sync::Arc;

use super::catalog::Catalog;
use super::entry::{Entry, EntryPath};
use super::filter::LineFilter;
use super::index::PieceReader;
use super::lost_pieces::Judgement;
use super::reader::Set;
use super::record::Record;
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result, Scope};

/// A part of an index that cannot be read: a piece, or an entry that a lost piece may have changed.
pub(crate) struct Unread {
    /// The entry, if it is one.
    pub(crate) path: Option<EntryPath>,
    pub(crate) error: Error,
}

impl Unread {
    fn in_set(mut self, set: &Set) -> Self {
        self.error = self.error.in_set(set.cover().set);
        self
    }

    /// Whether it loses only what it names, and not the whole work.
    pub(crate) fn is_loss(&self) -> bool {
        self.error.scope() == Scope::Object
    }
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self { path: None, error }
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        unread.error
    }
}

impl Set {
    /// Reads the entries of the set in the order of the index, with one piece of the index in memory at a time.
    ///
    /// # Errors
    /// `WRONG_CERTIFICATE`; `DAMAGED` when the newest piece of the index is damaged. Damage to another piece is an
    /// error of the iterator, which then goes on with the next piece.
    pub fn entries(self: &Arc<Self>, opener: &Arc<Opener>) -> Result<Entries> {
        let catalog = self.catalog(opener)?;
        Ok(Entries { set: self.clone(), opener: opener.clone(), catalog, place: IndexPlace::default() })
    }

    /// Reads the lines that count and pass the filter, from first piece to last, with one piece in memory at a time.
    pub(crate) fn records<'a>(
        &'a self,
        opener: &'a Opener,
        catalog: &'a Catalog,
        filter: LineFilter,
    ) -> Records<'a> {
        Records { set: self, opener, catalog, place: IndexPlace::of(filter) }
    }
}

/// The lines of an index in order.
pub(crate) struct Records<'a> {
    pub(super) set: &'a Set,
    pub(super) opener: &'a Opener,
    pub(super) catalog: &'a Catalog,
    pub(super) place: IndexPlace,
}

impl Records<'_> {
    /// Returns the next line that counts: an entry, a part, a change or a block. After an error, call again to go on.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Unread> {
        let next = self.place.next(self.set, self.opener, self.catalog);
        next.map_err(|unread| unread.in_set(self.set))
    }
}

/// The entries of a set, from [`Set::entries`].
pub struct Entries {
    pub(super) set: Arc<Set>,
    pub(super) opener: Arc<Opener>,
    pub(super) catalog: Catalog,
    pub(super) place: IndexPlace,
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.place.next(&self.set, &self.opener, &self.catalog).transpose()? {
                Ok(Record::Entry(entry)) => return Some(Ok(self.catalog.current(entry))),
                Ok(_) => {}
                Err(unread) => return Some(Err(unread.in_set(&self.set).error)),
            }
        }
    }
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").field("set", self.set.folder()).finish_non_exhaustive()
    }
}

/// How far an index has been read.
#[derive(Default)]
pub(super) struct IndexPlace {
    next: usize,
    open: Option<PieceReader<Cursor<Vec<u8>>>>,
    filter: LineFilter,
    /// Lines in the pieces that are finished.
    seen: u64,
    skipped: bool,
    /// The last entry that a lost piece may have changed.
    doubtful: Option<EntryPath>,
}

impl IndexPlace {
    /// Starts at the first line that passes this filter.
    pub(super) fn of(filter: LineFilter) -> Self {
        Self { filter, ..Self::default() }
    }

    fn next(&mut self, set: &Set, opener: &Opener, catalog: &Catalog) -> Result<Option<Record>, Unread> {
        loop {
            let Some(lines) = &mut self.open else {
                let Some(piece) = catalog.pieces.get(self.next) else {
                    if !self.skipped && Some(self.seen) != catalog.records {
                        self.skipped = true;
                        let message = "the index has a different number of lines than its end record says";
                        return Err(Error::new(ErrorKind::Damaged, message).into());
                    }
                    return Ok(None);
                };
                self.next += 1;
                let lines = set.open_piece(opener, catalog, piece);
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
                        return Err(Error::new(ErrorKind::Damaged, message).into());
                    }
                    let counts = catalog.overlay.counts(ordinal, &record);
                    if !counts || matches!(record, Record::Gone(_)) {
                        continue;
                    }
                    let judgement = catalog.doubt.as_ref().map_or(Judgement::Counts, |doubt| {
                        doubt.judge(&catalog.overlay, ordinal, &record, self.doubtful.as_ref())
                    });
                    match judgement {
                        Judgement::Counts => return Ok(Some(record)),
                        Judgement::PartOfDoubtful => {}
                        Judgement::Doubtful(path, error) => {
                            self.doubtful = Some(path.clone());
                            return Err(Unread { path: Some(path), error });
                        }
                    }
                }
                Ok(None) => {
                    self.seen += lines.seen();
                    self.open = None;
                }
                Err(error) => {
                    self.open = None;
                    self.skipped = true;
                    return Err(error.into());
                }
            }
        }
    }
}
