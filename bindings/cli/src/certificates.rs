//! Certificates, named by arguments.

use std::path::{Path, PathBuf};

use azs_backup::{DecryptionCertificate, EncryptionCertificate, Error, ErrorKind, Opener, Result};
use clap::Args;

use crate::output::invalid;
use crate::secret::{PFX_PASSWORD, PfxPassword, PfxPasswords, Secret};

/// The key that opens a set.
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// Decryption certificate
    #[arg(long, value_name = "FILE", env = "AZS_PFX")]
    pfx: PathBuf,
    #[command(flatten)]
    password: PfxPassword,
}

/// The key that opens a set, if there is one.
#[derive(Args)]
pub(crate) struct OptionalKeyArgs {
    /// Decryption certificate
    #[arg(long, value_name = "FILE")]
    pfx: Option<PathBuf>,
    #[command(flatten)]
    password: PfxPassword,
}

/// Reads several PFX files.
pub(crate) fn certificates(
    files: &[PathBuf],
    passwords: &PfxPasswords,
) -> Result<Vec<DecryptionCertificate>> {
    let passwords = passwords.read(files.len())?;
    files.iter().zip(&passwords).map(|(file, password)| opened(file, password.as_ref())).collect()
}

impl KeyArgs {
    /// Reads the PFX.
    pub(crate) fn opener(&self) -> Result<Opener> {
        opener(&self.pfx, &self.password)
    }
}

impl OptionalKeyArgs {
    /// Reads the PFX, if one was given.
    pub(crate) fn opener(&self) -> Result<Option<Opener>> {
        self.pfx.as_deref().map(|pfx| opener(pfx, &self.password)).transpose()
    }
}

fn opener(file: &Path, password: &PfxPassword) -> Result<Opener> {
    certificate(file, password).map(Opener::new)
}

/// Reads a PFX.
pub(crate) fn certificate(file: &Path, password: &PfxPassword) -> Result<DecryptionCertificate> {
    opened(file, password.read()?.as_ref())
}

fn opened(file: &Path, password: Option<&Secret>) -> Result<DecryptionCertificate> {
    let pfx = DecryptionCertificate::load(file, password.map(|text| &***text));
    pfx.map_err(|e| {
        let hint = match (e.kind(), password) {
            (ErrorKind::WrongPassword, None) => format!("; set {PFX_PASSWORD}, or use --pfx-password-file"),
            (ErrorKind::WrongPassword, Some(password)) if password.ends_with(['\n', '\r']) => {
                format!("; what is in {PFX_PASSWORD} ends with a line break, which counts")
            }
            _ => String::new(),
        };
        Error::new(e.kind(), format!("{e}{hint}")).with_source(e)
    })
}

/// Reads the certificates of those who are to open a set. Whoever gives one twice believes to have a second one.
pub(crate) fn encryption_certificates(files: &[PathBuf]) -> Result<Vec<EncryptionCertificate>> {
    let certificates: Vec<_> = files.iter().map(EncryptionCertificate::load).collect::<Result<_>>()?;
    for (n, certificate) in certificates.iter().enumerate() {
        if let Some(same) =
            certificates[..n].iter().position(|earlier| earlier.facts() == certificate.facts())
        {
            let (one, other) = (files[same].display(), files[n].display());
            return Err(invalid(format_args!("{one} and {other} are one certificate: give it once")));
        }
    }
    Ok(certificates)
}
