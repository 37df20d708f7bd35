//! Runs the tests of the core.

use crate::needs::{self, FOR_BUILD, FOR_MORE_TESTS, FOR_TESTS, OpenSsl};
use crate::object_stores;
use crate::run::{Failure, Step, cargo};

/// The test programs that can use a folder or a file server as their share.
const ON_A_SHARE: &[&str] = &["kill", "oracle", "retention", "sets"];

/// Those of them that run in an object store, too. The others kill their own processes, which leaves the folder that is
/// compared with the store behind it.
const IN_A_STORE: &[&str] = &["retention", "sets"];

/// Of those, what is quick in a store, and differs there from a folder.
const QUICK: &[&str] = &[
    "copies::copies_are_whole",
    "copies::what_is_missing",
    "incremental::a_run_that_is_stopped",
    "incremental::an_",
    "mas_backup::a_healthy_tree",
    "real::",
    "review::folders",
    "round_trip::",
    "share::",
    "sources::a_backup_that_is_dropped",
];

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

/// Runs those that take an object store, and those of sets with one as their share: the quick ones, or with `all` all of
/// them. Other arguments go to `cargo test` instead.
pub(crate) fn in_object_stores(arguments: &[String]) -> Result<(), Failure> {
    let (openssl, servers) = (check()?, object_stores::servers());
    let test = |package: &str| -> Step {
        let features = ["--package", package, "--features", "object-store"];
        let step = cargo("test", openssl).args(features);
        servers.iter().fold(step, |step, server| step.env(server.variable, &server.program.to_string_lossy()))
    };
    let all = arguments == ["all"];
    if !arguments.is_empty() && !all {
        return test("azs-backup").args(arguments).run();
    }
    test("azs-backup").args(["--lib", "--test", "object_stores"]).run()?;
    for server in &servers {
        let tests = IN_A_STORE.iter().flat_map(|name| ["--test", name]);
        let step = test("azs-backup").args(tests).env("AZS_TEST_SHARE", server.share);
        if all { step } else { step.args(["--"]).args(QUICK) }.run()?;
    }
    if all {
        test("azs-backup-cli").args(["--test", "cli", "object_store"]).run()?;
    }
    Ok(())
}

fn check() -> Result<OpenSsl, Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    needs::add(FOR_MORE_TESTS);
    Ok(openssl)
}
