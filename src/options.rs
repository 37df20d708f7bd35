//! Options as plain data, the same in every language: JSON objects.

use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

mod failure;
mod node;
mod strict;
mod text;

pub use failure::no_option;
pub(crate) use node::read;
pub(crate) use strict::parse;
pub use text::text;

/// Reads options from a JSON object; null is as if the option were missing.
///
/// # Errors
/// `INVALID_ARGUMENT`, naming `what` and the option, for anything else, for an option that is given twice, and for an
/// unknown option, with the nearest that there is.
pub fn from_json<T: DeserializeOwned>(what: &str, json: impl AsRef<[u8]>) -> Result<T> {
    let value = parse(json.as_ref()).map_err(|e| refused(what, &e.to_string()).with_source(e))?;
    from_value(what, value)
}

/// Reads options from a value; otherwise as [`from_json`].
pub fn from_value<T: DeserializeOwned>(what: &str, value: serde_json::Value) -> Result<T> {
    read(value).map_err(|e| refused(what, &e.to_string()))
}

fn refused(what: &str, message: &str) -> Error {
    // A key may be of any length.
    let message: String = message.chars().take(MOST_SAID).collect();
    Error::new(ErrorKind::InvalidArgument, format!("{what}: {message}"))
}

/// Longest message about options, in characters.
const MOST_SAID: usize = 400;

#[cfg(test)]
mod tests;
