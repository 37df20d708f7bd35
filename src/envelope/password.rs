//! A password as key derivations take it, and the error for a wrong one.

use zeroize::Zeroizing;

use crate::{Error, ErrorKind};

/// A password in the two forms that key derivations take.
pub(super) struct Password<'a> {
    pub(super) utf8: &'a [u8],
    /// UTF-16, big-endian, with a final zero (RFC 7292 appendix B.1); or empty.
    pub(super) utf16: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(password: &'a str) -> Self {
        let units = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes);
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
        utf16.extend(units);
        Self { utf8: password.as_bytes(), utf16 }
    }

    /// No password, which PKCS #12 distinguishes from an empty one.
    pub(super) fn none() -> Self {
        Self { utf8: &[], utf16: Zeroizing::default() }
    }
}

/// Makes the error `WRONG_PASSWORD`, with hints from the password itself.
#[cold]
pub(super) fn wrong_password(message: &str, password: &str) -> Error {
    let hint = match password.chars().last() {
        Some('\n' | '\r') => "; the one given ends in a line break",
        Some(last) if last.is_whitespace() => "; the one given ends in white space",
        _ => "",
    };
    Error::new(ErrorKind::WrongPassword, format!("{message}{hint}"))
}
