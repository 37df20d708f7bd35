//! Reads arguments: bytes, paths, times, lists, and names and places by their text.

use std::path::PathBuf;

use azs_backup::ErrorKind;
use azs_backup::set::EntryPath;
use jiff::Timestamp;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};

use crate::error::{Raise, refuse};

/// The caller's bytes. Those of a `bytes` object are used in place; any other buffer is copied, because it may
/// change.
pub(crate) enum Bytes {
    InPlace(PyBackedBytes),
    Copy(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::InPlace(bytes) => bytes,
            Self::Copy(bytes) => bytes,
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self::InPlace(object.extract()?));
        }
        let buffer = PyBuffer::<u8>::get(&object).map_err(|_| {
            let name = object.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("a bytes-like object is required, not {name}"))
        })?;
        Ok(Self::Copy(buffer.to_vec(object.py())?))
    }
}

/// The caller's text or content: `str`, taken as UTF-8, or bytes.
pub(crate) struct TextOrBytes(pub(crate) Bytes);

impl<'py> FromPyObject<'_, 'py> for TextOrBytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Self(Bytes::Copy(text.extract::<PyBackedStr>()?.as_bytes().to_vec())));
        }
        Ok(Self(object.extract()?))
    }
}

/// A path on this machine: `str` or `os.PathLike`.
pub(crate) struct FilePath(pub(crate) PathBuf);

impl<'py> FromPyObject<'_, 'py> for FilePath {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let path: PathBuf = object.extract()?;
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(PyValueError::new_err("embedded null character in path"));
        }
        Ok(Self(path))
    }
}

/// The name that a source gets in a set: `str`, or a `PurePath` with its folders.
pub(crate) struct NameInSet(PyBackedStr);

impl std::ops::Deref for NameInSet {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for NameInSet {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Ok(Self(object.extract()?));
        }
        match object.getattr_opt("as_posix")? {
            Some(as_posix) => Ok(Self(as_posix.call0()?.extract()?)),
            None => {
                let name = object.get_type().name()?;
                Err(PyTypeError::new_err(format!("a name in a set is str or PurePath, not {name}")))
            }
        }
    }
}

/// A path in a set: bytes, or text in which surrogates stand for bytes that are not text, as in `os.fsdecode`.
pub(crate) struct InSet(pub(crate) EntryPath);

impl<'py> FromPyObject<'_, 'py> for InSet {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let bytes = if object.is_instance_of::<PyString>() {
            let encoded = object.call_method1("encode", ("utf-8", "surrogateescape"))?;
            encoded.extract::<PyBackedBytes>()?.to_vec()
        } else {
            object.extract::<Bytes>()?.to_vec()
        };
        EntryPath::new(bytes).raise().map(Self)
    }
}

/// A time: a `datetime` with a time zone, RFC 3339 text, or `None` for now.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Time {
    pub(crate) fn or_now(time: Option<Self>) -> Timestamp {
        time.map_or_else(Timestamp::now, |time| time.0)
    }
}

impl<'py> FromPyObject<'_, 'py> for Time {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text: PyBackedStr = if object.is_instance_of::<PyString>() {
            object.extract()?
        } else if object.hasattr("utcoffset")? {
            if object.call_method0("utcoffset")?.is_none() {
                return Err(PyValueError::new_err(
                    "the datetime has no time zone; give one, datetime.UTC say",
                ));
            }
            object.call_method0("isoformat")?.extract()?
        } else {
            return Err(PyTypeError::new_err("a time is a datetime with a time zone, or RFC 3339 text"));
        };
        text.parse().map(Self).map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            refuse(ErrorKind::InvalidArgument, format!("{shown:?} is not a time like 2026-11-23T02:00:00Z"))
        })
    }
}

/// One item, or any number of them.
pub(crate) struct Several<T>(pub(crate) Vec<T>);

impl<'py, T> FromPyObject<'_, 'py> for Several<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let first = match object.extract::<T>() {
            Ok(one) => return Ok(Self(vec![one])),
            Err(error) => error.into(),
        };
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return Err(first);
        }
        let Ok(items) = object.try_iter() else { return Err(first) };
        items.map(|item| item?.extract::<T>().map_err(Into::into)).collect::<PyResult<_>>().map(Self)
    }
}
