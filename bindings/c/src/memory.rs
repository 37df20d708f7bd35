//! Bytes and text that the caller gets, and how to free them.

use std::ffi::{CString, c_char};

use zeroize::Zeroize;

/// Bytes from the library: a message, opened content, a file. Free them with `azs_bytes_free`, which overwrites what
/// may be secret.
///
/// Threads: several threads may read them at once.
pub struct azs_bytes {
    bytes: Vec<u8>,
    is_secret: bool,
}

impl azs_bytes {
    /// Bytes that anyone may see: messages, certificates.
    pub(crate) fn open(bytes: Vec<u8>) -> Self {
        Self { bytes, is_secret: false }
    }

    /// Content.
    pub(crate) fn secret(bytes: Vec<u8>) -> Self {
        Self { bytes, is_secret: true }
    }
}

impl Drop for azs_bytes {
    fn drop(&mut self) {
        if self.is_secret {
            self.bytes.zeroize();
        }
    }
}

/// Returns where the bytes begin. They live as long as `bytes`. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_data(bytes: Option<&azs_bytes>) -> *const u8 {
    bytes.map_or(std::ptr::null(), |bytes| bytes.bytes.as_ptr())
}

/// Returns how many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_length(bytes: Option<&azs_bytes>) -> usize {
    bytes.map_or(0, |bytes| bytes.bytes.len())
}

/// Frees bytes. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_free(bytes: Option<Box<azs_bytes>>) {
    drop(bytes);
}

/// Frees text that you got from this library as `char *`. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the header allows only what `CString::into_raw` gave, and only once.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Returns the version of the library: "0.1.0". It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn azs_version() -> *const c_char {
    const VERSION: &std::ffi::CStr =
        match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// Makes text for C. A NUL would end it early, but no text of the library contains one.
pub(crate) fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|e| {
        let mut bytes = e.into_vec();
        bytes.retain(|byte| *byte != 0);
        CString::new(bytes).unwrap_or_default()
    })
}
