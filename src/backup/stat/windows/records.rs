//! Reads what only Windows knows about a file: what becomes its records in the set.

use std::fs::File;
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;

use azs_backup_windows::{audit, facts, path, privileges, security, streams};
use cap_std::fs::Dir;

use super::since_1970;
use crate::backup::stat::MAX_XATTRS;
use crate::set::windows::{RESTORED, WindowsRecord};
use crate::set::{Mtime, Text};

/// Returns the records of an open folder.
pub(in crate::backup) fn folder_xattrs(dir: &Dir) -> io::Result<Vec<(Text, Vec<u8>)>> {
    xattrs(dir)
}

/// Returns the records of a file or folder that is open for reading.
pub(in crate::backup) fn xattrs(file: impl AsHandle) -> io::Result<Vec<(Text, Vec<u8>)>> {
    let file = file.as_handle();
    let facts = facts(file)?;
    let mut records = Vec::new();
    let is_folder = facts.attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    let of_a_new_one = if is_folder { 0 } else { FILE_ATTRIBUTE_ARCHIVE };
    if facts.attributes & RESTORED != of_a_new_one {
        records.push(WindowsRecord::Attributes(facts.attributes & RESTORED));
    }
    if let Some((seconds, nanoseconds)) = since_1970(facts.created) {
        records.push(WindowsRecord::Created(Mtime::new(seconds, nanoseconds)));
    }
    match security(file) {
        Ok(mut sddl) => {
            if privileges().security {
                match audit(&path(file)?) {
                    Ok(rules) => sddl += &rules,
                    // The privilege is this machine's: a server may see it otherwise.
                    Err(error) if is_not_had(&error) || error.kind() == io::ErrorKind::PermissionDenied => {}
                    // It is open, so it is there: this call takes a path, and not each name as it is.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            records.push(WindowsRecord::Security(sddl));
        }
        // FAT and some servers have none.
        Err(error) if is_not_had(&error) => {}
        Err(error) => return Err(error),
    }
    let mut total = 0;
    for stream in streams(file)? {
        total += stream.size;
        if total > MAX_XATTRS as u64 {
            return Err(io::Error::other("its alternate data streams have more than 1 MiB"));
        }
        let mut name = path(file)?.into_os_string();
        name.push(":");
        name.push(&stream.name);
        let mut content = Vec::new();
        let options = File::options().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).to_owned();
        options.open(name)?.take(MAX_XATTRS as u64).read_to_end(&mut content)?;
        records.push(WindowsRecord::Stream(stream.name.into_encoded_bytes(), content));
    }
    let mut xattrs: Vec<_> = records.iter().map(WindowsRecord::to_xattr).collect();
    xattrs.sort_unstable();
    Ok(xattrs)
}

/// Whether a file system has no such thing: `ERROR_INVALID_FUNCTION`, `ERROR_NOT_SUPPORTED`, `ERROR_INVALID_PARAMETER`.
fn is_not_had(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(1 | 50 | 87))
}

// Win32, "CreateFileW": with it, `SeBackupPrivilege` opens what the access list does not.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

// MS-FSCC 2.6.
const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
const FILE_ATTRIBUTE_ARCHIVE: u32 = 0x20;
