//! What a host remembers from run to run, in its own folder: the key that names segments, and for each place the last
//! set's index, the tree that it was made from, and what an interrupted run has stored.
//!
//! Nothing here is needed for correctness: if anything is missing, damaged or another host's, the next set is a full
//! one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::history::History;
use crate::error::{Error, ErrorKind, Result};
use crate::file_lock::FileLock;
use crate::layout::{Place, SetName};
use crate::set::digest::{hex, unhex};
use crate::set::record::StoredFile;
use crate::set::{Digest, EntryPath, index};

pub(super) mod journal;
mod manifest;
pub(super) mod node;
mod private;
pub(super) mod table;
pub(super) mod tree;

pub(super) use manifest::{IndexPiece, Manifest, SourceSize};

use journal::Journal;
use manifest::MANIFEST;
use private::{create_folder, options, owned};
use tree::{TreeFile, TreeReader, TreeWriter};

/// The state of one place, locked for this run.
pub(super) struct State {
    folder: PathBuf,
    _lock: FileLock,
    /// The first failed write: after it nothing more is written.
    failed: Mutex<Option<io::Error>>,
    journal: Mutex<Option<File>>,
}

/// What a run begins with.
pub(super) struct Opened {
    pub(super) naming_key: Zeroizing<[u8; 32]>,
    /// `None` if this run has to do without.
    pub(super) state: Option<State>,
    /// The last set, if it is known, and the tree that it was made from.
    pub(super) last: Option<(Manifest, TreeReader)>,
    /// What an interrupted run stored.
    pub(super) interrupted: Option<Journal>,
    pub(super) warnings: Vec<String>,
}

/// What a run ends with.
pub(super) struct NewState {
    pub(super) recipients: BTreeSet<String>,
    pub(super) sets: Vec<SetName>,
    pub(super) segments: Vec<StoredFile>,
    /// Segments that belong to one large file alone.
    pub(super) whole: BTreeSet<u32>,
    pub(super) pieces: Vec<IndexPiece>,
    pub(super) next_segment: u32,
    pub(super) next_piece: u32,
    pub(super) next_table: u32,
    pub(super) tree: TreeFile,
    /// Tables of blocks that are still needed.
    pub(super) tables: BTreeSet<u32>,
    pub(super) sources: Vec<(EntryPath, SourceSize)>,
    pub(super) history: History,
}

/// Opens the state of a place in this folder, or does without and returns why.
pub(super) fn open(folder: Option<&Path>, place: &Place) -> Result<Opened> {
    let mut warnings = Vec::new();
    let Some(folder) = folder else {
        return Ok(Opened { naming_key: new_key()?, state: None, last: None, interrupted: None, warnings });
    };
    let mut warn = |what: &str, why: &dyn std::fmt::Display| {
        warnings.push(format!("state folder {}: {what}: {why}; this set is a full one", folder.display()));
    };
    let naming_key = match owned(folder).and_then(|()| naming_key(folder)) {
        Ok((key, true)) => key,
        Ok((key, false)) => {
            warn(
                "the key that names segments is damaged and was regenerated",
                &"the names of earlier segments can no longer be matched",
            );
            key
        }
        Err(error) => {
            warn("cannot be used", &error);
            return Ok(Opened {
                naming_key: new_key()?,
                state: None,
                last: None,
                interrupted: None,
                warnings,
            });
        }
    };
    let state = match State::lock(folder.join(place.folder().to_relative())) {
        Ok(Some(state)) => state,
        Ok(None) => {
            warn("cannot be used", &"another run of this place is using it");
            return Ok(Opened { naming_key, state: None, last: None, interrupted: None, warnings });
        }
        Err(error) => {
            warn("cannot be used", &error);
            return Ok(Opened { naming_key, state: None, last: None, interrupted: None, warnings });
        }
    };
    let last = state.last(place).unwrap_or_else(|why| {
        warn("the last set is not known", &why);
        None
    });
    let interrupted = Journal::read(&state.folder);
    Ok(Opened { naming_key, state: Some(state), last, interrupted, warnings })
}

