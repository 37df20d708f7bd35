//! Keeps what a host remembers for its owner alone.

use std::fs;
use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{create_folder, options, owned};
#[cfg(windows)]
pub(super) use windows::{create_folder, options, owned};

/// What says that a folder others can read is somebody else's: to shut them out could break a whole host (`/etc`).
const FOREIGN: &str = "holds something else, and others can read it; name an empty folder, or make it private if it is for this alone";

/// Whether a folder holds what no backup and no nightly run leaves there.
fn is_foreign(folder: &Path) -> io::Result<bool> {
    if folder.join("naming.key").exists() {
        return Ok(false);
    }
    for item in fs::read_dir(folder)? {
        let name = item?.file_name();
        // A run keeps its records there before its first backup, and a file system of its own has a folder.
        if !["jobs.jsonl", "metrics.json", "nightly.lock", "lost+found"].iter().any(|own| name == *own) {
            return Ok(true);
        }
    }
    Ok(false)
}
