//! The caller's functions: progress, readers, writers, sources of operations.

use std::ffi::{c_char, c_void};
use std::io;
use std::ops::ControlFlow;

use azs::observer::Progress;

/// How far long work is. Fields may be added at the end.
#[repr(C)]
pub struct azs_progress {
    /// Files finished.
    pub files: u64,
    /// Bytes of file content read from the source, or written to the target.
    pub bytes: u64,
    /// Bytes written to the share or read from it, compressed and encrypted.
    pub stored_bytes: u64,
    /// Bytes of file content expected in all; 0 if unknown.
    pub total_bytes: u64,
    /// Whether `total_bytes` is known.
    pub has_total_bytes: bool,
}

/// Receives the progress of the work about ten times a second, on the thread that asked for the work. Return true to go
/// on, or false to stop the work with `AZS_STATUS_CANCELLED`. It must return: no longjmp, no exception.
pub type azs_progress_fn =
    Option<unsafe extern "C" fn(progress: *const azs_progress, user_data: *mut c_void) -> bool>;

/// Reads at most `length` bytes into `buffer`, and returns how many: 0 at the end, a negative errno on failure. It is
/// called on the thread that asked for the work. It must return: no longjmp, no exception.
pub type azs_read_fn =
    Option<unsafe extern "C" fn(buffer: *mut u8, length: usize, user_data: *mut c_void) -> i64>;

/// Writes at most `length` bytes, and returns how many it wrote, at least 1; a negative errno on failure. It is called
/// on the thread that asked for the work. It must return: no longjmp, no exception.
pub type azs_write_fn =
    Option<unsafe extern "C" fn(bytes: *const u8, length: usize, user_data: *mut c_void) -> i64>;

/// Returns a JSON document of operations, as `azs_operations_parse` reads it, or NULL if it cannot tell; the gate then
/// fails. The text must stay valid until the next call of the same function, or until the gate is freed.
pub type azs_operations_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> *const c_char>;

/// The caller's user data for its function.
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: it is only handed back. The header says on which threads functions are called; a source's may be any.
unsafe impl Send for UserData {}
// SAFETY: the same.
unsafe impl Sync for UserData {}

/// The caller's progress function as an observer; NULL reports nothing and never stops.
pub(crate) fn hook(
    function: azs_progress_fn,
    user_data: *mut c_void,
) -> impl FnMut(Progress) -> ControlFlow<()> + Send + 'static {
    let user_data = UserData(user_data);
    move |progress| {
        let Some(function) = function else { return ControlFlow::Continue(()) };
        let user_data = &user_data;
        let progress = azs_progress {
            files: progress.files,
            bytes: progress.bytes,
            stored_bytes: progress.stored_bytes,
            total_bytes: progress.total_bytes.unwrap_or(0),
            has_total_bytes: progress.total_bytes.is_some(),
        };
        // SAFETY: the header says what the function is called with.
        let go_on = unsafe { function(&raw const progress, user_data.0) };
        if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// The caller's reader.
pub(crate) struct Reader {
    pub(crate) function: unsafe extern "C" fn(*mut u8, usize, *mut c_void) -> i64,
    pub(crate) user_data: *mut c_void,
}

impl io::Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the header says what the function is called with.
        let read = unsafe { (self.function)(buffer.as_mut_ptr(), buffer.len(), self.user_data) };
        count(read, buffer.len(), "read")
    }
}

/// The caller's writer.
pub(crate) struct Writer {
    pub(crate) function: unsafe extern "C" fn(*const u8, usize, *mut c_void) -> i64,
    pub(crate) user_data: *mut c_void,
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the header says what the function is called with.
        let written = unsafe { (self.function)(bytes.as_ptr(), bytes.len(), self.user_data) };
        count(written, bytes.len(), "write")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks what such a function returned: it is not trusted.
fn count(returned: i64, most: usize, what: &str) -> io::Result<usize> {
    if returned < 0 {
        let errno = i32::try_from(returned.unsigned_abs()).unwrap_or(i32::MAX);
        return Err(io::Error::from_raw_os_error(errno));
    }
    match usize::try_from(returned) {
        Ok(count) if count <= most => Ok(count),
        _ => Err(io::Error::other(format!("the {what} function says {returned} of {most} bytes"))),
    }
}
