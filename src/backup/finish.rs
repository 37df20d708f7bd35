//! The end of a run: combines what counts, and writes the newest index piece.

use std::sync::atomic::Ordering;

use super::ledger::Ledger;
use super::run::{Cover, Earlier, Shared, StoredSet};
use super::state::{IndexPiece, NewState, State};
use super::storer::{Done, store_piece};
use crate::error::{ErrorKind, Result};
use crate::set::index::{IndexWriter, Numbers, PIECE_STORED, PIECE_TEXT, PieceKind, piece_name};
use crate::set::overlay::Overlay;
use crate::set::record::{Record, StoredFile};
use crate::set::writer::SetWriter;
use crate::set::{Problem, extents};

/// The end of a run, when everything but the newest index piece is stored.
pub(super) struct Finish<'a> {
    pub(super) writer: &'a SetWriter,
    pub(super) shared: &'a Shared,
    pub(super) state: Option<&'a State>,
    pub(super) earlier: Earlier,
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
    pub(super) done: Done,
    pub(super) cover: &'a Cover,
    pub(super) numbers: Numbers,
    pub(super) next_segment: u32,
    pub(super) whole: std::collections::BTreeSet<u32>,
}

impl Finish<'_> {
    pub(super) fn run(mut self) -> Result<StoredSet> {
        let mut segments = self.segments();
        segments.sort_by_key(|file| file.number);
        let mut own = std::mem::take(&mut self.done.pieces);
        // Removals come before additions, whichever piece was full first.
        own.sort_by_key(|(kind, piece)| (*kind, piece.file.number));
        let mut own: Vec<_> = own.into_iter().map(|(_, piece)| piece).collect();
        let builds_on = !self.earlier.pieces.is_empty();
        for piece in &mut own {
            piece.file.supersedes = builds_on;
        }
        let mut pieces = self.merge(&own)?;
        pieces.extend(own);
        let records = pieces.iter().map(|piece| piece.records).sum();

        let (mut listed, length) = self.ledger.finish_extents()?;
        let (extents, listed) = self.writer.seal(extents::FILE_NAME.into(), 0, length, &mut listed)?;
        let cover = self.cover.sheet(self.writer, self.ledger.counts);
        let problems = self.problems.iter().cloned().map(Record::Problem);
        let head = [Record::Cover(cover.head()?), Record::Extents(extents.clone())];
        let files = segments.iter().cloned().map(Record::Segment);
        let indexes = pieces.iter().map(|piece| Record::Index(piece.file.clone()));
        let lines = problems.chain(head).chain(files).chain(indexes);
        let newest = self.index(PieceKind::Additions).newest(lines, records)?;
        let (name, number, length) = (piece_name(newest.number), newest.number, newest.content_length);
        let mut buffer = newest.buffer;
        let (newest, message) = self.writer.seal(name, number, length, &mut buffer)?;
        self.writer.put_both((&extents, listed), (&newest, message))?;
        for file in [&extents, &newest] {
            self.done.stored.add(file.length);
            self.shared.stored.fetch_add(file.length, Ordering::Relaxed);
        }

        let next_piece = self.numbers.next();
        let Self { mut ledger, problems, warnings, done, next_segment, whole, .. } = self;
        let state = ledger.finish_tree().map(|tree| NewState {
            recipients: Default::default(),
            sets: Vec::new(),
            // What the share did not let go, the next set does not take.
            segments: segments.iter().filter(|file| file.live_length > 0).cloned().collect(),
            whole,
            pieces: pieces.clone(),
            next_segment,
            next_piece,
            next_table: ledger.next_table,
            tree,
            tables: std::mem::take(&mut ledger.tables),
            sources: Vec::new(),
            history: Default::default(),
        });
        let pieces = pieces.into_iter().map(|piece| piece.file);
        Ok(StoredSet {
            files: segments.into_iter().chain([extents]).chain(pieces).chain([newest]).collect(),
            cover,
            ended: ledger.ended,
            problems,
            stored: done.stored,
            taken_over: done.taken_over,
            state,
            warnings,
        })
    }

    fn index(&self, kind: PieceKind) -> IndexWriter {
        let (set, place) = (self.writer.set(), self.writer.place().clone());
        IndexWriter::new(set, place, self.writer.head_room(), kind, self.numbers.clone())
    }

    /// Returns the segments of the set, with how much of each counts. Drops those of which nothing does, unless the share
    /// does not let them go, because they are locked or the account may delete nothing.
    fn segments(&mut self) -> Vec<StoredFile> {
        let mut segments = Vec::new();
        for mut file in std::mem::take(&mut self.done.segments)
            .into_iter()
            .chain(self.earlier.segments.drain().map(|(_, file)| file))
        {
            file.live_length = self.ledger.live.get(&file.number).copied().unwrap_or(0);
            if file.live_length == 0 {
                self.whole.remove(&file.number);
            }
            if file.live_length > 0 || !self.writer.remove(&file.name) {
                segments.push(file);
            }
        }
        segments
    }

    /// Combines earlier index pieces if they are many and small, or if most of their lines no longer count. Leaves
    /// alone what it cannot read.
    fn merge(&mut self, own: &[IndexPiece]) -> Result<Vec<IndexPiece>> {
        let earlier = std::mem::take(&mut self.earlier.pieces);
        let Some(state) = self.state else { return Ok(earlier) };
        let all: u64 = earlier.iter().chain(own).map(|piece| piece.records).sum();
        let is_mostly_idle = all > 2 * self.ledger.live_records + 1000;
        let from = if is_mostly_idle { 0 } else { crowded(&earlier) };
        if !is_mostly_idle && earlier.len() - from < 2 {
            return Ok(earlier);
        }
        let old = &earlier[from..];
        let overlay = match overlay(state, old, from == 0, own) {
            Ok(overlay) => overlay,
            Err(error)
                if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Io | ErrorKind::NotFound) =>
            {
                self.warnings.push(format!("the state folder's copy of the index is of no use: {error}"));
                return Ok(earlier);
            }
            Err(error) => return Err(error),
        };
        // If the share does not let one go, the set keeps all.
        if !self.writer.remove(&old[0].file.name) {
            return Ok(earlier);
        }
        let merged = self.rewrite(state, old, from == 0, &overlay)?;
        for piece in &old[1..] {
            self.writer.remove(&piece.file.name);
        }
        Ok(earlier[..from].iter().cloned().chain(merged).collect())
    }

    fn rewrite(
        &mut self,
        state: &State,
        old: &[IndexPiece],
        is_first: bool,
        overlay: &Overlay,
    ) -> Result<Vec<IndexPiece>> {
        let mut index = self.index(PieceKind::Additions);
        let mut removals = self.index(PieceKind::Removals);
        let (mut full, mut gone, mut patches) = (Vec::new(), Vec::new(), false);
        for (ordinal, piece) in (0..).zip(old) {
            let mut lines = lines(state, piece)?;
            while let Some(record) = lines.next()? {
                // Nothing before the first piece could be removed.
                let is_idle = is_first && matches!(record, Record::Gone(_));
                let is_line = record.subject().is_some();
                if !is_line || is_idle || !overlay.counts(ordinal, &record) {
                    continue;
                }
                patches |= matches!(record, Record::Change(_) | Record::Block(_));
                match record {
                    Record::Gone(_) => gone.extend(removals.write(&record)?),
                    _ => full.extend(index.write(&record)?),
                }
            }
        }
        gone.extend(removals.finish()?);
        full.extend(index.finish()?);
        let mut merged = Vec::new();
        for piece in gone.into_iter().chain(full) {
            let mut piece = store_piece(self.writer, Some(state), piece)?;
            piece.file.supersedes = !is_first || patches;
            self.done.stored.add(piece.file.length);
            merged.push(piece);
        }
        Ok(merged)
    }
}

