//! Raises errors: each kind of the core is an exception of `azs_backup.errors`.

use std::error::Error as StdError;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use azs_backup::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

/// Converts a result of the core for Python.
pub(crate) trait Raise<T> {
    /// The value, or the exception of the error's kind.
    fn raise(self) -> PyResult<T>;
}

impl<T> Raise<T> for azs_backup::Result<T> {
    fn raise(self) -> PyResult<T> {
        self.map_err(exception)
    }
}

/// Runs long work without progress on a thread of its own, so that Python sees signals meanwhile.
///
/// After a signal the work may run to its end: it only reads.
pub(crate) fn patiently<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> azs_backup::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (done, mut waiting) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new().spawn(move || done.send(work()));
    spawned.map_err(|e| exception(Error::io("start a thread", e)))?;
    loop {
        let (answer, again) = py.detach(move || (waiting.recv_timeout(BETWEEN_SIGNALS), waiting));
        match answer {
            Ok(result) => return result.raise(),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(refuse(ErrorKind::Internal, "a thread panicked"));
            }
        }
        waiting = again;
    }
}

const BETWEEN_SIGNALS: Duration = Duration::from_millis(100);

/// Makes the exception for an error. If the caller's stream or callback raised an exception, this is that exception.
pub(crate) fn exception(error: Error) -> PyErr {
    Python::attach(|py| {
        if let Some(original) = raised_by_caller(py, &error) {
            return original;
        }
        match make(py, error) {
            Ok(exception) => PyErr::from_value(exception),
            Err(failure) => failure,
        }
    })
}

/// Makes an error of this kind here.
pub(crate) fn refuse(kind: ErrorKind, message: impl Into<std::borrow::Cow<'static, str>>) -> PyErr {
    exception(Error::new(kind, message))
}

fn make(py: Python<'_>, error: Error) -> PyResult<Bound<'_, PyAny>> {
    static CLASSES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let classes = CLASSES.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("azs_backup.errors")?.getattr("CLASSES")?.unbind())
    })?;
    let (code, message) = (error.code(), error.to_string());
    let mut causes = Vec::new();
    let mut errno = None;
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        errno = errno.or(cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error));
        next = cause.source();
    }
    let exception = classes.bind(py).get_item(code)?.call1((message,))?;
    exception.setattr("causes", PyTuple::new(py, causes)?)?;
    exception.setattr("path", error.path())?;
    exception.setattr("operation", error.operation())?;
    exception.setattr("set", error.set())?;
    let is_os_error = exception.is_instance_of::<pyo3::exceptions::PyOSError>();
    if is_os_error {
        exception.setattr("filename", error.path())?;
    }
    exception.setattr("_failure", Failure(error))?;
    if let Some(errno) = errno.filter(|_| is_os_error) {
        exception.setattr("errno", errno)?;
    }
    Ok(exception)
}

fn raised_by_caller(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(original) = cause.downcast_ref::<PyErr>() {
            return Some(original.clone_ref(py));
        }
        // `source` of an error of the standard library skips the error inside.
        if let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            next = Some(inner);
            continue;
        }
        next = cause.source();
    }
    None
}

/// The core's error behind an exception, which decides its alert.
#[pyclass(frozen, module = "azs_backup._native")]
pub(crate) struct Failure(pub(crate) Error);

/// Every code, in alphabetical order.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}
