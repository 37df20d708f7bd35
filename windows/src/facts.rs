//! The facts about an open file or folder.

use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO,
    FILE_BASIC_INFO, FILE_ID_INFO, FILE_STANDARD_INFO, FileAttributeTagInfo, FileBasicInfo, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandle, SetFileInformationByHandle,
};

use crate::query::{Plain, query};

/// What the file system says about a file, a folder or a reparse point. Times are in steps of 100 ns since 1601 (MS-DTYP
/// 2.3.3, FILETIME); 0 is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// `FILE_ATTRIBUTE_…` (MS-FSCC 2.6).
    pub attributes: u32,
    /// `IO_REPARSE_TAG_…` of a reparse point (MS-FSCC 2.1.2.1).
    pub reparse_tag: Option<u32>,
    /// When it was created.
    pub created: i64,
    /// When its content was last written.
    pub written: i64,
    /// When anything about it last changed: content, attributes, names, permissions. FAT has none.
    pub changed: i64,
    /// Length of the content in bytes.
    pub size: u64,
    /// Bytes that it takes on the disk.
    pub allocated: u64,
    /// Number of names that lead to it.
    pub links: u32,
    /// Serial number of the volume.
    pub volume: u64,
    /// Number on that volume: 64 bits on NTFS, 128 on ReFS.
    pub id: u128,
}

// SAFETY: structures of integers only.
unsafe impl Plain for FILE_ATTRIBUTE_TAG_INFO {}
// SAFETY: as above.
unsafe impl Plain for FILE_BASIC_INFO {}
// SAFETY: as above.
unsafe impl Plain for FILE_ID_INFO {}

/// The integers of [`FILE_STANDARD_INFO`], whose last two members are `bool`, which not any bits are.
#[repr(C)]
struct Standard {
    allocated: i64,
    size: i64,
    links: u32,
    delete_pending: u8,
    directory: u8,
}

const _: () = assert!(size_of::<Standard>() == size_of::<FILE_STANDARD_INFO>());

// SAFETY: integers only.
unsafe impl Plain for Standard {}

/// Asks for them; the file must be open for reading its attributes at least.
///
/// # Errors
/// Whatever the file system answers.
pub fn facts(file: impl AsHandle) -> io::Result<Facts> {
    let file = file.as_handle();
    let basic: FILE_BASIC_INFO = query(file, FileBasicInfo)?;
    let standard: Standard = query(file, FileStandardInfo)?;
    let reparse_tag = match basic.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT {
        0 => None,
        _ => Some(query::<FILE_ATTRIBUTE_TAG_INFO>(file, FileAttributeTagInfo)?.ReparseTag),
    };
    let (volume, id) = match query::<FILE_ID_INFO>(file, FileIdInfo) {
        Ok(info) => (info.VolumeSerialNumber, u128::from_le_bytes(info.FileId.Identifier)),
        // FAT and many servers know only the older form.
        Err(_) => short_id(file)?,
    };
    Ok(Facts {
        attributes: basic.FileAttributes,
        reparse_tag,
        created: basic.CreationTime,
        written: basic.LastWriteTime,
        changed: basic.ChangeTime,
        size: standard.size.cast_unsigned(),
        allocated: standard.allocated.cast_unsigned(),
        links: standard.links,
        volume,
        id,
    })
}

/// Gives an open file or folder these attributes, of those that can be set (MS-FSCC 2.6); all times stay. It must be open
/// for writing its attributes.
///
/// # Errors
/// Whatever the file system answers.
pub fn set_attributes(file: impl AsHandle, attributes: u32) -> io::Result<()> {
    let info = FILE_BASIC_INFO {
        // A time of 0 means: as it is, and so would attributes of 0.
        CreationTime: 0,
        LastAccessTime: 0,
        LastWriteTime: 0,
        ChangeTime: 0,
        FileAttributes: if attributes == 0 { FILE_ATTRIBUTE_NORMAL } else { attributes },
    };
    // SAFETY: the handle is open as long as it is borrowed, and the structure is the one that this class takes.
    let done = unsafe {
        SetFileInformationByHandle(
            file.as_handle().as_raw_handle(),
            FileBasicInfo,
            (&raw const info).cast(),
            size_of_val(&info) as u32,
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns the serial number of the volume in 32 bits, and the number of the file in 64.
fn short_id(file: BorrowedHandle<'_>) -> io::Result<(u64, u128)> {
    let mut answer = MaybeUninit::<BY_HANDLE_FILE_INFORMATION>::zeroed();
    // SAFETY: the handle is open as long as it is borrowed, and the structure is the one that the call fills.
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), answer.as_mut_ptr()) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has integers only, and was all zeros before Windows filled it.
    let info = unsafe { answer.assume_init() };
    let id = u128::from(info.nFileIndexHigh) << 32 | u128::from(info.nFileIndexLow);
    Ok((info.dwVolumeSerialNumber.into(), id))
}
