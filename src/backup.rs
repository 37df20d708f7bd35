//! Makes a backup set: sources in, a verified set beside `MASBackup` out, or nothing that looks like one.
//!
//! A [`Backup`] is begun, fed and committed. Reading, compressing, hashing, sealing and storing overlap on all cores
//! while it is fed; memory stays bounded whatever the sources are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jiff::Timestamp;
use serde::Serialize;

use crate::envelope::{EncryptionCertificate, Sealer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName, SharePath};
use crate::progress::{Progress, no_progress};
use crate::set::writer::{Finished, SetWriter};
use crate::set::{Content, CoverSheet, Entry, EntryPath, Metadata, Mtime, Problem, Status};
use crate::share::Share;

mod pipeline;
mod plan;
mod stat;
mod state;
mod tree;
mod unit;

use pipeline::{Pipeline, Settings, Shared};
use plan::{Hook, Planner};
use unit::{Item, LargeContent, Source};

/// What to do about a source that cannot be read, or that changes while it is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SourceProblems {
    /// End the backup with an error that names the source; no set remains.
    #[default]
    Fail,
    /// Go on, name the source in the report, the index and the cover sheet's counts, and end as
    /// [`PartialSucceeded`](Status::PartialSucceeded).
    Report,
}

/// How a backup is to be made; [`start`](Self::start) begins it.
pub struct BackupBuilder {
    share: Arc<dyn Share>,
    place: Place,
    certificates: Vec<EncryptionCertificate>,
    allow_expired: bool,
    labels: BTreeMap<String, String>,
    patterns: Vec<String>,
    problems: SourceProblems,
    level: i32,
    segment_size: usize,
    workers: usize,
    state: Option<PathBuf>,
    name: Option<SetName>,
    hook: Hook,
}

impl BackupBuilder {
    /// A backup of a component to this share, with nothing else said yet.
    #[must_use]
    pub fn new(share: Arc<dyn Share>, place: Place) -> Self {
        Self {
            share,
            place,
            certificates: Vec::new(),
            allow_expired: false,
            labels: BTreeMap::new(),
            patterns: Vec::new(),
            problems: SourceProblems::default(),
            level: 3,
            segment_size: 16 << 20,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            state: None,
            name: None,
            hook: Box::new(no_progress),
        }
    }

    /// Adds a certificate that can open the set. At least one; several while a certificate is being changed.
    #[must_use]
    pub fn certificate(mut self, certificate: EncryptionCertificate) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Accepts certificates that are expired or not yet valid, which are refused otherwise.
    #[must_use]
    pub fn allow_expired_certificates(mut self, allow: bool) -> Self {
        self.allow_expired = allow;
        self
    }

    /// Writes a label on the cover sheet, in clear: vendor, model, serial, firmware, hardware generation, node count…
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Leaves out what this pattern matches below each folder, in gitignore syntax; `!` takes back in, and the last
    /// pattern that matches counts.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Takes back in what an earlier [`exclude`](Self::exclude) left out: the same as excluding `!pattern`.
    #[must_use]
    pub fn include(self, pattern: impl std::fmt::Display) -> Self {
        self.exclude(format!("!{pattern}"))
    }

    /// Says what to do about sources that cannot be read or that change; the default is to fail.
    #[must_use]
    pub fn source_problems(mut self, policy: SourceProblems) -> Self {
        self.problems = policy;
        self
    }

    /// zstd level, −7 to 19; the default is 3.
    #[must_use]
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// Most bytes of one stored segment, 4 to 64 MiB; the default is 16 MiB. Whoever opens a segment by hand needs
    /// about three times as much memory.
    #[must_use]
    pub fn segment_size(mut self, bytes: usize) -> Self {
        self.segment_size = bytes;
        self
    }

    /// Threads that read and compress; the default is one for each core.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// A folder of this host in which it remembers, from run to run, the key that names segments.
    #[must_use]
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Names the set, in place of the clock and the random suffix.
    #[must_use]
    pub fn set_name(mut self, name: SetName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the progress hook. It is called while sources are added and while the backup is committed, on the thread
    /// that does so.
    #[must_use]
    pub fn progress(mut self, hook: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        self.hook = Box::new(hook);
        self
    }

    /// Begins the backup: checks everything above and creates the set's folder.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a missing certificate or an option out of range; `CERTIFICATE_EXPIRED`; what the share
    /// says to a new folder.
    pub fn start(self) -> Result<Backup> {
        let invalid = |what: String| Err(Error::new(ErrorKind::InvalidArgument, what));
        if self.certificates.is_empty() {
            return invalid("a backup needs at least one encryption certificate (CER)".into());
        }
        if !(-7..=19).contains(&self.level) {
            return invalid(format!("zstd level {} is not between -7 and 19", self.level));
        }
        if !(4 << 20..=64 << 20).contains(&self.segment_size) {
            return invalid(format!(
                "a segment size of {} bytes is not between 4 and 64 MiB",
                self.segment_size
            ));
        }
        let created = Timestamp::now();
        if !self.allow_expired {
            for certificate in &self.certificates {
                certificate.check_validity(created)?;
            }
        }
        let mut patterns = GitignoreBuilder::new("");
        for pattern in &self.patterns {
            patterns.add_line(None, pattern).map_err(|e| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("pattern {pattern:?} is not in gitignore syntax: {e}"),
                )
            })?;
        }
        let patterns = patterns
            .build()
            .map_err(|e| Error::new(ErrorKind::InvalidArgument, format!("patterns: {e}")).with_source(e))?;
        let naming_key = state::naming_key(self.state.as_deref())?;

