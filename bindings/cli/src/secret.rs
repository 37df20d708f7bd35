//! Passwords: from a file, a file descriptor, the environment or a credential of systemd. Never from an argument, which
//! every program of the host can read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use azs_backup::{Error, ErrorKind, Result, text};
use clap::Args;
use zeroize::Zeroizing;

use crate::files::not_text;
use crate::options::SERVER;
use crate::output::invalid;

/// A password; a secret in memory.
pub(crate) type Secret = Zeroizing<String>;

/// Longer than any password.
const LIMIT: u64 = 64 << 10;

/// Where the password of the PFX is.
#[derive(Args)]
pub(crate) struct PfxPassword {
    /// File with the password of the PFX [else: AZS_PFX_PASSWORD, or the systemd credential azs-pfx-password]
    #[arg(long, value_name = "FILE", conflicts_with = "pfx_password_fd")]
    pfx_password_file: Option<PathBuf>,
    /// Open file descriptor from which to read the password of the PFX
    #[arg(long, value_name = "N")]
    pfx_password_fd: Option<u32>,
}

impl PfxPassword {
    /// Reads it; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Secret>> {
        read(self.pfx_password_file.as_deref(), self.pfx_password_fd, PFX_PASSWORD, "azs-pfx-password")
    }
}

/// Where the passwords of several PFX files are.
#[derive(Args)]
pub(crate) struct PfxPasswords {
    /// File with the password of all PFX files, or one for each in their order [else: AZS_PFX_PASSWORD, or the systemd
    /// credential azs-pfx-password]
    #[arg(long, value_name = "FILE", conflicts_with = "pfx_password_fd")]
    pfx_password_file: Vec<PathBuf>,
    /// Open file descriptor from which to read the password of all PFX files
    #[arg(long, value_name = "N")]
    pfx_password_fd: Option<u32>,
}

impl PfxPasswords {
    /// Reads the passwords of so many PFX files, in their order.
    pub(crate) fn read(&self, count: usize) -> Result<Vec<Option<Secret>>> {
        let files = &self.pfx_password_file;
        if files.len() > 1 {
            if files.len() != count {
                let given = files.len();
                let message =
                    format!("{given} files with passwords for {count} PFX files: give one, or one for each");
                return Err(invalid(message));
            }
            return files.iter().map(|file| in_file(file).map(Some)).collect();
        }
        let (file, fd) = (files.first().cloned(), self.pfx_password_fd);
        // A descriptor can be read once.
        let one = PfxPassword { pfx_password_file: file, pfx_password_fd: fd }.read()?;
        Ok(vec![one; count])
    }
}

/// Where the password of the signer's PFX is.
#[derive(Args)]
pub(crate) struct SignerPassword {
    /// File with the password of the signer's PFX [else: AZS_SIGNER_PASSWORD, or the systemd credential
    /// azs-signer-password]
    #[arg(long, value_name = "FILE", conflicts_with = "signer_password_fd")]
    signer_password_file: Option<PathBuf>,
    /// Open file descriptor from which to read the password of the signer's PFX
    #[arg(long, value_name = "N")]
    signer_password_fd: Option<u32>,
}

impl SignerPassword {
    /// The password is in this file, if there is one.
    pub(crate) fn in_file(file: Option<PathBuf>) -> Self {
        Self { signer_password_file: file, signer_password_fd: None }
    }

    /// Reads it; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Secret>> {
        let (file, fd) = (self.signer_password_file.as_deref(), self.signer_password_fd);
        read(file, fd, SIGNER_PASSWORD, "azs-signer-password")
    }
}

/// Where the password of the account on the file server is.
#[derive(Args)]
pub(crate) struct SmbPassword {
    /// File with the account's password [else: AZS_SMB_PASSWORD, or the systemd credential azs-smb-password]
    #[arg(long, value_name = "FILE", conflicts_with = "smb_password_fd", help_heading = SERVER)]
    smb_password_file: Option<PathBuf>,
    /// Open file descriptor from which to read the account's password
    #[arg(long, value_name = "N", help_heading = SERVER)]
    smb_password_fd: Option<u32>,
    /// What was read: a descriptor can be read once, and there may be several shares.
    #[arg(skip)]
    known: OnceLock<Option<Secret>>,
}

