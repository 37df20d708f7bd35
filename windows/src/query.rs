//! The two calls that fill a buffer with facts about an open file.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::windows::io::{AsRawHandle, BorrowedHandle};

use windows_sys::Win32::Storage::FileSystem::{FILE_INFO_BY_HANDLE_CLASS, GetFileInformationByHandleEx};
use windows_sys::Win32::System::IO::DeviceIoControl;

/// A structure of integers that Windows fills.
///
/// # Safety
/// Any bits must be a valid value of it.
pub(crate) unsafe trait Plain: Sized {}

/// Asks for one structure by `GetFileInformationByHandleEx`.
pub(crate) fn query<T: Plain>(file: BorrowedHandle<'_>, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let mut answer = MaybeUninit::<T>::zeroed();
    // SAFETY: the handle is open as long as it is borrowed, and the buffer is as long as we say.
    let done = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            class,
            answer.as_mut_ptr().cast(),
            size_of::<T>() as u32,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: any bits are a value of `T`, and it was all zeros before Windows filled it.
    Ok(unsafe { answer.assume_init() })
}

/// Sends a control code, with these bytes, and returns how many bytes of the answer were filled.
pub(crate) fn control(
    file: BorrowedHandle<'_>,
    code: u32,
    input: &[u8],
    answer: &mut [u8],
) -> io::Result<usize> {
    let mut filled = 0;
    // SAFETY: the handle is open as long as it is borrowed, was opened for synchronous calls (std opens no other),
    // and both buffers are as long as we say.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            code,
            input.as_ptr().cast(),
            input.len() as u32,
            answer.as_mut_ptr().cast(),
            answer.len() as u32,
            &raw mut filled,
            std::ptr::null_mut(),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(filled as usize) }
}