        let writer = Arc::new(self.create(created)?);
        let fail_on_problem = self.problems == SourceProblems::Fail;
        let settings = Settings {
            workers: self.workers,
            level: self.level,
            segment_size: self.segment_size,
            naming_key,
            fail_on_problem,
        };
        let shared = Arc::new(Shared::default());
        let pipeline = Pipeline::start(settings, writer.clone(), shared.clone());
        Ok(Backup {
            planner: Planner::new(pipeline, shared, self.hook, fail_on_problem),
            writer,
            patterns,
            links: tree::Links::default(),
            names: BTreeSet::new(),
            certificates: self.certificates,
            labels: self.labels,
            created,
            begun: Instant::now(),
            committed: false,
        })
    }

    fn create(&self, created: Timestamp) -> Result<SetWriter> {
        let sealer = || Sealer::new(&self.certificates);
        if let Some(name) = self.name {
            return SetWriter::create(self.share.clone(), self.place.clone(), name, sealer()?);
        }
        loop {
            let mut suffix = [0; 4];
            openssl::rand::rand_bytes(&mut suffix)
                .map_err(|e| Error::new(ErrorKind::Internal, "no random numbers").with_source(e))?;
            let name = SetName::new(created, u32::from_be_bytes(suffix))?;
            match SetWriter::create(self.share.clone(), self.place.clone(), name, sealer()?) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                done => return done,
            }
        }
    }
}

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
        tree::add(&mut self.planner, &mut self.links, &self.patterns, dir, path)
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
        let stat = stat::Stat::from(&dir.symlink_metadata(own).map_err(failed)?);
        if stat.kind != stat::Kind::File {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} is not a regular file", file.display()),
            ));
        }
        match tree::add_file(&mut self.planner, &dir, own.to_owned(), path, stat)? {
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
    /// As [`add_folder_as`](Self::add_folder_as); what the reader says is `SOURCE_UNREADABLE`, whatever the policy.
    pub fn add_reader(&mut self, name: &str, mut reader: impl Read) -> Result<()> {
        let path = self.claim(name)?;
        let unreadable = |e| unit::unreadable(&path, e);
        let mut start = Vec::new();
        (&mut reader).take(unit::SMALL + 1).read_to_end(&mut start).map_err(unreadable)?;
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
            if (&mut reader).take(unit::PIECE).read_to_end(&mut start).map_err(unreadable)? == 0 {
                break;
            }
            std::io::Write::write_all(&mut file, &start).map_err(spool)?;
            size += start.len() as u64;
        }
        self.planner.large(path, size, false, now(), LargeContent::Spooled(file))
    }

    fn add_memory(&mut self, path: EntryPath, bytes: Arc<[u8]>) -> Result<()> {
        let size = bytes.len() as u64;
        if size > unit::SMALL {
            return self.planner.large(path, size, false, now(), LargeContent::Memory(bytes));
        }
        let entry = Entry::new(path, Content::Folder, now());
        self.planner.small(Item { entry, source: Source::Memory(bytes) }, size)
    }

    /// Checks a name and takes it: no two sources may stand at, above or below one another.
    fn claim(&mut self, name: &str) -> Result<EntryPath> {
        let path: EntryPath = name.parse()?;
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
        let stored = self.planner.finish()?;
        let status = if stored.problems.is_empty() { Status::Succeeded } else { Status::PartialSucceeded };
        let cover = self.writer.commit(
            &stored.segments,
            &stored.pieces,
            Finished {
                created: self.created,
                finished: Timestamp::now(),
                status,
                certificates: self.certificates.iter().map(|c| c.facts().clone()).collect(),
                content: stored.counts,
                labels: std::mem::take(&mut self.labels),
            },
        )?;
        self.committed = true;
        Ok(BackupReport {
            folder: self.writer.folder().clone(),
            cover,
            problems: stored.problems,
            skipped: std::mem::take(&mut self.planner.skipped),
            seconds: self.begun.elapsed().as_secs_f64(),
        })
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
        }
    }
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("set", &self.writer.set()).finish_non_exhaustive()
    }
}

/// What a backup did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The set's folder on the share.
    pub folder: SharePath,
    /// Its cover sheet.
    #[serde(flatten)]
    pub cover: CoverSheet,
    /// Sources that the set does not hold as they were.
    pub problems: Vec<Problem>,
    /// Sockets, devices and pipes, which have no content.
    pub skipped: Vec<Problem>,
    /// Time from start to commit.
    pub seconds: f64,
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
