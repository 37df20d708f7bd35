//! The entry point for property tests and the fuzz target.

use jiff::Timestamp;

use super::Signature;

/// Reads any bytes as a signature of others, and of themselves. It may not panic, and only what begins as DER does can be
/// one.
pub fn take_any(bytes: &[u8]) {
    for content in [&b"the cover sheet"[..], bytes] {
        if let Signature::Signed { signer, .. } = Signature::read(bytes, content, Timestamp::UNIX_EPOCH) {
            assert!(bytes.first() == Some(&0x30) && signer.sha256_thumbprint.len() == 64);
        }
    }
}
