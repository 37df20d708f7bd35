//! Files and folders that the program reads and makes for itself.

use std::io::{Read, Write};
use std::path::Path;

use azs_backup::{Error, ErrorKind, Result, text};

use crate::output::invalid;

/// Refuses a file that Prometheus' text file collector would not read; `option` names it.
pub(crate) fn check_collected(option: &str, file: &Path) -> Result<()> {
    if file.extension().is_none_or(|end| end != "prom") {
        let file = file.display();
        return Err(invalid(format_args!(
            "{option} {file}: the collector reads only names that end with .prom"
        )));
    }
    Ok(())
}

/// Writes a file whole or not at all.
pub(crate) fn replace(file: &Path, text: &str) -> Result<()> {
    // What a link leads to is replaced, not the link. A device or a pipe never is: /dev/null belongs to everybody.
    let there = std::fs::canonicalize(file).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        let message = format!("write {}: it is there and is no file; name another", file.display());
        return Err(Error::new(ErrorKind::AlreadyExists, message));
    }
    let file = there.as_deref().unwrap_or(file);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        // Whoever collects it has another account.
        #[cfg(unix)]
        new.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        new.persist(file)?;
        Ok(())
    });
    written.map_err(|e| Error::io(format_args!("write {}", file.display()), e))
}

/// Creates a folder, and any parents that are missing, for its owner alone.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads a whole file of at most 4 MiB.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    const MOST: u64 = 4 << 20;
    let mut content = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(MOST + 1).read_to_end(&mut content));
    read.map_err(|e| Error::io(format_args!("read {}", file.display()), e))?;
    if content.len() as u64 > MOST {
        let message = format!("{} has more than {MOST} bytes, the most that is read here", file.display());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(content)
}

/// Reads a whole text file of at most 4 MiB.
pub(crate) fn text_of(file: &Path) -> Result<String> {
    text(&read(file)?).ok_or_else(|| not_text(file))
}

/// The error for a file that is none.
pub(crate) fn not_text(file: &Path) -> Error {
    Error::new(ErrorKind::Malformed, format!("{} is not UTF-8", file.display()))
}
