//! Errors about names: what was written, shortened and in quotes, and which rule it breaks.

use crate::{Error, ErrorKind};

/// Quotes the text for a line of an error: shortened, and with invisible characters spelled out.
pub(crate) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(QUOTE_MAX).collect();
    let mut quoted = format!("{start:?}").replace(r"\\", r"\");
    if start.len() < text.len() {
        quoted.insert(quoted.len() - 1, '…');
    }
    quoted
}

/// Makes the error for text that breaks a rule.
#[cold]
pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidName, message)
}

/// Makes the error for a name or path that leads into `MASBackup`.
#[cold]
pub(super) fn reserved(what: &str, text: &str) -> Error {
    let message = format!(
        "{what} {text} leads into MASBackup, which belongs to Azure Stack Hub; choose a folder beside it",
        text = quoted(text)
    );
    Error::new(ErrorKind::ReservedPath, message)
}

/// Enough to recognise a path.
const QUOTE_MAX: usize = 120;
