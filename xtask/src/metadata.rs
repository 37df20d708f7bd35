//! Reads cargo's JSON about the workspace and its dependencies. This program has no dependencies of its own, so it
//! looks only for the few strings that it needs.

use std::path::PathBuf;

use crate::run::{Failure, cargo_prints};

/// A package of the workspace or a dependency.
pub(crate) struct Package {
    pub(crate) manifest: PathBuf,
    /// Empty if it names none.
    pub(crate) licence: String,
    /// As written in the manifest, separated by commas.
    pub(crate) authors: String,
    /// The oldest Rust that it supports, if it says so.
    pub(crate) rust: Option<String>,
}

/// Returns all packages in `Cargo.lock`.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    Ok(read(&cargo_prints(&["metadata", "--locked", "--format-version", "1"])?))
}

/// Returns cargo's target folder; `None` if it does not say.
pub(crate) fn target() -> Option<PathBuf> {
    let metadata = cargo_prints(&["metadata", "--no-deps", "--format-version", "1"]).ok()?;
    let (_, rest) = metadata.split_once("\"target_directory\":")?;
    text(rest).map(PathBuf::from)
}

/// There is one piece for each package: its licence comes before the path of its manifest, its authors and its Rust
/// version after.
fn read(metadata: &str) -> Vec<Package> {
    let pieces: Vec<&str> = metadata.split("\"manifest_path\":").collect();
    let packages = pieces.windows(2).map(|pair| {
        let (before, after) = (pair[0], pair[1]);
        let value = |found: Option<(&str, &str)>| found.and_then(|(_, rest)| text(rest));
        let authors = after.split_once("\"authors\":[").and_then(|(_, rest)| rest.split_once(']'));
        Package {
            manifest: text(after).unwrap_or_default().into(),
            licence: value(before.rsplit_once("\"license\":")).unwrap_or_default(),
            authors: authors.map_or("", |(authors, _)| authors).replace("\",\"", ", ").replace('"', ""),
            rust: value(after.split_once("\"rust_version\":")),
        }
    });
    packages.collect()
}

/// Reads the JSON string that begins here; `None` for null.
fn text(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = rest.strip_prefix('"')?.chars();
    while let Some(character) = characters.next().filter(|character| *character != '"') {
        // Cargo's paths and names only escape a character by a backslash in front of it.
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_does_not_say_is_not_that_of_its_neighbour() {
        let of = |name: &str, licence: &str, rust: &str| {
            format!(
                "{{\"name\":\"{name}\",\"license\":{licence},\"manifest_path\":\"C:\\\\{name}\\\\Cargo.toml\",\
                 \"authors\":[\"A <a@b>\",\"{name}\"],\"rust_version\":{rust}}}"
            )
        };
        let metadata = format!(
            "[{},{},{}]",
            of("a", "\"MIT\"", "\"1.85\""),
            of("b", "null", "null"),
            of("c", "\"ISC\"", "\"1.60\"")
        );
        let packages = read(&metadata);
        let said: Vec<_> =
            packages.iter().map(|of| (&*of.licence, of.rust.as_deref(), &*of.authors)).collect();
        assert_eq!(
            said,
            [
                ("MIT", Some("1.85"), "A <a@b>, a"),
                ("", None, "A <a@b>, b"),
                ("ISC", Some("1.60"), "A <a@b>, c")
            ]
        );
        assert_eq!(packages[1].manifest, PathBuf::from(r"C:\b\Cargo.toml"));
    }
}
