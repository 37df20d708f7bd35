//! Tests the program `azs-backup`.

use crate::needs::{self, FOR_BUILD, FOR_TESTS};
use crate::quickstart;
use crate::run::{Failure, cargo};

/// Runs its tests, and the quickstart, which shows it; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    cargo("test", openssl).args(["--package", "azs-backup-cli"]).args(arguments).run()?;
    if !arguments.is_empty() {
        return Ok(());
    }
    quickstart::quickstart(&["--remove".into()])
}
