//! The calls of Windows, which take paths.
//!
//! Each path is the folder's own, as Windows has it, and a name. It begins with `\\?\`, so Windows interprets nothing in
//! it: it may be long, and a name that ends in a dot or is `nul` is that name. `cap-std` drops those four characters
//! (cap-std issues 318 and 348), and what is left of `\\?\UNC\server\share` is not even an absolute path. Nobody can move
//! the folder meanwhile: `cap-std` opens folders without `FILE_SHARE_DELETE`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileTypeExt, OpenOptionsExt, symlink_dir, symlink_file};
use std::path::{Component, Path, PathBuf};

use azs_backup_windows::{facts, set_attributes};
use cap_std::fs::{Dir, Metadata};

/// Returns the path of a name in a folder, `\\?\C:\…`.
pub(crate) fn verbatim(dir: &Dir, name: &OsStr) -> io::Result<PathBuf> {
    join(azs_backup_windows::path(dir)?, name)
}

fn join(folder: PathBuf, name: &OsStr) -> io::Result<PathBuf> {
    let is_one = !name.is_empty()
        && !name.as_encoded_bytes().iter().any(|byte| matches!(byte, b'\\' | b'/' | b':' | 0))
        && name != "."
        && name != "..";
    if !is_one {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, "not the name of one thing in a folder"));
    }
    Ok(folder.join(name))
}

/// Returns a full path as people write it: `C:\…` and `\\server\share`, without the `\\?\` that says how to read it.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    match (text.strip_prefix(r"\\?\UNC\"), text.strip_prefix(r"\\?\")) {
        (Some(rest), _) => format!(r"\\{rest}"),
        (None, Some(rest)) if rest.get(1..).is_some_and(|rest| rest.starts_with(':')) => rest.to_owned(),
        _ => text,
    }
}

/// Returns the full path of what is there, with all links resolved. Rust's library finds none on a volume without a letter,
/// such as a shadow copy.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut options = File::options();
    options.access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    azs_backup_windows::path(options.open(path)?)
}

