//! The one command of the repository: `cargo xtask test`.
//!
//! It needs nothing but cargo: it finds out what a machine lacks, installs that where it may, and runs cargo.

use std::process::ExitCode;

mod needs;
mod run;

use needs::{FOR_BUILD, FOR_TESTS, OpenSsl};
use run::{Failure, cargo};

const HELP: &str = "\
cargo xtask quickstart [ARGUMENTS]  run the example that shows the main job (--help for its arguments)
cargo xtask test [ARGUMENTS]        run all tests; arguments go to cargo test
cargo xtask ci                      formatting, lints and documentation, then all tests";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match (&*task, &rest[..]) {
        ("quickstart", rest) => quickstart(rest),
        ("test", rest) => test(rest),
        ("ci", []) => ci(),
        ("" | "help" | "--help" | "-h", _) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => Err(Failure(format!("there is no such task\n{HELP}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn quickstart(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(FOR_BUILD)?;
    cargo("run", openssl).args(["--example", "quickstart", "--"]).args(arguments).run()
}

fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    cargo("test", openssl).args(arguments).run()
}

fn ci() -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    cargo("fmt", OpenSsl::Unused).args(["--all", "--check"]).run()?;
    cargo("clippy", openssl).args(["--workspace", "--all-targets", "--", "--deny", "warnings"]).run()?;
    cargo("doc", openssl).args(["--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings").run()?;
    cargo("test", openssl).run()
}
