//! Builds the fuzz targets with coverage, by the stable compiler, and runs each for a while.
//!
//! `cargo fuzz`, with a nightly compiler, adds a sanitizer; the library itself has no `unsafe` for that to watch.

use std::path::Path;

use crate::needs::{self, FOR_BUILD, OpenSsl, tool};
use crate::run::{Failure, cargo, output, program, target};

/// Runs each target for this many seconds. The first input that breaks one ends the run, and is saved in
/// `fuzz/artifacts`.
pub(crate) fn fuzz(seconds: &str, only: Option<&str>) -> Result<(), Failure> {
    needs::check(&[FOR_BUILD, &[tool("a C++ compiler", &["g++"], || needs::runs("c++"))]].concat())?;
    let version = output("rustc", &["-vV"], "").unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failure("rustc does not say what it compiles for".into()))?;
    let target = target().join("fuzz");
    // The same versions as in the workspace, and a few more packages.
    let lock = std::fs::copy("Cargo.lock", "fuzz/Cargo.lock");
    lock.map_err(|e| Failure(format!("fuzz/Cargo.lock: {e}")))?;
    // Name the target, so that programs that run during the build go without the flags.
    let build = cargo("build", OpenSsl::Unused).folder("fuzz").args(["--release", "--target", host]);
    build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &target.to_string_lossy()).run()?;
    for name in targets()?.iter().filter(|name| only.is_none_or(|only| only == **name)) {
        let (corpus, artifacts) = (format!("corpus/{name}"), format!("artifacts/{name}/"));
        for folder in [&corpus, &artifacts] {
            let folder = Path::new("fuzz").join(folder);
            std::fs::create_dir_all(&folder).map_err(|e| Failure(format!("{}: {e}", folder.display())))?;
        }
        // A PFX may ask for some seconds of work, thrice, and the machine may be busy.
        let limits =
            [format!("-max_total_time={seconds}"), "-timeout=100".into(), "-print_final_stats=1".into()];
        let run = program(&target.join(host).join("release").join(name).to_string_lossy()).folder("fuzz");
        run.args([format!("-artifact_prefix={artifacts}")]).args(limits).args([&*corpus, SEEDS]).run()?;
    }
    Ok(())
}

/// The flags of `cargo fuzz`, without a sanitizer.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1";
/// The first inputs: messages, certificates, and everything else that the vectors have as files.
const SEEDS: &str = "../tests/vectors";

fn targets() -> Result<Vec<String>, Failure> {
    let failed = |e| Failure(format!("fuzz/fuzz_targets: {e}"));
    let items = std::fs::read_dir("fuzz/fuzz_targets").map_err(failed)?;
    let mut names: Vec<_> = items
        .filter_map(|item| Some(item.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}
