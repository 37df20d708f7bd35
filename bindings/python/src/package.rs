//! What the Python half of the package provides: the module of values, a time as `datetime`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Converts a time to a `datetime`.
pub(crate) fn datetime(py: Python<'_>, time: jiff::Timestamp) -> PyResult<Bound<'_, PyAny>> {
    values(py)?.getattr("_time")?.call1((time.to_string(),))
}

/// The module `azs_backup.values`.
pub(crate) fn values(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static VALUES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = VALUES.get_or_try_init(py, || py.import("azs_backup.values").map(Bound::unbind))?;
    Ok(module.bind(py))
}
