//! Builds for Windows and runs the tests under wine: `cargo xtask windows`.
//!
//! What it builds is in `windows` of the target folder and kept there, with a wine prefix; the toolchain is in `toolchain`.
//! Remove these folders to begin anew.

use std::fs;
use std::path::PathBuf;

use crate::needs::{self, FOR_BUILD, FOR_RECOVERY, Need, OpenSsl, runs, tool};
use crate::run::{Failure, Step, cargo, program, target};
use crate::toolchain::{Target, Toolchain};

mod packages;
mod under_wine;
mod wine;

use packages::Packages;
use under_wine::{LEFT_OUT, ORACLE, PROGRAMS, PROGRAMS_LEFT_OUT};

/// The target: its linker and C compiler, mingw-w64, can be had without a licence of Microsoft's.
const TARGET: Target = Target { name: "x86_64-pc-windows-gnu", linker: LINKER };

/// To build for Windows, and to run what was built.
const FOR_WINDOWS: &[Need] = &[
    tool("mingw-w64", &["gcc-mingw-w64-x86-64-posix"], || runs(LINKER)),
    tool("wine", &["wine64"], || wine::program().is_some()),
];

const LINKER: &str = "x86_64-w64-mingw32-gcc";

/// Builds and runs all of it; with `--packages`, makes the packages; with other arguments, runs that cargo command for
/// Windows: `check`, `test --test sets`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_RECOVERY, FOR_WINDOWS].concat())?;
    TARGET.fetch()?;
    let windows = Windows::prepare()?;
    let done = match arguments.split_first() {
        None => windows.test(openssl),
        Some((option, rest)) if option == "--packages" => {
            Packages::new(&windows, rest.iter().any(|option| option == "--release")).make()
        }
        // The features of another package are yours to name.
        Some((command, rest)) if rest.iter().any(|argument| argument == "--package") => {
            windows.cargo(command).args(rest).run()
        }
        Some((command, rest)) => windows.selected(command).args(rest).run(),
    };
    wine::clear(&windows.prefix);
    done
}

/// The tests as a part of all tests; arguments go to `cargo test`. Where something cannot be had that they take, it says
/// what, and nothing fails.
pub(crate) fn part(arguments: &[String]) -> Result<(), Failure> {
    match lacking() {
        Some(what) => {
            eprintln!("xtask: SKIPPED: the tests for Windows: this machine lacks {what}");
            Ok(())
        }
        None if arguments.is_empty() => run(&[]),
        None => run(&[&["test".to_owned()], arguments].concat()),
    }
}

/// What this machine lacks and cannot get to build for Windows and to run what was built.
fn lacking() -> Option<String> {
    needs::add(FOR_WINDOWS);
    let lacking = needs::lacking(FOR_WINDOWS);
    if !lacking.is_empty() {
        return Some(lacking.join(", "));
    }
    if let Err(Failure(message)) = TARGET.fetch() {
        return Some(message);
    }
    // For Windows it takes other crates than for Linux, and perhaps there is no network.
    let crates = TARGET.toolchain().and_then(|toolchain| {
        let fetch = toolchain.environment(program(&toolchain.cargo()));
        fetch.args(["fetch", "--locked", "--quiet", "--target", TARGET.name]).run()
    });
    crates.err().map(|Failure(message)| {
        format!("the standard library or the crates for {}, which could not be had ({message})", TARGET.name)
    })
}

/// All that it takes to build for Windows and to run what was built.
struct Windows {
    toolchain: Toolchain,
    prefix: String,
    wine: String,
}

impl Windows {
    fn prepare() -> Result<Self, Failure> {
        let wine = wine::program().ok_or_else(|| Failure("wine was here a moment ago".into()))?;
        Ok(Self { toolchain: TARGET.toolchain()?, prefix: wine::prefix()?, wine })
    }

    fn test(&self, openssl: OpenSsl) -> Result<(), Failure> {
        if let Some(name) = under_wine::untold() {
            return Err(Failure(format!(
                "tests/{name}: say in xtask/src/windows/under_wine.rs whether it runs on Windows"
            )));
        }
        for (name, why) in PROGRAMS_LEFT_OUT.iter().chain(LEFT_OUT) {
            eprintln!("xtask: left out under wine: {name}: {why}");
        }
        let programs: Vec<&str> = PROGRAMS.iter().flat_map(|name| ["--test", name]).collect();
        // All at once, so that both cores have something to do.
        self.selected("test").args(["--no-run", "--lib", "--test", ORACLE]).args(&programs).run()?;
        let left_out = LEFT_OUT.iter().flat_map(|(name, _)| ["--skip", name]);
        self.selected("test")
            .args(["--no-fail-fast", "--lib"])
            .args(&programs)
            .args(["--"])
            .args(left_out)
            .run()?;
        let oracle = ["--test", ORACLE, "whatever_happens", "--", "--nocapture"];
        self.selected("test")
            .args(oracle)
            .env("AZS_ORACLE_SEEDS", WORLDS)
            .env("AZS_ORACLE_SECONDS", "3600")
            .env("AZS_ORACLE_THREADS", "2")
            .run()?;
        self.exchange(openssl)
    }

    /// Sets of the Windows program on Linux, and the other way round.
    fn exchange(&self, openssl: OpenSsl) -> Result<(), Failure> {
        // With a test beside it, cargo chooses the features as above.
        self.selected("build").args(["--bin", "azs-backup", "--test", PROGRAMS[0]]).run()?;
        let program = folder("build").join(TARGET.name).join("debug/azs-backup.exe");
        cargo("test", openssl)
            .args(["--test", "windows_exchange"])
            .env("AZS_TEST_WINE", &self.wine)
            .env("AZS_TEST_WINDOWS_PROGRAM", &program.to_string_lossy())
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .run()
    }

    /// Prepares a cargo command for all packages that are tested: with the same selection each time, cargo chooses the same
    /// features each time and compiles nothing twice.
    fn selected(&self, command: &str) -> Step {
        self.cargo(command).args(PACKAGES).args(FEATURES)
    }

    fn cargo(&self, command: &str) -> Step {
        self.environment(program(&self.toolchain.cargo())).args([
            command,
            "--locked",
            "--target",
            TARGET.name,
        ])
    }

    /// Prepares to run a Windows program.
    fn wine(&self, program_name: &str) -> Step {
        program(&self.wine).args([program_name]).env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all")
    }

    /// Lets a program that runs cargo build for Windows.
    fn environment(&self, step: Step) -> Step {
        self.toolchain
            .environment(step)
            .env(&TARGET.variable("LINKER"), LINKER)
            .env(&TARGET.variable("RUNNER"), &self.wine)
            .env("CARGO_TARGET_DIR", &folder("build").to_string_lossy())
            // Nobody steps through these programs, and nothing is built twice: a fifth of the space, and less time.
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_INCREMENTAL", "0")
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
    }
}

/// What the tests need: the library, what it asks Windows for, the program.
const PACKAGES: [&str; 6] =
    ["--package", "azs-backup", "--package", "azs-backup-windows", "--package", "azs-backup-cli"];

/// A share over SMB is the system's there, so the client of our own is left out.
const FEATURES: [&str; 3] = ["--no-default-features", "--features", "vendored-openssl"];

/// How many worlds the oracle makes under wine.
const WORLDS: &str = "12";

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
