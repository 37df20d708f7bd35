//! Python's binary file objects as the core's readers and writers.

use std::io::{self, Read, Write};

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::argument::Bytes;
use crate::progress::Hook;

/// Anything with a `read(size)` that returns bytes.
pub(crate) struct Reader {
    object: Py<PyAny>,
    hook: Hook,
    /// What it returned beyond what was asked for.
    rest: Option<(Bytes, usize)>,
}

impl Reader {
    pub(crate) fn new(object: &Bound<'_, PyAny>, hook: Hook) -> PyResult<Self> {
        has(object, "read")?;
        Ok(Self { object: object.clone().unbind(), hook, rest: None })
    }

    /// An exception that ends the program, Ctrl-C or `SystemExit`, is not a problem with a source.
    fn refuse(&self, raised: PyErr) -> io::Error {
        Python::attach(|py| {
            if !raised.is_instance_of::<PyException>(py) {
                self.hook.raise(raised.clone_ref(py));
            }
        });
        io::Error::other(raised)
    }

    fn fetch(&self, size: usize) -> PyResult<Bytes> {
        Python::attach(|py| {
            let answer = self.object.bind(py).call_method1("read", (size.clamp(LEAST, MOST),))?;
            if answer.is_instance_of::<PyString>() {
                return Err(PyTypeError::new_err("read() gave str: open the stream in binary mode"));
            }
            if answer.is_none() {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "read() has nothing yet").into());
            }
            answer.extract()
        })
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, at) = match self.rest.take() {
            Some(rest) => rest,
            None => (self.fetch(buffer.len()).map_err(|raised| self.refuse(raised))?, 0),
        };
        let length = buffer.len().min(bytes.len() - at);
        buffer[..length].copy_from_slice(&bytes[at..at + length]);
        if at + length < bytes.len() {
            self.rest = Some((bytes, at + length));
        }
        Ok(length)
    }
}

/// Anything with a `write(bytes)`.
pub(crate) struct Writer(Py<PyAny>);

impl Writer {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        has(object, "write")?;
        Ok(Self(object.clone().unbind()))
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(MOST)];
        let write = |py: Python<'_>| -> PyResult<usize> {
            let answer = self.0.bind(py).call_method1("write", (PyBytes::new(py, bytes),))?;
            // Writers that are no files often answer nothing.
            let written = if answer.is_none() { bytes.len() } else { answer.extract()? };
            if written > bytes.len() {
                return Err(pyo3::exceptions::PyOSError::new_err(
                    "write() says that it wrote more than it was given",
                ));
            }
            Ok(written)
        };
        Python::attach(write).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Python::attach(|py| {
            let object = self.0.bind(py);
            if object.hasattr("flush")? { object.call_method0("flush").map(drop) } else { Ok(()) }
        })
        .map_err(|e: PyErr| io::Error::other(e))
    }
}

fn has(object: &Bound<'_, PyAny>, method: &str) -> PyResult<()> {
    if object.hasattr(method)? {
        return Ok(());
    }
    let name = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a binary stream is required, which {name} is not: it has no {method}()"
    )))
}

const LEAST: usize = 64 << 10;
const MOST: usize = 1 << 20;
