//! Builds for Windows and runs the tests under wine: `cargo xtask windows`.
//!
//! What it builds is in `windows` of the target folder and kept there, with a wine prefix; the toolchain is in `toolchain`.
//! Remove these folders to begin anew.

use std::fs;
use std::path::PathBuf;

use crate::needs::{self, FOR_BUILD, FOR_TESTS, Need, OpenSsl, runs, tool};
use crate::run::{Failure, Step, cargo, program, target};
use crate::toolchain::{Target, Toolchain};

mod packages;
mod wine;

use packages::Packages;

/// The target: its linker and C compiler, mingw-w64, can be had without a licence of Microsoft's.
const TARGET: Target = Target { name: "x86_64-pc-windows-gnu", linker: LINKER };

/// To build for Windows, and to run what was built.
const FOR_WINDOWS: &[Need] = &[
    tool("mingw-w64", &["gcc-mingw-w64-x86-64-posix"], || runs(LINKER)),
    tool("wine", &["wine64"], || wine::program().is_some()),
];

const LINKER: &str = "x86_64-w64-mingw32-gcc";

/// The test programs that run under wine.
const PROGRAMS: &[&str] = &["envelope", "errors", "jobs", "kill", "retention", "sets", "values"];

/// What of them does not, by the beginnings of names, and why. Tests that only Unix can have are not even built.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "openssl_command::",
        "openssl is a program of Unix, and the test program dies when it waits for one that wine started",
    ),
    ("pem_keys::", OPENSSL),
    ("pfx_parts::", OPENSSL),
    ("round_trip::a_certificate_for_signing_opens_but_does_not_seal", OPENSSL),
    ("round_trip::two_certificates_of_one_issuer_and_serial_number_are_both_tried", OPENSSL),
    ("work::a_million_iterations_in_all_open_in_every_common_scheme", OPENSSL),
    ("work::an_absent_password_is_wrong_and_no_more_work_than_a_present_one", OPENSSL),
    ("example::", "it builds the example by cargo; `cargo xtask windows run --example` does that"),
    ("incremental::bad_state::it_is_for_its_owner_only", "modes; azs-backup-windows tests access lists"),
    ("incremental::the_readme_s_lines_give_back_an_incremental_set", "the lines are for bash"),
    (
        "sources::paths_longer_than_the_system_s_limit_survive",
        "wine knows no path of more than 260 characters",
    ),
    ("sources::holes_are_restored_as_holes", "wine has no list of a file's holes"),
    (
        "sources::unix::",
        "names of any bytes, modes, extended attributes, pipes; sources::windows:: is in their place",
    ),
    ("target::a_link_in_the_set_is_not_followed_by_what_comes_after_it", "wine makes no links"),
    ("target::replace_takes_a_folder_s_other_attributes", "extended attributes"),
];

/// wine can start one, but the test program dies when it waits for it.
const OPENSSL: &str = "the command openssl is a program of Unix";

/// The other test programs, which do not run there at all, and why.
const PROGRAMS_LEFT_OUT: &[(&str, &str)] = &[
    ("crash", LINUX),
    ("file_server", LINUX),
    ("smb", LINUX),
    ("smb_network", LINUX),
    ("folders", UNIX),
    ("readme", UNIX),
    ("restore_rights", UNIX),
    ("alert_allocations", THE_SAME),
    ("architecture", THE_SAME),
    ("legacy_provider", THE_SAME),
    ("progress", THE_SAME),
];

const LINUX: &str = "it needs Linux: strace, a Samba server, network namespaces";
const UNIX: &str =
    "its folders have modes, links and owners of Unix; what it shows beside these, sets:: shows, too";
const THE_SAME: &str = "it shows nothing that a system does in its own way";

/// Those that run in a way of their own: worlds of the oracle, sets that are exchanged with Linux.
const PROGRAMS_OF_THEIR_OWN: [&str; 2] = ["oracle", "windows_exchange"];

/// A test program that neither runs here nor is left out with a reason.
fn untold() -> Option<String> {
    let is_told = |name: &str| {
        PROGRAMS.contains(&name)
            || PROGRAMS_OF_THEIR_OWN.contains(&name)
            || PROGRAMS_LEFT_OUT.iter().any(|(other, _)| *other == name)
    };
    let items = fs::read_dir("tests").into_iter().flatten().flatten();
    let programs = items.filter_map(|item| {
        let name = item.file_name().into_string().ok()?;
        let is_folder = item.path().join("main.rs").exists();
        name.strip_suffix(".rs").map(ToOwned::to_owned).or_else(|| is_folder.then_some(name))
    });
    programs.into_iter().find(|name| !is_told(name))
}

/// Builds and runs all of it; with `--packages`, makes the packages; with other arguments, runs that cargo command for
/// Windows: `check`, `test --test sets`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS, FOR_WINDOWS].concat())?;
    TARGET.fetch()?;
    let windows = Windows::prepare()?;
    match arguments.split_first() {
        // The features of another package are yours to name.
        Some((command, arguments)) if arguments.iter().any(|argument| argument == "--package") => {
            windows.cargo(command).args(arguments).run()
        }
        Some((option, rest)) if option == "--packages" => {
            Packages::new(&windows, rest.iter().any(|option| option == "--release")).make()
        }
        Some((command, arguments)) => windows.library(command).args(arguments).run(),
        None => windows.test(openssl),
    }
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
        if let Some(name) = untold() {
            return Err(Failure(format!(
                "tests/{name}: say in xtask/src/windows.rs whether it runs on Windows"
            )));
        }
        for (name, why) in PROGRAMS_LEFT_OUT.iter().chain(LEFT_OUT) {
            eprintln!("xtask: left out under wine: {name}: {why}");
        }
        let programs = PROGRAMS.iter().flat_map(|name| ["--test", name]);
        let left_out = LEFT_OUT.iter().flat_map(|(name, _)| ["--skip", name]);
        self.library("test")
            .args(["--no-fail-fast", "--lib"])
            .args(programs)
            .args(["--"])
            .args(left_out)
            .run()?;
        self.package("test", "azs-backup-windows").run()?;
        let oracle = ["--test", "oracle", "whatever_happens", "--", "--nocapture"];
        self.library("test")
            .args(oracle)
            .env("AZS_ORACLE_SEEDS", WORLDS)
            .env("AZS_ORACLE_SECONDS", "3600")
            .env("AZS_ORACLE_THREADS", "2")
            .run()?;
        self.exchange(openssl)?;
        wine::clear(&self.prefix);
        Ok(())
    }

    /// Sets of the Windows program on Linux, and the other way round.
    fn exchange(&self, openssl: OpenSsl) -> Result<(), Failure> {
        self.package("build", "azs-backup-cli").args(FEATURES).run()?;
        let program = folder("build").join(TARGET.name).join("debug/azs-backup.exe");
        cargo("test", openssl)
            .args(["--test", "windows_exchange"])
            .env("AZS_TEST_WINE", &self.wine)
            .env("AZS_TEST_WINDOWS_PROGRAM", &program.to_string_lossy())
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .run()
    }

    /// Prepares a cargo command for the library.
    fn library(&self, command: &str) -> Step {
        self.cargo(command).args(FEATURES)
    }

    /// Prepares one for another package.
    fn package(&self, command: &str, name: &str) -> Step {
        self.cargo(command).args(["--package", name])
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
