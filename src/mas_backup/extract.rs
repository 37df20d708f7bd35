//! Extracts snapshots into a folder, with the safety of a restore.

use std::fs::File;
use std::io::{self, Read, Write};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::contents::{OpenInner, SnapshotVisitor};
use super::finding::Finding;
use super::verify::{SnapshotCheck, SnapshotState};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::restore::{LastFolder, Outcome, Target, Unrestored};
use crate::set::{EntryPath, Mtime};

/// What an extraction did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExtractReport {
    /// The worst state of all snapshots that were extracted.
    pub state: SnapshotState,
    /// What the backup needs of the wanted repositories and does not have: names of files, with `*` for what is not known.
    pub missing: Vec<String>,
    /// Each snapshot.
    pub snapshots: Vec<SnapshotCheck>,
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Files that existed with the same size and time, and were kept.
    pub kept: u64,
    /// Files that existed and differ, and were kept.
    pub kept_differing: Vec<String>,
    /// Files that were not written, and why. What is not safe or damaged in a snapshot is in the findings.
    pub refused: Vec<Refused>,
    /// Times that could not be restored, by kind.
    pub unrestored: Vec<Unrestored>,
    /// What is not as it should be, worst first: what the list shows of this backup, and what the extraction found.
    pub findings: Vec<Finding>,
}

/// A file that was not written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// Its path in the target.
    pub path: String,
    /// The code of the error behind it.
    pub code: &'static str,
    /// One line for people.
    pub message: String,
}

/// Writes the files of snapshots into the target.
pub(super) struct Extraction<'a> {
    pub(super) target: &'a Target,
    /// The folder of the snapshot at hand: `<repository>/<name>`.
    pub(super) folder: String,
    /// Whether to write zips inside as folders, and decrypt what is encrypted once more.
    pub(super) opens: bool,
    pub(super) near: LastFolder,
    pub(super) wrote: &'a std::cell::RefCell<Wrote>,
}

#[derive(Default)]
pub(super) struct Wrote {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) kept: u64,
    pub(super) kept_differing: Vec<String>,
    pub(super) refused: Vec<Refused>,
}

impl Extraction<'_> {
    fn path(&self, path: &str) -> Result<EntryPath> {
        // A zip inside becomes a folder of its name.
        EntryPath::new(format!("{}/{}", self.folder, path.replace(super::zip::INSIDE, "/")).into_bytes())
    }

    fn write(
        &mut self,
        path: &str,
        size: Option<u64>,
        modified: Option<Mtime>,
        fill: &mut dyn FnMut(&File) -> io::Result<u64>,
    ) -> io::Result<()> {
        let mut bytes = 0;
        let mut content_failed = None;
        let written = self.path(path).and_then(|path| {
            let mut near = std::mem::take(&mut self.near);
            let written = self.target.write_stream(&path, size, modified, &mut near, |file| {
                bytes = fill(file).inspect_err(|error| {
                    // An error of the content is reported with the content; here it only ends the file.
                    let is_of_content = error.kind() == io::ErrorKind::InvalidData;
                    content_failed = is_of_content.then_some(());
                })?;
                Ok(())
            });
            self.near = near;
            written
        });
        match written {
            Ok(Outcome::Written) => {
                let mut wrote = self.wrote.borrow_mut();
                wrote.files += 1;
                wrote.bytes += bytes;
            }
            Ok(Outcome::Kept) => self.wrote.borrow_mut().kept += 1,
            Ok(Outcome::Differs) => {
                self.wrote.borrow_mut().kept_differing.push(format!("{}/{path}", self.folder))
            }
            Err(error) if content_failed.is_some() => return Err(error.into()),
            Err(error) if error.scope() == Scope::Object => {
                let (code, message) = (error.code(), error.to_string());
                self.wrote.borrow_mut().refused.push(Refused {
                    path: format!("{}/{path}", self.folder),
                    code,
                    message,
                });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl SnapshotVisitor for Extraction<'_> {
    fn file(
        &mut self,
        path: &str,
        modified: [u16; 2],
        size: Option<u64>,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mut fill = |mut file: &File| {
            let mut buffer = vec![0; BUFFER];
            let mut bytes = 0;
            loop {
                let count = content.read(&mut buffer)?;
                if count == 0 {
                    return Ok(bytes);
                }
                file.write_all(&buffer[..count])?;
                bytes += count as u64;
            }
        };
        self.write(path, size, mtime(modified), &mut fill)
    }

    fn inner(&mut self, path: &str, open: &mut OpenInner<'_>) -> io::Result<()> {
        let mut fill = |mut file: &File| {
            let mut bytes = 0;
            let is_sound = open(&mut |piece| {
                bytes += piece.len() as u64;
                file.write_all(piece)
            })?;
            match is_sound {
                true => Ok(bytes),
                // What is wrong is a finding; the file is dropped.
                false => {
                    Err(Error::new(ErrorKind::Damaged, "it is encrypted once more, and damaged inside")
                        .into())
                }
            }
        };
        let before = self.wrote.borrow().refused.len();
        match self.write(path, None, None, &mut fill) {
            Err(error)
                if error.get_ref().is_some_and(|inner| inner.is::<Error>())
                    && before == self.wrote.borrow().refused.len() =>
            {
                let scope = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).map(Error::scope);
                if scope == Some(Scope::Object) { Ok(()) } else { Err(error) }
            }
            written => written,
        }
    }

    fn folder(&mut self, path: &str) {
        let made = self.path(path).and_then(|path| self.target.make_folder(&path, &mut self.near));
        if let Err(error) = made {
            let (code, message) = (error.code(), error.to_string());
            self.wrote.borrow_mut().refused.push(Refused {
                path: format!("{}/{path}", self.folder),
                code,
                message,
            });
        }
    }

    fn enters_zips(&self) -> bool {
        self.opens
    }

    fn opens_inner(&self) -> bool {
        self.opens
    }
}

/// Reads a time of MS-DOS, which a stamp writes in UTC.
fn mtime([time, date]: [u16; 2]) -> Option<Mtime> {
    let part = |of: u16, shift: u16, bits: u16| (of >> shift & ((1 << bits) - 1)) as i8;
    let year = 1980 + (date >> 9) as i16;
    let (hour, minute, second) = (part(time, 11, 5), part(time, 5, 6), part(time, 0, 5) * 2);
    let at = DateTime::new(year, part(date, 5, 4), part(date, 0, 5), hour, minute, second, 0).ok()?;
    Some(Mtime::new(TimeZone::UTC.to_timestamp(at).ok()?.as_second(), 0))
}

const BUFFER: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_ms_dos_are_read_and_impossible_ones_are_not() {
        // 2023-01-17 19:31:22
        let (time, date) = (19 << 11 | 31 << 5 | 11, 43 << 9 | 1 << 5 | 17);
        assert_eq!(mtime([time, date]).unwrap().seconds, 1_673_983_882);
        for [time, date] in [[0, 0], [u16::MAX, u16::MAX], [0, 15 << 5 | 1]] {
            assert_eq!(mtime([time, date]), None);
        }
    }
}
