//! The program `azs-backup`, which the package brings.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Run the program `azs-backup` with these arguments, and return its exit code.
///
/// It prints to the standard output, and handles signals: it belongs into a process of its own.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let name = OsString::from("azs-backup");
    py.detach(|| azs_backup_cli::run(std::iter::once(name).chain(arguments)))
}
