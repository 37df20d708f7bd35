//! Runs the tests of the core.

use crate::needs::{self, FOR_BUILD, FOR_MORE_TESTS, FOR_TESTS, OpenSsl};
use crate::run::{Failure, cargo};

/// The test programs that can use a folder or a file server as their share.
const ON_A_SHARE: &[&str] = &["kill", "oracle", "retention", "sets"];

/// Runs them all; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    if arguments.is_empty() {
        in_folders()?;
        return over_smb();
    }
    cargo("test", check()?).args(arguments).run()
}

/// Runs all of them; tests that can use either kind of share use a folder.
pub(crate) fn in_folders() -> Result<(), Failure> {
    cargo("test", check()?).args(["--package", "azs-backup", "--package", "xtask"]).run()
}

/// Runs those that can use either kind of share, with a file server.
pub(crate) fn over_smb() -> Result<(), Failure> {
    let tests = ON_A_SHARE.iter().flat_map(|name| ["--test", name]);
    cargo("test", check()?).args(tests).env("AZS_TEST_SHARE", "smb").run()
}

fn check() -> Result<OpenSsl, Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    needs::add(FOR_MORE_TESTS);
    Ok(openssl)
}
