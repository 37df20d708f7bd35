//! The frame around the ciphertext: written in one piece, read strictly, never copied.

use std::ops::Range;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Header, Length, Reader, Sequence, SliceReader, Tag, TagNumber};
use serde::Serialize;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, ID_DATA, ID_ENVELOPED_DATA, malformed, oid, unsupported};
use super::cipher::{NONCE_LEN, TAG_LEN};
use super::recipient::Recipient;

/// The largest plaintext of one message. Other readers of CMS hold several times as much in memory.
pub const MAX_CONTENT: usize = 64 << 20;

/// The largest message that is written or read: [`MAX_CONTENT`] and the largest frame.
pub const MAX_MESSAGE: usize = MAX_CONTENT + (64 << 10);

/// The RecipientInfos take nearly all of the frame.
pub(super) const MAX_RECIPIENT_INFOS: usize = (64 << 10) - MAX_HEAD_BESIDES_RECIPIENTS - TAIL_LEN;

/// Bytes after the ciphertext: the header of an octet string, and the tag.
pub(super) const TAIL_LEN: usize = 2 + TAG_LEN;

/// A recipient, as the message names it. The text comes from the message, so trust it accordingly.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecipientFacts {
    /// The issuer of the certificate, as Windows prints it. A self-signed certificate is its own issuer.
    pub issuer: String,
    /// The certificate's serial number in upper-case hex.
    pub serial: String,
}

/// Reads the authentication tag of a message, without a key.
///
/// Two messages with the same tag are the same message, unless somebody with the content key forged one.
pub fn message_tag(message: &[u8]) -> Result<[u8; 16]> {
    Ok(Message::parse(message)?.tag)
}

/// Finds the encrypted content of a message, without a key.
pub fn content_of(message: &[u8]) -> Result<Range<usize>> {
    Ok(Message::parse(message)?.content)
}

/// Returns the RecipientInfos of a message, which hold its content key: all messages of a run have the same.
pub(crate) fn recipient_infos_of(message: &[u8]) -> Result<&[u8]> {
    Ok(Message::parse(message)?.recipient_infos)
}

/// Reads the recipients of a message, without a key. It leaves out recipients of unknown kinds.
pub fn recipients_of(message: &[u8]) -> Result<Vec<RecipientFacts>> {
    let recipients = Recipient::parse_all(Message::parse(message)?.recipient_infos)?;
    Ok(facts_of(&recipients))
}

pub(super) fn facts_of(recipients: &[Recipient<'_>]) -> Vec<RecipientFacts> {
    let identities = recipients.iter().flat_map(Recipient::identities);
    identities
        .map(|identity| RecipientFacts { issuer: identity.issuer_text(), serial: identity.serial_text() })
        .collect()
}

/// A message's parts, borrowed from it.
pub(super) struct Message<'a> {
    /// The whole SET, header included; it identifies the content key to remember.
    pub(super) recipient_infos: &'a [u8],
    pub(super) nonce: [u8; NONCE_LEN],
    pub(super) content: Range<usize>,
    pub(super) tag: [u8; TAG_LEN],
}

