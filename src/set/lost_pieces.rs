//! What still counts in an index that has lost a piece whose lines take the place of earlier ones.
//!
//! Nobody knows what such a piece changed. The list of extents still says which headers belong to the set: an earlier
//! entry whose header is not listed was replaced or removed, and must not come back.

use super::entry::{Content, EntryPath};
use super::extents::Extents;
use super::overlay::Overlay;
use super::record::Record;
use crate::error::{Error, ErrorKind};

/// Tells lines that count from those that a lost piece may have changed.
pub(crate) struct LostPieces {
    /// The last lost piece, and its name.
    ordinal: u32,
    name: String,
    /// The set's bytes; `None` if that list is lost as well.
    extents: Option<Extents>,
}

/// The verdict on a line.
pub(super) enum Judgement {
    /// It counts.
    Counts,
    /// It is an entry that may have changed, with everything that belongs to it.
    Doubtful(EntryPath, Error),
    /// It belongs to such an entry.
    PartOfDoubtful,
}

impl LostPieces {
    pub(super) fn new(ordinal: u32, name: String, extents: Option<Extents>) -> Self {
        Self { ordinal, name, extents }
    }

    /// Judges a line of this piece that no known line replaces. `doubtful` is the last entry that was found doubtful.
    pub(super) fn judge(
        &self,
        overlay: &Overlay,
        ordinal: u32,
        record: &Record,
        doubtful: Option<&EntryPath>,
    ) -> Judgement {
        let is_later = |ordinal: u32| ordinal > self.ordinal;
        match record {
            Record::Part(part) if doubtful == Some(&part.path) => Judgement::PartOfDoubtful,
            // Changes and blocks follow the file, which may be in an earlier piece.
            Record::Change(change) if !is_later(overlay.stored_by(&change.path)) => Judgement::PartOfDoubtful,
            Record::Block(block) if !is_later(overlay.stored_by(&block.path)) => Judgement::PartOfDoubtful,
            Record::Entry(entry) if !is_later(ordinal) => {
                let is_large = matches!(entry.content, Content::LargeFile { .. });
                // The latest blocks of a file that changed may be in the lost piece.
                let is_changed = is_large && overlay.is_changed(&entry.path);
                let is_known = |extents: &Extents| extents.has(entry.at) && !is_changed;
                if self.extents.as_ref().is_some_and(is_known) {
                    return Judgement::Counts;
                }
                let why = if self.extents.is_some() { "" } else { " and so is the list of extents" };
                let message = format!(
                    "{}: {}, which is lost{why}, may have changed or removed it; restore it from another set",
                    entry.path, self.name
                );
                Judgement::Doubtful(entry.path.clone(), Error::new(ErrorKind::Damaged, message))
            }
            _ => Judgement::Counts,
        }
    }
}
