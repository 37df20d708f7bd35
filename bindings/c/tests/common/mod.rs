//! Builds the library once, and C programs against it.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the library's files, which are built when they are asked for: `cargo test` does not build a library that
/// no Rust test links.
pub fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "--package", "azs-backup-c", "--no-default-features"]);
        for (feature, is_on) in
            [("smb", cfg!(feature = "smb")), ("vendored-openssl", cfg!(feature = "vendored-openssl"))]
        {
            if is_on {
                cargo.args(["--features", feature]);
            }
        }
        run(&mut cargo);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("debug");
        // The name by which a program asks for it when it starts.
        let mut version = env!("CARGO_PKG_VERSION").split('.');
        let name = format!("libazs_backup.so.{}.{}", version.next().unwrap(), version.next().unwrap());
        let link = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(folder.join("libazs_backup.so"), link).unwrap();
        folder
    })
}

/// The shared vectors.
pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").canonicalize().unwrap()
}

/// An empty folder of this name.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The same with the region folder that Azure Stack Hub makes.
pub fn share(name: &str) -> PathBuf {
    let folder = scratch(name);
    std::fs::create_dir_all(folder.join("contoso.com/nyc")).unwrap();
    folder
}

/// Runs a program that has to succeed; gives what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{printed}{said}", output.status);
    printed
}

/// A C program to be built.
pub struct Build {
    source: PathBuf,
    variant: &'static str,
    is_cxx: bool,
    flags: Vec<String>,
}

impl Build {
    /// A program of this folder.
    pub fn new(name: &str) -> Self {
        Self::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).with_extension("c"))
    }

    pub fn of(source: &Path) -> Self {
        Self { source: source.to_owned(), variant: "plain", is_cxx: false, flags: Vec::new() }
    }

    pub fn variant(mut self, variant: &'static str) -> Self {
        self.variant = variant;
        self
    }

    pub fn sanitized(mut self) -> Self {
        self.variant = "sanitized";
        self.flags.push("-fsanitize=address,undefined".into());
        self.flags.push("-fno-sanitize-recover=all".into());
        self
    }

    pub fn cxx(mut self) -> Self {
        self.is_cxx = true;
        self
    }

    pub fn link(mut self, library: &str) -> Self {
        self.flags.push(format!("-l{library}"));
        self
    }

    pub fn compile(self) -> PathBuf {
        let folder = library();
        let name = self.source.file_stem().unwrap().to_str().unwrap();
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c-{name}-{}", self.variant));
        let (variable, usual, standard) =
            if self.is_cxx { ("CXX", "c++", "-std=c++17") } else { ("CC", "cc", "-std=c11") };
        let mut compiler = Command::new(std::env::var_os(variable).unwrap_or_else(|| usual.into()));
        compiler.args([
            standard,
            "-D_POSIX_C_SOURCE=200809L",
            "-g",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ]);
        compiler.arg("-I").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("include"));
        compiler.arg(&self.source).arg("-o").arg(&binary);
        compiler.arg("-L").arg(folder).arg("-lazs_backup").args(&self.flags);
        run(compiler.arg(format!("-Wl,-rpath,{}", env!("CARGO_TARGET_TMPDIR"))));
        binary
    }
}

/// Every theme of the vectors, and how many cases all languages walk of it.
pub fn check_counts(printed: &str) {
    let counts = std::fs::read(vectors().join("counts.json")).unwrap();
    let counts: std::collections::BTreeMap<String, u64> = serde_json::from_slice(&counts).unwrap();
    let mut lines: Vec<_> = printed.lines().collect();
    lines.sort_unstable();
    let wanted: Vec<_> = counts.iter().map(|(theme, count)| format!("vectors: {theme} {count}")).collect();
    assert_eq!(lines, wanted);
}

/// A program that calls each function of the header with NULL and 0 for everything: none may crash, and those that can
/// fail must say that the argument is invalid. Frees the one thing that such a call can give.
pub fn calls_with_nothing() -> String {
    let header = include_str!("../../include/azs_backup.h");
    let code = header.split_once("extern \"C\" {").unwrap().1;
    let mut without_comments = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("/*") {
        without_comments += before;
        rest = after.split_once("*/").unwrap().1;
    }
    without_comments += rest;
    let mut program = String::from(
        "#include <azs_backup.h>\n#include <stdio.h>\n\
         static int wrong = 0;\n\
         static void refused(azs_status status, const char *name) {\n    if (status != AZS_STATUS_INVALID_ARGUMENT) {\n        \
         printf(\"%s: %s\\n\", name, azs_status_code((int)status));\n        wrong = 1;\n    }\n}\n\nint main(void) {\n",
    );
    let mut count = 0;
    for prototype in without_comments.split(';') {
        let prototype = prototype.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((head, parameters)) = prototype.split_once('(') else { continue };
        let Some((result, name)) = head.rsplit_once([' ', '*']) else { continue };
        if !name.starts_with("azs_") {
            continue;
        }
        let parameters = parameters.trim_end_matches(')');
        let arguments = match parameters {
            "void" => 0,
            _ => parameters.split(',').count(),
        };
        let call = format!("{name}({})", vec!["0"; arguments].join(", "));
        program += &match result {
            "azs_status" if name != "azs_error_status" => format!("    refused({call}, \"{name}\");\n"),
            "void" => format!("    {call};\n"),
            _ => format!("    (void){call};\n"),
        };
        count += 1;
    }
    assert!(count > 130, "only {count} functions were found in the header");
    program + "    return wrong;\n}\n"
}
