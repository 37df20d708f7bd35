//! Builds for Windows and runs the tests under wine: `cargo xtask windows`.
//!
//! What it fetches and builds is in `windows` of the target folder and kept there: the toolchain, the standard library, a
//! wine prefix, and what cargo builds. Remove that folder to begin anew.

use std::fs;
use std::path::PathBuf;

use crate::needs::{self, FOR_BUILD, Need, runs, tool};
use crate::run::{Failure, Step, target};

mod toolchain;
mod wine;

use toolchain::Toolchain;

/// The target: its linker and C compiler, mingw-w64, can be had without a licence of Microsoft's.
const TARGET: &str = "x86_64-pc-windows-gnu";

/// To build for Windows, and to run what was built.
const FOR_WINDOWS: &[Need] = &[
    tool("mingw-w64", &["gcc-mingw-w64-x86-64-posix"], || runs(LINKER)),
    tool("wine", &["wine64"], || wine::program().is_some()),
];

const LINKER: &str = "x86_64-w64-mingw32-gcc";

/// The test programs that run under wine.
const PROGRAMS: &[&str] = &["envelope", "errors", "kill", "values", "retention", "folders", "sets"];

/// The tests of these programs that do not, by the beginnings of their names, and why.
const LEFT_OUT: &[(&str, &str)] = &[];

/// Builds and runs the tests; with arguments, runs that cargo command for Windows: `check`, `test --test sets`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    needs::check(&[FOR_BUILD, FOR_WINDOWS].concat())?;
    let toolchain = toolchain::find()?;
    let prefix = wine::prefix()?;
    if let Some((command, arguments)) = arguments.split_first() {
        return cargo(&toolchain, &prefix, command).args(arguments).run();
    }
    for (name, why) in LEFT_OUT {
        eprintln!("xtask: left out under wine: {name}: {why}");
    }
    let programs = PROGRAMS.iter().flat_map(|name| ["--test", name]);
    let left_out = LEFT_OUT.iter().flat_map(|(name, _)| ["--skip", name]);
    cargo(&toolchain, &prefix, "test").args(["--lib"]).args(programs).args(["--"]).args(left_out).run()
}

/// Prepares a cargo command for Windows. A share over SMB is the system's there, so the client of our own is left out.
fn cargo(toolchain: &Toolchain, prefix: &str, command: &str) -> Step {
    let features = ["--no-default-features", "--features", "vendored-openssl"];
    toolchain
        .cargo()
        .args([command, "--locked", "--target", TARGET])
        .args(features)
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER)
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &wine::program().unwrap_or_default())
        .env("CARGO_TARGET_DIR", &folder("build").to_string_lossy())
        .env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
}

/// Returns a folder of ours in the target folder.
fn folder(name: &str) -> PathBuf {
    target().join("windows").join(name)
}

fn create(folder: &PathBuf) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| failed(folder, e))
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
