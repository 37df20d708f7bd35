//! What a folder share asks Windows.

use std::{fs, io};

use cap_std::fs::{Dir, Metadata};

use crate::share::{Item, ItemKind, Space};

/// Whether a file belongs to the account that this runs as: not asked here.
pub(super) fn is_own(_: &Metadata) -> bool {
    true
}

/// Whether a file system has no hard links: FAT refuses with `ERROR_INVALID_FUNCTION`, a server with
/// `ERROR_NOT_SUPPORTED`.
pub(super) fn has_no_hard_links(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(1 | 50))
}

pub(super) fn space(dir: &Dir) -> io::Result<Space> {
    azs_backup_windows::space(dir).map(|found| Space::new(found.total, found.available))
}

/// Lists a folder; what the listing says about each item saves a call for each.
pub(super) fn items(dir: &Dir) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    for entry in fs::read_dir(azs_backup_windows::path(dir)?)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let (kind, length) = if metadata.is_dir() {
            (ItemKind::Folder, 0)
        } else if metadata.is_file() {
            (ItemKind::File, metadata.len())
        } else {
            (ItemKind::Other, 0)
        };
        let modified = metadata.modified().ok().and_then(|time| time.try_into().ok());
        items.push(Item::new(entry.file_name().to_string_lossy(), kind, length).with_modified(modified));
    }
    Ok(items)
}
