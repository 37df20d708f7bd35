//! Patterns in gitignore syntax, as backup leaves out by them and restore chooses by them.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Reads patterns; the last one that matches counts.
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
