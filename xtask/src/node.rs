//! Tests the Node package, and makes its tarball.

use std::path::{Path, PathBuf};

use crate::needs::{self, FOR_BUILD, Need, OpenSsl, runs, tool};
use crate::notices;
use crate::reproducible;
use crate::run::{Failure, output, program, target};

/// What building and testing it needs besides.
pub(crate) const FOR_NODE: &[Need] = &[
    // Debian 12 has version 18; get a later one from Node's own packages.
    tool("Node 20 or later, with npm", &["nodejs", "npm"], has_node),
];

const FOLDER: &str = "bindings/node";

/// Builds the package and runs its tests; arguments go to Node.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_NODE].concat())?;
    dependencies()?;
    build(openssl, "build")?;
    if !arguments.is_empty() {
        return program("node").folder(FOLDER).args(["--expose-gc", "--test"]).args(arguments).run();
    }
    npm(&["run", "types"])?;
    npm(&["test"])?;
    // Use the tests' native half, so that nothing is built twice.
    try_out(&tarball(&target().join("tmp/npm"))?)
}

/// Builds the tarball to publish, with the native half for this platform, and tests it.
pub(crate) fn pack() -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_NODE].concat())?;
    build(openssl, "build:release")?;
    let tarball = tarball(&target().join("npm"))?;
    try_out(&tarball)?;
    println!("{}", tarball.display());
    reproducible::checksum(&tarball)
}

fn tarball(folder: &Path) -> Result<PathBuf, Failure> {
    let failed = |e| Failure(format!("{}: {e}", folder.display()));
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(failed)?;
    // npm packs only what is in its folder, and follows no links.
    for name in notices::FILES {
        std::fs::copy(name, Path::new(FOLDER).join(name)).map_err(failed)?;
    }
    npm(&["pack", "--silent", "--pack-destination", &folder.to_string_lossy()])?;
    let mut tarballs = std::fs::read_dir(folder).map_err(failed)?.filter_map(|item| Some(item.ok()?.path()));
    let tarball = tarballs.next().ok_or_else(|| Failure("npm packed nothing".into()))?;
    let listed = output("tar", &["-tzf", &tarball.to_string_lossy()], "").unwrap_or_default();
    notices::are_among(&listed, &tarball)?;
    Ok(tarball)
}

/// Installs the tarball into a new folder, and runs the examples, the README's and the vectors against it.
fn try_out(tarball: &Path) -> Result<(), Failure> {
    let folder = target().join("tmp/npm-consumer");
    let failed = |e| Failure(format!("{}: {e}", folder.display()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n").map_err(failed)?;
    let install = ["install", "--offline", "--no-audit", "--no-fund", &*tarball.to_string_lossy()];
    program("npm").folder(&folder.to_string_lossy()).args(install).run()?;
    let package = folder.join("node_modules/azs-backup");
    let tests = ["test/examples.test.mjs", "test/vectors.test.mjs"];
    let node = program("node").folder(FOLDER).env("AZS_BACKUP_PACKAGE", &package.to_string_lossy());
    node.args(["--test"]).args(tests).run()
}

fn dependencies() -> Result<(), Failure> {
    // The lock file names each package exactly, so what was installed from the same file need not be fetched again.
    let lock = |name: &str| std::fs::read(Path::new(FOLDER).join(name)).ok();
    let installed = lock("node_modules/.installed");
    if installed.is_some() && installed == lock("package-lock.json") {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund"])?;
    let failed = |e| Failure(format!("{FOLDER}/node_modules: {e}"));
    let (from, to) = ("package-lock.json", "node_modules/.installed");
    std::fs::copy(Path::new(FOLDER).join(from), Path::new(FOLDER).join(to)).map(drop).map_err(failed)
}

fn build(openssl: OpenSsl, script: &str) -> Result<(), Failure> {
    let npm = program("npm").folder(FOLDER).args(["run", script]);
    match openssl {
        OpenSsl::System => npm.env("AZS_BACKUP_FEATURES", "smb").run(),
        OpenSsl::Vendored | OpenSsl::Unused => npm.run(),
    }
}

fn npm(arguments: &[&str]) -> Result<(), Failure> {
    program("npm").folder(FOLDER).args(arguments).run()
}

fn has_node() -> bool {
    let version = output("node", &["--version"], "").unwrap_or_default();
    let major = version.trim().strip_prefix('v').and_then(|rest| rest.split('.').next());
    major.is_some_and(|major| major.parse::<u32>().is_ok_and(|major| major >= 20)) && runs("npm")
}
