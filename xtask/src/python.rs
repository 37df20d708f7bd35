//! Builds the Python package into a virtual environment below `target`, tests it there, and makes its wheel.

use std::path::{Path, PathBuf};

use crate::needs::{self, FOR_BUILD, FOR_PYTHON, FOR_TESTS, OpenSsl, runs};
use crate::notices;
use crate::reproducible;
use crate::run::{Failure, Step, output, program, target};

const FOLDER: &str = "bindings/python";
const PYRIGHT: &str = "pyright@1.1.414";

/// Builds the package and runs its tests; arguments go to pytest.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_TESTS, FOR_PYTHON].concat())?;
    let venv = Venv::at("venv")?;
    venv.pip(&["install", "--quiet", "--group", &format!("{FOLDER}/pyproject.toml:dev")])?;
    venv.maturin("develop", openssl, &[])?;
    venv.module("pytest").folder(FOLDER).args(arguments).run()?;
    if !arguments.is_empty() {
        return Ok(());
    }
    venv.module("mypy").folder(FOLDER).run()?;
    venv.module("mypy.stubtest")
        .folder(FOLDER)
        .args(["azs_backup", "--allowlist", "tests/stubtest.txt"])
        .run()?;
    // pyright is a Node program; without Node, skip it.
    if runs("npx") {
        let pyright = program("npx").folder(FOLDER).args(["--yes", PYRIGHT, "--pythonpath"]);
        pyright.args([venv.python.to_string_lossy()]).run()?;
    } else {
        eprintln!("xtask: no pyright without npx: apt-get install -y npm");
    }
    // Use the tests' profile, so that nothing is built twice.
    let wheel = build(&venv, "tmp/wheels", openssl, &[])?;
    try_out(&wheel)
}

/// Zig's linker knows the symbols of each glibc. With this one the wheel runs on RHEL 8, Debian 11 and Ubuntu 20.04.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FOR_OLD_GLIBC: &[&str] = &["--zig", "--compatibility", "manylinux_2_28"];
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const FOR_OLD_GLIBC: &[&str] = &[];

/// Builds the wheel to publish, and tests it.
pub(crate) fn wheel() -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_PYTHON].concat())?;
    let venv = Venv::at("venv")?;
    venv.pip(&["install", "--quiet", "maturin[zig]>=1.9,<2"])?;
    let wheel = build(&venv, "wheels", openssl, &[&["--release"], FOR_OLD_GLIBC].concat())?;
    try_out(&wheel)?;
    println!("{}", wheel.display());
    reproducible::checksum(&wheel)
}

/// Builds a wheel for another system into this folder; `prepare` gives maturin what that takes.
pub(crate) fn wheel_for(
    folder: &Path,
    options: &[&str],
    prepare: impl FnOnce(Step) -> Step,
) -> Result<PathBuf, Failure> {
    let venv = Venv::at("venv")?;
    venv.pip(&["install", "--quiet", "maturin>=1.9,<2"])?;
    let maturin = prepare(venv.module("maturin").folder(FOLDER));
    maturin.args(["build", "--quiet"]).args(options).run()?;
    wheel_in(folder)
}

fn build(venv: &Venv, folder: &str, openssl: OpenSsl, options: &[&str]) -> Result<PathBuf, Failure> {
    let out = target().join(folder);
    let _ = std::fs::remove_dir_all(&out);
    venv.maturin("build", openssl, &[&["--out", &out.to_string_lossy()], options].concat())?;
    wheel_in(&out)
}

fn wheel_in(folder: &Path) -> Result<PathBuf, Failure> {
    let failed = |e| Failure(format!("{}: {e}", folder.display()));
    let mut wheels = std::fs::read_dir(folder).map_err(failed)?.filter_map(|item| Some(item.ok()?.path()));
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    wheels.find(is_wheel).ok_or_else(|| Failure(format!("maturin put no wheel into {}", folder.display())))
}

/// Installs the wheel into an environment without anything else of ours, and runs the examples there.
fn try_out(wheel: &Path) -> Result<(), Failure> {
    let shown = wheel.to_string_lossy();
    let clean = "tmp/clean-venv";
    let _ = std::fs::remove_dir_all(target().join(clean));
    let venv = Venv::at(clean)?;
    let listed = output(&venv.python, &["-m", "zipfile", "-l", &shown], "").unwrap_or_default();
    let surprises = [".libs/", "libssl", "__pycache__"];
    if let Some(file) = listed.lines().find(|line| surprises.iter().any(|name| line.contains(name))) {
        return Err(Failure(format!("the wheel holds what it should not: {file}")));
    }
    notices::are_among(&listed, wheel)?;
    venv.pip(&["install", "--quiet", "--no-index", &shown])?;
    venv.pip(&["install", "--quiet", "pytest"])?;
    let tests = ["tests/test_examples.py", "tests/test_vectors.py", "tests/test_backup.py"];
    venv.module("pytest").folder(FOLDER).args(tests).run()
}

/// Returns a program that this requirement installs, in an environment of its own.
pub(crate) fn tool(name: &str, requirement: &str) -> Result<PathBuf, Failure> {
    tool_of("tools-venv", name, requirement)
}

/// Returns the same, in an environment that it shares with nothing else.
pub(crate) fn tool_of(environment: &str, name: &str, requirement: &str) -> Result<PathBuf, Failure> {
    let venv = Venv::at(environment)?;
    venv.pip(&["install", "--quiet", requirement])?;
    Ok(venv.python.with_file_name(name))
}

struct Venv {
    folder: PathBuf,
    python: PathBuf,
}

impl Venv {
    /// Returns the virtual environment in this folder of the target. Creates it if it is missing, with a pip that
    /// supports dependency groups.
    fn at(folder: &str) -> Result<Self, Failure> {
        let folder = target().join(folder);
        let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        let venv = Self { folder, python };
        if output(&venv.python, &["-m", "pip", "--version"], "").is_none() {
            program(needs::PYTHON).args(["-m", "venv", "--clear", &venv.folder.to_string_lossy()]).run()?;
        }
        let is_new = "import pip; assert tuple(map(int, pip.__version__.split('.')[:2])) >= (25, 1)";
        if output(&venv.python, &["-c", is_new], "").is_none() {
            venv.pip(&["install", "--quiet", "--upgrade", "pip"])?;
        }
        Ok(venv)
    }

    fn pip(&self, arguments: &[&str]) -> Result<(), Failure> {
        self.module("pip").args(["--disable-pip-version-check"]).args(arguments).run()
    }

    fn maturin(&self, task: &str, openssl: OpenSsl, options: &[&str]) -> Result<(), Failure> {
        let step = self.module("maturin").folder(FOLDER).env("VIRTUAL_ENV", &self.folder.to_string_lossy());
        // Otherwise it looks for zig beside the first Python on the path, which may have none.
        let step = step.env("CARGO_ZIGBUILD_PYTHON_PATH", &self.python.to_string_lossy());
        // Only what is published: with another time all of OpenSSL is built again.
        let step = if options.contains(&"--release") { reproducible::dated(step) } else { step };
        let step = step.args([task, "--quiet"]).args(options);
        match openssl {
            OpenSsl::System => step.args(["--no-default-features"]).run(),
            OpenSsl::Vendored | OpenSsl::Unused => step.run(),
        }
    }

    fn module(&self, name: &str) -> Step {
        program(&self.python.to_string_lossy()).args(["-m", name])
    }
}
