//! The licences in our packages: our own, and the notices of everyone whose code is linked into them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::metadata::{self, Package};
use crate::run::{Failure, cargo_prints};

/// The files that each package contains: the wheel, the tarball, the prefix.
pub(crate) const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", NOTICES];

const NOTICES: &str = "THIRD-PARTY-NOTICES";

/// Generates the notices.
pub(crate) fn update() -> Result<(), Failure> {
    fs::write(NOTICES, notices()?).map_err(|e| failed(Path::new(NOTICES), e))
}

/// Fails if the notices do not match what is linked.
pub(crate) fn check() -> Result<(), Failure> {
    if fs::read_to_string(NOTICES).ok() != Some(notices()?) {
        return Err(Failure(format!("{NOTICES} is not up to date: cargo xtask notices")));
    }
    Ok(())
}

/// Returns which licence files are missing from the files of a package.
pub(crate) fn are_among(files: &str, package: &Path) -> Result<(), Failure> {
    match FILES.iter().find(|name| !files.contains(**name)) {
        Some(name) => Err(Failure(format!("{} holds no {name}", package.display()))),
        None => Ok(()),
    }
}

/// A licence's text, and whose it is.
type Texts = BTreeMap<String, (String, BTreeSet<String>)>;

fn notices() -> Result<String, Failure> {
    let mut texts = Texts::new();
    let packages = metadata::packages()?;
    for name in linked()? {
        // The folder of a package's source is called by its name and version.
        let is_it = |package: &&Package| package.manifest.parent().is_some_and(|at| at.ends_with(&name));
        let package = packages.iter().find(is_it);
        let package = package.ok_or_else(|| Failure(format!("cargo knows no folder of {name}")))?;
        let folder = package.manifest.with_file_name("");
        let mut files = licences(&folder)?;
        // Both contain the C code that they compile.
        if name.starts_with("openssl-src-") {
            files = vec![folder.join("openssl/LICENSE.txt")];
        } else if name.starts_with("zstd-sys-") {
            files.push(folder.join("zstd/LICENSE"));
        }
        if files.is_empty() {
            add(&mut texts, &name, &mit(package)?);
        }
        for file in files {
            add(&mut texts, &name, &fs::read_to_string(&file).map_err(|e| failed(&file, e))?);
        }
    }
    let mut notices = String::from(
        "The wheel, the Node package and the C library hold code of these packages, and of the Rust standard library\n\
         (MIT OR Apache-2.0, https://www.rust-lang.org). Made by `cargo xtask notices` for Linux.\n",
    );
    let mut texts: Vec<_> = texts.into_values().collect();
    texts.sort_by(|(_, a), (_, b)| a.cmp(b));
    for (text, packages) in texts {
        let packages: Vec<_> = packages.into_iter().collect();
        let _ = write!(notices, "\n{}\n{}\n\n{text}\n", "=".repeat(80), packages.join("\n"));
    }
    Ok(notices)
}

/// Texts that differ only in their line breaks count as one.
fn add(texts: &mut Texts, package: &str, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let lines: Vec<&str> = text.trim_matches(['\n', '\r']).lines().map(str::trim_end).collect();
    let (_, packages) = texts.entry(words.join(" ")).or_insert_with(|| (lines.join("\n"), BTreeSet::new()));
    packages.insert(package.to_owned());
}

/// Returns `name-version` of each package whose code we ship.
pub(crate) fn linked() -> Result<BTreeSet<String>, Failure> {
    let tree = cargo_prints(&[
        "tree",
        "--locked",
        "--package=azs-backup-python",
        "--package=azs-backup-node",
        "--package=azs-backup-c",
        // A build script uses the source of OpenSSL.
        "--edges=normal,build",
        "--target=x86_64-unknown-linux-gnu",
        "--prefix=none",
    ])?;
    let packages = tree.lines().filter(|line| !line.is_empty() && !line.contains("(proc-macro)"));
    let packages = packages.filter(|line| !line.starts_with("azs-backup"));
    Ok(packages
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            Some(format!("{name}-{}", rest.split(' ').next()?))
        })
        .collect())
}

/// The licence for a package that says MIT but does not contain the text.
fn mit(package: &Package) -> Result<String, Failure> {
    if !package.licence.contains("MIT") {
        let manifest = package.manifest.display();
        return Err(Failure(format!("{manifest} has no text of {} beside it", package.licence)));
    }
    let ours = fs::read_to_string("LICENSE-MIT").map_err(|e| failed(Path::new("LICENSE-MIT"), e))?;
    let (_, terms) = ours.split_once("\n\nPermission").unwrap_or_default();
    let authors = if package.authors.is_empty() { "its authors" } else { &package.authors };
    Ok(format!("MIT License\n\nCopyright (c) {authors}\n\nPermission{terms}"))
}

/// Returns the licence texts in a package. If there is a choice of licences, it takes MIT, if that is one of them.
fn licences(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let items = fs::read_dir(folder).map_err(|e| failed(folder, e))?;
    let mut names: Vec<String> =
        items.filter_map(|item| Some(item.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    let upper = |name: &String| name.to_uppercase();
    let begins = |name: &String, words: &[&str]| words.iter().any(|word| upper(name).starts_with(word));
    names.retain(|name| {
        begins(name, &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"])
            && folder.join(name).is_file()
            && Path::new(name).extension().is_none_or(|extension| extension != "html")
    });
    if names.iter().any(|name| upper(name).contains("MIT")) {
        names.retain(|name| upper(name).contains("MIT") || begins(name, &["NOTICE", "COPYRIGHT"]));
    }
    Ok(names.iter().map(|name| folder.join(name)).collect())
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
