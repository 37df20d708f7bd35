//! What a run has stored so far. The next run reads it if this one does not finish.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::layout::SetName;
use crate::set::record::StoredFile;
use crate::set::segment;

/// What an interrupted run stored.
pub(in crate::backup) struct Journal {
    /// Sets that were begun but never finished.
    pub(in crate::backup) sets: BTreeSet<SetName>,
    pub(in crate::backup) recipients: BTreeSet<String>,
    /// Segments by the keyed digest in their names, with the sets that have each.
    pub(in crate::backup) segments: HashMap<String, Vec<(SetName, StoredFile)>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A run begins, and seals to these certificates.
    Begin(SetName, BTreeSet<String>),
    /// It stored a segment.
    Stored(StoredFile),
}

/// Begins to record what a run stores, after what interrupted ones have stored for the same recipients.
pub(super) fn begin(
    folder: &Path,
    set: SetName,
    recipients: &BTreeSet<String>,
    keep: bool,
) -> io::Result<File> {
    let path = folder.join(NAME);
    let mut file = super::options().create(true).append(true).open(&path)?;
    if !keep {
        file.set_len(0)?;
    } else if fs::read(&path)?.last().is_some_and(|byte| *byte != b'\n') {
        file.write_all(b"\n")?;
    }
    write(&mut file, &Line::Begin(set, recipients.clone()))?;
    Ok(file)
}

pub(super) fn note(file: &mut File, segment: &StoredFile) -> io::Result<()> {
    write(file, &Line::Stored(segment.clone()))
}

fn write(file: &mut File, line: &Line) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Returns when the last line was written.
pub(super) fn last_note(folder: &Path) -> Option<jiff::Timestamp> {
    fs::metadata(folder.join(NAME)).ok()?.modified().ok()?.try_into().ok()
}

pub(super) fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(NAME));
}

impl Journal {
    /// Reads up to the last whole line.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(NAME)).ok()?;
        Self::parse(&bytes)
    }

    /// Forgets sets that the share does not have: a run that was stopped has removed its own. Returns what is left.
    pub(in crate::backup) fn retain(mut self, is_there: impl Fn(&SetName) -> bool) -> Option<Self> {
        self.sets.retain(&is_there);
        self.segments.values_mut().for_each(|segments| segments.retain(|(set, _)| is_there(set)));
        (!self.sets.is_empty()).then_some(self)
    }

    /// Skips lines that were not written in full, and what was sealed to other recipients than the last run's.
    pub(in crate::backup) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut journal: Option<Self> = None;
        let mut current = None;
        for line in bytes.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::Begin(set, recipients)) => {
                    match &mut journal {
                        Some(journal) if journal.recipients == recipients => {}
                        Some(journal) => {
                            journal.recipients = recipients;
                            journal.segments.clear();
                        }
                        None => {
                            let (sets, segments) = (BTreeSet::new(), HashMap::new());
                            journal = Some(Self { sets, recipients, segments });
                        }
                    }
                    journal.as_mut()?.sets.insert(set);
                    current = Some(set);
                }
                Ok(Line::Stored(file)) => {
                    let digest = segment::keyed_digest(&file.name).map(str::to_owned);
                    if let (Some(journal), Some(set), Some(digest)) = (&mut journal, current, digest) {
                        journal.segments.entry(digest).or_default().push((set, file));
                    }
                }
                Err(_) => {}
            }
        }
        journal
    }
}

const NAME: &str = "journal";