/// Finds out what later pieces replace; reads all of them once.
fn overlay(state: &State, old: &[IndexPiece], is_first: bool, own: &[IndexPiece]) -> Result<Overlay> {
    let mut overlay = Overlay::default();
    for (ordinal, piece) in (0..).zip(old.iter().chain(own)) {
        let mut lines = lines(state, piece)?;
        while let Some(record) = lines.next()? {
            // Nothing replaces what the first piece does, because nothing is before it.
            if ordinal > 0 || !is_first {
                overlay.note(ordinal, &record);
            }
        }
    }
    Ok(overlay)
}

fn lines(
    state: &State,
    piece: &IndexPiece,
) -> Result<crate::set::index::PieceReader<std::io::Cursor<Vec<u8>>>> {
    let text = state.piece(piece)?;
    let content = 0..text.len();
    crate::set::index::PieceReader::new(&piece.file.name, text, content)
}

/// Returns where the small pieces begin that are at the end and should be combined. Each piece that stays is more than
/// twice as long as all behind it, so there are few.
fn crowded(pieces: &[IndexPiece]) -> usize {
    let Some(last) = pieces.last() else { return 0 };
    let mut from = pieces.len() - 1;
    let mut length = last.file.length;
    while from > 0 && pieces[from - 1].file.length < 2 * length && !is_full(&pieces[from - 1]) {
        from -= 1;
        length += pieces[from].file.length;
    }
    from
}

/// Whether a piece is not combined with others: it is long, or holds as much text as a piece may.
pub(super) fn is_full(piece: &IndexPiece) -> bool {
    piece.file.length >= PIECE_STORED as u64 / 2 || piece.file.content_length >= PIECE_TEXT / 2
}
