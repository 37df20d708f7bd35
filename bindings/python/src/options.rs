//! Options out of keywords: JSON, which the core reads. It knows their types and defaults; what it says names the option.

use azs_backup::ErrorKind;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::error::refuse;
use crate::value::from_python;

/// The options that were given; none of `None`.
#[derive(Default)]
pub(crate) struct Options(Map<String, Value>);

impl Options {
    /// Sets one, if it was given.
    pub(crate) fn set(mut self, name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if let Some(value) = value {
            self.0
                .insert(name.to_owned(), from_python(value).map_err(|error| named(value.py(), name, error))?);
        }
        Ok(self)
    }

    /// Sets one that is a list, of which the caller may give the only item.
    pub(crate) fn list(self, name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut set = self.set(name, value)?;
        if let Some(one) = set.0.get_mut(name).filter(|value| !value.is_array()) {
            *one = Value::Array(vec![one.take()]);
        }
        Ok(set)
    }

    /// Changes each item of a list that was given.
    pub(crate) fn each(mut self, name: &str, change: impl Fn(&mut Value)) -> Self {
        self.0.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().for_each(change);
        self
    }

    pub(crate) fn into_json(self) -> String {
        Value::Object(self.0).to_string()
    }
}

/// Names the option in what Python says of its value.
pub(crate) fn named(py: Python<'_>, name: &str, error: PyErr) -> PyErr {
    let is_of_value = error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<PyOverflowError>(py);
    if is_of_value {
        refuse(ErrorKind::InvalidArgument, format!("{name}: {}", error.value(py)))
    } else {
        error
    }
}
