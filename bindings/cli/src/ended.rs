//! How a command ended, and its exit code.

use azs_backup::{Error, ErrorKind};

/// How a command ended, if it did not fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// Everything is done.
    Whole,
    /// It is done, except for what the output names.
    Partial,
    /// It may not run now.
    Blocked,
}

impl Ended {
    /// Ends as `Partial` if the output names something that needs attention.
    pub(crate) fn named(something: bool) -> Self {
        if something { Self::Partial } else { Self::Whole }
    }
}

/// The exit codes, as `--help` explains them.
pub(crate) const WHOLE: u8 = 0;
pub(crate) const FAILURE: u8 = 1;
/// clap uses it, too.
pub(crate) const USAGE: u8 = 2;
pub(crate) const PARTIAL: u8 = 3;
pub(crate) const BLOCKED: u8 = 4;
/// As shells report a program that SIGINT ended.
pub(crate) const CANCELLED: u8 = 130;

pub(crate) fn exit_code(result: &Result<Ended, Error>) -> u8 {
    match result {
        Ok(Ended::Whole) => WHOLE,
        Ok(Ended::Partial) => PARTIAL,
        Ok(Ended::Blocked) => BLOCKED,
        Err(error) => match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::InvalidName | ErrorKind::ReservedPath => USAGE,
            ErrorKind::Cancelled => CANCELLED,
            _ => FAILURE,
        },
    }
}
