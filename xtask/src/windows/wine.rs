//! A Windows to run programs in: wine, with a prefix of our own.

use std::fs;
use std::path::Path;

use super::{LINKER, create, failed, folder};
use crate::run::{Failure, program as step};

/// Where Debian's package `wine64` has the program; the one in the path belongs to another package.
const PLACES: [&str; 3] = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"];

/// Returns wine's program, if it is installed.
pub(super) fn program() -> Option<String> {
    PLACES.iter().find(|place| Path::new(place).exists()).map(ToString::to_string)
}

/// Returns the prefix: the folder that wine keeps a Windows in.
pub(super) fn prefix() -> Result<String, Failure> {
    let prefix = folder("prefix");
    let (shown, ready) = (prefix.to_string_lossy().into_owned(), prefix.join("ready"));
    if !ready.exists() {
        let _ = fs::remove_dir_all(&prefix);
        create(&prefix)?;
        step(&program().unwrap_or_default())
            .args(["wineboot", "--init"])
            .env("WINEPREFIX", &shown)
            .env("WINEDEBUG", "-all")
            // Neither .NET nor a browser: wine would ask where to get them.
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
            .run()?;
        add_random_numbers(&prefix.join("drive_c/windows/system32"))?;
        fs::write(&ready, "").map_err(|e| failed(&ready, e))?;
    }
    clear(&shown);
    Ok(shown)
}

/// Removes what test programs left that were killed, or that died: gigabytes, after some runs.
pub(super) fn clear(prefix: &str) {
    let users = fs::read_dir(Path::new(prefix).join("drive_c/users")).into_iter().flatten().flatten();
    for folder in users.map(|user| user.path().join("Temp")) {
        for item in fs::read_dir(folder).into_iter().flatten().flatten() {
            let _ = fs::remove_dir_all(item.path()).or_else(|_| fs::remove_file(item.path()));
        }
    }
}

/// Rust's standard library takes its random numbers from `bcryptprimitives.dll`, which wine has since 8.15. Without it
/// programs end at once, without a word.
fn add_random_numbers(system: &Path) -> Result<(), Failure> {
    let library = system.join("bcryptprimitives.dll");
    if library.exists() {
        return Ok(());
    }
    let source = folder("prng.c");
    fs::write(&source, PROCESS_PRNG).map_err(|e| failed(&source, e))?;
    let (source, library) = (source.to_string_lossy(), library.to_string_lossy());
    step(LINKER).args(["-shared", "-o", &library, &source, "-ladvapi32"]).run()
}

const PROCESS_PRNG: &str = "\
#include <windows.h>

/* RtlGenRandom, under the name that advapi32.dll exports. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
";
