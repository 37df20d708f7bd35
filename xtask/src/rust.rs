//! The tests of the core.

use crate::needs::{self, FOR_BUILD, FOR_TESTS, OpenSsl};
use crate::run::{Failure, Step, cargo};

/// The test programs whose share can be a folder or a file server.
const ON_A_SHARE: &[&str] = &[
    "damage",
    "incremental",
    "kill",
    "one_file",
    "oracle",
    "retention",
    "review",
    "round_trip",
    "share",
    "sources",
    "target",
];

/// Runs them all; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    if arguments.is_empty() {
        in_folders()?;
        return over_smb();
    }
    cargo_test(check()?).args(arguments).run()
}

/// All of them; a share is a folder, where a test takes what there is.
pub(crate) fn in_folders() -> Result<(), Failure> {
    cargo_test(check()?).args(["--package", "azs-backup", "--package", "xtask"]).run()
}

/// Those that take what there is, behind a file server.
pub(crate) fn over_smb() -> Result<(), Failure> {
    let tests = ON_A_SHARE.iter().flat_map(|name| ["--test", name]);
    cargo_test(check()?).args(tests).env("AZS_TEST_SHARE", "smb").run()
}

fn check() -> Result<OpenSsl, Failure> {
    needs::check(&[FOR_BUILD, FOR_TESTS].concat())
}

/// Many tests wait, for a server that answers late or a clock: twice as many as there are cores run at a time.
fn cargo_test(openssl: OpenSsl) -> Step {
    let test = cargo("test", openssl);
    if std::env::var_os("RUST_TEST_THREADS").is_some() {
        return test;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    test.env("RUST_TEST_THREADS", &(2 * cores).to_string())
}
