//! The program `azs-backup`, which the package brings.

use napi_derive::napi;

/// Runs the program with these arguments on JavaScript's thread, and returns its exit code.
#[napi]
pub fn run_program(arguments: Vec<String>) -> u8 {
    azs_backup_cli::run(std::iter::once("azs-backup".to_owned()).chain(arguments))
}
