//! Tests and installs the C library, and generates its header.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::needs::{self, FOR_BUILD, Need, OpenSsl, runs, tool};
use crate::notices;
use crate::run::{Failure, cargo, output, target};

/// What its tests need besides.
const FOR_C: &[Need] = &[
    tool("a C++ compiler", &["g++"], has_cxx),
    tool("cJSON with its header", &["libcjson-dev"], has_cjson),
    tool("valgrind", &["valgrind"], || runs("valgrind")),
    tool("pkg-config", &["pkg-config"], || runs("pkg-config")),
    tool("cmake", &["cmake"], || runs("cmake")),
];

/// Runs its tests; arguments go to `cargo test`.
pub(crate) fn test(arguments: &[String]) -> Result<(), Failure> {
    let openssl = needs::check(&[FOR_BUILD, FOR_C].concat())?;
    cargo("test", openssl).args(["--package", "azs-backup-c"]).args(arguments).run()
}

/// Generates the header.
pub(crate) fn header() -> Result<(), Failure> {
    let openssl = needs::check(FOR_BUILD)?;
    let test = cargo("test", openssl).args(["--quiet", "--package", "azs-backup-c", "--test", "header"]);
    test.env("UPDATE_HEADER", "1").run()
}

/// Installs header, libraries and the files for pkg-config and CMake. `--debug` uses what the tests build.
pub(crate) fn install(prefix: &str, options: &[String]) -> Result<(), Failure> {
    let is_debug = match options {
        [] => false,
        [option] if option == "--debug" => true,
        _ => return Err(Failure("install-c PREFIX [--debug]".into())),
    };
    let openssl = needs::check(FOR_BUILD)?;
    let build = cargo("build", openssl).args(["--package", "azs-backup-c"]);
    if is_debug {
        build.run()?
    } else {
        build.args(["--release"]).run()?
    }
    let prefix = std::path::absolute(prefix).map_err(|e| failed(Path::new(prefix), e))?;
    let built = target().join(if is_debug { "debug" } else { "release" });
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let (licences, share) = (prefix.join("share/licenses/azs_backup"), prefix.join("share/azs_backup"));
    for folder in [&include, &lib.join("pkgconfig"), &lib.join("cmake/azs_backup"), &licences, &share] {
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    }
    copy(&root().join("bindings/c/include/azs_backup.h"), &include.join("azs_backup.h"))?;
    copy(&built.join("libazs_backup.a"), &lib.join("libazs_backup.a"))?;
    let real = format!("libazs_backup.so.{VERSION}");
    copy(&built.join("libazs_backup.so"), &lib.join(&real))?;
    // Four fifths of both are line numbers; without `strip` they stay.
    for library in [lib.join("libazs_backup.a"), lib.join(&real)] {
        let _ = output("strip", &["-S", &library.to_string_lossy()], "");
    }
    link(&real, &lib.join(format!("libazs_backup.so.{}", interface())))?;
    link(&real, &lib.join("libazs_backup.so"))?;
    for name in notices::FILES {
        copy(&root().join(name), &licences.join(name))?;
    }
    copy(&root().join("bindings/c/tests/valgrind.supp"), &share.join("valgrind.supp"))?;
    let private = private_libraries(openssl);
    write(
        &lib.join("pkgconfig/azs_backup.pc"),
        &pkg_config(&prefix, "", "-L${libdir} -lazs_backup", &private),
    )?;
    let archive = format!("${{libdir}}/libazs_backup.a {private}");
    write(&lib.join("pkgconfig/azs_backup-static.pc"), &pkg_config(&prefix, ", static", &archive, ""))?;
    write(&lib.join("cmake/azs_backup/azs_backup-config.cmake"), &cmake(&private))?;
    write(&lib.join("cmake/azs_backup/azs_backup-config-version.cmake"), &cmake_version())?;
    eprintln!("xtask: libazs_backup {VERSION} is in {}", prefix.display());
    Ok(())
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the interface for the SONAME: before 1.0 every minor version has its own.
fn interface() -> &'static str {
    VERSION.rsplit_once('.').map_or(VERSION, |(interface, _)| interface)
}

