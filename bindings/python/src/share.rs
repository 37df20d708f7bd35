//! The share.

use std::sync::{Arc, Mutex, PoisonError};

use azs_backup::share::Durability;
use azs_backup::{self as core, ErrorKind};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::argument::FilePath;
use crate::error::{Raise, refuse};
use crate::value::value;

/// A share that is open: what `FolderShare` and others have in common.
///
/// A context manager that closes it; what is open on it goes on.
#[pyclass(frozen, subclass, module = "azs_backup")]
pub(crate) struct Share {
    share: Mutex<Option<Arc<dyn core::Share>>>,
    description: String,
}

impl Share {
    fn new(share: impl core::Share + 'static) -> Self {
        let description = share.describe();
        Self { share: Mutex::new(Some(Arc::new(share))), description }
    }

    pub(crate) fn open(&self) -> PyResult<Arc<dyn core::Share>> {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).clone();
        share.ok_or_else(|| {
            refuse(ErrorKind::InvalidArgument, format!("the share {} is closed", self.description))
        })
    }
}

#[pymethods]
impl Share {
    /// Where it is, for messages.
    fn describe(&self) -> &str {
        &self.description
    }

    /// How much room there is for this account, in bytes: `total` and `free`. Raises `UnsupportedError` where the share
    /// does not say.
    fn space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let share = self.open()?;
        value(py, "Space", &py.detach(|| share.space()).raise()?)
    }

    /// Leaves the share. Doing so again does nothing.
    fn close(&self, py: Python<'_>) {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(share));
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.share.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _type: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let state = if slf.get().closed() { " closed" } else { "" };
        Ok(format!("<{} {:?}{state}>", slf.get_type().name()?, slf.get().description))
    }
}

/// A folder of this machine as the share: a local one, or a share that the operating system has mounted.
#[pyclass(frozen, extends = Share, module = "azs_backup")]
pub(crate) struct FolderShare;

#[pymethods]
impl FolderShare {
    /// Opens an existing folder as the root of a share.
    ///
    /// `durability` is `"flushed"`, to the disk or server, or `"cached"`, for a throw-away share. Raises `NotFoundError`,
    /// and `ReservedPathError` for a folder in `MASBackup`.
    #[staticmethod]
    #[pyo3(signature = (root, *, durability=None))]
    fn open(py: Python<'_>, root: FilePath, durability: Option<PyBackedStr>) -> PyResult<Py<Self>> {
        let durability: Durability =
            durability.map_or(Ok(Durability::default()), |word| word.parse()).raise()?;
        let share = py.detach(|| core::FolderShare::open(root.0)).raise()?.with_durability(durability);
        Py::new(py, PyClassInitializer::from(Share::new(share)).add_subclass(Self))
    }
}
