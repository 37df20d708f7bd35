//! The files of a snapshot that was authenticated, on their way to whoever takes them.

use std::collections::BTreeSet;
use std::io::{self, Read};

use super::data_file::{self, Prefix, fill, open_inner};
use super::finding::FindingKind;
use super::key::DataKey;
use super::zip::{Content, Visitor};

/// The finding that a fault of a data file is, and what it says.
pub(super) fn describe(fault: data_file::Fault) -> (FindingKind, String) {
    let (kind, what) = match fault {
        data_file::Fault::HeaderEmpty => (
            FindingKind::HeaderEmpty,
            "it begins with zeros: its header, which is written last, is missing, so it was not finished",
        ),
        data_file::Fault::HeaderWrong(what) => return (FindingKind::HeaderWrong, what),
        data_file::Fault::LengthWrong => {
            (FindingKind::DataLengthWrong, "its length cannot be that of a whole file")
        }
        data_file::Fault::TagMismatch => (FindingKind::TagMismatch, "its tag does not match"),
        data_file::Fault::PaddingWrong => {
            (FindingKind::PaddingWrong, "its tag matches, but it does not end as encrypted data must")
        }
        data_file::Fault::Changed => (FindingKind::ChangedWhileRead, "it changed while it was read"),
    };
    (kind, what.to_owned())
}

/// What takes the files of snapshots that were authenticated.
pub(super) trait SnapshotVisitor {
    /// Receives a file. Fails only with what ends the work.
    fn file(
        &mut self,
        path: &str,
        modified: [u16; 2],
        size: Option<u64>,
        content: &mut dyn Read,
    ) -> io::Result<()>;

    /// Receives a file that was encrypted once more and is decrypted by `open`, which returns whether it was sound.
    fn inner(&mut self, path: &str, open: &mut OpenInner<'_>) -> io::Result<()>;

    /// Receives an empty folder.
    fn folder(&mut self, path: &str);

    /// Whether to look into zips inside.
    fn enters_zips(&self) -> bool;

    /// Whether to decrypt what is encrypted once more.
    fn opens_inner(&self) -> bool;
}

/// Decrypts a file that is encrypted once more, in pieces. Returns whether it was sound.
pub(super) type OpenInner<'a> = dyn FnMut(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> + 'a;

/// Between the zip and whoever takes its files: counts them, and looks for those that are encrypted once more.
pub(super) struct Contents<'a> {
    pub(super) key: &'a DataKey,
    pub(super) visitor: &'a mut dyn SnapshotVisitor,
    pub(super) found: &'a mut Vec<(FindingKind, String, String)>,
    /// Files and bytes so far.
    pub(super) progress: &'a std::cell::Cell<(u64, u64)>,
    /// The ends of the files' names so far, in lower case.
    pub(super) extensions: BTreeSet<String>,
}

impl Contents<'_> {
    /// Names what a repository is known to hold, and this snapshot of it does not.
    pub(super) fn end(&mut self, repository: &str) {
        let repository = repository.rsplit(';').next().unwrap_or_default();
        let expected = match repository {
            "Quota" => "json",
            "Microsoft.AzureStack.Subscriptions" => "bak",
            _ if self.extensions.is_empty() => "",
            _ => return,
        };
        if !self.extensions.contains(expected) {
            let seen = match expected {
                "" => "there is no file in it".to_owned(),
                _ => format!("there is no file .{expected} in it"),
            };
            self.found(FindingKind::ContentUnexpected, "", &seen);
        }
    }

    /// Names a file that cannot be what its name says, as far as its start shows.
    fn look_at(&mut self, path: &str, start: &[u8]) {
        let name = path.rsplit(['/', ' ']).next().unwrap_or_default().to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_owned();
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let seen = match &*extension {
            "json" | "bak" | "log" | "dat" if start.is_empty() => "it is empty",
            "json" if !text.is_empty() && !text.starts_with(b"[") && !text.starts_with(b"{") => {
                "it is no JSON"
            }
            "dat" if name == "servicefabriccssbackup.dat" && !Prefix::is_at_start_of(start) => {
                "it is not encrypted once more, as it should be"
            }
            _ => "",
        };
        if !seen.is_empty() {
            self.found(FindingKind::ContentUnexpected, path, seen);
        }
        if self.extensions.len() < MOST_FOUND {
            self.extensions.insert(extension);
        }
    }
}

impl Visitor for Contents<'_> {
    fn file(&mut self, path: &str, modified: [u16; 2], content: &mut Content<'_, '_>) -> io::Result<()> {
        let size = content.stated_size();
        let mut counted = Counting { inner: content, bytes: 0 };
        let mut start = [0; HEADER];
        let count = fill(&mut counted, &mut start)?;
        self.look_at(path, &start[..count]);
        let mut whole = start[..count].chain(&mut counted);
        let result = if Prefix::is_at_start_of(&start[..count]) && self.visitor.opens_inner() {
            let (key, found) = (self.key, &mut *self.found);
            let mut open =
                |write: &mut dyn FnMut(&[u8]) -> io::Result<()>| match open_inner(&mut whole, key, write)? {
                    Ok(_) => Ok(true),
                    Err(fault) => {
                        let what = format!("it is encrypted once more, and inside {}", describe(fault).1);
                        found.push((FindingKind::ContentEnvelopeDamaged, path.to_owned(), what));
                        Ok(false)
                    }
                };
            self.visitor.inner(path, &mut open)
        } else {
            self.visitor.file(path, modified, size, &mut whole)
        };
        let (files, bytes) = self.progress.get();
        self.progress.set((files + 1, bytes + counted.bytes));
        result
    }

    fn folder(&mut self, path: &str) {
        self.visitor.folder(path);
    }

    fn found(&mut self, kind: FindingKind, path: &str, seen: &str) {
        if self.found.len() < MOST_FOUND {
            self.found.push((kind, path.to_owned(), seen.to_owned()));
        }
    }

    fn looks_into(&self) -> bool {
        self.visitor.enters_zips()
    }
}

struct Counting<'a, 'c, 'i> {
    inner: &'a mut Content<'c, 'i>,
    bytes: u64,
}

impl Read for Counting<'_, '_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Takes nothing: for a verification.
pub(super) struct Nowhere;

impl SnapshotVisitor for Nowhere {
    fn file(&mut self, _: &str, _: [u16; 2], _: Option<u64>, content: &mut dyn Read) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        while content.read(&mut buffer)? > 0 {}
        Ok(())
    }

    fn inner(&mut self, _: &str, open: &mut OpenInner<'_>) -> io::Result<()> {
        open(&mut |_| Ok(())).map(drop)
    }

    fn folder(&mut self, _: &str) {}

    fn enters_zips(&self) -> bool {
        true
    }

    fn opens_inner(&self) -> bool {
        true
    }
}

const HEADER: usize = 10;
const BUFFER: usize = 128 << 10;
/// Findings in one snapshot.
const MOST_FOUND: usize = 1000;
