//! Writes results straight into the memory of a `bytes` object, which saves copying up to 64 MiB.

#![expect(
    unsafe_code,
    reason = "PyO3 makes no bytes object without writing zeros first or copying afterwards"
)]

use std::mem::MaybeUninit;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::Raise;

/// The memory of a new object that nobody else sees yet. Nothing is written to it so far.
pub(crate) struct Blank<'a>(&'a mut [MaybeUninit<u8>]);

impl<'a> Blank<'a> {
    /// Fills it with these pieces in order. Together they must be as long as it is.
    pub(crate) fn fill(self, parts: &[&[u8]]) -> &'a mut [u8] {
        let mut rest = &mut *self.0;
        for part in parts {
            let (places, behind) = rest.split_at_mut(part.len());
            for (place, byte) in places.iter_mut().zip(*part) {
                place.write(*byte);
            }
            rest = behind;
        }
        assert!(rest.is_empty(), "all of the memory is written to");
        // SAFETY: each of its bytes was written to: every place before `rest` was, and `rest` is empty.
        unsafe { &mut *(std::ptr::from_mut(self.0) as *mut [u8]) }
    }
}

/// Returns a new `bytes` object of this length. `make` fills its memory while Python's other threads run.
#[expect(
    unsafe_code,
    reason = "PyO3 makes no bytes object without writing zeros first or copying afterwards"
)]
pub(crate) fn made<'py>(
    py: Python<'py>,
    length: usize,
    make: impl FnOnce(Blank<'_>) -> azs_backup::Result<()> + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    let too_long = |_| pyo3::exceptions::PyOverflowError::new_err("too long for a bytes object");
    let size = ffi::Py_ssize_t::try_from(length).map_err(too_long)?;
    // SAFETY: with a null pointer it makes an object of that size, whose content its maker may write (Python's C API,
    // "Bytes Objects"), or sets an exception.
    let object =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), size))? };
    let bytes = object.cast_into::<PyBytes>()?;
    // SAFETY: the memory is the object's, `length` bytes long, and nobody else knows the object yet. It may not have been
    // written to, which `MaybeUninit` allows for. The reference ends before `bytes` is handed out.
    let memory = unsafe {
        std::slice::from_raw_parts_mut(
            ffi::PyBytes_AsString(bytes.as_ptr()).cast::<MaybeUninit<u8>>(),
            length,
        )
    };
    py.detach(|| make(Blank(memory))).raise()?;
    Ok(bytes)
}
