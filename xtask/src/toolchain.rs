//! A Rust that can build for another target: Windows, or any Linux.
//!
//! If the one that runs us has the target's standard library, it is that one: `rustup target add` brings it. Otherwise we
//! take Debian's, the one that it builds its browsers with, because it comes with the source of the standard library. We
//! unpack its packages into a folder, change nothing in the system, and build the standard library ourselves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::reproducible::rust_flags;
use crate::run::{Failure, Step, output, program, target};

/// The packages, by names without versions: apt adds those that they need and the system lacks.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Where Debian's packages install to.
const DEBIAN_USR: &str = "usr";

/// A cargo and a rustc.
pub(crate) enum Toolchain {
    /// Those that run us.
    Own,
    /// Those below this folder.
    Debian(PathBuf),
}

/// What programs are built for.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) linker: &'static str,
}

impl Target {
    /// Makes sure that there is a Rust that can build for it, or at least the source of its standard library.
    pub(crate) fn fetch(&self) -> Result<(), Failure> {
        let root = folder("debian");
        if self.own_can() || root.is_dir() { Ok(()) } else { self.download(&root) }
    }

    /// Finds the toolchain, and builds its standard library for this target if that is not there yet.
    pub(crate) fn toolchain(&self) -> Result<Toolchain, Failure> {
        if self.own_can() {
            return Ok(Toolchain::Own);
        }
        let root = folder("debian");
        let toolchain = Toolchain::Debian(root.join(DEBIAN_USR));
        let library = self.library(&root.join(DEBIAN_USR));
        if !library.is_dir() {
            self.build_std(&toolchain, &library)?;
        }
        Ok(toolchain)
    }

    /// The variable by which cargo takes a setting for this target.
    pub(crate) fn variable(&self, setting: &str) -> String {
        format!("CARGO_TARGET_{}_{setting}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Whether the Rust that runs us can build for it.
    fn own_can(&self) -> bool {
        self.library(&Toolchain::Own.folder()).is_dir()
    }

    /// Where a toolchain has the standard library for it.
    fn library(&self, sysroot: &Path) -> PathBuf {
        sysroot.join("lib/rustlib").join(self.name).join("lib")
    }
}

impl Toolchain {
    /// Where we built its standard library for this target; `None` if it came with one.
    pub(crate) fn built_library(&self, target: &Target) -> Option<PathBuf> {
        match self {
            Self::Own => None,
            Self::Debian(usr) => Some(target.library(usr)),
        }
    }

    /// Where it is, with the source of its standard library.
    pub(crate) fn folder(&self) -> PathBuf {
        match self {
            Self::Own => {
                let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
                output(rustc, &["--print", "sysroot"], "").unwrap_or_default().trim().into()
            }
            Self::Debian(usr) => usr.clone(),
        }
    }

    /// Returns its cargo.
    pub(crate) fn cargo(&self) -> String {
        match self {
            Self::Own => std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
            Self::Debian(usr) => usr.join("bin/cargo").to_string_lossy().into_owned(),
        }
    }

    /// Lets a program use it.
    pub(crate) fn environment(&self, step: Step) -> Step {
        let Self::Debian(usr) = self else { return step };
        let bin = usr.join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        // The cargo that runs us has set the variables for its own.
        step.env("PATH", &format!("{}:{path}", bin.display()))
            .env("RUSTC", &bin.join("rustc").to_string_lossy())
            .env("RUSTDOC", &bin.join("rustdoc").to_string_lossy())
            .env("LD_LIBRARY_PATH", &usr.join("lib/x86_64-linux-gnu").to_string_lossy())
            .without(&["RUSTUP_TOOLCHAIN", "CARGO"])
    }
}

impl Target {
    /// Downloads the packages and unpacks them.
    fn download(&self, root: &Path) -> Result<(), Failure> {
        let archives = folder("packages");
        create(&archives.join("partial"))?;
        let cache = format!("Dir::Cache::archives={}", archives.display());
        // It installs nothing, so it need not wait for whoever does.
        let get = || {
            program("apt-get")
                .args(["install", "-q", "-y", "--download-only", "--reinstall", "--no-install-recommends"])
                .args(["-o", &cache, "-o", "Debug::NoLocking=1"])
                .args(PACKAGES)
                .run()
        };
        // The lists may be older than what the archive has now; only root can renew them.
        get().or_else(|_| program("apt-get").args(["update", "-q"]).run().and_then(|()| get())).map_err(
        |Failure(message)| {
            Failure(format!(
                "a Rust for {0}: `rustup target add {0}` brings one, or Debian's packages {1}, which could not be \
                 fetched ({message})",
                self.name,
                PACKAGES.join(", ")
            ))
        },
    )?;
        let unpacked = folder("debian.part");
        let _ = fs::remove_dir_all(&unpacked);
        create(&unpacked)?;
        for archive in fs::read_dir(&archives).map_err(|e| failed(&archives, e))? {
            let archive = archive.map_err(|e| failed(&archives, e))?.path();
            if archive.extension().is_some_and(|extension| extension == "deb") {
                let (archive, into) = (archive.to_string_lossy(), unpacked.to_string_lossy());
                program("dpkg-deb").args(["-x", &archive, &into]).run()?;
            }
        }
        fs::rename(&unpacked, root).map_err(|e| failed(root, e))?;
        fs::remove_dir_all(&archives).map_err(|e| failed(&archives, e))
    }

    /// Builds the standard library and the test harness, and puts them where rustc looks for them. Cargo can do the first
    /// only with a switch that is not stable; our own code is built without.
    fn build_std(&self, toolchain: &Toolchain, library: &Path) -> Result<(), Failure> {
        let package = folder("std");
        let write = |name: &str, text: &str| {
            let path = package.join(name);
            fs::write(&path, text).map_err(|e| failed(&path, e))
        };
        create(&package.join("src"))?;
        write("Cargo.toml", "[package]\nname = \"nothing\"\nedition = \"2024\"\n\n[workspace]\n")?;
        write("src/lib.rs", "")?;
        toolchain
            .environment(program(&toolchain.cargo()))
            .args(["build", "--release", "-Z", "build-std=std,panic_unwind,test", "--target", self.name])
            .args(["--manifest-path", &package.join("Cargo.toml").to_string_lossy()])
            .env("RUSTC_BOOTSTRAP", "1")
            .env(&self.variable("LINKER"), self.linker)
            // A program that is optimized as a whole takes in the standard library.
            .env(
                &self.variable("RUSTFLAGS"),
                &("-C embed-bitcode=yes".to_owned() + &rust_flags(&toolchain.folder())),
            )
            .env("CARGO_TARGET_DIR", &package.join("target").to_string_lossy())
            .run()?;
        let built = package.join("target").join(self.name).join("release/deps");
        let part = library.with_extension("part");
        let _ = fs::remove_dir_all(&part);
        create(&part)?;
        for item in fs::read_dir(&built).map_err(|e| failed(&built, e))? {
            let item = item.map_err(|e| failed(&built, e))?;
            let name = item.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libnothing") {
                fs::copy(item.path(), part.join(&name)).map_err(|e| failed(&part, e))?;
            }
        }
        fs::rename(&part, library).map_err(|e| failed(library, e))?;
        fs::remove_dir_all(&package).map_err(|e| failed(&package, e))
    }
}

/// Returns a folder of ours in the target folder.
fn folder(name: &str) -> PathBuf {
    target().join("toolchain").join(name)
}

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| failed(folder, e))
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
