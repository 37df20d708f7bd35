//! `backup.json`: the cover sheet in clear. It is written last and commits the set.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::{extents, index, segment, sums};
use crate::envelope::CertificateFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName, finished_name};

/// The file's name in a set's folder.
pub(crate) const FILE_NAME: &str = "backup.json";

/// The name of its signature, if it has one.
pub(crate) const SIGNATURE_NAME: &str = "backup.json.p7s";

/// Whether a file of this name in a set's folder belongs to the set: one of the set's files, or what an unfinished
/// write of one left behind.
pub(crate) fn is_file_of_a_set(name: &str) -> bool {
    let name = finished_name(name).unwrap_or(name);
    [FILE_NAME, SIGNATURE_NAME, sums::FILE_NAME, extents::FILE_NAME].contains(&name)
        || segment::is_name(name)
        || index::piece_number(name).is_some()
}

/// Whether an unfinished write left this file behind.
pub(crate) fn is_left_of_writing(name: &str) -> bool {
    finished_name(name).is_some() && is_file_of_a_set(name)
}

/// Longest cover sheet in bytes, for writing and reading.
pub(crate) const MAX_LENGTH: u64 = 1 << 20;

/// The version of the stored form that this library writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What anyone may know about a set: where it belongs, when it was made, which certificates open it, how large it is.
///
/// The index repeats all of it except what is known only once the index is stored. So a full verification detects a
/// change in any of its bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CoverSheet {
    /// Version of the stored form: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The program that made it: name and version.
    pub made_by: String,
    /// The set's name, which is also the name of its folder.
    pub set: SetName,
    /// Deployment, component and scale unit.
    #[serde(flatten)]
    pub place: Place,
    /// When the run began.
    pub created: Timestamp,
    /// When everything but the end of the index was stored.
    pub finished: Timestamp,
    /// How the run ended.
    pub status: Status,
    /// The certificates that open it; any one of them is enough.
    pub certificates: Vec<CertificateFacts>,
    /// What it holds.
    pub content: Counts,
    /// The caller's own words: vendor, model, serial, firmware, node count…
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What is stored, without `SHA256SUMS` and this sheet.
    pub stored: Stored,
    /// Digest of `SHA256SUMS`.
    pub sha256sums: Digest,
}

/// How a backup ended, in the words of the admin API (`OperationStatus` of Microsoft.Backup.Admin 2021-09-01).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Status {
    /// Everything asked for is in the set.
    Succeeded,
    /// Something could not be read, or changed while it was read; the report and the index name it.
    PartialSucceeded,
}

/// What a set holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Regular files.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Symbolic and hard links.
    pub links: u64,
    /// Bytes of file content.
    pub bytes: u64,
    /// Number of things that the set does not hold as they were.
    pub problems: u64,
}

/// The stored files in a set's folder, without `SHA256SUMS` and `backup.json`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stored {
    /// Files.
    pub files: u64,
    /// Bytes in all of them.
    pub bytes: u64,
}

impl Stored {
    /// Counts one more file.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        // A forger may list any length.
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl CoverSheet {
    /// Returns the sheet as the bytes of `backup.json`.
    pub(crate) fn print(&self) -> Result<Vec<u8>> {
        finish(&self.head()?, &self.stored, &self.sha256sums)
    }

    /// Returns the sheet without the end that is known only once the whole index is stored; the index holds this part,
    /// too.
    pub(crate) fn head(&self) -> Result<String> {
        let internal = || Error::new(ErrorKind::Internal, "the cover sheet cannot be written as JSON");
        let text = serde_json::to_string_pretty(self).map_err(|e| internal().with_source(e))?;
        // JSON strings contain no line feeds, so this is the field itself; only the last two fields follow it.
        let head = text.rfind(",\n  \"stored\": {").ok_or_else(internal)?;
        Ok(text[..head].to_owned())
    }

    /// Reads a sheet. This detects accidental damage, but does not make what the sheet says trustworthy.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let malformed = |e: serde_json::Error| {
            Error::new(ErrorKind::Malformed, format!("{FILE_NAME} is not a cover sheet: {e}")).with_source(e)
        };
        let version: Version = serde_json::from_slice(bytes).map_err(malformed)?;
        if version.format_version != FORMAT_VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the set has format version {}, this library reads {FORMAT_VERSION}",
                    version.format_version
                ),
            ));
        }
        let sheet: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        let is_whole = bytes
            .windows(SEAL.len())
            .rposition(|window| window == SEAL.as_bytes())
            .is_some_and(|at| bytes == sealed(&bytes[..at]));
        if !is_whole {
            return Err(Error::new(
                ErrorKind::Damaged,
                format!("{FILE_NAME} is not as it was written: its own digest differs"),
            ));
        }
        Ok(sheet)
    }
}

/// Joins the whole sheet from its head and what is known last.
pub(crate) fn finish(head: &str, stored: &Stored, sha256sums: &Digest) -> Result<Vec<u8>> {
    let Stored { files, bytes } = stored;
    let text = format!(
        "{head},\n  \"stored\": {{\n    \"files\": {files},\n    \"bytes\": {bytes}\n  }},\n  \"sha256sums\": \"{sha256sums}\""
    );
    let sheet = sealed(text.as_bytes());
    if sheet.len() as u64 > MAX_LENGTH {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            "labels are too long: the cover sheet may have 1 MiB",
        ));
    }
    Ok(sheet)
}

/// Appends the last line, a digest of everything before it: so accidental damage shows without a key.
fn sealed(text: &[u8]) -> Vec<u8> {
    [text, SEAL.as_bytes(), Digest::of(text).to_string().as_bytes(), b"\"\n}\n"].concat()
}

/// What separates the text from its digest.
const SEAL: &str = ",\n  \"cover_sha256\": \"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_reads_back_and_any_changed_byte_shows() {
        let sheet = CoverSheet {
            format_version: FORMAT_VERSION,
            made_by: "azs-backup".into(),
            set: "20261123T020000Z-7f3a91c2".parse().unwrap(),
            place: "contoso.com/nyc/Switches".parse().unwrap(),
            created: Timestamp::UNIX_EPOCH,
            finished: Timestamp::UNIX_EPOCH,
            status: Status::Succeeded,
            certificates: Vec::new(),
            content: Counts { files: 3, ..Counts::default() },
            labels: [("vendor".into(), "}\n,\n  \"cover_sha256\": \"".into())].into(),
            stored: Stored { files: 2, bytes: 500 },
            sha256sums: Digest::of(b"sums"),
        };
        let bytes = sheet.print().unwrap();
        assert_eq!(CoverSheet::parse(&bytes).unwrap(), sheet);
        for at in 0..bytes.len() {
            for changed in [bytes[at] ^ 1, bytes[at] ^ 0x20] {
                let mut bytes = bytes.clone();
                bytes[at] = changed;
                assert!(CoverSheet::parse(&bytes).is_err(), "byte {at}");
            }
            assert!(CoverSheet::parse(&bytes[..at]).is_err(), "cut at {at}");
        }
        let crlf = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        assert!(CoverSheet::parse(crlf.as_bytes()).is_err());
    }
}
