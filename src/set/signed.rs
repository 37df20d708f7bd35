//! The signature of a set.

use super::cover::SIGNATURE_NAME;
use super::reader::Set;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::Name;
use crate::share::joined;
use crate::signature::{Demand, MAX_LENGTH, Signature, SignerCertificate};

impl Set {
    /// Reads `backup.json.p7s`, if the set has one, and says who signed the cover sheet. The cover sheet binds everything
    /// else in the set. The signer's certificate must have been valid when the set was finished, by the cover sheet.
    ///
    /// It says who signed, not whether that is one of your hosts: see [`require_signers`](Self::require_signers).
    ///
    /// # Errors
    /// Only the share's, if it is not there; whatever is wrong with the file makes it
    /// [`Invalid`](Signature::Invalid).
    pub fn signature(&self) -> Result<Signature> {
        if self.is_missing(SIGNATURE_NAME) {
            return Ok(Signature::Unsigned);
        }
        let mut bytes = Vec::new();
        let path = self.folder.join(Name::new(SIGNATURE_NAME)?);
        match self.share.read(&path, MAX_LENGTH, &mut bytes) {
            Ok(()) => Ok(Signature::read(&bytes, &self.sheet, self.cover.finished)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Signature::Unsigned),
            Err(e) if e.scope() == Scope::Object => Ok(Signature::Invalid { reason: e.to_string() }),
            Err(e) => Err(e.in_set(self.cover.set)),
        }
    }

    /// Returns the set's signature if it is by one of these signers; of none, any set passes. Verification, restore,
    /// listing and review have a method of this name that does the same.
    ///
    /// # Errors
    /// `NOT_TRUSTED`; the share's own.
    pub fn require_signers(&self, signers: &[SignerCertificate]) -> Result<Signature> {
        self.require(&Demand::new(signers))
    }

    /// Returns the set's signature if it meets the demand.
    pub(crate) fn require(&self, demand: &Demand) -> Result<Signature> {
        let signature = self.signature()?;
        demand.check(&signature).map_err(|e| {
            let shown = joined(self.share.describe(), &self.folder);
            Error::new(e.kind(), format!("{shown}: {e}")).doing("open", shown).in_set(self.cover.set)
        })?;
        Ok(signature)
    }
}