impl<'a> Message<'a> {
    /// Accepts one profile in one encoding: what [`Frame`] writes, and what `openssl cms` writes without `-stream`.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self> {
        if message.len() > MAX_MESSAGE {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the message has {} bytes: at most {MAX_MESSAGE} are read", message.len()),
            ));
        }
        let mut reader = SliceReader::new(message).map_err(malformed("message"))?;
        to_the_end(&mut reader, Tag::Sequence, "ContentInfo")?;
        let content_type = ObjectIdentifier::decode(&mut reader).map_err(malformed("content type"))?;
        match content_type {
            ID_CT_AUTH_ENVELOPED_DATA => {}
            ID_ENVELOPED_DATA => {
                return Err(unsupported(
                    "the message is EnvelopedData, which nothing authenticates: it is not read",
                ));
            }
            other => {
                return Err(unsupported(format!(
                    "the message's content type is {other}, not AuthEnvelopedData"
                )));
            }
        }
        to_the_end(&mut reader, context(0, true), "ContentInfo")?;
        to_the_end(&mut reader, Tag::Sequence, "AuthEnvelopedData")?;
        if u8::decode(&mut reader).map_err(malformed("version"))? != 0 {
            return Err(unsupported("the message's version is not 0"));
        }

        let start = position(&reader);
        let header = Header::peek(&reader).map_err(malformed("RecipientInfos"))?;
        if header.tag() == context(0, true) {
            return Err(unsupported("the message has originator information, which is not read"));
        }
        let len = enter(&mut reader, Tag::Set, "RecipientInfos")?;
        if usize::try_from(len).unwrap_or(usize::MAX) > MAX_RECIPIENT_INFOS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the message's RecipientInfos exceed {MAX_RECIPIENT_INFOS} bytes"),
            ));
        }
        reader.read_slice(len).map_err(malformed("RecipientInfos"))?;
        let recipient_infos = &message[start..position(&reader)];

        let len = enter(&mut reader, Tag::Sequence, "EncryptedContentInfo")?;
        let end = (reader.position() + len).map_err(malformed("EncryptedContentInfo"))?;
        if ObjectIdentifier::decode(&mut reader).map_err(malformed("inner content type"))? != ID_DATA {
            return Err(unsupported("the message's inner content type is not id-data"));
        }
        let nonce = read_gcm(&mut reader)?;
        let len = enter(&mut reader, context(0, false), "encrypted content")?;
        let start = position(&reader);
        reader.read_slice(len).map_err(malformed("encrypted content"))?;
        let content = start..position(&reader);
        if reader.position() != end {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the message's EncryptedContentInfo has another length",
            ));
        }
        if content.len() > MAX_CONTENT {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the message's content has {} bytes: at most {MAX_CONTENT} are read", content.len()),
            ));
        }

        let header = Header::peek(&reader).map_err(malformed("authentication tag"))?;
        if header.tag() == context(1, true) {
            return Err(unsupported("the message has authenticated attributes, which are not read"));
        }
        let tag = <&OctetStringRef>::decode(&mut reader).map_err(malformed("authentication tag"))?;
        let Ok(tag) = tag.as_bytes().try_into() else {
            return Err(unsupported(
                "the message's authentication tag does not have 16 bytes: it may be forged",
            ));
        };
        if !reader.is_finished() {
            return Err(unsupported("the message has unauthenticated attributes, which are not read"));
        }
        Ok(Self { recipient_infos, nonce, content, tag })
    }
}

/// The common part of the heads of one run's messages, encoded once.
pub(super) struct Frame {
    /// The version and the RecipientInfos.
    enveloped: Vec<u8>,
    /// The inner content type and the algorithm, with zeros for the nonce.
    content_info: Vec<u8>,
    nonce_at: usize,
    content_type: Vec<u8>,
}

impl Frame {
    pub(super) fn new(recipients: Vec<Vec<u8>>) -> Result<Self> {
        let recipient_infos = recipient_infos(recipients)?;
        Self::encode(&recipient_infos).map_err(|source| {
            Error::new(ErrorKind::Internal, "the frame does not encode").with_source(source)
        })
    }

    fn encode(recipient_infos: &[u8]) -> der::Result<Self> {
        let parameters =
            GcmParameters { nonce: OctetStringRef::new(&[0; NONCE_LEN])?, icv_len: TAG_LEN as u8 }
                .to_der()?;
        let algorithm = AlgorithmIdentifier {
            algorithm: ID_AES256_GCM,
            parameters: Some(AnyRef::from_der(&parameters)?),
        }
        .to_der()?;
        let content_info = [ID_DATA.to_der()?, algorithm].concat();
        Ok(Self {
            enveloped: [&0u8.to_der()?, recipient_infos].concat(),
            // The nonce is followed by the tag's length, an INTEGER of 3 bytes.
            nonce_at: content_info.len() - 3 - NONCE_LEN,
            content_info,
            content_type: ID_CT_AUTH_ENVELOPED_DATA.to_der()?,
        })
    }

    /// Returns everything before the ciphertext of `content_len` bytes; [`tail`] follows it.
    pub(super) fn head(&self, nonce: &[u8; NONCE_LEN], content_len: usize) -> Vec<u8> {
        // Work outwards: each length counts what follows it, and the tail if that is inside.
        let info = self.content_info.len() + header_len(content_len) + content_len;
        let enveloped = self.enveloped.len() + header_len(info) + info + TAIL_LEN;
        let explicit = header_len(enveloped) + enveloped;
        let all = self.content_type.len() + header_len(explicit) + explicit;

        let head_len = header_len(all) + all - TAIL_LEN - content_len;
        let mut head = Vec::with_capacity(head_len);
        push_header(&mut head, 0x30, all); // SEQUENCE
        head.extend_from_slice(&self.content_type);
        push_header(&mut head, 0xa0, explicit); // [0] EXPLICIT
        push_header(&mut head, 0x30, enveloped);
        head.extend_from_slice(&self.enveloped);
        push_header(&mut head, 0x30, info);
        let at = head.len() + self.nonce_at;
        head.extend_from_slice(&self.content_info);
        head[at..at + NONCE_LEN].copy_from_slice(nonce);
        push_header(&mut head, 0x80, content_len); // [0] IMPLICIT OCTET STRING
        debug_assert_eq!(head.len(), head_len);
        head
    }
}

