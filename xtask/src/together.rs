//! Checks that each language reads the sets that the others write: the program, and the examples that back up and that
//! restore one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli;
use crate::needs::{self, FOR_BUILD};
use crate::run::{Failure, cargo, target};

/// The languages, and how each backs up `tor1` and restores its file from the newest set.
const LANGUAGES: [Language; 4] = [
    Language { name: "the program", is_built: || true, back_up: rust_backs_up, restore: rust_restores },
    Language {
        name: "python",
        is_built: || python().exists(),
        back_up: |work| {
            run(Command::new(python())
                .arg(PYTHON_EXAMPLES.to_owned() + "switches.py")
                .args(by_options(work))
                .arg("tor1"))
        },
        restore: |work| {
            run(Command::new(python())
                .arg(PYTHON_EXAMPLES.to_owned() + "one_file.py")
                .args(for_restore(work))
                .arg(FILE))
        },
    },
    Language {
        name: "node",
        is_built: || Path::new("bindings/node/native").exists(),
        back_up: |work| {
            run(Command::new("node")
                .arg(NODE_EXAMPLES.to_owned() + "switches.mjs")
                .args(by_options(work))
                .arg("tor1"))
        },
        restore: |work| {
            run(Command::new("node")
                .arg(NODE_EXAMPLES.to_owned() + "one_file.mjs")
                .args(for_restore(work))
                .arg(FILE))
        },
    },
    Language {
        name: "c",
        is_built: || c("switches").exists(),
        back_up: |work| {
            run(Command::new(c("switches")).arg(work.join("share")).arg(work.join("backup.cer")).arg("tor1"))
        },
        restore: |work| {
            run(Command::new(c("one_file")).arg(work.join("share")).arg(work.join("backup.pfx")).arg(FILE))
        },
    },
];

struct Language {
    name: &'static str,
    is_built: fn() -> bool,
    back_up: fn(&Path) -> Result<String, Failure>,
    restore: fn(&Path) -> Result<String, Failure>,
}

/// Each language that has been built writes a set, and all of them read it.
pub(crate) fn test(_: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(FOR_BUILD)?;
    cargo("build", openssl).args(["--quiet"]).args(cli::PACKAGE).run()?;
    let (built, missing): (Vec<_>, Vec<_>) = LANGUAGES.iter().partition(|language| (language.is_built)());
    for language in missing {
        eprintln!("xtask: {0} has not been built: cargo xtask test {0}", language.name);
    }
    for writer in &built {
        let work = target().join("tmp/together").join(writer.name);
        let _ = fs::remove_dir_all(&work);
        for folder in ["share/contoso.com/nyc", "tor1"] {
            fs::create_dir_all(work.join(folder)).map_err(failed)?;
        }
        fs::write(work.join(FILE), CONTENT).map_err(failed)?;
        for (from, to) in [("rsa2048.cer", "backup.cer"), ("rsa2048.pfx", "backup.pfx")] {
            fs::copy(Path::new("tests/vectors/envelope").join(from), work.join(to)).map_err(failed)?;
        }
        (writer.back_up)(&work)?;
        for reader in &built {
            let content = (reader.restore)(&work)?;
            if content != CONTENT {
                return Err(Failure(format!(
                    "{} read {content:?} from what {} wrote",
                    reader.name, writer.name
                )));
            }
            eprintln!("xtask: {} reads what {} wrote", reader.name, writer.name);
        }
    }
    Ok(())
}

const FILE: &str = "tor1/running-config";
const CONTENT: &str = "hostname tor1\n";
const PYTHON_EXAMPLES: &str = "bindings/python/examples/";
const NODE_EXAMPLES: &str = "bindings/node/examples/";

fn python() -> PathBuf {
    target().join("venv").join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Returns an example that the tests of the C library built.
fn c(example: &str) -> PathBuf {
    target().join("tmp/c/examples-cmake").join(example)
}

fn by_options(work: &Path) -> [PathBuf; 4] {
    ["--share".into(), work.join("share"), "--cer".into(), work.join("backup.cer")]
}

fn for_restore(work: &Path) -> [PathBuf; 4] {
    ["--share".into(), work.join("share"), "--pfx".into(), work.join("backup.pfx")]
}

fn rust_backs_up(work: &Path) -> Result<String, Failure> {
    let mut backup = Command::new(target().join("debug/azs-backup"));
    backup.args(["backup", "--place", "contoso.com/nyc/Switches"]);
    backup.arg("--root").arg(work.join("share")).arg("--cer").arg(work.join("backup.cer"));
    run(backup.arg(work.join("tor1")))
}

fn rust_restores(work: &Path) -> Result<String, Failure> {
    let mut cat = Command::new(target().join("debug/azs-backup"));
    cat.args(["cat", "contoso.com/nyc/Switches/latest", FILE]);
    run(cat.arg("--root").arg(work.join("share")).arg("--pfx").arg(work.join("backup.pfx")))
}

/// Runs a program that has to succeed; returns what it prints.
fn run(command: &mut Command) -> Result<String, Failure> {
    command.env("AZS_PFX_PASSWORD", "correct horse").stdin(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().map_err(|e| Failure(format!("{command:?}: {e}")))?;
    if !output.status.success() {
        return Err(Failure(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", target().join("tmp/together").display()))
}
