//! Files and folders that the program makes for itself.

use std::io::Write;
use std::path::Path;

use azs_backup::{Error, ErrorKind, Result};

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
