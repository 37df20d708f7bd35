//! The demand for signatures of given signers.

use std::sync::Arc;

use super::certificate::SignerCertificate;
use super::verdict::Signature;
use crate::error::{Error, ErrorKind, Result};

/// Checks that a signature is by one of these signers. Several allow a change of certificates; none demands nothing.
///
/// # Errors
/// `NOT_TRUSTED`.
pub fn check_signer(signature: &Signature, signers: &[SignerCertificate]) -> Result<()> {
    Demand::new(signers).check(signature)
}

/// The certificates of which one must have signed, by their SHA-256; `None` demands nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Demand(Option<Arc<[String]>>);

impl Demand {
    /// Demands one of these signers; none demands nothing.
    pub(crate) fn new(signers: &[SignerCertificate]) -> Self {
        if signers.is_empty() { Self::default() } else { Self::one_of(signers) }
    }

    /// Demands one of these signers; of none, nothing can be.
    pub(crate) fn one_of(signers: &[SignerCertificate]) -> Self {
        Self(Some(signers.iter().map(|signer| signer.facts().sha256_thumbprint.clone()).collect()))
    }

    /// Whether anything is demanded.
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Fails with `NOT_TRUSTED` unless the signature meets the demand.
    pub(crate) fn check(&self, signature: &Signature) -> Result<()> {
        let Some(signers) = &self.0 else { return Ok(()) };
        let message = match signature {
            // Equal digests are equal certificates, and so equal keys.
            Signature::Signed { signer, .. } if signers.contains(&signer.sha256_thumbprint) => return Ok(()),
            Signature::Signed { .. } => format!("{signature}, which is not one of the signers demanded"),
            Signature::Unsigned => "it is not signed, and a signature is demanded".to_owned(),
            Signature::Invalid { .. } => signature.to_string(),
        };
        Err(Error::new(ErrorKind::NotTrusted, message))
    }
}
