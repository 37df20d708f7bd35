//! The signature beside the cover sheet: who made a set.
//!
//! The CER that backups are sealed to is public, and whoever may write to the share can make a set with it. A set is
//! the work of one of your hosts only if that host signed it. A signature is one detached CMS SignedData (RFC 5652) of
//! the cover sheet, which binds everything else in the set by SHA-256. It has one signer, the signer's certificate and
//! the signed attributes contentType, messageDigest and signingTime. The algorithm is RSASSA-PSS (RFC 4056) or ECDSA
//! (RFC 5754) with SHA-256. `openssl cms -verify` checks it.
//!
//! [`Signer`] is the host's own certificate with its private key. [`SignerCertificate`] is the public half: whoever reads
//! the sets demands one or more of them. They are compared as whole certificates, so a self-signed one serves as well as
//! any, and no authority can add another.
//!
//! ```no_run
//! use azs_backup::signature::{Signature, Signer, SignerCertificate, check_signer};
//!
//! # fn main() -> azs_backup::Result<()> {
//! let signer = Signer::load("hlh01-signing.pfx", Some("correct horse"))?;
//! let sheet = b"{ \"format_version\": 1, ... }";
//! let p7s = signer.sign(sheet)?;
//!
//! let trusted = SignerCertificate::load("hlh01-signing.cer")?;
//! let signature = Signature::read(&p7s, sheet, jiff::Timestamp::now());
//! check_signer(&signature, &[trusted])?;
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod asn1;
mod attributes;
mod certificate;
mod demand;
mod message;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod parsers;
mod signer;
#[cfg(test)]
mod tests;
mod verdict;

pub use certificate::SignerCertificate;
pub(crate) use demand::Demand;
pub use demand::check_signer;
pub(crate) use message::MAX_LENGTH;
pub use signer::Signer;
pub use verdict::Signature;
