//! Makes a backup set: sources in, a verified set beside `MASBackup` out, or nothing that looks like one.
//!
//! A [`Backup`] is begun, fed and committed. Reading, compressing, hashing, sealing and storing overlap on all cores
//! while it is fed; memory stays bounded whatever the sources are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ignore::gitignore::Gitignore;
use jiff::Timestamp;

use crate::envelope::EncryptionCertificate;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SetName;
use crate::set::writer::{Finished, SetWriter};
use crate::set::{EntryPath, Metadata, Mtime, RESERVED, Status};

mod base;
mod builder;
mod by_hand;
mod closing;
mod contents;
mod known;
mod ledger;
mod packer;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod parsers;
mod pipeline;
mod plan;
mod reading;
mod report;
mod stat;
mod state;
mod storer;
mod tree;
mod unit;
mod worker;

pub use builder::{BackupBuilder, SourceProblems};
pub use report::{BackupReport, Reuse};

use pipeline::Shared;
use plan::{NewLarge, Planner};
use state::State;
use tree::Walk;
use unit::{LargeContent, Mark};

/// A backup in the making.
///
/// Dropped without [`commit`](Self::commit) it leaves nothing behind that looks like a backup.
pub struct Backup {
    planner: Planner,
    writer: Arc<SetWriter>,
    patterns: Gitignore,
    links: tree::Links,
    names: BTreeSet<EntryPath>,
    certificates: Vec<EncryptionCertificate>,
    labels: BTreeMap<String, String>,
    state: Option<Arc<State>>,
    /// The key of names and digests.
    key: zeroize::Zeroizing<[u8; 32]>,
    /// Sets that were begun and interrupted, which this one takes the place of.
    interrupted: BTreeSet<SetName>,
    /// Sets that may have the files of this one.
    sets: Vec<SetName>,
    shared: Arc<Shared>,
    reuse: Reuse,
    warnings: Vec<String>,
    created: Timestamp,
    begun: Instant,
    committed: bool,
}

impl Backup {
    /// The name of the set that is being made.
    #[must_use]
    pub fn set(&self) -> SetName {
        self.writer.set()
    }

