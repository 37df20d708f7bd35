//! Finds misspelt words with `typos`; `typos.toml` lists our words that it does not know.

use crate::needs::{self, FOR_PYTHON};
use crate::python;
use crate::run::{Failure, program};

/// Exactly this version: a later one knows more words.
const TYPOS: &str = "typos==1.52.0";

/// Checks every file in git.
pub(crate) fn check() -> Result<(), Failure> {
    needs::check(FOR_PYTHON)?;
    let typos = python::tool("typos", TYPOS)?;
    program(&typos.to_string_lossy()).args(["--format", "brief"]).run()
}