/// Returns the names in a folder.
pub(crate) fn list(dir: &Dir) -> io::Result<Vec<OsString>> {
    fs::read_dir(azs_backup_windows::path(dir)?)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Looks at whatever has this name, without following it. A name is taken if the calls below would find something under
/// it. `cap-std` asks whether exactly this name is, which can differ: it opens in a way that may heed letter case.
pub(crate) fn look(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<Metadata> {
    Metadata::from_file(&open_itself(dir, name.as_ref(), File::options().access_mode(0))?)
}

/// Opens whatever has this name, a folder or a link itself, too.
pub(crate) fn open_itself(dir: &Dir, name: &OsStr, options: &mut OpenOptions) -> io::Result<File> {
    // With the first, the privilege to back up opens what the access list does not, and folders are opened.
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    options.open(verbatim(dir, name)?)
}

/// Opens a folder in a folder, never through a link. Nobody can move or delete it meanwhile.
pub(crate) fn open_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<Dir> {
    let mut options = File::options();
    options.read(true).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    let folder = open_itself(dir, name.as_ref(), &mut options)?;
    // To Rust's library a link to a folder is none.
    match folder.metadata()?.is_dir() {
        true => Ok(Dir::from_std_file(folder)),
        false => Err(io::Error::from(io::ErrorKind::NotADirectory)),
    }
}

/// Creates a folder.
pub(crate) fn create_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    fs::create_dir(verbatim(dir, name.as_ref())?)
}

/// Gives something another name, perhaps in another folder. A file that has that name goes, read-only or not.
pub(crate) fn rename(from: &Dir, old: impl AsRef<OsStr>, to: &Dir, new: impl AsRef<OsStr>) -> io::Result<()> {
    let (old, new) = (verbatim(from, old.as_ref())?, verbatim(to, new.as_ref())?);
    even_if_read_only(&new, || fs::rename(&old, &new))
}

/// Gives something another name in its folder, if that is free.
pub(crate) fn rename_new(dir: &Dir, old: impl AsRef<OsStr>, new: impl AsRef<OsStr>) -> io::Result<()> {
    azs_backup_windows::rename_new(&verbatim(dir, old.as_ref())?, &verbatim(dir, new.as_ref())?)
}

/// Gives a file one more name.
pub(crate) fn hard_link(
    from: &Dir,
    old: impl AsRef<OsStr>,
    to: &Dir,
    new: impl AsRef<OsStr>,
) -> io::Result<()> {
    fs::hard_link(verbatim(from, old.as_ref())?, verbatim(to, new.as_ref())?)
}

/// Creates a symbolic link. Windows wants to know whether it leads to a folder, and `\` between names.
pub(crate) fn symlink(dir: &Dir, target: &OsStr, name: impl AsRef<OsStr>) -> io::Result<()> {
    let link = verbatim(dir, name.as_ref())?;
    let target: PathBuf = match target.to_str() {
        Some(text) => text.replace('/', "\\").into(),
        None => target.into(),
    };
    let is_folder = leads_to_folder(azs_backup_windows::path(dir)?, &target);
    if is_folder { symlink_dir(target, link) } else { symlink_file(target, link) }
}

/// Whether a link in this folder leads to a folder that is there. It follows no other link on the way, and does not go
/// where an absolute path leads: that may be somebody's server, which Windows would log on to.
fn leads_to_folder(mut at: PathBuf, target: &Path) -> bool {
    let mut is_folder = false;
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => is_folder = at.pop(),
            Component::Normal(name) => {
                at.push(name);
                is_folder = fs::symlink_metadata(&at).is_ok_and(|there| there.is_dir());
                if !is_folder {
                    return false;
                }
            }
            Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    is_folder
}

/// Returns where a symbolic link or a junction leads, as it says.
pub(crate) fn read_link(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<OsString> {
    Ok(fs::read_link(verbatim(dir, name.as_ref())?)?.into_os_string())
}

/// Removes a file, a symbolic link or a junction, read-only or not.
pub(crate) fn remove(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    let path = verbatim(dir, name.as_ref())?;
    let is_folder = fs::symlink_metadata(&path)?.file_type().is_symlink_dir();
    even_if_read_only(&path, || if is_folder { fs::remove_dir(&path) } else { fs::remove_file(&path) })
}

/// Removes an empty folder, read-only or not.
pub(crate) fn remove_folder(dir: &Dir, name: impl AsRef<OsStr>) -> io::Result<()> {
    let path = verbatim(dir, name.as_ref())?;
    even_if_read_only(&path, || fs::remove_dir(&path))
}

/// Does what Windows refuses if this is read-only: then once more without the attribute. Rust's library ignores it when it
/// removes a file on NTFS, but neither elsewhere nor when it replaces one.
fn even_if_read_only(path: &Path, act: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let refused = match act() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => error,
        done => return done,
    };
    let mut options = File::options();
    options.access_mode(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    let Ok(file) = options.open(path) else { return Err(refused) };
    let there = facts(&file)?;
    let attributes = there.attributes & CAN_BE_SET;
    if attributes & FILE_ATTRIBUTE_READONLY == 0 {
        return Err(refused);
    }
    set_attributes(&file, attributes & !FILE_ATTRIBUTE_READONLY)?;
    // A file with other names stays read-only under these. Without any, it must not be open: some servers replace no such
    // file.
    let held = (there.links > 1).then_some(file);
    let done = act();
    let file = if done.is_err() { held.or_else(|| options.open(path).ok()) } else { held };
    if let Some(file) = file {
        set_attributes(file, attributes)?;
    }
    done
}

// MS-FSCC 2.6: read-only, hidden, system, archive, temporary, offline, not indexed.
const FILE_ATTRIBUTE_READONLY: u32 = 0x1;
const CAN_BE_SET: u32 = 0x1 | 0x2 | 0x4 | 0x20 | 0x100 | 0x1000 | 0x2000;

// MS-SMB2 2.2.13.1; Win32, "CreateFileW".
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_the_form_in_which_nothing_is_interpreted() {
        for folder in [r"\\?\C:\target", r"\\?\UNC\server\share", r"\\?\UNC\server\share\contoso.com"] {
            for name in ["object", "nul", "dot.", "space ", "CON.txt", "~1"] {
                let path = join(folder.into(), OsStr::new(name)).unwrap();
                assert_eq!(path.as_os_str(), OsStr::new(&format!(r"{folder}\{name}")));
            }
        }
    }

    #[test]
    fn a_path_is_shown_as_people_write_it() {
        for (path, text) in [
            (r"\\?\C:\target", r"C:\target"),
            (r"\\?\UNC\server\share\a", r"\\server\share\a"),
            (r"\\?\Volume{1}\a", r"\\?\Volume{1}\a"),
            (r"\\?\é:", r"\\?\é:"),
            (r"\\?\", r"\\?\"),
            (r"C:\a", r"C:\a"),
        ] {
            assert_eq!(shown(Path::new(path)), text);
        }
    }

    #[test]
    fn what_is_not_one_name_leads_nowhere() {
        for name in ["", ".", "..", r"a\b", "a/b", "c:", "file:stream", r"\\?\C:\", "a\0"] {
            assert!(join(r"\\?\C:\target".into(), OsStr::new(name)).is_err(), "{name:?}");
        }
    }
}
