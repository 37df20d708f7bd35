//! Converts the core's plain data to values of `azs_backup.values`, and back.

use azs_backup::ErrorKind;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Raise, refuse};
use crate::layout::{Deployment, Place};
pub(crate) use crate::package::{datetime, values};

/// Converts something of the core to a value of this class.
pub(crate) fn value<'py>(py: Python<'py>, class: &str, data: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    values(py)?.getattr(class)?.call_method1("_of", (plain(py, data)?,))
}

/// Converts something of the core to `dict`, `list`, `str`, `int`, `float`, `bool` and `None`.
pub(crate) fn plain<'py>(py: Python<'py>, data: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &json(data)?)
}

fn json(data: &impl Serialize) -> PyResult<Value> {
    serde_json::to_value(data)
        .map_err(|e| refuse(ErrorKind::Internal, format!("a value cannot be serialised: {e}")))
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (None, Some(number)) => number.into_pyobject(py)?.into_any(),
            (None, None) => number.as_f64().unwrap_or(f64::NAN).into_pyobject(py)?.into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (key, item) in fields {
                dict.set_item(key, to_python(py, item)?)?;
            }
            dict.into_any()
        }
    })
}

/// Converts an object to plain data, as the field of a value holds it.
#[pyfunction]
#[pyo3(name = "plain")]
pub(crate) fn normal<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    to_python(object.py(), &from_python(object)?)
}

/// Converts what the caller gives to plain data: what JSON has, values of this package, times, names and places.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    Reader { depth: 0, left: MOST_ITEMS }.read(object)
}

/// Does the same, and converts it to a type of the core.
pub(crate) fn read<T: DeserializeOwned>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    azs_backup::from_value(what, from_python(object)?).raise()
}

/// What may still come: lists can contain themselves, share their items, or never end.
struct Reader {
    depth: usize,
    left: usize,
}

impl Reader {
    fn read(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        if self.depth == MOST_DEPTH {
            return Err(refuse(ErrorKind::LimitExceeded, "the data is nested too deeply"));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            refuse(ErrorKind::LimitExceeded, format!("the data has more than {MOST_ITEMS} items"))
        })?;
        self.depth += 1;
        let read = self.read_value(object);
        self.depth -= 1;
        read
    }

    fn read_value(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        if object.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Value::String(text.extract()?));
        }
        if let Ok(truth) = object.cast::<PyBool>() {
            return Ok(Value::Bool(truth.is_true()));
        }
        if object.is_instance_of::<PyInt>() {
            return match object.extract::<i64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => Ok(object.extract::<u64>()?.into()),
            };
        }
        if object.is_instance_of::<PyFloat>() {
            // JSON has neither infinity nor what is no number.
            let number = serde_json::Number::from_f64(object.extract()?).map(Value::Number);
            return number.ok_or_else(|| {
                PyValueError::new_err(format!("it cannot be {object}; it is a finite number"))
            });
        }
        if let Ok(dict) = object.cast::<PyDict>() {
            let mut fields = Map::new();
            for (key, item) in dict {
                let key: String = key.extract()?;
                let value = self.read(&item)?;
                if fields.insert(key.clone(), value).is_some() {
                    return Err(PyValueError::new_err(format!("{key:?} is given twice")));
                }
            }
            return Ok(Value::Object(fields));
        }
        if object.hasattr("to_dict")? {
            return self.read(&object.call_method0("to_dict")?);
        }
        if object.hasattr("keys")? {
            let copy = PyDict::new(object.py());
            copy.update(object.cast()?)?;
            return self.read(&copy);
        }
        if object.hasattr("utcoffset")? {
            let time: crate::argument::Time = object.extract()?;
            return Ok(Value::String(time.0.to_string()));
        }
        if crate::layout::is_text_type(object) {
            return Ok(Value::String(object.str()?.extract()?));
        }
        if let Ok(place) = object.cast::<Place>() {
            return json(&place.get().0);
        }
        if let Ok(deployment) = object.cast::<Deployment>() {
            return json(&deployment.get().0);
        }
        let is_bytes = object.is_instance_of::<PyBytes>()
            || object.is_instance_of::<PyByteArray>()
            || object.is_instance_of::<PyMemoryView>();
        let Some(items) = object.try_iter().ok().filter(|_| !is_bytes) else {
            // Numbers of other packages.
            if object.hasattr("__index__")? {
                return self.read(&object.call_method0("__index__")?);
            }
            if object.hasattr("__float__")? {
                return self.read(&object.call_method0("__float__")?);
            }
            let name = object.get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!("{name} is not plain data")));
        };
        items.map(|item| self.read(&item?)).collect::<PyResult<Vec<_>>>().map(Value::Array)
    }
}

/// As deep as serde_json goes.
const MOST_DEPTH: usize = 128;
const MOST_ITEMS: usize = 1_000_000;
