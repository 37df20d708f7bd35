//! What a folder share asks Unix.

use std::io;

use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::io::Errno;

use crate::share::{Item, ItemKind, Space};

/// Whether a file belongs to the account that this runs as.
pub(super) fn is_own(file: &Metadata) -> bool {
    file.uid() == rustix::process::geteuid().as_raw()
}

/// Whether a file system has no hard links: it refuses with one of these (link(2)).
pub(super) fn has_no_hard_links(error: &io::Error) -> bool {
    let refusals = [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS];
    error.raw_os_error().is_some_and(|code| refusals.iter().any(|no| no.raw_os_error() == code))
}

pub(super) fn space(dir: &Dir) -> io::Result<Space> {
    let found = rustix::fs::fstatvfs(dir)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space::new(bytes(found.f_blocks), bytes(found.f_bavail)))
}

pub(super) fn items(dir: &Dir) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        // Deleted by hand between the listing and this look.
        let metadata = match entry.metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        let (kind, length) = if metadata.is_dir() {
            (ItemKind::Folder, 0)
        } else if metadata.is_file() {
            (ItemKind::File, metadata.len())
        } else {
            (ItemKind::Other, 0)
        };
        let modified = metadata.modified().ok().and_then(|time| time.into_std().try_into().ok());
        let name = entry.file_name();
        items.push(Item::new(name.to_string_lossy(), kind, length).with_modified(modified));
    }
    Ok(items)
}
