//! Who signs a set, and who must have signed it.

use std::path::{Path, PathBuf};

use azs_backup::signature::{Signer, SignerCertificate};
use azs_backup::{Error, ErrorKind, Result};
use clap::Args;

use crate::secret::{SIGNER_PASSWORD, SignerPassword};

/// The certificate that signs a set.
#[derive(Args)]
pub(crate) struct SignerArgs {
    /// Sign the set with this host's own certificate and key (PFX): others can then tell who made it
    #[arg(long, value_name = "FILE", env = "AZS_SIGNER")]
    signer: Option<PathBuf>,
    #[command(flatten)]
    password: SignerPassword,
}

impl SignerArgs {
    /// Reads it, if one was given.
    pub(crate) fn read(&self) -> Result<Option<Signer>> {
        self.signer.as_deref().map(|file| signer(file, &self.password)).transpose()
    }
}

/// Who must have signed a set.
#[derive(Args)]
pub(crate) struct TrustArgs {
    /// Take only sets that are signed with this certificate (CER); repeat it to take one of several
    #[arg(long, value_name = "CER")]
    require_signer: Vec<PathBuf>,
}

impl TrustArgs {
    /// Reads the certificates; none demands nothing.
    pub(crate) fn read(&self) -> Result<Vec<SignerCertificate>> {
        certificates(&self.require_signer)
    }

    /// The files.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.require_signer
    }
}

/// Reads the certificates of signers.
pub(crate) fn certificates(files: &[PathBuf]) -> Result<Vec<SignerCertificate>> {
    files.iter().map(SignerCertificate::load).collect()
}

/// Reads the certificate and key that sign.
pub(crate) fn signer(file: &Path, password: &SignerPassword) -> Result<Signer> {
    let password = password.read()?;
    Signer::load(file, password.as_ref().map(|text| &***text)).map_err(|e| {
        let hint = match (e.kind(), password) {
            (ErrorKind::WrongPassword, None) => {
                format!("; set {SIGNER_PASSWORD}, or use --signer-password-file")
            }
            _ => String::new(),
        };
        Error::new(e.kind(), format!("{e}{hint}")).with_source(e)
    })
}
