//! What a host knows about the last set of a place, in one small file.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tree::TreeFile;
use crate::backup::history::History;
use crate::layout::{Place, SetName};
use crate::set::record::StoredFile;
use crate::set::{Digest, EntryPath};

/// What is known about the last set.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::backup) struct Manifest {
    pub(super) version: u32,
    pub(super) host: String,
    pub(super) saved: Timestamp,
    pub(super) place: Place,
    /// SHA-256 thumbprints of the certificates that open every file of the set.
    pub(in crate::backup) recipients: BTreeSet<String>,
    /// Sets that may still contain its files, the last one at the end.
    pub(in crate::backup) sets: Vec<SetName>,
    pub(in crate::backup) segments: Vec<StoredFile>,
    /// Segments that belong to one large file alone.
    pub(in crate::backup) whole: BTreeSet<u32>,
    pub(in crate::backup) pieces: Vec<IndexPiece>,
    pub(in crate::backup) next_segment: u32,
    pub(in crate::backup) next_piece: u32,
    pub(in crate::backup) next_table: u32,
    pub(in crate::backup) tree: TreeFile,
    pub(in crate::backup) sources: Vec<(EntryPath, SourceSize)>,
    pub(in crate::backup) history: History,
}

impl Manifest {
    /// Parses the file: a first line with the digest of the rest, then JSON.
    pub(in crate::backup) fn parse(text: &[u8]) -> Option<Self> {
        let (digest, json) = text.split_at_checked(65)?;
        let digest: Digest = str::from_utf8(&digest[..64]).ok()?.parse().ok()?;
        if Digest::of(json) != digest {
            return None;
        }
        serde_json::from_slice(json).ok()
    }

    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", Digest::of(&json))?;
        file.write_all(&json)?;
        file.as_file().sync_all()?;
        file.persist(folder.join(MANIFEST))?;
        Ok(())
    }
}

/// How much a source held.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(in crate::backup) struct SourceSize {
    files: u64,
    bytes: u64,
}

impl SourceSize {
    /// Counts one more file.
    pub(in crate::backup) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    /// Returns what is odd about a source that held `before` last time: it is empty, or less than half is left.
    pub(in crate::backup) fn shrunk(&self, is_folder: bool, before: Option<&Self>) -> Option<String> {
        if self.files == 0 && is_folder {
            return Some("holds no files: is what it should hold mounted?".into());
        }
        if self.bytes == 0 && !is_folder && self.files > 0 && before.is_none_or(|before| before.bytes > 0) {
            return Some("is empty".into());
        }
        let before = before?;
        let is_less = self.files < before.files.div_ceil(2) || self.bytes < before.bytes / 2;
        is_less.then(|| {
            format!(
                "holds {} files with {} bytes, last time {} with {}: is all of it there?",
                self.files, self.bytes, before.files, before.bytes
            )
        })
    }
}

/// An index piece whose text this host has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::backup) struct IndexPiece {
    pub(in crate::backup) file: StoredFile,
    /// Number of its lines.
    pub(in crate::backup) records: u64,
    /// Digest of its compressed text.
    pub(in crate::backup) text: Digest,
}

/// The name of the file.
pub(super) const MANIFEST: &str = "last";
