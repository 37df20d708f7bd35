//! Tests the program `azs-backup`.

use crate::needs::{self, FOR_BUILD, FOR_TESTS};
use crate::run::{Failure, cargo, target};
use crate::{pages, quickstart};

/// The program with all that it can do.
pub(crate) const PACKAGE: [&str; 4] = ["--package", "azs-backup-cli", "--features", "opentelemetry"];

/// Runs its tests, the lines of the book and the quickstart, which shows it; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    cargo("test", openssl).args(PACKAGE).args(arguments).run()?;
    if !arguments.is_empty() {
        return Ok(());
    }
    pages::run(&target().join("debug/azs-backup"))?;
    quickstart::quickstart(&["--remove".into()])
}
