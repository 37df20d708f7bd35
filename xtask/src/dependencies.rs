//! Checks the dependencies against `deny.toml`, as far as that is possible without the network.
//!
//! `cargo deny` checks the same, and advisories, too. Building it takes longer than this whole step, so run it only for
//! a release.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{Failure, cargo_prints};
use crate::{metadata, notices};

/// Checks licences and their notices, sources, duplicate versions, and the Rust version that they need.
pub(crate) fn check() -> Result<(), Failure> {
    let rules = Rules::read(&std::fs::read_to_string(RULES).map_err(|e| Failure(format!("{RULES}: {e}")))?);
    let crates = crates()?;
    let mut found = Vec::new();
    for Crate { name, version, licence, origin } in &crates {
        let exceptions = rules.exceptions.get(&**name).into_iter().flatten();
        let allowed: BTreeSet<&str> = rules.allowed.iter().chain(exceptions).map(|name| &**name).collect();
        if !is_allowed(licence, &allowed) {
            found.push(format!("{name} {version} is under {licence:?}, which {RULES} does not allow"));
        }
        // The registry is always allowed; a folder has to be ours.
        let is_ours = name.starts_with("azs-backup") || name == "xtask";
        if !origin.is_empty() && !is_ours {
            found.push(format!("{name} {version} comes from {origin}, not from the registry"));
        }
    }
    found.extend(duplicates(&crates, &rules.skipped));
    found.extend(unused(&crates, &rules));
    found.extend(newer_rust()?);
    if !found.is_empty() {
        return Err(Failure(found.join("\nxtask: ")));
    }
    notices::check()?;
    eprintln!(
        "xtask: {} dependencies looked at; advisories need the network: cargo deny check advisories",
        crates.len()
    );
    Ok(())
}

const RULES: &str = "deny.toml";

/// What this step uses of `deny.toml`.
#[derive(Default)]
struct Rules {
    allowed: BTreeSet<String>,
    /// By crate.
    exceptions: BTreeMap<String, BTreeSet<String>>,
    /// `name@version`.
    skipped: BTreeSet<String>,
}

impl Rules {
    /// The file is ours, so each rule has a line of its own.
    fn read(text: &str) -> Self {
        let mut rules = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let mut strings = line.split('"').skip(1).step_by(2).map(str::to_owned);
            if line.starts_with("{ crate") && line.contains(" allow = ") {
                let name = strings.next().unwrap_or_default();
                rules.exceptions.insert(name, strings.collect());
            } else if line.starts_with("{ crate") {
                rules.skipped.extend(strings.next());
            } else if line.starts_with('"') {
                rules.allowed.extend(strings);
            }
        }
        rules
    }
}

struct Crate {
    name: String,
    version: String,
    licence: String,
    /// Where it is from, if not from the registry.
    origin: String,
}

/// Every package that CI builds, for tests and tools, too.
fn crates() -> Result<Vec<Crate>, Failure> {
    let tree = cargo_prints(&[
        "tree",
        "--locked",
        "--workspace",
        "--all-features",
        "--edges",
        "normal,build,dev",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ])?;
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let crates = lines.into_iter().filter_map(|line| {
        let (package, licence) = line.split_once('|')?;
        let (name, rest) = package.split_once(" v")?;
        let (version, origin) = rest.split_once(' ').unwrap_or((rest, ""));
        // Build metadata does not make another version.
        let version = version.split('+').next()?;
        let origin = if origin == "(proc-macro)" { "" } else { origin };
        Some(Crate {
            name: name.into(),
            version: version.into(),
            licence: licence.trim().into(),
            origin: origin.into(),
        })
    });
    Ok(crates.collect())
}

/// Whether these licences satisfy an SPDX expression; `/` is the old way to write `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ");
    let (mut depth, mut operators) = (0, Vec::new());
    let words: Vec<&str> = expression.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        depth += word.matches('(').count();
        depth -= word.matches(')').count().min(depth);
        if depth == 0 && matches!(*word, "AND" | "OR") {
            operators.push((at, *word));
        }
    }
    // `AND` binds more tightly, so split at an outer `OR` first.
    let weakest = operators.iter().find(|(_, word)| *word == "OR").or(operators.first());
    if let Some((at, operator)) = weakest {
        let (left, right) = (words[..*at].join(" "), words[at + 1..].join(" "));
        let (left, right) = (is_allowed(&left, allowed), is_allowed(&right, allowed));
        return if *operator == "OR" { left || right } else { left && right };
    }
    let joined = words.join(" ");
    match joined.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(&*joined),
    }
}

/// Returns the crates that are built in more than one version, except for those that may be.
fn duplicates(crates: &[Crate], skipped: &BTreeSet<String>) -> Vec<String> {
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for Crate { name, version, .. } in crates {
        if !skipped.contains(&format!("{name}@{version}")) {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
        .iter()
        .map(|(name, versions)| {
            let versions: Vec<_> = versions.iter().copied().collect();
            format!("{name} is built in versions {}: say in {RULES} why, or end it", versions.join(" and "))
        })
        .collect()
}

/// Returns the rules that nothing needs any more.
fn unused(crates: &[Crate], rules: &Rules) -> Vec<String> {
    let is_there = |rule: &str| {
        crates.iter().any(|found| rule == found.name || rule == format!("{}@{}", found.name, found.version))
    };
    let rules = rules.skipped.iter().chain(rules.exceptions.keys());
    rules
        .filter(|rule| !is_there(rule))
        .map(|rule| format!("{RULES} has {rule}, which is not there"))
        .collect()
}

/// Returns the dependencies that need a later Rust than ours. For our own code clippy finds that (`incompatible_msrv`).
fn newer_rust() -> Result<Vec<String>, Failure> {
    let ours = minor(env!("CARGO_PKG_RUST_VERSION")).unwrap_or_default();
    let packages = metadata::packages()?.into_iter().filter_map(|package| {
        let (manifest, needed) = (package.manifest.display(), package.rust?);
        (minor(&needed)? > ours)
            .then(|| format!("{manifest} needs Rust {needed}, and we say that less is enough"))
    });
    Ok(packages.collect())
}

/// The 90 of 1.90.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_licences_hold_as_spdx_says() {
        let allowed = BTreeSet::from(["MIT", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]);
        for (expression, holds) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("", false),
            ("GPL-3.0/MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(GPL-3.0 OR Apache-2.0) AND Unicode-3.0", false),
            ("MIT AND (GPL-3.0 OR (Unicode-3.0 AND MIT))", true),
            ("GPL-3.0 AND MIT OR MIT", true),
            ("MIT OR MIT AND GPL-3.0", true),
        ] {
            assert_eq!(is_allowed(expression, &allowed), holds, "{expression}");
        }
    }

    #[test]
    fn a_second_version_is_named_unless_a_rule_has_it() {
        let found = |name: &str, version: &str| Crate {
            name: name.into(),
            version: version.into(),
            licence: "MIT".into(),
            origin: String::new(),
        };
        let crates = [found("a", "1.0.0"), found("a", "2.0.0"), found("b", "1.0.0")];
        assert_eq!(duplicates(&crates, &BTreeSet::new()).len(), 1);
        assert_eq!(duplicates(&crates, &BTreeSet::from(["a@1.0.0".to_owned()])), Vec::<String>::new());
    }
}
