//! What a run has stored so far: read by the next one, if this one does not come to its end.

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
    pub(in crate::backup) set: SetName,
    pub(in crate::backup) recipients: BTreeSet<String>,
    /// Segments, by the keyed digest in their names.
    pub(in crate::backup) segments: HashMap<String, StoredFile>,
}

#[derive(Deserialize, Serialize)]
struct Head {
    set: SetName,
    recipients: BTreeSet<String>,
}

pub(super) fn begin(folder: &Path, set: SetName, recipients: &BTreeSet<String>) -> io::Result<File> {
    let mut file = super::options().create(true).truncate(true).write(true).open(folder.join(NAME))?;
    let mut line = serde_json::to_vec(&Head { set, recipients: recipients.clone() })?;
    line.push(b'\n');
    file.write_all(&line)?;
    Ok(file)
}

pub(super) fn note(file: &mut File, segment: &StoredFile) -> io::Result<()> {
    let mut line = serde_json::to_vec(segment)?;
    line.push(b'\n');
    file.write_all(&line)
}

pub(super) fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(NAME));
}

impl Journal {
    /// Reads as far as the lines are whole.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(NAME)).ok()?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let head: Head = serde_json::from_slice(lines.next()?).ok()?;
        let mut segments = HashMap::new();
        for line in lines {
            let Ok(file) = serde_json::from_slice::<StoredFile>(line) else { break };
            let Some(digest) = segment::keyed_digest(&file.name) else { break };
            segments.insert(digest.to_owned(), file);
        }
        Some(Self { set: head.set, recipients: head.recipients, segments })
    }
}

const NAME: &str = "journal";
