//! Patterns in gitignore syntax: backup excludes by them, and restore selects by them.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Parses patterns; the last one that matches decides.
pub(crate) fn compile(patterns: &[String]) -> Result<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|e| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("pattern {pattern:?} is not in gitignore syntax: {e}"),
            )
        })?;
    }
    builder
        .build()
        .map_err(|e| Error::new(ErrorKind::InvalidArgument, format!("patterns: {e}")).with_source(e))
}

/// Parses each pattern by itself, to see whether anything matches it; a `!` is ignored.
pub(crate) fn each(patterns: &[String]) -> Result<Vec<(String, Gitignore)>> {
    let alone = |pattern: &String| {
        let plain = pattern.strip_prefix('!').unwrap_or(pattern).to_owned();
        Ok((pattern.clone(), compile(&[plain])?))
    };
    patterns.iter().map(alone).collect()
}

/// Returns the longest text that every path matched by the pattern has in it, or in the path of a folder above; may be
/// empty.
pub(crate) fn text_in(pattern: &str) -> &str {
    // Classes, alternatives and escapes are rare. A pattern that begins with `!` or `#` has no text that paths must
    // contain.
    if pattern.contains(['[', ']', '{', '}', '\\', '!', '#']) {
        return "";
    }
    let pieces = pattern.trim().split(['*', '?']).map(|piece| piece.trim_matches('/'));
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_s_text() {
        for (pattern, text) in [
            ("tor1/", "tor1"),
            ("*.cfg", ".cfg"),
            ("/hlh/etc/**", "hlh/etc"),
            ("**/foo", "foo"),
            ("a/**/bcd", "bcd"),
            ("*", ""),
            ("[ab]c", ""),
            ("!kept", ""),
            ("running-config ", "running-config"),
        ] {
            assert_eq!(text_in(pattern), text, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn every_path_that_a_pattern_matches_holds_its_text(
            pattern in "[ab/*?.# !\\[\\]{},-]{1,8}",
            path in "[ab.# !-]{1,3}(/[ab.# !-]{1,3}){0,3}",
            is_folder: bool,
        ) {
            let Ok(patterns) = compile(std::slice::from_ref(&pattern)) else { return Ok(()) };
            if patterns.matched_path_or_any_parents(&path, is_folder).is_ignore() {
                prop_assert!(path.contains(text_in(&pattern)), "{pattern:?} {path:?}");
            }
        }
    }
}
