//! Who made a set: the certificate with which a host signs, and those that a reader demands.

use std::ffi::c_char;

use azs::Result;
use azs::signature::{Signer, SignerCertificate};

use crate::error::{azs_error, azs_status};
use crate::ffi::{Data, FilePath, Slot, Text, guard, handle, handles, invalid, slot};
use crate::memory::azs_bytes;

/// The public certificate of a host that signs its sets: the CER that readers demand. Free it with
/// `azs_signer_certificate_free`.
///
/// Functions that demand signers get an array of these handles and its length, and refuse a set that none of them signed
/// with `AZS_STATUS_NOT_TRUSTED`. NULL and 0 demand nothing. Another pointer with 0 is refused, because it more likely
/// comes from a mistake.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_signer_certificate(SignerCertificate);

/// A certificate with its private key, with which a host signs its sets: a PFX of its own, which opens no backup. Free
/// it with `azs_signer_free`, which overwrites the key.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_signer(pub(crate) Signer);

/// Reads a CER: DER, PEM or Base64, or a PKCS #7 bundle with one certificate. Validity does not count here: a signature
/// is good if the certificate was valid at the time of the set.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_certificate_from_cer(
    cer: Data,
    length: usize,
    certificate: Slot<'_, azs_signer_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        out.give(azs_signer_certificate(SignerCertificate::from_cer(cer.get(length, "cer")?)?));
        Ok(())
    })
}

/// Reads a CER file.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_certificate_load(
    file: FilePath,
    certificate: Slot<'_, azs_signer_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        out.give(azs_signer_certificate(SignerCertificate::load(file.get("file")?)?));
        Ok(())
    })
}

/// Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_certificate_facts(
    certificate: Option<&azs_signer_certificate>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(certificate, "certificate")?.0.facts()))
}

/// Returns the certificate in DER, as in a CER file.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_certificate_to_der(
    certificate: Option<&azs_signer_certificate>,
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
pub extern "C" fn azs_signer_certificate_free(certificate: Option<Box<azs_signer_certificate>>) {
    drop(certificate);
}

/// Reads a PFX, of which one certificate must be fit to sign. An empty password and no password, NULL, are the same.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_from_pfx(
    pfx: Data,
    length: usize,
    password: Text,
    signer: Slot<'_, azs_signer>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(signer, "signer")?;
        let (pfx, password) = (pfx.get(length, "pfx")?, password.optional("password")?);
        out.give(azs_signer(Signer::from_pfx(pfx, password)?));
        Ok(())
    })
}

/// Reads a private key in PEM and its certificate, which may be in the same file. `passphrase` is NULL for a key that
/// is not encrypted.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_from_pem(
    key: Data,
    key_length: usize,
    passphrase: Text,
    cer: Data,
    cer_length: usize,
    signer: Slot<'_, azs_signer>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(signer, "signer")?;
        let (key, cer) = (key.get(key_length, "key")?, cer.get(cer_length, "cer")?);
        out.give(azs_signer(Signer::from_pem(key, passphrase.optional("passphrase")?, cer)?));
        Ok(())
    })
}

/// Reads a PFX file, like `azs_signer_from_pfx`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_load(
    file: FilePath,
    password: Text,
    signer: Slot<'_, azs_signer>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(signer, "signer")?;
        out.give(azs_signer(Signer::load(file.get("file")?, password.optional("password")?)?));
        Ok(())
    })
}

/// Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_facts(
    signer: Option<&azs_signer>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(signer, "signer")?.0.facts()))
}

/// Returns its public half, which readers demand.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_to_certificate(
    signer: Option<&azs_signer>,
    certificate: Slot<'_, azs_signer_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(certificate, "certificate")?;
        out.give(azs_signer_certificate(handle(signer, "signer")?.0.certificate()));
        Ok(())
    })
}

/// Fails with `AZS_STATUS_CERTIFICATE_EXPIRED` unless the certificate is valid at that time; NULL means now.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_check_validity(
    signer: Option<&azs_signer>,
    at: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle(signer, "signer")?.0.check_validity(at.time("at")?))
}

/// Frees a signer. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_signer_free(signer: Option<Box<azs_signer>>) {
    drop(signer);
}

/// The signers that a call demands, which the caller's function may free meanwhile; none demands nothing.
pub(crate) fn demanded(
    signers: *const *const azs_signer_certificate,
    count: usize,
) -> Result<Vec<SignerCertificate>> {
    if count == 0 && !signers.is_null() {
        return Err(invalid(
            "signers: an empty list demands nothing; name at least one signer, or pass NULL".into(),
        ));
    }
    Ok(handles(signers, count, "signers")?.into_iter().map(|signer| signer.0.clone()).collect())
}
