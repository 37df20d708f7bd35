//! Certificates: the CER encrypts, the PFX decrypts.

use std::ffi::c_char;

use azs::{DecryptionCertificate, EncryptionCertificate};

use crate::error::{azs_error, azs_status};
use crate::ffi::{Data, FilePath, Slot, Text, guard, handle, slot};
use crate::memory::azs_bytes;

/// A public certificate that backups are sealed to: the CER. Free it with `azs_encryption_certificate_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_encryption_certificate(pub(crate) EncryptionCertificate);

/// A certificate with its private key, which opens backups: the PFX. Free it with `azs_decryption_certificate_free`,
/// which overwrites the key.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_decryption_certificate(pub(crate) DecryptionCertificate);

/// Reads a CER: DER, PEM or Base64, or a PKCS #7 bundle with one certificate.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_from_cer(
    cer: Data,
    length: usize,
    certificate: Slot<'_, azs_encryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        out.give(azs_encryption_certificate(EncryptionCertificate::from_cer(cer.get(length, "cer")?)?));
        Ok(())
    })
}

/// Reads a CER file.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_load(
    file: FilePath,
    certificate: Slot<'_, azs_encryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        out.give(azs_encryption_certificate(EncryptionCertificate::load(file.get("file")?)?));
        Ok(())
    })
}

/// Returns what the certificate says about itself, as JSON: `subject`, `issuer`, `serial`, `sha1_thumbprint`,
/// `sha256_thumbprint`, `not_before`, `not_after`, `key`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_facts(
    certificate: Option<&azs_encryption_certificate>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(certificate, "certificate")?.0.facts()))
}

/// Fails with `AZS_STATUS_CERTIFICATE_EXPIRED` unless the certificate is valid at that time; NULL means now.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_check_validity(
    certificate: Option<&azs_encryption_certificate>,
    at: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle(certificate, "certificate")?.0.check_validity(at.time("at")?))
}

/// Returns the certificate in DER, as in a CER file.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_to_der(
    certificate: Option<&azs_encryption_certificate>,
    der: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(der, "der")?;
        out.give(azs_bytes::open(handle(certificate, "certificate")?.0.to_der()?));
        Ok(())
    })
}

/// Frees a certificate. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_encryption_certificate_free(certificate: Option<Box<azs_encryption_certificate>>) {
    drop(certificate);
}

/// Reads a PFX. An empty password and no password, NULL, are the same.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_from_pfx(
    pfx: Data,
    length: usize,
    password: Text,
    certificate: Slot<'_, azs_decryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        let (pfx, password) = (pfx.get(length, "pfx")?, password.optional("password")?);
        out.give(azs_decryption_certificate(DecryptionCertificate::from_pfx(pfx, password)?));
        Ok(())
    })
}

/// Reads a private key in PEM and its certificate, which may be in the same file. `passphrase` is NULL for a key that
/// is not encrypted.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_from_pem(
    key: Data,
    key_length: usize,
    passphrase: Text,
    cer: Data,
    cer_length: usize,
    certificate: Slot<'_, azs_decryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        let (key, cer) = (key.get(key_length, "key")?, cer.get(cer_length, "cer")?);
        let read = DecryptionCertificate::from_pem(key, passphrase.optional("passphrase")?, cer)?;
        out.give(azs_decryption_certificate(read));
        Ok(())
    })
}

/// Reads a PFX file. An empty password and no password, NULL, are the same.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_load(
    file: FilePath,
    password: Text,
    certificate: Slot<'_, azs_decryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        let read = DecryptionCertificate::load(file.get("file")?, password.optional("password")?)?;
        out.give(azs_decryption_certificate(read));
        Ok(())
    })
}

/// Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_facts(
    certificate: Option<&azs_decryption_certificate>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(certificate, "certificate")?.0.facts()))
}

/// Returns its public half, as in the CER.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_encryption_certificate(
    certificate: Option<&azs_decryption_certificate>,
    public_half: Slot<'_, azs_encryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(public_half, "public_half")?;
        let certificate = handle(certificate, "certificate")?;
        out.give(azs_encryption_certificate(certificate.0.encryption_certificate()));
        Ok(())
    })
}

/// Frees a certificate. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_decryption_certificate_free(certificate: Option<Box<azs_decryption_certificate>>) {
    drop(certificate);
}