fn push_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    match header_len(len) {
        2 => out.push(len as u8),
        n => {
            out.push(0x80 | (n as u8 - 2));
            out.extend_from_slice(&len.to_be_bytes()[size_of::<usize>() + 2 - n..]);
        }
    }
}

/// Length of a tag and of a length in as few bytes as DER allows.
const fn header_len(len: usize) -> usize {
    match len {
        0..0x80 => 2,
        _ => 2 + (usize::BITS - len.leading_zeros()).div_ceil(8) as usize,
    }
}

/// Returns everything after the ciphertext.
pub(super) fn tail(tag: &[u8; TAG_LEN]) -> [u8; TAIL_LEN] {
    let mut tail = [0; TAIL_LEN];
    tail[0] = 4; // OCTET STRING
    tail[1] = TAG_LEN as u8;
    tail[2..].copy_from_slice(tag);
    tail
}

/// Wraps RecipientInfos, sorted as DER requires, in their SET.
fn recipient_infos(mut recipients: Vec<Vec<u8>>) -> Result<Vec<u8>> {
    recipients.sort();
    let inner = recipients.concat();
    if inner.len() > MAX_RECIPIENT_INFOS {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the recipients take {} bytes: at most {MAX_RECIPIENT_INFOS} fit", inner.len()),
        ));
    }
    let mut set = Vec::with_capacity(header_len(inner.len()) + inner.len());
    push_header(&mut set, 0x31, inner.len());
    set.extend_from_slice(&inner);
    Ok(set)
}

/// RFC 5084 §3.2.
#[derive(Sequence)]
struct GcmParameters<'a> {
    nonce: &'a OctetStringRef,
    #[asn1(default = "default_icv_len")]
    icv_len: u8,
}

fn default_icv_len() -> u8 {
    12
}

fn read_gcm<'a>(reader: &mut SliceReader<'a>) -> Result<[u8; NONCE_LEN]> {
    let algorithm: AlgorithmIdentifier<'a> =
        reader.decode().map_err(malformed("content encryption algorithm"))?;
    if algorithm.algorithm != ID_AES256_GCM {
        return Err(unsupported(format!(
            "the message is encrypted by algorithm {}: only AES-256-GCM is read",
            algorithm.algorithm
        )));
    }
    let missing = || Error::new(ErrorKind::Malformed, "the message has no AES-GCM parameters");
    let parameters: GcmParameters<'a> =
        algorithm.parameters.ok_or_else(missing)?.decode_as().map_err(malformed("AES-GCM parameters"))?;
    if usize::from(parameters.icv_len) != TAG_LEN {
        return Err(unsupported("the message's authentication tag does not have 16 bytes: it may be forged"));
    }
    let nonce = parameters.nonce.as_bytes().try_into();
    nonce.map_err(|_| unsupported("the message's nonce does not have 12 bytes"))
}

/// Reads a header and returns the length that it announces, which may be more than there is.
fn enter(reader: &mut SliceReader<'_>, tag: Tag, what: &'static str) -> Result<Length> {
    let header = Header::decode(reader).map_err(malformed(what))?;
    if header.tag() != tag {
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("the message has {} where {what} belongs", header.tag()),
        ));
    }
    Ok(header.length())
}

/// Reads the header of an element that must take all the rest.
fn to_the_end(reader: &mut SliceReader<'_>, tag: Tag, what: &'static str) -> Result<()> {
    let len = enter(reader, tag, what)?;
    if len != reader.remaining_len() {
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("the message's {what} says {len} bytes, but {} follow", reader.remaining_len()),
        ));
    }
    Ok(())
}

fn position(reader: &SliceReader<'_>) -> usize {
    usize::try_from(reader.position()).expect("a position in a slice")
}

const fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// More than the headers, identifiers, version and parameters can ever take.
const MAX_HEAD_BESIDES_RECIPIENTS: usize = 128;

const ID_CT_AUTH_ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.23");
const ID_AES256_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.46");
