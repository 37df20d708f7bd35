//! The alternate data streams of a file.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsHandle, AsRawHandle};

use windows_sys::Win32::Storage::FileSystem::{FileStreamInfo, GetFileInformationByHandleEx};

/// A named stream of a file or folder.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stream {
    /// Its name, without the colon before it and the type behind it.
    pub name: OsString,
    /// Length of its content in bytes.
    pub size: u64,
}

/// Lists the named streams of an open file or folder. A file system that has none lists none.
///
/// # Errors
/// Whatever the file system answers.
pub fn streams(file: impl AsHandle) -> io::Result<Vec<Stream>> {
    let file = file.as_handle();
    // Whole 64-bit words: the entries are aligned to them.
    let mut answer = vec![0_u64; 512];
    loop {
        // SAFETY: the handle is open as long as it is borrowed, and the buffer is as long as we say.
        let done = unsafe {
            GetFileInformationByHandleEx(
                file.as_raw_handle(),
                FileStreamInfo,
                answer.as_mut_ptr().cast(),
                (answer.len() * 8) as u32,
            )
        };
        if done != 0 {
            break;
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            // ERROR_MORE_DATA.
            Some(234) if answer.len() < 1 << 20 => answer.resize(answer.len() * 2, 0),
            // ERROR_HANDLE_EOF: there are none at all. ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED,
            // ERROR_INVALID_PARAMETER, ERROR_CALL_NOT_IMPLEMENTED: nobody here knows of streams.
            Some(38 | 1 | 50 | 87 | 120) => return Ok(Vec::new()),
            _ => return Err(error),
        }
    }
    let bytes: Vec<u8> = answer.iter().flat_map(|word| word.to_ne_bytes()).collect();
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the list of streams is damaged"))
}

/// Reads the list (MS-FSCC 2.4.49): where the next entry begins, the length of the name in bytes, two sizes, the name.
fn parse(mut list: &[u8]) -> Option<Vec<Stream>> {
    let mut streams = Vec::new();
    loop {
        let next = u32::from_le_bytes(*list.first_chunk()?) as usize;
        let length = u32::from_le_bytes(*list.get(4..)?.first_chunk()?) as usize;
        let size = u64::from_le_bytes(*list.get(8..)?.first_chunk()?);
        let (units, _) = list.get(24..24 + length)?.as_chunks::<2>();
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        // `:name:$DATA`; the content itself has no name.
        let end = units.iter().rposition(|unit| *unit == u16::from(b':')).unwrap_or(0);
        if end > 1 && units[end..] == ":$DATA".encode_utf16().collect::<Vec<_>>()[..] {
            streams.push(Stream { name: OsString::from_wide(&units[1..end]), size });
        }
        if next == 0 {
            return Some(streams);
        }
        list = list.get(next..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u64, is_last: bool) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let padded = (24 + name.len()).next_multiple_of(8);
        let next = if is_last { 0 } else { padded as u32 };
        let mut entry = [next.to_le_bytes(), (name.len() as u32).to_le_bytes()].concat();
        entry.extend(size.to_le_bytes());
        entry.extend([0; 8]);
        entry.extend(name);
        entry.resize(padded, 0);
        entry
    }

    #[test]
    fn named_streams_are_listed_and_the_content_is_not() {
        let list = [
            entry("::$DATA", 5, false),
            entry(":Zone.Identifier:$DATA", 26, false),
            entry(":a:$DATA", 1, true),
        ];
        let found = parse(&list.concat()).unwrap();
        let found: Vec<_> = found.iter().map(|stream| (stream.name.to_str().unwrap(), stream.size)).collect();
        assert_eq!(found, [("Zone.Identifier", 26), ("a", 1)]);
        assert_eq!(parse(&entry("::$DATA", 5, true)), Some(Vec::new()));
    }

    #[test]
    fn a_list_that_is_cut_off_is_an_error() {
        let list = entry(":a:$DATA", 1, true);
        for length in 0..24 + 2 * 8 {
            assert_eq!(parse(&list[..length]), None, "{length}");
        }
    }
}
