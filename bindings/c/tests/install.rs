//! Installs the library to a prefix, and builds and runs the examples there: by pkg-config, shared and static, by CMake.
#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use common::{library, run, scratch, vectors};

const EXAMPLES: [&str; 4] = ["classify", "nightly", "one_file", "switches"];

/// The prefix, installed to once: the libraries are large.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        library();
        let prefix = scratch("prefix");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut install = Command::new(cargo);
        install
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .args(["run", "--quiet", "--locked", "--package", "xtask", "--", "install-c"])
            .arg(&prefix)
            .arg("--debug");
        run(&mut install);
        prefix
    })
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

#[test]
fn the_library_has_its_names_and_links() {
    let prefix = prefix();
    let version = env!("CARGO_PKG_VERSION");
    let (minor, _) = version.rsplit_once('.').unwrap();
    let real = prefix.join(format!("lib/libazs_backup.so.{version}"));
    for link in ["lib/libazs_backup.so", &format!("lib/libazs_backup.so.{minor}")] {
        assert_eq!(prefix.join(link).canonicalize().unwrap(), real.canonicalize().unwrap(), "{link}");
    }
    let dynamic = run(Command::new("readelf").arg("-d").arg(&real));
    assert!(dynamic.contains(&format!("Library soname: [libazs_backup.so.{minor}]")), "{dynamic}");
    // It brings its OpenSSL, and gives away none of it.
    if cfg!(feature = "vendored-openssl") {
        assert!(!dynamic.contains("libssl") && !dynamic.contains("libcrypto"), "{dynamic}");
    }
    let names = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&real));
    let foreign: Vec<_> = names
        .lines()
        .filter_map(|line| line.rsplit(' ').next())
        .filter(|name| !name.starts_with("azs_") && *name != "rust_eh_personality")
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// What `pkg-config` says.
fn flags(module: &str, options: &[&str]) -> String {
    let path = prefix().join("lib/pkgconfig");
    run(Command::new("pkg-config").env("PKG_CONFIG_PATH", path).args(options).arg(module))
}

fn compile(example: &str, to: &Path, link: &[&str]) {
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    cc.arg(examples().join(example).with_extension("c")).arg("-o").arg(to.join(example));
    run(cc.args(link));
}

#[test]
fn pkg_config_builds_the_examples() {
    let built = scratch("examples-shared");
    let flags = flags("azs_backup", &["--cflags", "--libs"]);
    for example in EXAMPLES {
        compile(example, &built, &flags.split_whitespace().collect::<Vec<_>>());
    }
    the_examples_work(&built, &prefix().join("lib"));
}

