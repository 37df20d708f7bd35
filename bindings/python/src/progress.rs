//! The progress of long work: the caller's callback, and signals that Python has to see.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::error::Raise;

/// How far a backup, verification or restore has come.
///
/// The `progress` callback gets one about ten times a second, and once more at the end, when `total_bytes` equals
/// `bytes`. If the callback returns `False`, the work stops with `CancelledError`. If it raises an exception, so
/// does the call that it interrupted.
///
/// >>> def show(progress):
/// ...     print(progress.files, "files", progress.bytes, "bytes")
#[pyclass(frozen, eq, hash, get_all, module = "azs_backup")]
#[derive(Clone, Copy, Hash, PartialEq)]
pub(crate) struct Progress {
    /// Files finished.
    files: u64,
    /// Bytes of file content read from the source, or written to the target.
    bytes: u64,
    /// Bytes written to the share or read from it, compressed and encrypted.
    stored_bytes: u64,
    /// Bytes of file content expected in all; `None` if unknown.
    total_bytes: Option<u64>,
}

#[pymethods]
impl Progress {
    #[new]
    #[pyo3(signature = (files, bytes, stored_bytes, total_bytes=None))]
    fn new(files: u64, bytes: u64, stored_bytes: u64, total_bytes: Option<u64>) -> Self {
        Self { files, bytes, stored_bytes, total_bytes }
    }

    fn __getnewargs__(&self) -> (u64, u64, u64, Option<u64>) {
        (self.files, self.bytes, self.stored_bytes, self.total_bytes)
    }

    fn __repr__(&self) -> String {
        let Self { files, bytes, stored_bytes, total_bytes } = self;
        let total = total_bytes.map_or("None".to_owned(), |total| total.to_string());
        format!("Progress(files={files}, bytes={bytes}, stored_bytes={stored_bytes}, total_bytes={total})")
    }
}

/// A callback and what it raised. The work and the thread that waits for it share this.
#[derive(Clone)]
pub(crate) struct Hook {
    callback: Option<Arc<Py<PyAny>>>,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Hook {
    pub(crate) fn new(callback: Option<Py<PyAny>>) -> Self {
        Self { callback: callback.map(Arc::new), raised: Arc::default() }
    }

    /// Lets Python see signals, then asks the callback. Call it without the interpreter's lock.
    pub(crate) fn call(&self, progress: azs_backup::observer::Progress) -> ControlFlow<()> {
        self.ask(|py| {
            let Some(callback) = &self.callback else { return Ok(None) };
            let progress = Progress {
                files: progress.files,
                bytes: progress.bytes,
                stored_bytes: progress.stored_bytes,
                total_bytes: progress.total_bytes,
            };
            callback.bind(py).call1((progress,)).map(Some)
        })
    }

    /// Asks any question; `False` or an exception stops the work.
    pub(crate) fn ask(
        &self,
        question: impl for<'py> FnOnce(Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>>,
    ) -> ControlFlow<()> {
        Python::attach(|py| {
            let answer = py.check_signals().and_then(|()| question(py));
            match answer {
                Ok(Some(answer)) if answer.is(PyBool::new(py, false)) => ControlFlow::Break(()),
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => {
                    self.raise(error);
                    ControlFlow::Break(())
                }
            }
        })
    }

    /// What the work must end with.
    pub(crate) fn raise(&self, error: PyErr) {
        self.raised().get_or_insert(error);
    }

    /// The result of the work; if the callback raised an exception, that comes first.
    pub(crate) fn outcome<T>(&self, result: azs_backup::Result<T>) -> PyResult<T> {
        let raised = self.raised().take();
        match raised {
            Some(raised) => Err(raised),
            None => result.raise(),
        }
    }

    fn raised(&self) -> std::sync::MutexGuard<'_, Option<PyErr>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
