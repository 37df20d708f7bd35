//! The program `azs-backup`.

use std::process::ExitCode;

fn main() -> ExitCode {
    azs_backup_cli::run(std::env::args_os()).into()
}