#[test]
fn pkg_config_links_the_archive_alone() {
    for (module, options, link) in [
        ("azs_backup-static", &["--cflags", "--libs"][..], &[][..]),
        ("azs_backup", &["--cflags", "--libs", "--static"], &["-static"]),
    ] {
        let built = scratch(&format!("examples-{module}-archive"));
        let flags = flags(module, options);
        compile(
            "switches",
            &built,
            &flags.split_whitespace().chain(link.iter().copied()).collect::<Vec<_>>(),
        );
        let program = built.join("switches");
        let dynamic = run(Command::new("readelf").arg("-d").arg(&program));
        assert!(!dynamic.contains("libazs_backup"), "{module}: {dynamic}");
        assert_eq!(dynamic.contains("NEEDED"), link.is_empty(), "{module}: {dynamic}");
        let share = common::share(&format!("{module}-archive-share"));
        let mut switches = Command::new(program);
        let report = run(switches.arg(share).arg(vectors().join("envelope/rsa2048.cer")).arg("tor1"));
        assert!(report.contains(r#""status":"Succeeded""#), "{report}");
    }
}

#[test]
fn the_lines_of_the_readme_build_from_a_prefix() {
    let readme = include_str!("../README.md");
    let block = |begin: &str| readme.split_once(begin).unwrap().1.split_once("```").unwrap().0;
    let folder = scratch("readme-prefix");
    std::fs::write(folder.join("program.c"), block("<!-- c -->\n```c\n")).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", block("<!-- prefix -->\n```sh\n")]).current_dir(&folder);
    run(shell.env("PREFIX", prefix()));
    for program in ["program", "program-static"] {
        let printed = run(Command::new(folder.join(program)).env_remove("LD_LIBRARY_PATH"));
        assert_eq!(printed, "CONNECTIVITY\n", "{program}");
    }
}

#[test]
fn licences_and_suppressions_are_installed() {
    let share = prefix().join("share");
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-NOTICES"] {
        let text = std::fs::read_to_string(share.join("licenses/azs_backup").join(name)).unwrap();
        assert!(text.contains("opyright"), "{name}");
    }
    let notices = std::fs::read_to_string(share.join("licenses/azs_backup/THIRD-PARTY-NOTICES")).unwrap();
    for package in ["openssl-src-", "zstd-sys-", "smb-"] {
        assert!(notices.lines().any(|line| line.starts_with(package)), "no notice of {package}");
    }
    assert!(share.join("azs_backup/valgrind.supp").is_file());
}

#[test]
fn cmake_builds_the_examples() {
    let prefix = prefix();
    let built = scratch("examples-cmake");
    let mut cmake = Command::new("cmake");
    cmake
        .arg("-S")
        .arg(examples())
        .arg("-B")
        .arg(&built)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    run(&mut cmake);
    run(Command::new("cmake").arg("--build").arg(&built));
    // CMake's own path to the library is in the programs.
    the_examples_work(&built, Path::new(""));
}

/// Each example does its job.
fn the_examples_work(built: &Path, library_path: &Path) {
    let work = built.join("work");
    let share = work.join("share");
    let state = work.join("state");
    let source = work.join("hlh");
    for folder in [&share.join("contoso.com/nyc"), &state, &source] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(source.join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let (cer, pfx) = (vectors().join("envelope/rsa2048.cer"), vectors().join("envelope/rsa2048.pfx"));
    let ended = |name: &str, arguments: &[&Path], code: i32| {
        let mut example = Command::new(built.join(name));
        example.args(arguments).env("LD_LIBRARY_PATH", library_path).env("AZS_PFX_PASSWORD", "correct horse");
        let output = example.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        (String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let (report, _) = ended("switches", &[&share, &cer, "tor1".as_ref(), "tor2".as_ref()], 0);
    assert!(
        report.contains(r#""status":"Succeeded""#) && report.contains(r#""vendor":"Contoso""#),
        "{report}"
    );
    ended("switches", &[&share, &cer, "tor1".as_ref()], 0);
    let (content, _) = ended("one_file", &[&share, &pfx, "tor2/running-config".as_ref()], 0);
    assert_eq!(content, "hostname tor2\n");
    let (_, said) = ended("one_file", &[&share, &pfx, "nothing".as_ref()], 1);
    assert!(said.contains("NOT_FOUND"), "{said}");

    // The first night: no state folder, no operations.json, and a source that is not mounted.
    let first = work.join("first");
    let absent = work.join("absent");
    let (report, said) = ended("nightly", &[&share, &cer, &first, &source, &absent], 0);
    assert!(report.contains(r#""status":"PartialSucceeded""#), "{report}");
    assert!(said.contains("operations.json is not there"), "{said}");
    std::fs::remove_file(first.join("jobs.jsonl")).unwrap();
    std::fs::write(first.join("operations.json"), "{").unwrap();
    let (_, said) = ended("nightly", &[&share, &cer, &first, &source], 1);
    assert!(said.starts_with("MALFORMED") && first.join("alert.json").exists(), "{said}");
    let log = std::fs::read_to_string(first.join("jobs.jsonl")).unwrap();
    assert!(log.contains(r#""status":"Failed""#), "{log}");

    let jobs = state.join("jobs.jsonl");
    let nightly: [&Path; 4] = [&share, &cer, &state, &source];
    std::fs::write(state.join("operations.json"), r#"[{"kind": "update", "state": "running"}]"#).unwrap();
    let (skipped, _) = ended("nightly", &nightly, 0);
    assert!(skipped.contains("update is running"), "{skipped}");
    std::fs::remove_file(&jobs).unwrap();
    std::fs::write(state.join("operations.json"), "[]").unwrap();
    let (report, _) = ended("nightly", &nightly, 0);
    assert!(report.contains("contoso.com/nyc/HLH/"), "{report}");
    let (next, _) = ended("nightly", &nightly, 0);
    assert!(next.starts_with("next at"), "{next}");
    std::fs::remove_file(&jobs).unwrap();
    let (_, said) = ended("nightly", &[&work.join("none"), &cer, &state, &source], 1);
    assert!(said.starts_with("NOT_FOUND: open share folder"), "{said}");
    let alert = std::fs::read_to_string(state.join("alert.json")).unwrap();
    assert!(alert.contains("Backup failed due to a fault in the path."), "{alert}");
    let log = std::fs::read_to_string(&jobs).unwrap();
    assert!(log.lines().last().unwrap().contains(r#""alert":"PATH""#), "{log}");

    for (said, class) in [
        ("0xC000006D", "AUTHENTICATION (AUTHENTICATION)"),
        ("53", "CONNECTIVITY (CONNECTIVITY)"),
        ("mount error(113): No route to host", "CONNECTIVITY (CONNECTIVITY)"),
    ] {
        let (printed, _) = ended("classify", &[said.as_ref()], 0);
        assert!(printed.starts_with(class), "{printed}");
    }
}
