//! The program `azs-backup` as it is given away: one static file for any Linux, and a Debian package of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::needs::{self, FOR_BUILD, Need, runs, tool};
use crate::notices;
use crate::reproducible;
use crate::run::{Failure, output, program, target};
use crate::sbom;
use crate::toolchain::{Target, Toolchain};

/// musl needs nothing of the system that a program runs on, names of hosts included.
const ANY_LINUX: Target = Target { name: "x86_64-unknown-linux-musl", linker: "musl-gcc" };

const FOR_STATIC: &[Need] = &[tool("musl-gcc", &["musl-tools"], || runs("musl-gcc"))];

const FOR_DEB: &[Need] =
    &[tool("cargo-deb (cargo install cargo-deb --locked)", &[], || cargo_deb().is_some())];

/// What a recovery stick and a slow link can bear. Two fifths are OpenSSL, zstd and what unwinds after a panic, and a tenth
/// is what logs on to a file server.
const MOST_BYTES: u64 = 15 << 20;

/// What takes time and is not in assembler: the rest is compiled for size.
const FAST: [&str; 8] = ["aes", "binrw", "crc32fast", "ghash", "polyval", "smb", "smb-msg", "zstd-sys"];

/// No panic goes through C, and the linker leaves out each function that nothing calls.
const C_FLAGS: &str =
    "-ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables";

/// Builds the static program into `target/programs`, and tries it.
pub(crate) fn static_program() -> Result<PathBuf, Failure> {
    needs::check(&[FOR_BUILD, FOR_STATIC].concat())?;
    ANY_LINUX.fetch()?;
    let toolchain = ANY_LINUX.toolchain()?;
    let built = target().join("toolchain/build");
    let source = toolchain.folder();
    reproducible::dated(toolchain.environment(program(&toolchain.cargo())))
        .args(["build", "--release", "--locked", "--package", "azs-backup-cli", "--target", ANY_LINUX.name])
        .env(&ANY_LINUX.variable("LINKER"), ANY_LINUX.linker)
        .env(
            &ANY_LINUX.variable("RUSTFLAGS"),
            &(flags(&toolchain)?.to_owned() + &reproducible::rust_flags(&source)),
        )
        .env("CFLAGS_x86_64_unknown_linux_musl", &(C_FLAGS.to_owned() + &reproducible::c_flags(&source)))
        .env("CC_x86_64_unknown_linux_musl", ANY_LINUX.linker)
        .env("CARGO_TARGET_DIR", &built.to_string_lossy())
        .args(
            FAST.iter()
                .flat_map(|name| ["--config".into(), format!("profile.release.package.{name}.opt-level=3")]),
        )
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .run()?;
    let from = built.join(ANY_LINUX.name).join("release/azs-backup");
    let to = target().join("programs/azs-backup");
    copy(&from, &to)?;
    let length = fs::metadata(&to).map_err(|e| failed(&to, &e))?.len();
    if length > MOST_BYTES {
        return Err(Failure(format!("{} has {length} bytes; at most {MOST_BYTES}", to.display())));
    }
    is_static(&to)?;
    program(&to.to_string_lossy()).args(["--version"]).run()?;
    println!("{}: {:.1} MiB, static", to.display(), length as f64 / f64::from(1 << 20));
    reproducible::checksum(&to)?;
    Ok(to)
}

/// Rust's own musl has all that it takes. With ours, musl-tools' start files and library are taken, and gcc unwinds.
fn flags(toolchain: &Toolchain) -> Result<&'static str, Failure> {
    let Some(library) = toolchain.built_library(&ANY_LINUX) else { return Ok("") };
    let unwind = library.join("libunwind.a");
    if !unwind.exists() {
        let (source, object) = (library.join("find_object.c"), library.join("find_object.o"));
        fs::write(&source, FIND_OBJECT).map_err(|e| failed(&source, &e))?;
        let (source, object) = (source.to_string_lossy(), object.to_string_lossy());
        program(ANY_LINUX.linker).args(["-O2", "-fPIC", "-c", &*source, "-o", &*object]).run()?;
        let part = library.join("libunwind.part");
        let gcc = output("gcc", &["-print-file-name=libgcc_eh.a"], "").unwrap_or_default();
        copy(Path::new(gcc.trim()), &part)?;
        program("ar").args(["r", &*part.to_string_lossy(), &*object]).run()?;
        fs::rename(&part, &unwind).map_err(|e| failed(&unwind, &e))?;
    }
    // musl-gcc makes no static program that can be loaded anywhere in memory: it would still ask for an interpreter.
    Ok("-C link-self-contained=no -C relocation-model=static")
}

