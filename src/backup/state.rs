//! What a host remembers from run to run, in a folder of its own: for now, the key that names segments.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::set::digest::{hex, unhex};

const FILE_NAME: &str = "naming.key";

/// The key that makes segment names: from the state folder, or made and put there; without a folder, for one run.
///
/// # Errors
/// `MALFORMED` when the file holds something else; the file system's own errors.
pub(super) fn naming_key(folder: Option<&Path>) -> Result<Zeroizing<[u8; 32]>> {
    let Some(folder) = folder else { return new_key() };
    fs::create_dir_all(folder)
        .map_err(|e| Error::io(format_args!("create state folder {}", folder.display()), e))?;
    let path = folder.join(FILE_NAME);
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => unhex(text.trim_end()).map(Zeroizing::new).ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                format!("{} is damaged; delete it, and the next run makes a new one", path.display()),
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = new_key()?;
            write(folder, &path, &key).map_err(|e| Error::io(format_args!("write {}", path.display()), e))?;
            Ok(key)
        }
        Err(error) => Err(Error::io(format_args!("read {}", path.display()), error)),
    }
}

fn new_key() -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    openssl::rand::rand_bytes(&mut *key)
        .map_err(|e| Error::new(ErrorKind::Internal, "no random numbers").with_source(e))?;
    Ok(key)
}

/// Writes the key whole or not at all, readable by its owner only.
fn write(folder: &Path, path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(Zeroizing::new(hex(key)).as_bytes())?;
    file.as_file().sync_all()?;
    // Two first runs at once: the key of the one that came first would be replaced, which costs nothing but names.
    file.persist(path)?;
    Ok(())
}
