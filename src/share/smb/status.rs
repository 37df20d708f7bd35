//! What the NTSTATUS codes of a server mean here (MS-ERREF 2.3.1).

use std::fmt;

use crate::alert::{DocumentedKind, Profile, classify_ntstatus};
use crate::error::ErrorKind;

/// Formats an NTSTATUS as the cause of an error: `STATUS_DISK_FULL (0xC000007F): the volume is full`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer(pub(super) u32);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = classify_ntstatus(self.0, Profile::Refined);
        match class.evidence().first() {
            Some(found) if !found.name().is_empty() => {
                write!(f, "{} (0x{:08X}): {}", found.name(), self.0, found.meaning())
            }
            _ => write!(f, "the server answered 0x{:08X}", self.0),
        }
    }
}

impl std::error::Error for Answer {}

/// Returns the kind of error for an NTSTATUS. Codes not named here go by their class in the alert tables.
pub(super) fn kind_of(status: u32) -> ErrorKind {
    match status {
        OBJECT_NAME_NOT_FOUND | OBJECT_PATH_NOT_FOUND | NO_SUCH_FILE | BAD_NETWORK_NAME => {
            ErrorKind::NotFound
        }
        OBJECT_NAME_COLLISION => ErrorKind::AlreadyExists,
        0xC000_0022 | 0xC000_0061 | 0xC000_00A2 | 0xC000_00CA | CANNOT_DELETE => ErrorKind::AccessDenied,
        0xC000_0033 | 0xC000_0039 | 0xC000_003B | 0xC000_0106 => ErrorKind::InvalidName,
        0xC000_0265 => ErrorKind::LimitExceeded,
        INVALID_DEVICE_REQUEST | NOT_SUPPORTED | NOT_IMPLEMENTED | PATH_NOT_COVERED => ErrorKind::Unsupported,
        // Links across mount points, and servers without links.
        0xC000_0003 | 0xC000_00D4 => ErrorKind::Unsupported,
        // The ticket expired: a new session gets a new one.
        0xC000_035C => ErrorKind::Unreachable,
        _ => {
            let class = classify_ntstatus(status, Profile::Refined);
            match class.documented_kind() {
                DocumentedKind::OutOfCapacity => ErrorKind::OutOfCapacity,
                // No domain controller or a wrong clock: the account is not at fault, but there is no session without
                // it.
                DocumentedKind::Authentication => ErrorKind::LogonFailed,
                DocumentedKind::Connectivity if status == 0xC000_00B5 => ErrorKind::TimedOut,
                DocumentedKind::Connectivity => ErrorKind::Unreachable,
                DocumentedKind::Path => ErrorKind::NotFound,
                _ => ErrorKind::Io,
            }
        }
    }
}

/// Extracts the NTSTATUS from the end of a client's text, `(0xc000007f)`: for some errors it keeps nothing else.
pub(super) fn in_text(text: &str) -> Option<u32> {
    let digits = text.rfind("0x")? + 2;
    u32::from_str_radix(text.get(digits..digits + 8)?, 16).ok()
}

pub(super) const NOT_IMPLEMENTED: u32 = 0xC000_0002;
pub(super) const INVALID_PARAMETER: u32 = 0xC000_000D;
pub(super) const NO_SUCH_FILE: u32 = 0xC000_000F;
pub(super) const INVALID_DEVICE_REQUEST: u32 = 0xC000_0010;
pub(super) const ACCESS_DENIED: u32 = 0xC000_0022;
pub(super) const OBJECT_NAME_NOT_FOUND: u32 = 0xC000_0034;
pub(super) const OBJECT_NAME_COLLISION: u32 = 0xC000_0035;
pub(super) const BUFFER_OVERFLOW: u32 = 0x8000_0005;
pub(super) const OBJECT_PATH_NOT_FOUND: u32 = 0xC000_003A;
pub(super) const NOT_SUPPORTED: u32 = 0xC000_00BB;
pub(super) const BAD_NETWORK_NAME: u32 = 0xC000_00CC;
pub(super) const CANNOT_DELETE: u32 = 0xC000_0121;
pub(super) const FS_DRIVER_REQUIRED: u32 = 0xC000_019C;
pub(super) const NOT_FOUND: u32 = 0xC000_0225;
pub(super) const PATH_NOT_COVERED: u32 = 0xC000_0257;
pub(super) const INVALID_SIGNATURE: u32 = 0xC000_A000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_text() {
        let text = "Server returned an error message with status: Unknown (0xc000007f).";
        assert_eq!(in_text(text), Some(0xC000_007F));
        for text in ["", "0x", "0xc00", "0xзз", "no code"] {
            assert_eq!(in_text(text), None, "{text}");
        }
    }
}
