//! Misspelt words, by `typos`, with the words of ours that it does not know in `typos.toml`.

use crate::needs::{self, FOR_PYTHON};
use crate::python;
use crate::run::{Failure, program};

/// Exactly one version: a later one knows more words.
const TYPOS: &str = "typos==1.52.0";

/// Looks through every file that git has.
pub(crate) fn check() -> Result<(), Failure> {
    needs::check(FOR_PYTHON)?;
    let typos = python::tool("typos", TYPOS)?;
    program(&typos.to_string_lossy()).args(["--format", "brief"]).run()
}
