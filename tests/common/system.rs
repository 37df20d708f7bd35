//! What tests need of the file system, as each system has it.
#![allow(dead_code)]

use std::fs;
use std::path::Path;

/// What a file system knows about a file.
pub struct Known {
    /// Volume and number: the same under all its names.
    pub id: (u64, u128),
    /// Number of its names.
    pub names: u64,
    /// Bytes that it takes on the disk.
    pub allocated: u64,
    /// The permission bits; 0 where there are none.
    pub mode: u32,
    /// Seconds and nanoseconds of its last change.
    pub modified: (i64, i64),
}

/// Looks at a file, without following it if it is a link.
#[cfg(unix)]
pub fn look(path: &Path) -> Known {
    use std::os::unix::fs::MetadataExt;
    let there = fs::symlink_metadata(path).unwrap();
    Known {
        id: (there.dev(), there.ino().into()),
        names: there.nlink(),
        allocated: there.blocks() * 512,
        mode: there.mode(),
        modified: (there.mtime(), there.mtime_nsec()),
    }
}

#[cfg(windows)]
pub fn look(path: &Path) -> Known {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_READ_ATTRIBUTES: u32 = 0x80;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    let file = fs::File::options().access_mode(FILE_READ_ATTRIBUTES).custom_flags(flags).open(path).unwrap();
    let facts = azs_backup_windows::facts(&file).unwrap();
    Known {
        id: (facts.volume, facts.id),
        names: facts.links.into(),
        allocated: facts.allocated,
        mode: 0,
        modified: (facts.written.div_euclid(10_000_000), facts.written.rem_euclid(10_000_000) * 100),
    }
}

/// Creates a symbolic link if this system can: on Windows it takes a right, and wine makes none.
#[cfg(unix)]
pub fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> bool {
    std::os::unix::fs::symlink(target, link).unwrap();
    true
}

#[cfg(windows)]
pub fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> bool {
    use std::os::windows::fs::{symlink_dir, symlink_file};
    let (target, link) = (target.as_ref(), link.as_ref());
    let leads_to_folder = link.parent().is_some_and(|folder| folder.join(target).is_dir());
    let make = if leads_to_folder { symlink_dir } else { symlink_file };
    make(target, link).is_ok() && link.is_symlink()
}

/// Whether a name can be had here: Windows refuses some characters.
pub fn can_have(name: &str) -> bool {
    !cfg!(windows) || !name.contains(|c| "<>:\"/\\|?*".contains(c))
}

/// Whether a dot or a space at the end of a name counts: Windows drops it.
pub const ENDS_COUNT: bool = cfg!(unix);

/// Whether the system itself opens `\\server\share`.
pub const SYSTEM_OPENS_UNC: bool = cfg!(windows);

/// Sets the permission bits, where there are any.
#[cfg(unix)]
pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(windows)]
pub fn set_mode(_: impl AsRef<Path>, _: u32) {}

/// Copies the files of a folder into a new one; `linked`: as further names of the same files.
pub fn copy_folder(from: &Path, to: &Path, linked: bool) {
    try_to_copy_folder(from, to, linked).unwrap();
}

/// Copies the folder of a set that a backup is writing, as a kill would leave it. The files stay the same ones, so that
/// their times stay, too.
pub fn copy_unfinished(folder: &Path, copy: &Path) {
    // A file that gets its name meanwhile is not there under the old one: begin anew.
    for _ in 0..1000 {
        let _ = fs::remove_dir_all(copy);
        if try_to_copy_folder(folder, copy, true).is_ok() {
            return;
        }
    }
    panic!("{} changes all the time", folder.display());
}

fn try_to_copy_folder(from: &Path, to: &Path, linked: bool) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let (from, to) = (item.path(), to.join(item.file_name()));
        if linked {
            fs::hard_link(from, to)?;
        } else {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
