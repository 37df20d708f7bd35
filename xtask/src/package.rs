//! Checks the package that is published: it contains what it needs, and its documentation builds on its own.

use std::fs;
use std::path::Path;

use crate::needs::{self, FOR_BUILD};
use crate::run::{Failure, cargo, cargo_prints, output, target};

/// What a reader expects in the package, whether or not the code names it.
const WANTED: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "docs/format.md",
    "src/lib.rs",
];

/// What does not belong in it.
const UNWANTED: &[&str] = &[".ci/", "bindings/", "fuzz/", "target/", "windows/", "xtask/"];

/// Lists the package's files, packs it, and builds its documentation as docs.rs does, outside of the workspace.
pub(crate) fn check() -> Result<(), Failure> {
    let openssl = needs::check(FOR_BUILD)?;
    let package = ["package", "--locked", "--allow-dirty", "--no-verify", "--package", "azs-backup"];
    let list = cargo_prints(&[&package[..], &["--list"]].concat())?;
    if let Some(missing) = WANTED.iter().find(|wanted| !list.lines().any(|file| file == **wanted)) {
        return Err(Failure(format!("the package lacks {missing}: see `exclude` in Cargo.toml")));
    }
    let is_unwanted = |file: &&str| UNWANTED.iter().any(|unwanted| file.starts_with(unwanted));
    if let Some(file) = list.lines().find(is_unwanted) {
        return Err(Failure(format!("the package has {file}: see `exclude` in Cargo.toml")));
    }
    // It depends on the other one, which is published first.
    cargo_prints(&[&package[..], &["--package", "azs-backup-windows"]].concat())?;
    let folder = unpack()?;
    let manifest = folder.join("Cargo.toml");
    leave_workspace(&manifest)?;
    // Takes the patch into the lock file, and leaves all else as it is.
    let manifest = manifest.to_string_lossy();
    cargo_prints(&["update", "--offline", "--workspace", "--manifest-path", &manifest])?;
    // In the workspace's target folder, so that nothing else is built again.
    let doc = cargo("doc", openssl).folder(&folder.to_string_lossy()).args(["--no-deps"]);
    doc.env("CARGO_TARGET_DIR", &target().to_string_lossy()).env("RUSTDOCFLAGS", "--deny warnings").run()
}

fn unpack() -> Result<std::path::PathBuf, Failure> {
    let name = concat!("azs-backup-", env!("CARGO_PKG_VERSION"));
    let (archive, into) =
        (target().join("package").join(format!("{name}.crate")), target().join("tmp/package"));
    let failed = |e| Failure(format!("{}: {e}", into.display()));
    let _ = fs::remove_dir_all(&into);
    fs::create_dir_all(&into).map_err(failed)?;
    output("tar", &["-xzf", &archive.to_string_lossy(), "-C", &into.to_string_lossy()], "")
        .ok_or_else(|| Failure(format!("tar does not unpack {}", archive.display())))?;
    Ok(into.join(name))
}

/// The package is in a folder below the workspace, but does not belong to it. It gets the workspace's profiles: with
/// others, all dependencies would be built again, OpenSSL included. What it needs of us may not be published yet.
fn leave_workspace(manifest: &Path) -> Result<(), Failure> {
    let failed = |e| Failure(format!("{}: {e}", manifest.display()));
    let published = fs::read_to_string(manifest).map_err(failed)?;
    let windows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../windows");
    let patch = format!("[patch.crates-io]\nazs-backup-windows = {{ path = {windows:?} }}\n");
    fs::write(manifest, format!("{published}\n[workspace]\n\n{patch}")).map_err(failed)
}
