//! Tests the program `azs-backup`.

use crate::needs::{self, FOR_BUILD, FOR_PYTHON, FOR_TESTS, PYTHON};
use crate::run::{self, Failure, cargo, target};
use crate::{pages, python, quickstart};

/// The program with all that it can do.
pub(crate) const PACKAGE: [&str; 4] = ["--package", "azs-backup-cli", "--features", "opentelemetry"];

/// Runs its tests, the lines of the book and the quickstart, which shows it; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_PYTHON, FOR_TESTS].concat())?;
    cargo("test", openssl).args(PACKAGE).args(arguments).run()?;
    if !arguments.is_empty() {
        return Ok(());
    }
    let program = target().join("debug/azs-backup");
    let shown = program.to_string_lossy();
    let worlds = ["--seed", "1", "--steps", "40", "--worlds", "2", "--program", &*shown];
    run::program(PYTHON).args(["bindings/cli/tests/oracle.py"]).args(worlds).run()?;
    run::program(PYTHON).args(["bindings/cli/tests/copies_oracle.py", &*shown, "16"]).run()?;
    let worlds = ["--seed", "1", "--steps", "20", "--program", &*shown];
    let python = python::tool("python", "cryptography")?;
    run::program(&python.to_string_lossy())
        .args(["bindings/cli/tests/mas_backup_oracle.py"])
        .args(worlds)
        .run()?;
    pages::run(&program)?;
    quickstart::quickstart(&["--remove".into()])
}
