//! Builds that know neither the time nor the folders of the machine, and the checksums of what is built. OpenSSL alone
//! writes into its text where it was built: the same folder gives the same bytes, another one differs in those.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Failure, Step, output, target};

/// The variable by which compilers and packers take the time of the source for that of the build.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Gives a build the time of the commit instead of its own.
pub(crate) fn dated(step: Step) -> Step {
    if std::env::var_os(EPOCH).is_some() {
        return step;
    }
    match output("git", &["log", "-1", "--format=%ct"], "") {
        Some(time) if !time.trim().is_empty() => step.env(EPOCH, time.trim()),
        // An archive of the source says by itself when it is from, or nobody does.
        _ => step,
    }
}

/// Arguments by which rustc writes no folder of this machine into a program; `toolchain`: where its own source is.
pub(crate) fn rust_flags(toolchain: &Path) -> String {
    folders(toolchain).iter().map(|(from, to)| format!(" --remap-path-prefix={from}={to}")).collect()
}

/// The same for a C compiler.
pub(crate) fn c_flags(toolchain: &Path) -> String {
    folders(toolchain).iter().map(|(from, to)| format!(" -ffile-prefix-map={from}={to}")).collect()
}

/// Folders of this machine and what stands for them. The last one that fits counts.
fn folders(toolchain: &Path) -> Vec<(String, &'static str)> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    let here = std::env::current_dir().ok();
    let folders = [
        (cargo, "/cargo"),
        (here, "/azs-backup"),
        (Some(target()), "/target"),
        (Some(toolchain.into()), "/rust"),
    ];
    let named = folders.into_iter().filter_map(|(from, to)| Some((from?.to_str()?.to_owned(), to)));
    // Such variables separate their arguments by spaces.
    named.filter(|(from, _)| !from.contains(' ')).collect()
}

/// Writes the SHA-256 of a file beside it, as `sha256sum -c` reads it.
pub(crate) fn checksum(file: &Path) -> Result<(), Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure(format!("{}: {what}", file.display()));
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let line = output("sha256sum", &["--binary", &file.to_string_lossy()], "");
    let line = line.ok_or_else(|| failed(&"sha256sum does not read it: apt-get install -y coreutils"))?;
    let digest = line.trim_start_matches('\\').split(' ').next().unwrap_or_default();
    let beside = file.with_file_name(format!("{name}.sha256"));
    fs::write(&beside, format!("{digest}  {name}\n")).map_err(|e| failed(&e))?;
    println!("{digest}  {name}");
    Ok(())
}
