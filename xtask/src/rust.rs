//! Runs the tests of the core.

use crate::needs::{self, FOR_BUILD, FOR_MORE_TESTS, FOR_TESTS, OpenSsl};
use crate::object_stores;
use crate::run::{Failure, Step, cargo};

/// The test programs that can use a folder or a file server as their share.
const ON_A_SHARE: &[&str] = &["kill", "oracle", "retention", "sets"];

/// Those of them that run in an object store, too. The others kill their own processes, which leaves the folder that is
/// compared with the store behind it.
const IN_A_STORE: &[&str] = &["retention", "sets"];

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

/// Runs those that take an object store, and those of sets with one as their share; arguments go to `cargo test` instead.
pub(crate) fn in_object_stores(arguments: &[String]) -> Result<(), Failure> {
    let (openssl, servers) = (check()?, object_stores::servers()?);
    let test = || -> Step {
        let step = cargo("test", openssl).args(["--package", "azs-backup", "--features", "object-store"]);
        servers.iter().fold(step, |step, server| step.env(server.variable, &server.program.to_string_lossy()))
    };
    if !arguments.is_empty() {
        return test().args(arguments).run();
    }
    test().args(["--lib", "--test", "object_stores"]).run()?;
    for server in &servers {
        let tests = IN_A_STORE.iter().flat_map(|name| ["--test", name]);
        test().args(tests).env("AZS_TEST_SHARE", server.share).run()?;
    }
    Ok(())
}

fn check() -> Result<OpenSsl, Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    needs::add(FOR_MORE_TESTS);
    Ok(openssl)
}
