//! Certificates and the sealed message: the CER encrypts, the PFX decrypts.
//!
//! A message is one CMS AuthEnvelopedData (RFC 5083, RFC 5652) in definite-length DER: AES-256-GCM (RFC 5084) with a
//! 12-byte nonce and a 16-byte tag, and the content key wrapped for each recipient by RSA-OAEP with SHA-256
//! (RFC 8017, RFC 4055) by ephemeral-static ECDH on P-256, P-384 or P-521 with AES-256 key wrap (RFC 5753), or by
//! ML-KEM-768 or ML-KEM-1024 with HKDF and AES-256 key wrap (RFC 9629, RFC 9936). There are no attributes. `openssl cms
//! -decrypt` opens every message straight from the PFX; with a key of ML-KEM, from OpenSSL 3.6 on.
//!
//! A message opens with any one of its recipients' keys. So it is as safe as the weakest of them: only where *all* are
//! of ML-KEM does it stay closed to whoever has a quantum computer.
//!
//! [`EncryptionCertificate`] and [`Sealer`] are all that a host needs to make backups, and with them it cannot read
//! what it wrote. [`DecryptionCertificate`] and [`Opener`] are for the day when you need a backup. Only functions named
//! `load`, `file` or `stream` do I/O.
//!
//! A certificate does not prove who made a message: the CER is public, and anyone who has it can make messages. The tag
//! proves that nobody without the content key changed a message.
//!
//! ```no_run
//! use azs_backup::envelope::{DecryptionCertificate, EncryptionCertificate, Opener, Sealer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let certificate = EncryptionCertificate::from_cer(&std::fs::read("backup.cer")?)?;
//! certificate.check_validity(jiff::Timestamp::now())?;
//! let message = Sealer::new(&[certificate])?.seal(b"switch configuration")?;
//!
//! let pfx = DecryptionCertificate::from_pfx(&std::fs::read("backup.pfx")?, Some("correct horse"))?;
//! assert_eq!(Opener::new(pfx).open(&message)?, b"switch configuration");
//! # Ok(())
//! # }
//! ```

mod asn1;
mod ber;
mod certificate;
mod cipher;
mod decryption_certificate;
mod file;
mod input;
mod kdf;
mod key;
mod mac;
mod message;
mod ml_kem;
mod name;
mod open;
mod password;
mod pbe;
mod pem_key;
mod pfx;
mod private_key;
mod recipient;
mod seal;
mod store;
mod wrap;
#[cfg(test)]
mod wycheproof;

use crate::{Error, ErrorKind};

pub(crate) use asn1::{AlgorithmIdentifier, ID_DATA, ID_MGF1, ID_SHA256, oid};
pub(crate) use ber::elements;
pub(crate) use certificate::{Certificate, unsuitable};
pub use certificate::{CertificateFacts, EncryptionCertificate, KeyFacts};
pub use decryption_certificate::DecryptionCertificate;
pub(crate) use file::read_certificate;
pub(crate) use message::recipient_infos_of;
pub use message::{MAX_CONTENT, MAX_MESSAGE, RecipientFacts, content_of, message_tag, recipients_of};
pub(crate) use name::IssuerAndSerial;
pub use open::{Opened, Opener, wrong_certificate};
pub use seal::{Sealed, Sealer};

/// Makes the error for a step at which OpenSSL never fails for a reason that the caller could fix: no memory, no random
/// numbers.
#[cold]
pub(crate) fn internal(what: &'static str) -> impl FnOnce(openssl::error::ErrorStack) -> Error {
    move |source| Error::new(ErrorKind::Internal, format!("OpenSSL failed to {what}")).with_source(source)
}
