//! Counts instructions and system calls of the main jobs, and compares them with those of before: `benches/counts.py`.

use crate::cli::PACKAGE;
use crate::needs::{self, FOR_BUILD, FOR_PYTHON, FOR_RECOVERY, Need, PYTHON, runs, tool};
use crate::run::{Failure, cargo, program, target};

/// What counts.
const FOR_COUNTS: &[Need] = &[
    tool("valgrind", &["valgrind"], || runs("valgrind")),
    tool("strace", &["strace"], || runs("strace")),
    tool("taskset", &["util-linux"], || runs("taskset")),
];

/// Compares the program with `benches/counts.json`, or with `--bless` writes that anew. A machine that cannot count says
/// what it lacks, and nothing fails.
pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    needs::add(FOR_COUNTS);
    let lacking = needs::lacking(FOR_COUNTS);
    if !lacking.is_empty() {
        eprintln!("xtask: SKIPPED: counts of instructions: this machine lacks {}", lacking.join(", "));
        return Ok(());
    }
    let openssl = needs::check(&[FOR_BUILD, FOR_PYTHON, FOR_RECOVERY].concat())?;
    // As the tests of the program build it.
    cargo("test", openssl).args(["--no-run"]).args(PACKAGE).run()?;
    let counted = target().join("debug/azs-backup");
    program(PYTHON).args(["benches/counts.py", &*counted.to_string_lossy()]).args(options).run()
}
