//! What a signature says.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::message;
use crate::envelope::CertificateFacts;

/// Whether somebody signed something, and who.
///
/// In JSON it is `{"state": "unsigned"}`, `{"state": "signed", "signer": {…}, "signed_at": "…"}` or
/// `{"state": "invalid", "reason": "…"}`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signature {
    /// There is none.
    #[default]
    Unsigned,
    /// Whoever holds the key of this certificate signed exactly these bytes. Anyone can make a certificate with any name
    /// on it: only a [demand](super::check_signer) says whether it is one of yours.
    Signed {
        /// The certificate that was signed with.
        signer: CertificateFacts,
        /// When it was signed, by the signer's clock, if the signature says that.
        signed_at: Option<Timestamp>,
    },
    /// There is something, but it proves nothing.
    Invalid {
        /// Why, in one line.
        reason: String,
    },
}

impl Signature {
    /// Reads a detached signature in DER, of at most 64 KiB, and verifies that it is one of this content, by a
    /// certificate that was valid at that time. Whatever else the bytes are, the result is [`Invalid`](Self::Invalid).
    #[must_use]
    pub fn read(signature: &[u8], content: &[u8], at: Timestamp) -> Self {
        message::verify(signature, content, at).map_or_else(
            |error| Self::Invalid { reason: error.to_string() },
            |(signer, signed_at)| Self::Signed { signer, signed_at },
        )
    }

    /// The signer's certificate; `None` unless it is signed.
    #[must_use]
    pub fn signer(&self) -> Option<&CertificateFacts> {
        match self {
            Self::Signed { signer, .. } => Some(signer),
            _ => None,
        }
    }
}

impl fmt::Display for Signature {
    /// Writes one line: `signed by CN=hlh01 (BDB07F87…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("not signed"),
            Self::Signed { signer, .. } => {
                // Anybody may have written the subject.
                let subject = signer.subject.replace(char::is_control, "\u{fffd}");
                write!(f, "signed by {subject} ({})", signer.sha1_thumbprint)
            }
            Self::Invalid { reason } => write!(f, "signature not valid: {reason}"),
        }
    }
}
