//! Opening: one private-key operation for all messages of a run.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::{Error, ErrorKind, Result};

use super::certificate::CertificateFacts;
use super::cipher::ContentKey;
use super::decryption_certificate::{DecryptionCertificate, Pair};
#[cfg(doc)]
use super::message::content_of;
use super::message::{Message, RecipientFacts, facts_of};
use super::recipient::Recipient;

/// Opens messages with one certificate or several.
///
/// It remembers the content keys of the last runs, so that a run costs one private-key operation however many
/// messages it has. It may be shared between threads.
pub struct Opener {
    certificates: Vec<DecryptionCertificate>,
    remembered: Mutex<VecDeque<Remembered>>,
}

struct Remembered {
    /// All of them, which is what the key was unwrapped from.
    recipient_infos: Box<[u8]>,
    key: ContentKey,
}

/// Where the content stands after [`Opener::open_in_place`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Opened {
    /// The content's place in the message.
    pub content: Range<usize>,
    /// The message's authentication tag, which fitted.
    pub tag: [u8; 16],
}

impl Opener {
    /// Opens what was sealed to this certificate.
    #[must_use]
    pub fn new(certificate: DecryptionCertificate) -> Self {
        Self::with_certificates(vec![certificate])
    }

    /// Opens what was sealed to any of these certificates: the old one and the new one, while certificates rotate.
    #[must_use]
    pub fn with_certificates(certificates: Vec<DecryptionCertificate>) -> Self {
        Self { certificates, remembered: Mutex::default() }
    }

    /// The facts of its certificates.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.pairs().map(|pair| &pair.certificate.facts)
    }

    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.certificates.iter().flat_map(DecryptionCertificate::pairs)
    }

    /// Whether one of its private keys is the one that a message was sealed to, whatever became of the content.
    pub(crate) fn has_key_of(&self, message: &[u8]) -> bool {
        Message::parse(message).is_ok_and(|parsed| self.content_key(parsed.recipient_infos).is_ok())
    }

    /// Decrypts a message where it stands.
    ///
    /// Nothing of the content is released unless all of it is authentic: on [`ErrorKind::Damaged`] its place is
    /// zeroed. [`ErrorKind::WrongCertificate`] names the certificates that would do; see [`wrong_certificate`].
    /// [`ErrorKind::Malformed`], [`ErrorKind::Unsupported`] and [`ErrorKind::LimitExceeded`] leave the message as it is.
    pub fn open_in_place(&self, message: &mut [u8]) -> Result<Opened> {
        let parsed = Message::parse(message)?;
        let key = self.content_key(parsed.recipient_infos)?;
        let Message { nonce, content, tag, .. } = parsed;
        key.open(&nonce, &mut message[content.clone()], &tag)?;
        Ok(Opened { content, tag })
    }

    /// Decrypts a copy of a message's content, made at [`content_of`] the message, where it stands.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place); `INVALID_ARGUMENT` when the copy has another length.
    pub fn open_copy(&self, message: &[u8], copy: &mut [u8]) -> Result<()> {
        let parsed = Message::parse(message)?;
        if copy.len() != parsed.content.len() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the copy has another length than the content",
            ));
        }
        self.content_key(parsed.recipient_infos)?.open(&parsed.nonce, copy, &parsed.tag)
    }

    /// Decrypts a copy of a message's content.
    pub fn open(&self, message: &[u8]) -> Result<Vec<u8>> {
        let parsed = Message::parse(message)?;
        let key = self.content_key(parsed.recipient_infos)?;
        let mut content = message[parsed.content].to_vec();
        key.open(&parsed.nonce, &mut content, &parsed.tag)?;
        Ok(content)
    }

    fn content_key(&self, recipient_infos: &[u8]) -> Result<ContentKey> {
        // Held during the private-key operation, so that the threads of a restore do it once and not once each.
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = remembered.iter().position(|entry| *entry.recipient_infos == *recipient_infos) {
            let entry = remembered.remove(found).expect("it was found there");
            let key = entry.key.clone();
            remembered.push_back(entry);
            return Ok(key);
        }
        let key = self.unwrap_content_key(recipient_infos)?;
        if remembered.len() == MAX_REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back(Remembered { recipient_infos: recipient_infos.into(), key: key.clone() });
        Ok(key)
    }

    fn unwrap_content_key(&self, recipient_infos: &[u8]) -> Result<ContentKey> {
        let recipients = Recipient::parse_all(recipient_infos)?;
        let mut failure = None;
        // Issuer and serial number may name two certificates, if they are self-signed: all that fit are tried.
        for pair in self.pairs() {
            let identity = pair.certificate.identity()?;
            for recipient in &recipients {
                match recipient.unwrap(Some(&identity), pair.private_key()) {
                    Some(Ok(key)) => return Ok(key),
                    Some(Err(error)) => failure = failure.or(Some(error)),
                    None => {}
                }
            }
        }
        // A certificate that was renewed with its key has another serial number, and the very key. The recipients are few.
        for pair in self.pairs() {
            for recipient in &recipients {
                if let Some(Ok(key)) = recipient.unwrap(None, pair.private_key()) {
                    return Ok(key);
                }
            }
        }
        Err(failure.unwrap_or_else(|| wrong_certificate(&facts_of(&recipients), &[])))
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

/// The error for a message that was sealed to other certificates, naming those.
///
/// A message itself knows its recipients only by issuer and serial number. Who also knows their thumbprints, from a
/// cover sheet, makes the error again with them: operators find a PFX by its thumbprint.
#[must_use]
pub fn wrong_certificate(recipients: &[RecipientFacts], thumbprints: &[String]) -> Error {
    let mut named: Vec<String> =
        thumbprints.iter().map(|thumbprint| format!("thumbprint {thumbprint}")).collect();
    named.extend(
        recipients.iter().map(|facts| format!("issuer {}, serial number {}", facts.issuer, facts.serial)),
    );
    let more = named.len().saturating_sub(MAX_NAMED);
    named.truncate(MAX_NAMED);
    let mut message = match &named[..] {
        [] => "no certificate here opens it: its recipients are of a kind that is not read".to_owned(),
        [one] => format!("no certificate here opens it: it needs the one with {one}"),
        several => {
            format!("no certificate here opens it: it needs one of those with {}", several.join("; or "))
        }
    };
    if more > 0 {
        message.push_str(&format!("; or {more} more"));
    }
    Error::new(ErrorKind::WrongCertificate, message)
}

/// The runs that one set's messages can stem from are few: one for each backup that it still links to.
const MAX_REMEMBERED: usize = 64;

const MAX_NAMED: usize = 8;
