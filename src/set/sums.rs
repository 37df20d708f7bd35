//! `SHA256SUMS`: every stored file of a set with its digest, in the form that `sha256sum -c` reads.

use std::fmt::Write;

use super::digest::Digest;
use crate::error::{Error, ErrorKind, Result};

/// The file's name in a set's folder.
pub(crate) const FILE_NAME: &str = "SHA256SUMS";

/// Longest file to read, in bytes: the digests of a set with more than 500,000 segments.
pub(crate) const MAX_LENGTH: u64 = 64 << 20;

/// Writes the lines: digest, two spaces, name.
pub(crate) fn print<'a>(files: impl Iterator<Item = (&'a str, &'a Digest)>) -> String {
    let mut text = String::new();
    for (name, digest) in files {
        writeln!(text, "{digest}  {name}").expect("writing to memory");
    }
    text
}

/// Reads the lines back.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(String, Digest)>> {
    let malformed = |line: usize| {
        Error::new(ErrorKind::Malformed, format!("{FILE_NAME} line {line} is not a digest and a name"))
    };
    let text = str::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::Malformed, format!("{FILE_NAME} is not text")))?;
    let mut files = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (digest, name) = line.split_once("  ").ok_or_else(|| malformed(number + 1))?;
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err(malformed(number + 1));
        }
        files.push((name.to_owned(), digest.parse().map_err(|_| malformed(number + 1))?));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_print_and_parse_back() {
        let files = vec![("a.p7m".to_owned(), Digest::of(b"a")), ("b c".to_owned(), Digest::of(b"b"))];
        let text = print(files.iter().map(|(name, digest)| (name.as_str(), digest)));
        assert_eq!(parse(text.as_bytes()).unwrap(), files);
        for bad in [
            "x",
            "00  name",
            "zz",
            &format!("{}  ../up", Digest::of(b"")),
            &format!("{} name", Digest::of(b"")),
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
