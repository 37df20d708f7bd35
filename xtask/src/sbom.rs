//! The bill of materials of what we ship, in CycloneDX 1.6: every package that is linked, its version, licence and origin.

use std::fs;
use std::path::Path;

use crate::metadata;
use crate::notices;
use crate::run::{Failure, output, target};

/// Writes it into the target folder.
pub(crate) fn write() -> Result<(), Failure> {
    let path = target().join("azs-backup.cdx.json");
    write_to(&path)?;
    println!("{}", path.display());
    Ok(())
}

/// Writes it into this file.
pub(crate) fn write_to(path: &Path) -> Result<(), Failure> {
    fs::write(path, sbom()?).map_err(|e| failed(path, e))
}

fn sbom() -> Result<String, Failure> {
    let packages = metadata::packages()?;
    let lock = fs::read_to_string("Cargo.lock").map_err(|e| failed(Path::new("Cargo.lock"), e))?;
    let mut components = Vec::new();
    for linked in notices::linked()? {
        let is_it = |of: &&metadata::Package| of.manifest.parent().is_some_and(|at| at.ends_with(&linked));
        let package =
            packages.iter().find(is_it).ok_or_else(|| Failure(format!("cargo knows no {linked}")))?;
        let (name, version) = split(&linked);
        let hash = checksum(&lock, name, version).map_or(String::new(), |hash| {
            format!(",\n      \"hashes\": [{{ \"alg\": \"SHA-256\", \"content\": \"{hash}\" }}]")
        });
        components.push(format!(
            "    {{\n      \"type\": \"library\",\n      \"bom-ref\": \"pkg:cargo/{linked}\",\n      \"name\": \"{name}\",\n      \
             \"version\": \"{version}\",\n      \"licenses\": [{{ \"expression\": \"{}\" }}],\n      \
             \"purl\": \"pkg:cargo/{name}@{version}\"{hash}\n    }}",
            // Some still write the slash of old.
            package.licence.replace('/', " OR "),
        ));
    }
    let version = env!("CARGO_PKG_VERSION");
    let commit = output("git", &["log", "-1", "--format=%cI"], "").unwrap_or_default();
    let of_commit = match commit.trim() {
        "" => String::new(),
        time => format!("\n    \"timestamp\": \"{time}\","),
    };
    Ok(format!(
        "{{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.6\",\n  \"version\": 1,\n  \"metadata\": {{{of_commit}\n    \
         \"component\": {{ \"type\": \"application\", \"name\": \"azs-backup\", \"version\": \"{version}\", \
         \"licenses\": [{{ \"expression\": \"MIT OR Apache-2.0\" }}] }}\n  }},\n  \"components\": [\n{}\n  ]\n}}\n",
        components.join(",\n")
    ))
}

/// The name and the version of `name-version`: a version begins with a number and a dot, and names hold dashes.
fn split(linked: &str) -> (&str, &str) {
    let is_version = |(at, _): &(usize, &str)| {
        let rest = linked[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
        rest.starts_with('.') && rest.len() < linked.len() - at - 1
    };
    let at = linked.match_indices('-').find(is_version).map_or(linked.len(), |(at, _)| at);
    (&linked[..at], linked.get(at + 1..).unwrap_or_default())
}

/// The SHA-256 of a package's archive.
fn checksum<'a>(lock: &'a str, name: &str, version: &str) -> Option<&'a str> {
    let package = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    let (_, rest) = lock.split_once(&package)?;
    let (_, rest) = rest.split("[[package]]").next()?.split_once("checksum = \"")?;
    rest.split('"').next()
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_begin_where_names_end() {
        assert_eq!(split("openssl-src-300.5.4+3.5.4"), ("openssl-src", "300.5.4+3.5.4"));
        assert_eq!(split("x25519-dalek-3.0.0-pre.6"), ("x25519-dalek", "3.0.0-pre.6"));
        assert_eq!(split("base64-0.22.1"), ("base64", "0.22.1"));
        assert_eq!(split("md-5-0.11.0"), ("md-5", "0.11.0"));
    }
}
