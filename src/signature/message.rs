//! The detached SignedData: written in one profile, read strictly.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag, TagNumber, Tagged};
use jiff::Timestamp;
use openssl::pkey::{PKeyRef, Private};
use openssl::sha::sha256;
use openssl::x509::X509;

use super::algorithm::{self, Algorithm};
use super::asn1::{element, malformed, refused};
use super::attributes::Attributes;
use crate::envelope::{
    AlgorithmIdentifier, Certificate, CertificateFacts, ID_DATA, IssuerAndSerial, elements, internal, oid,
};
use crate::error::{Error, ErrorKind, Result};

/// Longest signature to read, in bytes. One with a chain of certificates has some 10 KiB.
pub(crate) const MAX_LENGTH: u64 = 64 << 10;

/// RFC 5652 §3.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: SignedData<'a>,
}

/// RFC 5652 §5.1, without revocation lists.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    /// A SET.
    digests: AnyRef<'a>,
    content: ContentIdentifier,
    /// `[0] IMPLICIT SET OF`, and the SET of SignerInfos: each is read by its tag.
    certificates: AnyRef<'a>,
    signers: AnyRef<'a>,
}

/// EncapsulatedContentInfo without the content, which is beside the signature.
#[derive(Sequence)]
struct ContentIdentifier {
    content_type: ObjectIdentifier,
}

/// RFC 5652 §5.3, of version 1.
#[derive(Sequence)]
struct SignerInfo<'a> {
    version: u8,
    /// IssuerAndSerialNumber.
    signer: AnyRef<'a>,
    digest: AlgorithmIdentifier<'a>,
    /// `[0] IMPLICIT SET OF`.
    attributes: AnyRef<'a>,
    algorithm: AlgorithmIdentifier<'a>,
    signature: &'a OctetStringRef,
    /// `[1] IMPLICIT SET OF`: a time stamp of somebody else, which is not read.
    #[asn1(optional = "true")]
    unsigned: Option<AnyRef<'a>>,
}

