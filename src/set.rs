//! The stored form of a backup set: writing, reading, checking and listing it.
//!
//! A set is a folder of ordinary files: CMS messages that contain compressed tar, an encrypted index, `SHA256SUMS`, and
//! `backup.json`. `backup.json` is written last and commits the set. `docs/format.md` specifies the form.

pub(crate) mod archive;
pub(crate) mod catalog;
mod cover;
pub(crate) mod digest;
mod entry;
pub(crate) mod extents;
pub(crate) mod filter;
mod held;
pub(crate) mod index;
mod list;
mod lost_pieces;
pub(crate) mod overlay;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod parsers;
pub(crate) mod place;
mod prefetch;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod segment;
pub(crate) mod shrunken;
mod signed;
mod space;
mod stored_files;
mod sums;
mod text;
#[cfg(any(test, windows))]
pub(crate) mod windows;
pub(crate) mod writer;

pub use cover::{Counts, CoverSheet, FORMAT_VERSION, Status, Stored};
pub(crate) use cover::{
    FILE_NAME as COVER_SHEET, MAX_LENGTH as MAX_COVER_SHEET, SIGNATURE_NAME, is_file_of_a_set,
    is_left_of_writing,
};
pub use digest::Digest;
pub use entry::{Block, Change, Content, Entry, EntryPath, Metadata, Mtime, Part, Position, Problem};
pub(crate) use held::Held;
pub(crate) use list::find_deployments;
pub(crate) use list::{FileKey, Named, find_sets, summary};
pub use list::{ListBuilder, SetList, SetState, SetSummary, UnreadableFolder, list_deployments, list_sets};
pub use reader::Set;
pub use record::StoredFile;
pub use records::Entries;
pub use space::{SetSpace, space_of};
pub(crate) use sums::{FILE_NAME as CHECKSUMS, MAX_LENGTH as MAX_CHECKSUMS};
pub use text::Text;