/// What a program needs besides, if it links the library statically.
fn private_libraries(openssl: OpenSsl) -> String {
    // As `cargo rustc -p azs-backup-c -- --print native-static-libs` says, but for `-lgcc_s -lc`: the C compiler adds
    // these, and with `-static` there is no `-lgcc_s`.
    let system = "-lutil -lrt -lpthread -lm -ldl";
    match openssl {
        OpenSsl::System => format!("-lssl -lcrypto {system}"),
        _ => system.to_owned(),
    }
}

/// If a linker finds both libraries, it takes the shared one for `-lazs_backup`, whatever follows. So there is a
/// separate module for programs that want only the archive.
fn pkg_config(prefix: &Path, kind: &str, libraries: &str, private: &str) -> String {
    format!(
        "prefix={}\nincludedir=${{prefix}}/include\nlibdir=${{prefix}}/lib\n\n\
         Name: azs_backup{kind}\n\
         Description: Encrypted backups of what Azure Stack Hub leaves out\n\
         Version: {VERSION}\n\
         Cflags: -I${{includedir}}\n\
         Libs: {libraries}\n\
         Libs.private: {private}\n",
        prefix.display()
    )
}

fn cmake(private: &str) -> String {
    let mut text = String::from(
        "# find_package(azs_backup) gives azs_backup::azs_backup, the shared library, and azs_backup::static.\n\
         get_filename_component(_azs_backup_prefix \"${CMAKE_CURRENT_LIST_DIR}/../../..\" ABSOLUTE)\n\
         if(NOT TARGET azs_backup::azs_backup)\n",
    );
    let libraries =
        private.split(' ').map(|flag| flag.trim_start_matches("-l")).collect::<Vec<_>>().join(";");
    for (target, kind, file, more) in [
        (
            "azs_backup",
            "SHARED",
            format!("libazs_backup.so.{VERSION}"),
            format!("IMPORTED_SONAME libazs_backup.so.{}", interface()),
        ),
        (
            "static",
            "STATIC",
            "libazs_backup.a".to_owned(),
            format!("INTERFACE_LINK_LIBRARIES \"{libraries}\""),
        ),
    ] {
        let _ = write!(
            text,
            "    add_library(azs_backup::{target} {kind} IMPORTED)\n    \
             set_target_properties(azs_backup::{target} PROPERTIES\n        \
             IMPORTED_LOCATION \"${{_azs_backup_prefix}}/lib/{file}\"\n        \
             INTERFACE_INCLUDE_DIRECTORIES \"${{_azs_backup_prefix}}/include\"\n        {more})\n"
        );
    }
    text + "endif()\nunset(_azs_backup_prefix)\n"
}

/// Before 1.0 only the same minor version is compatible.
pub(crate) fn cmake_version() -> String {
    format!(
        "set(PACKAGE_VERSION \"{VERSION}\")\n\
         if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR NOT PACKAGE_VERSION MATCHES \
         \"^${{PACKAGE_FIND_VERSION_MAJOR}}\\\\.${{PACKAGE_FIND_VERSION_MINOR}}\")\n    \
         set(PACKAGE_VERSION_COMPATIBLE FALSE)\nelse()\n    set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n"
    )
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    // Make a new file instead of new content: a program that has loaded the old one keeps it.
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(drop).map_err(|e| failed(from, e))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|e| failed(path, e))
}

#[cfg(unix)]
fn link(name: &str, link: &Path) -> Result<(), Failure> {
    let _ = fs::remove_file(link);
    std::os::unix::fs::symlink(name, link).map_err(|e| failed(link, e))
}

#[cfg(not(unix))]
fn link(_: &str, link: &Path) -> Result<(), Failure> {
    Err(Failure(format!("{}: install-c is for Linux; elsewhere take the files from target", link.display())))
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}

fn has_cxx() -> bool {
    runs("c++")
}

fn has_cjson() -> bool {
    Path::new("/usr/include/cjson/cJSON.h").exists()
        || output("pkg-config", &["--exists", "libcjson"], "").is_some()
}