/// Signs this content; returns the whole message.
pub(super) fn write(
    certificate: &Certificate,
    key: &PKeyRef<Private>,
    content: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>> {
    let not_der = |source: der::Error| {
        Error::new(ErrorKind::Internal, "the signature does not encode").with_source(source)
    };
    let attributes = Attributes::print(&sha256(content), now).map_err(not_der)?;
    let signed = element(Tag::Set, &[&attributes]).map_err(not_der)?;
    let algorithm = Algorithm::of_key(key.id());
    let signature = algorithm.sign(key, &signed).map_err(internal("sign"))?;
    let der = certificate.to_der()?;
    let encode = || -> der::Result<Vec<u8>> {
        let digest = algorithm::sha256().to_der()?;
        let signer = element(
            Tag::Sequence,
            &[
                &1u8.to_der()?,
                certificate.issuer_and_serial(),
                &digest,
                &element(IMPLICIT_0, &[&attributes])?,
                &algorithm.to_der()?,
                &OctetStringRef::new(&signature)?.to_der()?,
            ],
        )?;
        let data = element(
            Tag::Sequence,
            &[
                &1u8.to_der()?,
                &element(Tag::Set, &[&digest])?,
                &ContentIdentifier { content_type: ID_DATA }.to_der()?,
                &element(IMPLICIT_0, &[&der])?,
                &element(Tag::Set, &[&signer])?,
            ],
        )?;
        // [0] EXPLICIT has the same tag.
        element(Tag::Sequence, &[&ID_SIGNED_DATA.to_der()?, &element(IMPLICIT_0, &[&data])?])
    };
    encode().map_err(not_der)
}

/// Returns who signed this content, and when; fails if that is not proven.
pub(super) fn verify(
    message: &[u8],
    content: &[u8],
    at: Timestamp,
) -> Result<(CertificateFacts, Option<Timestamp>)> {
    if message.len() as u64 > MAX_LENGTH {
        return Err(refused(format!("has {} bytes: at most {MAX_LENGTH} are read", message.len())));
    }
    let ContentInfo { content_type, content: data } =
        ContentInfo::from_der(message).map_err(malformed("frame"))?;
    if (content_type, data.version, data.content.content_type) != (ID_SIGNED_DATA, 1, ID_DATA) {
        return Err(refused("is no CMS SignedData of version 1 of data"));
    }
    is_one_sha256(&data.digests)?;
    if (data.certificates.tag(), data.signers.tag()) != (IMPLICIT_0, Tag::Set) {
        return Err(refused("does not carry certificates and a signer"));
    }
    let signers = elements(&data.signers).map_err(malformed("SignerInfos"))?;
    let [signer] = signers[..] else {
        return Err(refused(format!("has {} signers: exactly one is accepted", signers.len())));
    };
    let signer: SignerInfo<'_> = signer.decode_as().map_err(malformed("SignerInfo"))?;
    if (signer.version, signer.signer.tag(), signer.attributes.tag()) != (1, Tag::Sequence, IMPLICIT_0) {
        return Err(refused(
            "does not name its signer by issuer and serial number, or has no signed attributes",
        ));
    }
    if signer.unsigned.is_some_and(|unsigned| unsigned.tag() != IMPLICIT_1) {
        return Err(refused("has something else in place of unsigned attributes"));
    }
    if !algorithm::is_sha256(&signer.digest) {
        return Err(refused("has another digest than SHA-256"));
    }
    let algorithm = Algorithm::read(&signer.algorithm)?;
    let attributes = Attributes::read(&signer.attributes)?;
    let certificate = certificate_of(&signer, &data.certificates)?;
    if attributes.digest != sha256(content) {
        return Err(refused("is of other content: what was signed was changed, or belongs to another set"));
    }
    let signed = element(Tag::Set, &[signer.attributes.value()]).map_err(malformed("signed attributes"))?;
    let is_by = |key| algorithm.verify(key, &signed, signer.signature.as_bytes());
    if !certificate.openssl_key().is_some_and(is_by) {
        return Err(refused("was not made with the key of its certificate, or was changed"));
    }
    certificate.check_validity(at)?;
    Ok((certificate.facts, attributes.signed_at))
}

fn is_one_sha256(digests: &AnyRef<'_>) -> Result<()> {
    let all = if digests.tag() == Tag::Set { elements(digests) } else { Ok(Vec::new()) };
    match all.map_err(malformed("digest algorithms"))?[..] {
        [one] if one.decode_as().is_ok_and(|one| algorithm::is_sha256(&one)) => Ok(()),
        _ => Err(refused("has another digest than SHA-256")),
    }
}

/// Finds the signer's certificate among those that the message carries.
fn certificate_of(signer: &SignerInfo<'_>, certificates: &AnyRef<'_>) -> Result<Certificate> {
    let wanted: IssuerAndSerial<'_> = signer.signer.decode_as().map_err(malformed("signer's name"))?;
    let all = elements(certificates).map_err(malformed("certificates"))?;
    if all.len() > MAX_CERTIFICATES {
        return Err(refused(format!(
            "carries {} certificates: at most {MAX_CERTIFICATES} are read",
            all.len()
        )));
    }
    let mut found = Vec::new();
    for any in all {
        let der = any.to_der().map_err(malformed("certificates"))?;
        if IssuerAndSerial::of_certificate(&der).is_ok_and(|identity| identity == wanted) {
            found.push(der);
        }
    }
    let [der] = &found[..] else {
        return Err(refused(match found.len() {
            0 => "does not carry the certificate of its signer",
            _ => "carries several certificates of its signer's name",
        }));
    };
    let x509 =
        X509::from_der(der).map_err(|source| refused("carries a damaged certificate").with_source(source))?;
    let certificate = Certificate::new(x509)?;
    certificate.check_signing_usage()?;
    Ok(certificate)
}

const IMPLICIT_0: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
const IMPLICIT_1: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };
/// A signer's own, and a chain to some root.
const MAX_CERTIFICATES: usize = 16;
const ID_SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
