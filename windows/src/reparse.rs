//! Where a symbolic link or a junction leads.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::AsHandle;

use windows_sys::Win32::Storage::FileSystem::MAXIMUM_REPARSE_DATA_BUFFER_SIZE;
use windows_sys::Win32::System::Ioctl::FSCTL_GET_REPARSE_POINT;
use windows_sys::Win32::System::SystemServices::{IO_REPARSE_TAG_MOUNT_POINT, IO_REPARSE_TAG_SYMLINK};

use crate::query::control;

/// A link, as its reparse point has it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// Where it leads, as a person would write it: without the `\??\` of the object manager.
    pub target: OsString,
    /// Whether it is a junction or the place where a volume is mounted, which always lead to a folder.
    pub is_junction: bool,
}

/// Reads a link that is open itself (`FILE_FLAG_OPEN_REPARSE_POINT`).
///
/// # Errors
/// `Unsupported` for a reparse point of another kind; `InvalidData`; whatever the file system answers.
pub fn link(file: impl AsHandle) -> io::Result<Link> {
    let mut answer = vec![0; MAXIMUM_REPARSE_DATA_BUFFER_SIZE as usize];
    let filled = control(file.as_handle(), FSCTL_GET_REPARSE_POINT, &[], &mut answer)?;
    parse(&answer[..filled])
}

/// Reads the structure (MS-FSCC 2.1.2.4 and 2.1.2.5): a header of 8 bytes, four numbers, flags if it is a symbolic link,
/// then both names.
fn parse(data: &[u8]) -> io::Result<Link> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the reparse point is damaged");
    let number = |at: usize| {
        let bytes = data.get(at..at + 2).ok_or_else(damaged)?;
        Ok::<_, io::Error>(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    let tag = data.first_chunk().map_or(0, |tag| u32::from_le_bytes(*tag));
    let names = match tag {
        IO_REPARSE_TAG_MOUNT_POINT => 16,
        IO_REPARSE_TAG_SYMLINK => 20,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let text = |offset: usize, length: usize| {
        let start = names + offset;
        let bytes = data.get(start..start + length).ok_or_else(damaged)?;
        let (units, _) = bytes.as_chunks::<2>();
        Ok::<_, io::Error>(units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<u16>>())
    };
    let (substitute, printed) = (text(number(8)?, number(10)?)?, text(number(12)?, number(14)?)?);
    // The name to print may be missing: then the other one has to do.
    let target = if printed.is_empty() { without_prefix(&substitute) } else { printed };
    Ok(Link { target: OsString::from_wide(&target), is_junction: tag == IO_REPARSE_TAG_MOUNT_POINT })
}

/// Removes `\??\` from the front of a name; `\??\UNC\` becomes `\\`.
fn without_prefix(name: &[u16]) -> Vec<u16> {
    let wide = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    if let Some(rest) = name.strip_prefix(&wide(r"\??\UNC\")[..]) {
        return [&wide(r"\\")[..], rest].concat();
    }
    name.strip_prefix(&wide(r"\??\")[..]).unwrap_or(name).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(tag: u32, substitute: &str, printed: &str) -> Vec<u8> {
        let bytes = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let (substitute, printed) = (bytes(substitute), bytes(printed));
        let mut data = tag.to_le_bytes().to_vec();
        data.extend([0; 4]);
        for number in [0, substitute.len(), substitute.len(), printed.len()] {
            data.extend((number as u16).to_le_bytes());
        }
        data.extend(if tag == IO_REPARSE_TAG_SYMLINK { vec![1, 0, 0, 0] } else { vec![] });
        [data, substitute, printed].concat()
    }

    #[test]
    fn a_link_leads_where_it_says() {
        for (tag, substitute, printed, target) in [
            (IO_REPARSE_TAG_SYMLINK, r"..\a", r"..\a", r"..\a"),
            (IO_REPARSE_TAG_SYMLINK, r"\??\C:\a b", "", r"C:\a b"),
            (IO_REPARSE_TAG_SYMLINK, r"\??\UNC\server\share", "", r"\\server\share"),
            (IO_REPARSE_TAG_MOUNT_POINT, r"\??\C:\a", r"C:\a", r"C:\a"),
            (IO_REPARSE_TAG_MOUNT_POINT, r"\??\Volume{1}\", "", r"Volume{1}\"),
        ] {
            let link = parse(&data(tag, substitute, printed)).unwrap();
            assert_eq!(link.target, target);
            assert_eq!(link.is_junction, tag == IO_REPARSE_TAG_MOUNT_POINT);
        }
    }

    #[test]
    fn a_damaged_or_unknown_reparse_point_is_an_error() {
        let whole = data(IO_REPARSE_TAG_SYMLINK, r"\??\C:\a", r"C:\a");
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(parse(&data(0x8000_0013, "", "")).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}