impl SmbPassword {
    /// The password is in this file, if there is one.
    pub(crate) fn in_file(file: Option<PathBuf>) -> Self {
        Self { smb_password_file: file, smb_password_fd: None, known: OnceLock::new() }
    }

    /// Reads the file, if there is one, to see that it can be read.
    pub(crate) fn check_file(&self) -> Result<()> {
        self.smb_password_file.as_deref().map_or(Ok(()), |file| in_file(file).map(drop))
    }

    /// Reads it; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Secret>> {
        if let Some(password) = self.known.get() {
            return Ok(password.clone());
        }
        let (file, fd) = (self.smb_password_file.as_deref(), self.smb_password_fd);
        let password = read(file, fd, SMB_PASSWORD, "azs-smb-password")?;
        Ok(self.known.get_or_init(|| password).clone())
    }
}

pub(crate) const PFX_PASSWORD: &str = "AZS_PFX_PASSWORD";
pub(crate) const SIGNER_PASSWORD: &str = "AZS_SIGNER_PASSWORD";
pub(crate) const SMB_PASSWORD: &str = "AZS_SMB_PASSWORD";

/// Reads a secret from a file that only its owner may read.
pub(crate) fn in_file(file: &Path) -> Result<Secret> {
    check_mode(file)?;
    read_line(file)
}

fn read(file: Option<&Path>, fd: Option<u32>, variable: &str, credential: &str) -> Result<Option<Secret>> {
    if let Some(file) = file {
        return in_file(file).map(Some);
    }
    if let Some(fd) = fd {
        return read_line(Path::new(&format!("/dev/fd/{fd}"))).map(Some);
    }
    match std::env::var(variable) {
        Ok(password) => return Ok(Some(password.into())),
        Err(std::env::VarError::NotPresent) => {}
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(invalid(format_args!("the password in {variable} is not UTF-8; set it in UTF-8")));
        }
    }
    // The service manager has decrypted it for this unit alone (systemd.exec(5), LoadCredential=).
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    let file = folder.map(|folder| Path::new(&folder).join(credential)).filter(|file| file.exists());
    file.map(|file| read_line(&file)).transpose()
}

/// Reads a password without the line break that editors put behind it.
fn read_line(file: &Path) -> Result<Secret> {
    let failed = |e| Error::io(format_args!("read the password in {}", file.display()), e);
    // It never grows, which would leave copies of the secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 32));
    File::open(file).map_err(failed)?.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        let message = format!("{} is longer than any password: is it the right file?", file.display());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    let mut text = Secret::new(text(&bytes).ok_or_else(|| not_text(file))?);
    let length =
        text.strip_suffix('\n').map_or(text.len(), |text| text.strip_suffix('\r').unwrap_or(text).len());
    text.truncate(length);
    Ok(text)
}

/// Refuses a file that other accounts can read.
#[cfg(unix)]
fn check_mode(file: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let mode = std::fs::metadata(file)
        .map_err(|e| Error::io(format_args!("read the password in {}", file.display()), e))?
        .mode();
    if mode & 0o077 != 0 {
        let file = file.display();
        return Err(invalid(format_args!(
            "the password in {file} can be read by other accounts (mode {:03o}): chmod 600 {file}",
            mode & 0o777
        )));
    }
    Ok(())
}

/// On Windows the access control list of the file says who can read it.
#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn the_password_in_a_descriptor_serves_several_shares() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"of the account\n").unwrap();
        drop(writer);
        let password = SmbPassword {
            smb_password_file: None,
            smb_password_fd: Some(reader.as_raw_fd() as u32),
            known: OnceLock::new(),
        };
        for _ in 0..2 {
            assert_eq!(password.read().unwrap().as_deref().map(String::as_str), Some("of the account"));
        }
    }
}
