//! `backup.json`: the cover sheet in clear, written last. It is the commit of a set.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::{index, segment, sums};
use crate::envelope::CertificateFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName};

/// The file's name in a set's folder.
pub(crate) const FILE_NAME: &str = "backup.json";

/// Where its signature will lie.
const SIGNATURE_NAME: &str = "backup.json.p7s";

/// Whether a file of this name in a set's folder is the set's: one of those that it is made of, or what is left of the
/// writing of one.
pub(crate) fn is_file_of_a_set(name: &str) -> bool {
    let is_ours = |name: &str| {
        [FILE_NAME, SIGNATURE_NAME, sums::FILE_NAME].contains(&name)
            || segment::is_name(name)
            || index::piece_number(name).is_some()
    };
    let unfinished = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part")).unwrap_or(name);
    // Over SMB each attempt at writing has a number of its own.
    let numbered = unfinished.rsplit_once('.').filter(|(_, number)| unfinished != name && is_number(number));
    is_ours(unfinished) || numbered.is_some_and(|(name, _)| is_ours(name))
}

/// Whether it is what is left of the writing of one.
pub(crate) fn is_left_of_writing(name: &str) -> bool {
    name.starts_with('.') && is_file_of_a_set(name)
}

fn is_number(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Longest cover sheet that is read or written.
pub(crate) const MAX_LENGTH: u64 = 1 << 20;

/// The version of the stored form that this library writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What anyone may know of a set: whose it is, when it was made, which certificates open it, how large it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CoverSheet {
    /// Version of the stored form, [`FORMAT_VERSION`].
    pub format_version: u32,
    /// What made it: name and version.
    pub made_by: String,
    /// The set's name, which is also its folder's.
    pub set: SetName,
    /// Deployment, component and scale unit.
    #[serde(flatten)]
    pub place: Place,
    /// When the run began.
    pub created: Timestamp,
    /// When the cover sheet was written.
    pub finished: Timestamp,
    /// How the run ended.
    pub status: Status,
    /// The certificates that open it, each by itself.
    pub certificates: Vec<CertificateFacts>,
    /// What it holds.
    pub content: Counts,
    /// What is stored, without `SHA256SUMS` and this sheet.
    pub stored: Stored,
    /// Digest of `SHA256SUMS`.
    pub sha256sums: Digest,
    /// The caller's own words: vendor, model, serial, firmware, node count…
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How a backup ended, in the words of the admin API (`OperationStatus` of Microsoft.Backup.Admin 2021-09-01).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Status {
    /// Everything asked for is in the set.
    Succeeded,
    /// Something could not be read or changed while it was read; the report and the index name it.
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
    /// Things that the set does not hold as they were.
    pub problems: u64,
}

/// What a set's folder holds, without `SHA256SUMS` and `backup.json`.
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
        self.bytes += bytes;
    }
}

impl CoverSheet {
    /// Writes the sheet as indented JSON.
    pub(crate) fn print(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| {
            Error::new(ErrorKind::Internal, "the cover sheet cannot be written as JSON").with_source(e)
        })?;
        bytes.push(b'\n');
        if bytes.len() as u64 > MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "labels are too long: the cover sheet may have 1 MiB",
            ));
        }
        Ok(bytes)
    }

    /// Reads a sheet; what it says is not trusted, only well-formed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let malformed = |e: serde_json::Error| {
            Error::new(ErrorKind::Incomplete, format!("{FILE_NAME} is not a cover sheet: {e}")).with_source(e)
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
        serde_json::from_slice(bytes).map_err(malformed)
    }
}