impl State {
    fn lock(folder: PathBuf) -> io::Result<Option<Self>> {
        create_folder(&folder)?;
        let lock = options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        let lock = match FileLock::take(lock) {
            Ok(lock) => lock,
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        };
        // If nothing can be written, the set after this one could not build on it.
        tempfile::NamedTempFile::new_in(&folder)?;
        Ok(Some(Self { folder, _lock: lock, failed: Mutex::default(), journal: Mutex::default() }))
    }

    /// Reads what is known about the last set: `None` in a new folder; an error says why it is unusable.
    fn last(&self, place: &Place) -> std::result::Result<Option<(Manifest, TreeReader)>, String> {
        let text = match fs::read(self.folder.join(MANIFEST)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| e.to_string())?,
        };
        let manifest = Manifest::parse(&text).ok_or("it is damaged")?;
        if manifest.version != VERSION {
            return Err(format!("it was written by another version ({})", manifest.version));
        }
        if manifest.host != host() {
            return Err(format!("it is of another host ({})", manifest.host));
        }
        if manifest.place != *place {
            return Err(format!("it is of another place ({})", manifest.place));
        }
        if manifest.saved > Timestamp::now() + CLOCK_DRIFT {
            return Err(format!("it is from the future ({}): was the clock set back?", manifest.saved));
        }
        for piece in &manifest.pieces {
            let length = fs::metadata(self.piece_path(piece.file.number)).map(|text| text.len());
            length.map_err(|e| format!("the text of {}: {e}", piece.file.name))?;
        }
        let tree = TreeReader::open(&self.folder, &manifest.tree).map_err(|e| format!("its tree: {e}"))?;
        Ok(Some((manifest, tree)))
    }

    /// Forgets the last set, because what is known about it is damaged: the next run stores everything.
    pub(super) fn forget(&self) {
        self.keep(fs::remove_file(self.folder.join(MANIFEST)));
    }

    /// Begins to record what this run stores, so that the next one can take it over.
    pub(super) fn begin(&self, set: SetName, recipients: &BTreeSet<String>, keep: bool) {
        *self.journal() = self.keep(journal::begin(&self.folder, set, recipients, keep));
    }

    /// Records a segment that the share has.
    pub(super) fn note(&self, segment: &StoredFile) {
        if let Some(file) = &mut *self.journal() {
            self.keep(journal::note(file, segment));
        }
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Option<File>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the text of an index piece; returns its digest.
    pub(super) fn keep_piece(&self, number: u32, text: &[u8]) -> Digest {
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(text)?;
            file.persist(self.piece_path(number))?;
            Ok(())
        };
        self.keep(write());
        Digest::of(text)
    }

    /// Reads the text of an index piece back.
    pub(super) fn piece(&self, piece: &IndexPiece) -> Result<Vec<u8>> {
        let path = self.piece_path(piece.file.number);
        let text = fs::read(&path).map_err(|e| Error::at("read", path.display(), e))?;
        if Digest::of(&text) != piece.text {
            return Err(Error::new(ErrorKind::Damaged, format!("{} is damaged", path.display()))
                .doing("read", path.display()));
        }
        Ok(text)
    }

    fn piece_path(&self, number: u32) -> PathBuf {
        self.folder.join(index::piece_name(number).replace(".p7m", ""))
    }

    /// Begins the tree of this run's set.
    pub(super) fn new_tree(&self, set: SetName) -> Option<TreeWriter> {
        self.keep(TreeWriter::create(&self.folder, format!("tree-{set}")))
    }

    pub(super) fn finish_tree(&self, tree: TreeWriter) -> Option<TreeFile> {
        self.keep(tree.finish(&self.folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the result, or remembers the failure.
    pub(super) fn keep<T>(&self, done: io::Result<T>) -> Option<T> {
        done.map_err(|error| {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        })
        .ok()
    }

    /// Saves a finished run. If something could not be written, the one before stays, which serves the next run as
    /// well; then this returns why.
    pub(super) fn save(&self, place: &Place, outcome: Option<NewState>) -> Option<String> {
        *self.journal() = None;
        let outcome = outcome.filter(|_| self.failed().is_none());
        if let Some(outcome) = outcome {
            let tables = outcome.tables.clone();
            let manifest = Manifest {
                version: VERSION,
                host: host(),
                saved: Timestamp::now(),
                place: place.clone(),
                recipients: outcome.recipients,
                sets: outcome.sets,
                segments: outcome.segments,
                whole: outcome.whole,
                pieces: outcome.pieces,
                next_segment: outcome.next_segment,
                next_piece: outcome.next_piece,
                next_table: outcome.next_table,
                tree: outcome.tree,
                sources: outcome.sources,
                history: outcome.history,
            };
            if self.keep(manifest.write(&self.folder)).is_some() {
                self.keep(self.tidy(&manifest, &tables));
            }
        }
        let failed = self.failed();
        failed.as_ref().map(|error| {
            format!(
                "state folder {}: this set could not be remembered: {error}; the next one stores more than it \
                 had to",
                self.folder.display()
            )
        })
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<io::Error>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what earlier runs left and the manifest does not name. What somebody else put there stays.
    fn tidy(&self, manifest: &Manifest, tables: &BTreeSet<u32>) -> io::Result<()> {
        let mut names: BTreeSet<std::ffi::OsString> = [MANIFEST, "lock"].iter().map(Into::into).collect();
        names.insert((&manifest.tree.name).into());
        names.extend(tables.iter().map(|number| table::name(*number).into()));
        let texts = manifest.pieces.iter().map(|piece| self.piece_path(piece.file.number));
        names.extend(texts.filter_map(|path| path.file_name().map(Into::into)));
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_own(&name.to_string_lossy()) && !names.contains(&name) && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Returns when this host last recorded that it stored something.
    pub(super) fn last_note(&self) -> Option<Timestamp> {
        journal::last_note(&self.folder)
    }

    /// Forgets that a run was in progress.
    pub(super) fn end(&self) {
        *self.journal() = None;
        journal::remove(&self.folder);
    }
}

/// Whether a run gives such a name to a file in its state folder: a tree, a table, the text of a piece, or one that it is
/// still writing.
fn is_own(name: &str) -> bool {
    let is_text = || index::piece_number(&format!("{name}.p7m")).is_some();
    ["tree-", "blocks-", ".tmp"].iter().any(|start| name.starts_with(start)) || is_text()
}

/// Returns the name of this machine.
fn host() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Returns the key that makes segment names, read from the folder or created there; and `false` if it replaced a
/// damaged one.
fn naming_key(folder: &Path) -> Result<(Zeroizing<[u8; 32]>, bool)> {
    create_folder(folder).map_err(|e| Error::at("create state folder", folder.display(), e))?;
    let path = folder.join("naming.key");
    let previous = match fs::read(&path).map(Zeroizing::new) {
        Ok(text) => str::from_utf8(&text).ok().and_then(|text| unhex(text.trim_end())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::at("read", path.display(), error)),
    };
    if let Some(key) = previous {
        return Ok((Zeroizing::new(key), true));
    }
    let is_new = !path.exists();
    let key = new_key()?;
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(Zeroizing::new(hex(&*key)).as_bytes())?;
        file.as_file().sync_all()?;
        // If two first runs happen at once, this replaces the first one's key, which only costs names.
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|e| Error::at("write", path.display(), e))?;
    Ok((key, is_new))
}

fn new_key() -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    openssl::rand::rand_bytes(&mut *key)
        .map_err(|e| Error::new(ErrorKind::Internal, "no random numbers").with_source(e))?;
    Ok(key)
}

/// Version of what is written here; no other version is read.
const VERSION: u32 = 1;
/// How far the clock may be set back between runs when it is corrected.
const CLOCK_DRIFT: SignedDuration = SignedDuration::from_mins(5);
