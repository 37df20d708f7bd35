//! Bytes and texts that the library gives, and their release.

use std::ffi::{CString, c_char};

use zeroize::Zeroize;

/// Bytes that the library gave: a message, opened content, a file. Freed by `azs_bytes_free`, which overwrites what may
/// be secret.
///
/// Threads: may be read by several threads at once.
pub struct azs_bytes {
    bytes: Vec<u8>,
    is_secret: bool,
}

impl azs_bytes {
    /// Bytes that anyone may see: what is sealed, certificates.
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

/// Where the bytes begin. They live as long as `bytes`. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_data(bytes: Option<&azs_bytes>) -> *const u8 {
    bytes.map_or(std::ptr::null(), |bytes| bytes.bytes.as_ptr())
}

/// How many there are. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_length(bytes: Option<&azs_bytes>) -> usize {
    bytes.map_or(0, |bytes| bytes.bytes.len())
}

/// Frees bytes. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_bytes_free(bytes: Option<Box<azs_bytes>>) {
    drop(bytes);
}

/// Frees a text that a function of this library gave as `char *`. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the header allows only what `CString::into_raw` gave, and only once.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// The version of the library: "0.1.0". Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn azs_version() -> *const c_char {
    const VERSION: &std::ffi::CStr =
        match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// Text for C. A NUL, which no text of the library holds, would end it early.
pub(crate) fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|e| {
        let mut bytes = e.into_vec();
        bytes.retain(|byte| *byte != 0);
        CString::new(bytes).unwrap_or_default()
    })
}
