//! Finds what a machine needs besides Rust, and installs it if we may, or names it with the command that does.

use crate::run::{Failure, output, program};

/// Which OpenSSL the library uses.
#[derive(Clone, Copy)]
pub(crate) enum OpenSsl {
    /// One built from source, the default.
    Vendored,
    /// The system's, if OpenSSL cannot be built.
    System,
    /// None: the command does not need it.
    Unused,
}

/// Something that must be installed.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    name: &'static str,
    /// The packages of Debian and Ubuntu that contain it.
    packages: &'static [&'static str],
    is_there: fn() -> bool,
    /// Whether it is needed only to build OpenSSL.
    builds_openssl: bool,
}

pub(crate) const fn tool(
    name: &'static str,
    packages: &'static [&'static str],
    is_there: fn() -> bool,
) -> Need {
    Need { name, packages, is_there, builds_openssl: false }
}

/// To build the library.
pub(crate) const FOR_BUILD: &[Need] = &[
    tool("a C compiler with its headers", &["gcc", "libc6-dev"], has_compiler),
    Need { builds_openssl: true, ..tool("perl with its modules", &["perl"], has_perl) },
    Need { builds_openssl: true, ..tool("make", &["make"], || runs("make")) },
];

/// To open a set by hand.
pub(crate) const FOR_RECOVERY: &[Need] = &[
    tool("openssl 3 or later", &["openssl"], has_openssl),
    tool("zstd", &["zstd"], || runs("zstd")),
    tool("tar", &["tar"], || runs("tar")),
    tool("sha256sum", &["coreutils"], || runs("sha256sum")),
    tool("bash", &["bash"], || runs("bash")),
];

/// To run the tests, which open sets by hand.
pub(crate) const FOR_TESTS: &[Need] = &[
    FOR_RECOVERY[0],
    FOR_RECOVERY[1],
    FOR_RECOVERY[2],
    FOR_RECOVERY[3],
    FOR_RECOVERY[4],
    // On Debian it is not in the path of an ordinary user.
    tool("Samba's smbd", &["samba"], || runs("smbd") || runs("/usr/sbin/smbd")),
    tool("smbclient", &["smbclient"], || runs("smbclient")),
    tool("ip", &["iproute2"], || output("ip", &["-V"], "").is_some()),
    // It records the calls at which tests simulate power cuts. Only Linux has it.
    tool("strace", &["strace"], || !cfg!(target_os = "linux") || runs("strace")),
];

/// For tests that say themselves that they cannot run: NTFS permissions, a domain, post-quantum recipients by hand.
pub(crate) const FOR_MORE_TESTS: &[Need] = &[
    tool("Samba's modules", &["samba-vfs-modules"], || {
        let find = "ls \"$(smbd -b | sed -n 's/.*MODULESDIR: //p')/vfs/acl_xattr.so\"";
        output("sh", &["-c", find], "").is_some()
    }),
    tool(
        "Samba's domain controller",
        &["samba-ad-dc", "samba-ad-provision", "samba-dsdb-modules", "winbind"],
        || runs("samba") && runs("winbindd"),
    ),
    // No Debian has it yet.
    tool("openssl 3.6 or later (AZS_TEST_OPENSSL may name it)", &[], || {
        let command = std::env::var_os("AZS_TEST_OPENSSL").unwrap_or_else(|| "openssl".into());
        openssl_version(command) >= Some((3, 6))
    }),
];

/// To build and test the Python package.
pub(crate) const FOR_PYTHON: &[Need] = &[
    tool("Python 3.11 or later", &["python3"], has_python),
    // On Debian and Ubuntu it is a separate package.
    tool("Python's venv", &["python3-venv"], || {
        output(PYTHON, &["-c", "import ensurepip, venv"], "").is_some()
    }),
];