    /// Adds a folder and all below it, under its own name.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add_folder(&mut self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let name = own_name(folder)?;
        self.add_folder_as(&name, folder)
    }

    /// Adds a folder and all below it under this name.
    ///
    /// The folder itself may be a symbolic link; links below it are stored as links.
    ///
    /// # Errors
    /// `NOT_FOUND` when the folder is not there; `INVALID_NAME`; `ALREADY_EXISTS` when something of that name was
    /// added before; `SOURCE_UNREADABLE` and `SOURCE_CHANGED` as the policy has it; the share's errors; `CANCELLED`.
    pub fn add_folder_as(&mut self, name: &str, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let path = self.claim(name)?;
        let dir = Dir::open_ambient_dir(folder, ambient_authority())
            .map_err(|e| Error::io(format_args!("open folder {}", folder.display()), e))?;
        self.walk(|walk| walk.add(dir, path))
    }

    fn walk<T>(&mut self, work: impl FnOnce(&mut Walk<'_>) -> T) -> T {
        work(&mut Walk {
            planner: &mut self.planner,
            links: &mut self.links,
            patterns: &self.patterns,
            set: self.writer.set(),
            state: self.state.as_ref().map(|state| state.folder()),
            key: &self.key,
        })
    }

    /// Adds one file under its own name.
    ///
    /// # Errors
    /// As [`add_file_as`](Self::add_file_as).
    pub fn add_file(&mut self, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        let name = own_name(file)?;
        self.add_file_as(&name, file)
    }

    /// Adds one file under this name, which may have folders in it: `tor1/running-config`.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as); `INVALID_ARGUMENT` when it is no regular file.
    pub fn add_file_as(&mut self, name: &str, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        let failed = |e| Error::io(format_args!("open file {}", file.display()), e);
        let real = file.canonicalize().map_err(failed)?;
        let (Some(parent), Some(own)) = (real.parent(), real.file_name()) else {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("{} is not a file", file.display())));
        };
        let path = self.claim(name)?;
        let dir = Arc::new(Dir::open_ambient_dir(parent, ambient_authority()).map_err(failed)?);
        let stat = stat::look(&dir, own).map_err(failed)?;
        if stat.kind != stat::Kind::File {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} is not a regular file", file.display()),
            ));
        }
        self.planner.begin_source(&path)?;
        let is_known = self.planner.ahead().is_some();
        match self.walk(|walk| walk.add_file(&dir, own, path, 0, stat, is_known))? {
            Ok(()) => Ok(()),
            Err((path, error)) => self.planner.problem(&path, error),
        }
    }

    /// Adds a file or a folder, whichever it is, under its own name.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add(&mut self, source: impl AsRef<Path>) -> Result<()> {
        let source = source.as_ref();
        let metadata =
            std::fs::metadata(source).map_err(|e| Error::io(format_args!("open {}", source.display()), e))?;
        if metadata.is_dir() { self.add_folder(source) } else { self.add_file(source) }
    }

    /// Adds bytes under this name: a running-config just fetched from a switch.
    ///
    /// Its time of last change is now; with a [state folder](BackupBuilder::state), bytes that the last set has under
    /// this name are not stored again and keep the time at which they were.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as).
    pub fn add_bytes(&mut self, name: &str, bytes: impl Into<Arc<[u8]>>) -> Result<()> {
        let path = self.claim(name)?;
        self.add_memory(path, bytes.into())
    }

    /// Adds everything that a reader gives, under this name.
    ///
    /// Tar needs a file's size before its content: up to 2 MiB are held in memory, more in an unnamed temporary file
    /// of this host.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as); what the reader says is `SOURCE_UNREADABLE` as the policy has it: of a
    /// reader that failed nothing is stored.
    pub fn add_reader(&mut self, name: &str, mut reader: impl Read) -> Result<()> {
        let path = self.claim(name)?;
        let mut start = Vec::new();
        if let Err(error) = (&mut reader).take(unit::SMALL + 1).read_to_end(&mut start) {
            return self.planner.problem(&path, refused(&path, error));
        }
        if start.len() as u64 <= unit::SMALL {
            return self.add_memory(path, start.into());
        }
        let spool = |e| Error::io("write a temporary file", e);
        let mut file = tempfile::tempfile().map_err(spool)?;
        std::io::Write::write_all(&mut file, &start).map_err(spool)?;
        let mut size = start.len() as u64;
        loop {
            self.planner.tick()?;
            start.clear();
            match (&mut reader).take(unit::PIECE).read_to_end(&mut start) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return self.planner.problem(&path, refused(&path, error)),
            }
            std::io::Write::write_all(&mut file, &start).map_err(spool)?;
            size += start.len() as u64;
        }
        self.planner.begin_source(&path)?;
        self.add_large(path, size, LargeContent::Spooled(file))
    }

    /// Says that something is not in the set because it could not be had: a switch that did not answer.
    ///
    /// # Errors
    /// As [`add_folder_as`](Self::add_folder_as); `SOURCE_UNREADABLE` with the policy [`SourceProblems::Fail`]. With
    /// [`SourceProblems::Report`] it is named in the report, and the set ends as
    /// [`PartialSucceeded`](crate::set::Status::PartialSucceeded).
    pub fn add_problem(&mut self, name: &str, error: impl std::fmt::Display) -> Result<()> {
        let path = self.claim(name)?;
        // One line, as every message is.
        let said = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        let error = Error::new(ErrorKind::SourceUnreadable, format!("{path} cannot be read: {said}"));
        self.planner.problem(&path, error)
    }

    fn add_large(&mut self, path: EntryPath, size: u64, content: LargeContent) -> Result<()> {
        let metadata = now();
        let is_known = self.planner.ahead().is_some();
        // Its times are of this run: they say nothing of its content.
        let mark = Mark::default();
        let new = NewLarge { path, size, sparse: false, metadata, content, mark, stored_as: None };
        self.walk(|walk| walk.add_large(new, is_known))
    }

    fn add_memory(&mut self, path: EntryPath, bytes: Arc<[u8]>) -> Result<()> {
        let size = bytes.len() as u64;
        self.planner.begin_source(&path)?;
        if size > unit::SMALL {
            return self.add_large(path, size, LargeContent::Memory(bytes));
        }
        self.walk(|walk| walk.add_memory(path, bytes, now()))
    }

    /// Checks a name and takes it: no two sources may stand at, above or below one another.
    fn claim(&mut self, name: &str) -> Result<EntryPath> {
        let path: EntryPath = name.parse()?;
        if path.names().next() == Some(RESERVED.as_bytes()) {
            return Err(Error::new(
                ErrorKind::InvalidName,
                format!(
                    "{path}: the name {RESERVED} is taken by the backup itself; add it under another one"
                ),
            ));
        }
        if path.names().any(|name| name.len() > MAX_NAME) {
            return Err(Error::new(
                ErrorKind::InvalidName,
                format!(
                    "{path}: a name of more than {MAX_NAME} bytes could not be restored; add it under another one"
                ),
            ));
        }
        let bytes = path.as_bytes();
        let mut above =
            (0..bytes.len()).filter(|i| bytes[*i] == b'/').filter_map(|i| EntryPath::new(&bytes[..i]).ok());
        // Whatever is below it comes, in byte order, behind "path/" and a first control character.
        let below = self.names.range(path.join(b"\x01")?..).next().is_some_and(|n| n.is_below(&path));
        let clash = self.names.contains(&path) || above.any(|a| self.names.contains(&a)) || below;
        if clash {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("a source named {path}, or above or below it, was added before"),
            ));
        }
        self.names.insert(path.clone());
        Ok(path)
    }

    /// Waits until everything is stored, writes the digests and then the cover sheet: from then on it is a backup.
    ///
    /// # Errors
    /// Whatever went wrong with sources, sealing or the share since [`BackupBuilder::start`]; `CANCELLED`. The set is
    /// removed then.
    pub fn commit(mut self) -> Result<BackupReport> {
        let mut made = self.planner.finish()?;
        let status = if made.problems.is_empty() { Status::Succeeded } else { Status::PartialSucceeded };
        let cover = self.writer.commit(
            &made.segments,
            &made.pieces,
            Finished {
                created: self.created,
                finished: Timestamp::now(),
                status,
                certificates: self.certificates.iter().map(|c| c.facts().clone()).collect(),
                content: made.counts,
                labels: std::mem::take(&mut self.labels),
            },
        )?;
        self.committed = true;
        self.warnings.append(&mut made.warnings);
        self.remember(made.outcome.take());
        let mut reuse = std::mem::take(&mut self.reuse);
        self.shared.report(&mut reuse);
        reuse.stored.files += made.stored.files;
        reuse.stored.bytes += made.stored.bytes;
        reuse.taken_over = made.taken_over;
        Ok(BackupReport {
            folder: self.writer.folder().clone(),
            cover,
            reuse,
            problems: made.problems,
            skipped: std::mem::take(&mut self.planner.skipped),
            warnings: std::mem::take(&mut self.warnings),
            seconds: self.begun.elapsed().as_secs_f64(),
        })
    }

    /// Remembers what the next run needs; the set is a backup whether that works or not.
    fn remember(&mut self, outcome: Option<state::Outcome>) {
        let Some(state) = self.state.take() else { return };
        let outcome = outcome.map(|mut outcome| {
            outcome.recipients = builder::thumbprints(&self.certificates);
            self.sets.push(self.writer.set());
            let old = self.sets.len().saturating_sub(MAX_SETS);
            outcome.sets = self.sets.split_off(old);
            outcome
        });
        self.warnings.extend(state.save(self.writer.place(), outcome));
        state.end();
        for set in std::mem::take(&mut self.interrupted) {
            self.writer.clear_away(&set);
        }
    }

    /// Gives up: the same as dropping it.
    pub fn abandon(self) {}
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.committed {
            // The threads first, so that nothing is stored behind our back.
            self.planner.pipeline.stop();
            self.writer.abandon();
            // The journal stays: what could not be removed may serve the next run.
        }
    }
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("set", &self.writer.set()).finish_non_exhaustive()
    }
}

/// Earlier sets that are remembered: any of them may be the one that is left.
const MAX_SETS: usize = 400;

/// Bytes of a name, at which the file systems of targets end.
const MAX_NAME: usize = 255;

/// What a reader of the caller failed with.
fn refused(path: &EntryPath, error: std::io::Error) -> Error {
    Error::new(ErrorKind::SourceUnreadable, format!("{path} cannot be read: {error}")).with_source(error)
}

fn now() -> Metadata {
    Metadata { mtime: Some(Mtime::now()), ..Metadata::default() }
}

/// A source's own name, also for `.`, `..` and paths that end in them.
fn own_name(path: &Path) -> Result<String> {
    let real = path.canonicalize().map_err(|e| Error::io(format_args!("open {}", path.display()), e))?;
    let name = path.file_name().or_else(|| real.file_name());
    name.and_then(|name| name.to_str()).map(str::to_owned).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidName,
            format!("{} has no name that is text; add it under a name", path.display()),
        )
    })
}
