//! The command of the repository: `cargo xtask test`.
//!
//! It needs nothing but cargo. It finds out what a machine lacks, installs that if it may, and runs cargo.

use std::path::Path;
use std::process::ExitCode;

mod api;
mod book;
mod c;
mod ci;
mod cli;
mod counts;
mod dependencies;
mod examples;
mod fuzz;
mod links;
mod metadata;
mod needs;
mod node;
mod notices;
mod object_stores;
mod package;
mod pages;
mod program;
mod python;
mod quickstart;
mod reproducible;
mod run;
mod rust;
mod sbom;
mod soak;
mod spelling;
mod together;
mod toolchain;
mod windows;

use needs::{FOR_BUILD, FOR_TESTS};
use run::{Failure, cargo};

const HELP: &str = "\
cargo xtask quickstart [ARGUMENTS]   run the main job with the program (--help for its arguments)
cargo xtask test                     run all tests, of all parts
cargo xtask test PART [ARGUMENTS]    of one part: rust, object-store, cli, python, node, c, together, windows; arguments go
                                     to its test command
cargo xtask test object-store all    all tests of sets in object stores, also those that take long there
cargo xtask night [BACKUPS]          backups over SMB with random faults, by default 200
cargo xtask soak [TIME] [SEED]       the oracle on random folders for 1h, 90m, 30s…, beginning with this seed; by default
                                     for an hour, with another seed each time
cargo xtask fuzz [SECONDS] [TARGET]  run each fuzz target, or one, by default for 60 seconds
cargo xtask windows [COMMAND…]        build for Windows and run the tests under wine, or this cargo command for Windows
cargo xtask wheel                    build the Python wheel into target/wheels, and test it in a new environment
cargo xtask npm-pack                 build the Node package's tarball into target/npm, and test it
cargo xtask install-c PREFIX         install the C library: header, libraries, pkg-config and CMake files
cargo xtask header                   generate the C header
cargo xtask book                     build the book in docs into target/book, and check its links and examples
cargo xtask pages [PROGRAM]          run the lines that the book prints, with this program or the one that was built
cargo xtask counts [--bless]         compare instructions and system calls with benches/counts.json, or update it there
cargo xtask static                   build the program as one file for any Linux: target/programs/azs-backup
cargo xtask deb                      build the Debian package of it into target/debian
cargo xtask notices                  generate THIRD-PARTY-NOTICES, which every package contains
cargo xtask sbom                     write the bill of materials (CycloneDX) to target/azs-backup.cdx.json
cargo xtask api [--bless]            compare the public interface with docs/api, or update it there
cargo xtask ci [STEP…]               what CI runs, or only these steps; says how long each took (--list names them)";

/// Runs the tests of a part, with arguments for its test command.
type Test = fn(&[String]) -> Result<(), Failure>;

/// The parts that can be tested separately.
const PARTS: &[(&str, Test)] = &[
    ("rust", rust::test),
    ("object-store", rust::in_object_stores),
    ("cli", cli::test),
    ("python", python::test),
    ("node", node::test),
    ("c", c::test),
    ("together", together::test),
    // CI leaves it out: it would take as long as half of all the rest.
    ("windows", windows::part),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match (&*task, &rest[..]) {
        ("quickstart", rest) => quickstart::quickstart(rest),
        ("test", rest) => test(rest),
        ("night", []) => night("200"),
        ("night", [backups]) => night(backups),
        ("soak", []) => soak::soak("1h", None),
        ("soak", [time]) => soak::soak(time, None),
        ("soak", [time, seed]) => soak::soak(time, Some(seed)),
        ("fuzz", []) => fuzz::fuzz("60", None),
        ("fuzz", [seconds]) => fuzz::fuzz(seconds, None),
        ("fuzz", [seconds, target]) => fuzz::fuzz(seconds, Some(target)),
        ("counts", options) => counts::run(options),
        ("windows", arguments) => windows::run(arguments),
        ("wheel", []) => python::wheel(),
        ("npm-pack", []) => node::pack(),
        ("install-c", [prefix, options @ ..]) => c::install(prefix, options),
        ("header", []) => c::header(),
        ("book", []) => book::build(),
        ("pages", []) => pages::run(&run::target().join("debug/azs-backup")),
        ("pages", [program]) => pages::run(Path::new(program)),
        ("static", []) => program::static_program().map(drop),
        ("deb", []) => program::deb(),
        ("notices", []) => notices::update(),
        ("sbom", []) => sbom::write(),
        ("api", options) => api::check(options),
        ("ci", steps) => ci::ci(steps),
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

fn test(arguments: &[String]) -> Result<(), Failure> {
    let Some((part, arguments)) = arguments.split_first() else {
        return PARTS.iter().try_for_each(|(_, test)| test(&[]));
    };
    match PARTS.iter().find(|(name, _)| name == part) {
        Some((_, test)) => test(arguments),
        None => Err(Failure(format!("there is no part {part}\n{HELP}"))),
    }
}

fn night(backups: &str) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    let arguments = ["--test", "file_server", "smb_night::", "--", "--nocapture"];
    cargo("test", openssl).args(arguments).env("AZS_TEST_NIGHT", backups).run()
}
