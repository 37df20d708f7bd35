//! What CI runs: steps that you can also run one by one. At the end it says how long each took.

use std::time::{Duration, Instant};

use crate::needs::{self, FOR_BUILD, FOR_TESTS, OpenSsl};
use crate::run::{Failure, cargo};
use crate::{api, book, c, cli, counts, dependencies, node, package, python, rust, spelling, together};

struct Step {
    name: &'static str,
    /// What is true if it succeeds.
    what: &'static str,
    run: fn() -> Result<(), Failure>,
}

/// Cheap steps come first. `rust` and `rust-smb` share what they build, and so do `api` and `package`.
const STEPS: &[Step] = &[
    Step { name: "format", what: "every file is formatted", run: format },
    Step { name: "spelling", what: "no word is misspelt", run: spelling::check },
    Step {
        name: "book",
        what: "the book builds, every link of every page leads somewhere, and its examples are taken",
        run: book::build,
    },
    Step {
        name: "dependencies",
        what: "licences, sources, duplicates and Rust are as deny.toml says, and the notices those of what is linked",
        run: dependencies::check,
    },
    Step { name: "lints", what: "clippy finds nothing, in any part", run: lints },
    Step {
        name: "api",
        what: "rustdoc finds nothing, and the public interface is the one that docs/api lists",
        run: || api::check(&[]),
    },
    Step {
        name: "package",
        what: "the published package is whole, and documents itself",
        run: package::check,
    },
    Step { name: "rust", what: "the tests of the core pass", run: rust::in_folders },
    Step { name: "rust-smb", what: "those that take a share pass behind a file server", run: rust::over_smb },
    Step {
        name: "object-store",
        what: "those that take an object store pass on S3 and Azure Blob, and so do sets",
        run: || rust::in_object_stores(&[]),
    },
    Step {
        name: "cli",
        what: "the program passes its tests, and shows the main job",
        run: || cli::test(&[]),
    },
    Step {
        name: "counts",
        what: "no job takes over 3 % more instructions or system calls than benches/counts.json says",
        run: || counts::run(&[]),
    },
    Step { name: "python", what: "the Python package passes its tests", run: || python::test(&[]) },
    Step { name: "node", what: "the Node package passes its tests", run: || node::test(&[]) },
    Step { name: "c", what: "the C library passes its tests", run: || c::test(&[]) },
    Step { name: "together", what: "each language reads what the others write", run: || together::test(&[]) },
];

/// Runs these steps, or all; `--list` names them.
pub(crate) fn ci(arguments: &[String]) -> Result<(), Failure> {
    if let [option] = arguments
        && option == "--list"
    {
        for Step { name, what, .. } in STEPS {
            println!("{name:<14}{what}");
        }
        return Ok(());
    }
    let find = |name: &String| {
        let step = STEPS.iter().find(|step| step.name == name);
        step.ok_or_else(|| Failure(format!("there is no step {name}: cargo xtask ci --list names them")))
    };
    let chosen: Vec<&Step> = match arguments {
        [] => STEPS.iter().collect(),
        names => names.iter().map(find).collect::<Result<_, _>>()?,
    };
    let mut times = Vec::new();
    let result = chosen.iter().try_for_each(|step| {
        let start = Instant::now();
        eprintln!("xtask: {}: {}", step.name, step.what);
        let result = (step.run)();
        times.push((step.name, start.elapsed(), if result.is_ok() { "" } else { "  failed" }));
        result
    });
    for (name, time, end) in &times {
        eprintln!("xtask: {name:<14}{:>6} s{end}", time.as_secs());
    }
    let total: Duration = times.iter().map(|(_, time, _)| *time).sum();
    eprintln!("xtask: {:<14}{:>6} s", "all", total.as_secs());
    result
}

fn format() -> Result<(), Failure> {
    cargo("fmt", OpenSsl::Unused).args(["--all", "--check"]).run()
}

fn lints() -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS].concat())?;
    let all = [
        "--workspace",
        "--features",
        "azs-backup/object-store,azs-backup-cli/opentelemetry",
        "--all-targets",
    ];
    cargo("clippy", openssl).args(all).args(["--", "--deny", "warnings"]).run()
}
