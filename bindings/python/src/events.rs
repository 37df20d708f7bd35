//! Logs events to the logger `azs_backup`.

use pyo3::prelude::*;

#[derive(Clone, Copy)]
pub(crate) enum Level {
    Info = 20,
    Warning = 30,
}

/// Logs a line if the program uses `logging` at all: a module that nobody imported has no handlers. If logging
/// fails, the caller's work does not.
pub(crate) fn log(py: Python<'_>, level: Level, line: &str) {
    let say = || -> PyResult<()> {
        let modules = py.import("sys")?.getattr("modules")?;
        let logging = modules.call_method1("get", ("logging",))?;
        if logging.is_none() {
            return Ok(());
        }
        let logger = logging.call_method1("getLogger", ("azs_backup",))?;
        if !logger.call_method0("hasHandlers")?.is_truthy()? {
            logger.call_method1("addHandler", (logging.call_method0("NullHandler")?,))?;
        }
        logger.call_method1("log", (level as i32, "%s", line)).map(drop)
    };
    if let Err(error) = say() {
        error.write_unraisable(py, None);
    }
}