const FIND_OBJECT: &str = include_str!("program/find_object.c");

/// Fails if a program needs a library of the system.
fn is_static(file: &Path) -> Result<(), Failure> {
    let listed =
        output("readelf", &["--dynamic", "--program-headers", "--wide", &file.to_string_lossy()], "");
    let listed = listed.ok_or_else(|| Failure("readelf does not run: apt-get install -y binutils".into()))?;
    match listed.lines().find(|line| line.contains("NEEDED") || line.contains("INTERP")) {
        Some(line) => Err(Failure(format!("{} is not static: {}", file.display(), line.trim()))),
        None => Ok(()),
    }
}

/// Builds the Debian package into `target/debian`, and looks at it.
pub(crate) fn deb() -> Result<(), Failure> {
    needs::check(&[FOR_BUILD, FOR_STATIC, FOR_DEB].concat())?;
    let azs_backup = static_program()?;
    let staged = target().join("package/deb");
    let _ = fs::remove_dir_all(&staged);
    copy(&azs_backup, &staged.join("azs-backup"))?;
    let man = staged.join("man");
    fs::create_dir_all(&man).map_err(|e| failed(&man, &e))?;
    let azs_backup = azs_backup.to_string_lossy();
    program(&azs_backup).args(["man", "--into", &man.to_string_lossy()]).run()?;
    for (shell, name) in [("bash", "azs-backup.bash"), ("zsh", "_azs-backup"), ("fish", "azs-backup.fish")] {
        let script = output(&*azs_backup, &["completions", shell], "");
        let script = script.ok_or_else(|| Failure(format!("there are no completions for {shell}")))?;
        let file = staged.join(name);
        fs::write(&file, script).map_err(|e| failed(&file, &e))?;
    }
    sbom::write_to(&staged.join("azs-backup.cdx.json"))?;
    let packages = target().join("debian");
    let _ = fs::remove_dir_all(&packages);
    fs::create_dir_all(&packages).map_err(|e| failed(&packages, &e))?;
    let cargo_deb = cargo_deb().unwrap_or_default();
    let options = ["--no-build", "--no-strip", "--package", "azs-backup-cli", "--output"];
    reproducible::dated(program(&cargo_deb)).args(options).args([&*packages.to_string_lossy()]).run()?;
    let mut built = fs::read_dir(&packages).map_err(|e| failed(&packages, &e))?;
    let package = built.find_map(|file| Some(file.ok()?.path()));
    let package = package.ok_or_else(|| Failure("cargo-deb made no package".into()))?;
    let shown = package.to_string_lossy();
    let listed = output("dpkg-deb", &["--contents", &shown], "").unwrap_or_default();
    notices::are_among(&format!("{listed}LICENSE-APACHE LICENSE-MIT"), &package)?;
    if runs("lintian") {
        program("lintian").args(["--fail-on", "error,warning", &shown]).run()?;
    } else {
        eprintln!("xtask: the package was not looked at by lintian: apt-get install -y lintian");
    }
    println!("{shown}");
    reproducible::checksum(&package)
}

/// The command cargo-deb: in the path, or where `cargo install --root target/tools` puts it.
fn cargo_deb() -> Option<String> {
    let ours = target().join("tools/bin/cargo-deb").to_string_lossy().into_owned();
    [ours, "cargo-deb".into()].into_iter().find(|program| output(program, &["--version"], "").is_some())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    fs::copy(from, to).map(drop).map_err(|e| failed(from, &e))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