/// The name of the Python command.
pub(crate) const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Finds what is missing, installs it or says how to, and returns which OpenSSL to build with.
pub(crate) fn check(needs: &[Need]) -> Result<OpenSsl, Failure> {
    if !cfg!(unix) {
        // We know no package manager here; cargo will say what is missing.
        return Ok(OpenSsl::Vendored);
    }
    let mut missing = missing(needs);
    if !missing.is_empty() && may_install() {
        if let Err(Failure(message)) = install(&missing) {
            eprintln!("xtask: {message}");
        }
        missing.retain(|need| !(need.is_there)());
    }
    if missing.is_empty() {
        return Ok(OpenSsl::Vendored);
    }
    let names = |missing: &[Need]| missing.iter().map(|need| need.name).collect::<Vec<_>>().join(", ");
    if missing.iter().all(|need| need.builds_openssl)
        && let Some(version) = system_openssl()
    {
        eprintln!(
            "xtask: no {}: going on with the system's OpenSSL {version}, which encrypts slower than a current one",
            names(&missing)
        );
        return Ok(OpenSsl::System);
    }
    let (lacks, packages) = (format!("this machine lacks {}", names(&missing)), packages(&missing).join(" "));
    // Not everything is a package: its name says how to get it.
    if packages.is_empty() {
        return Err(Failure(lacks));
    }
    let sudo = if is_root() { "" } else { "sudo " };
    Err(Failure(format!(
        "{lacks}. On Debian and Ubuntu this installs it:\n  {sudo}apt-get install -y {packages}"
    )))
}

/// Installs what is missing if we may; otherwise goes on without it.
pub(crate) fn add(needs: &[Need]) {
    for need in missing(needs) {
        if need.packages.is_empty() || !may_install() || install(&[need]).is_err() {
            eprintln!("xtask: no {}: tests that want it are left out, and say so", need.name);
        }
    }
}

/// The names of what is missing.
pub(crate) fn lacking(needs: &[Need]) -> Vec<&'static str> {
    missing(needs).iter().map(|need| need.name).collect()
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !(need.is_there)()).collect()
}

fn packages(missing: &[Need]) -> Vec<&'static str> {
    missing.iter().flat_map(|need| need.packages).copied().collect()
}

fn may_install() -> bool {
    is_root() && runs("apt-get")
}

fn install(missing: &[Need]) -> Result<(), Failure> {
    program("apt-get").args(["update", "-q"]).run()?;
    program("apt-get")
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(packages(missing))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

fn is_root() -> bool {
    output("id", &["-u"], "").is_some_and(|id| id.trim() == "0")
}

pub(crate) fn runs(program: &str) -> bool {
    output(program, &["--version"], "").is_some()
}

fn has_compiler() -> bool {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let program = "#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n";
    output(compiler, &["-x", "c", "-fsyntax-only", "-"], program).is_some()
}

/// Many systems have a minimal perl, which lacks modules that the build of OpenSSL needs.
fn has_perl() -> bool {
    const MODULES: &str =
        "use IPC::Cmd; use FindBin; use File::Compare; use File::Copy; use Pod::Usage; use Time::Piece;";
    output("perl", &["-e", MODULES], "").is_some()
}

fn has_python() -> bool {
    output(PYTHON, &["-c", "import sys; assert sys.version_info >= (3, 11)"], "").is_some()
}

fn has_openssl() -> bool {
    openssl_version("openssl") >= Some((3, 0))
}

/// Its major and its minor number; `None` for other makes.
fn openssl_version(command: impl AsRef<std::ffi::OsStr>) -> Option<(u32, u32)> {
    let version = output(command, &["version"], "")?;
    let mut numbers = version.strip_prefix("OpenSSL ")?.split('.').map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Returns the version of the system's OpenSSL, if we can build against it.
fn system_openssl() -> Option<String> {
    output("pkg-config", &["--atleast-version=3", "openssl"], "")?;
    output("pkg-config", &["--modversion", "openssl"], "").map(|version| version.trim().to_owned())
}
