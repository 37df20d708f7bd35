//! Opens messages, with one private-key operation for all messages of a run.

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

/// Opens messages with one or more certificates.
///
/// It remembers the content keys of the last runs, so a run costs one private-key operation however many messages it
/// has. Threads may share it.
pub struct Opener {
    certificates: Vec<DecryptionCertificate>,
    remembered: Mutex<VecDeque<Remembered>>,
}

struct Remembered {
    /// The whole set of recipients, from which the key was unwrapped.
    recipient_infos: Box<[u8]>,
    key: ContentKey,
}

/// Where the content is after [`Opener::open_in_place`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Opened {
    /// The position of the content in the message.
    pub content: Range<usize>,
    /// The message's authentication tag, which matched.
    pub tag: [u8; 16],
}

impl Opener {
    /// The certificates that it opens with.
    pub(crate) fn held(&self) -> &[DecryptionCertificate] {
        &self.certificates
    }

    /// Opens messages that were sealed to this certificate.
    #[must_use]
    pub fn new(certificate: DecryptionCertificate) -> Self {
        Self::with_certificates(vec![certificate])
    }

    /// Opens messages that were sealed to any of these certificates: the old and the new one, while you rotate
    /// certificates.
    #[must_use]
    pub fn with_certificates(certificates: Vec<DecryptionCertificate>) -> Self {
        Self { certificates, remembered: Mutex::default() }
    }

    /// Returns the facts of its certificates.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.pairs().map(|pair| &pair.certificate.facts)
    }

    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.certificates.iter().flat_map(DecryptionCertificate::pairs)
    }

    /// Whether a message was sealed to one of its private keys, whatever has become of the content.
    pub(crate) fn has_key_of(&self, message: &[u8]) -> bool {
        Message::parse(message).is_ok_and(|parsed| self.content_key(parsed.recipient_infos).is_ok())
    }

    /// Decrypts a message in place.
    ///
    /// It releases no content unless all of it is authentic: on [`ErrorKind::Damaged`] the content is zeroed.
    /// [`ErrorKind::WrongCertificate`] names the certificates that would open it; see [`wrong_certificate`].
    /// [`ErrorKind::Malformed`], [`ErrorKind::Unsupported`] and [`ErrorKind::LimitExceeded`] leave the message
    /// unchanged.
    pub fn open_in_place(&self, message: &mut [u8]) -> Result<Opened> {
        let parsed = Message::parse(message)?;
        let key = self.content_key(parsed.recipient_infos)?;
        let Message { nonce, content, tag, .. } = parsed;
        key.open(&nonce, &mut message[content.clone()], &tag)?;
        Ok(Opened { content, tag })
    }

    /// Decrypts, in place, a copy that you made of a message's content, found by [`content_of`].
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

    /// Returns a message's content, decrypted.
    pub fn open(&self, message: &[u8]) -> Result<Vec<u8>> {
        let parsed = Message::parse(message)?;
        let key = self.content_key(parsed.recipient_infos)?;
        let mut content = message[parsed.content].to_vec();
        key.open(&parsed.nonce, &mut content, &parsed.tag)?;
        Ok(content)
    }

    fn content_key(&self, recipient_infos: &[u8]) -> Result<ContentKey> {
        // Hold the lock during the private-key operation, so that the threads of a restore do it once and not once
        // each.
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
        // Issuer and serial number may name two certificates if they are self-signed: try all that match.
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
        // A certificate renewed with its key has another serial number but the same key. The recipients are few.
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

/// Makes the error for a message that was sealed to other certificates, and names those.
///
/// A message knows its recipients only by issuer and serial number. If you also know their thumbprints, from a cover
/// sheet, make the error again with them: operators find a PFX by its thumbprint.
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

/// One set's messages come from few runs: one for each backup that it still links to.
const MAX_REMEMBERED: usize = 64;

const MAX_NAMED: usize = 8;
