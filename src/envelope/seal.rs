//! Seals the messages of one run, with one content key and a nonce counter.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroize;

use crate::{Error, ErrorKind, Result};

use super::certificate::EncryptionCertificate;
use super::cipher::{ContentKey, NONCE_LEN, TAG_LEN};
use super::internal;
use super::message::{Frame, MAX_CONTENT, TAIL_LEN, tail};
use super::recipient::wrap_for;

/// Seals the messages of one run.
///
/// They all use one content key, wrapped for the recipients once. So the messages of a run begin alike, and a restore
/// needs one private-key operation for the run. Each call takes the next nonce of a counter, so sealing again makes
/// different bytes; to send a message again, send the same bytes. The key is never stored: a run that continues another
/// makes its own `Sealer`.
///
/// Threads may share it. It refuses to work in a forked child, which would repeat its parent's nonces. Nobody can
/// detect that a virtual machine is resumed twice from one snapshot, so don't snapshot a running backup.
pub struct Sealer {
    key: ContentKey,
    frame: Frame,
    head_room: usize,
    nonce_prefix: [u8; 4],
    nonce_counter: AtomicU64,
    process: u32,
}

/// Where a message is after [`Sealer::seal_in_place`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sealed {
    /// The position of the message in the buffer.
    pub range: Range<usize>,
    /// Its authentication tag, for a list that binds the message to its position.
    pub tag: [u8; 16],
}

impl Sealer {
    /// Spare capacity after the plaintext that saves [`seal_in_place`](Self::seal_in_place) a reallocation.
    pub const TAIL_ROOM: usize = TAIL_LEN;

    /// Most recipients of a message.
    pub const MAX_RECIPIENTS: usize = 16;

    /// Draws a content key and wraps it for each of 1 to 16 recipients.
    ///
    /// Fails with [`ErrorKind::CertificateUnsuitable`] if a certificate's key usage forbids it. It does not check that
    /// the certificates are valid today: call [`check_validity`](EncryptionCertificate::check_validity).
    pub fn new(recipients: &[EncryptionCertificate]) -> Result<Self> {
        if recipients.is_empty() || recipients.len() > Self::MAX_RECIPIENTS {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} recipients were given: 1 to {} can be", recipients.len(), Self::MAX_RECIPIENTS),
            ));
        }
        let key = ContentKey::random()?;
        let mut infos = Vec::with_capacity(recipients.len());
        for (i, recipient) in recipients.iter().enumerate() {
            let certificate = recipient.certificate();
            certificate.check_key_usage()?;
            if recipients[..i].iter().all(|earlier| earlier.facts() != recipient.facts()) {
                infos.push(wrap_for(certificate.issuer_and_serial(), certificate.public_key(), &key)?);
            }
        }
        let frame = Frame::new(infos)?;
        let mut nonce_prefix = [0; 4];
        openssl::rand::rand_bytes(&mut nonce_prefix).map_err(internal("draw a nonce"))?;
        Ok(Self {
            key,
            head_room: frame.head(&[0; NONCE_LEN], MAX_CONTENT).len(),
            frame,
            nonce_prefix,
            nonce_counter: AtomicU64::new(0),
            process: std::process::id(),
        })
    }

    /// Returns how many bytes to leave free before the plaintext: the length of the largest message's head.
    #[must_use]
    pub fn head_room(&self) -> usize {
        self.head_room
    }

    /// Turns `buf[head_room()..]` into a message, in place.
    ///
    /// It encrypts the plaintext where it is, and puts the head right before it and the tag after it. This overwrites
    /// part of the head room. With [`TAIL_ROOM`](Self::TAIL_ROOM) bytes of spare capacity nothing is copied; otherwise
    /// the buffer grows while it still holds plaintext. On failure the buffer is emptied.
    pub fn seal_in_place(&self, buf: &mut Vec<u8>) -> Result<Sealed> {
        let sealed = self.try_seal_in_place(buf);
        if sealed.is_err() {
            buf.zeroize();
        }
        sealed
    }

    fn try_seal_in_place(&self, buf: &mut Vec<u8>) -> Result<Sealed> {
        let Some(len) = buf.len().checked_sub(self.head_room) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the buffer lacks the {} bytes of head room", self.head_room),
            ));
        };
        if len > MAX_CONTENT {
            return Err(too_long(len));
        }
        let nonce = self.next_nonce()?;
        let head = self.frame.head(&nonce, len);
        buf.reserve(TAIL_LEN);
        let tag = self.key.seal(&nonce, &mut buf[self.head_room..])?;
        let start = self.head_room - head.len();
        buf[start..self.head_room].copy_from_slice(&head);
        buf.extend_from_slice(&tail(&tag));
        Ok(Sealed { range: start..buf.len(), tag })
    }

    /// Seals a copy of the plaintext.
    pub fn seal(&self, plaintext: &[u8]) -> Result<Vec<u8>> {
        if plaintext.len() > MAX_CONTENT {
            return Err(too_long(plaintext.len()));
        }
        let nonce = self.next_nonce()?;
        let mut message = self.frame.head(&nonce, plaintext.len());
        let head_len = message.len();
        message.reserve_exact(plaintext.len() + TAIL_LEN);
        message.extend_from_slice(plaintext);
        let tag = self.key.seal(&nonce, &mut message[head_len..])?;
        message.extend_from_slice(&tail(&tag));
        Ok(message)
    }

    /// Returns how many bytes precede the content in a message with this much content.
    #[must_use]
    pub fn head_len(&self, content: usize) -> usize {
        self.frame.head(&[0; NONCE_LEN], content).len()
    }

    /// Seals in memory that has the message's exact length: [`head_len`](Self::head_len) bytes of any value, the
    /// plaintext of `length` bytes, and [`TAIL_ROOM`](Self::TAIL_ROOM) bytes of any value. On failure the memory is
    /// zeroed.
    pub fn seal_slice(&self, message: &mut [u8], length: usize) -> Result<()> {
        let sealed = self.try_seal_slice(message, length);
        if sealed.is_err() {
            message.zeroize();
        }
        sealed
    }

    fn try_seal_slice(&self, message: &mut [u8], length: usize) -> Result<()> {
        if length > MAX_CONTENT {
            return Err(too_long(length));
        }
        let head = self.head_len(length);
        if message.len() != head + length + TAIL_LEN {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a message of that content has another length",
            ));
        }
        let nonce = self.next_nonce()?;
        message[..head].copy_from_slice(&self.frame.head(&nonce, length));
        let tag = self.key.seal(&nonce, &mut message[head..head + length])?;
        message[head + length..].copy_from_slice(&tail(&tag));
        Ok(())
    }

    /// Takes 4 random bytes and a 64-bit counter (NIST SP 800-38D §8.2.1): never the same twice, even if the caller
    /// tries again.
    fn next_nonce(&self) -> Result<[u8; NONCE_LEN]> {
        if std::process::id() != self.process {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a sealer does not work in a forked process: make one there",
            ));
        }
        let count = self.nonce_counter.fetch_add(1, Ordering::Relaxed);
        if count >= MAX_SEALINGS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "this sealer has sealed 2^32 messages: make a new one",
            ));
        }
        let mut nonce = [0; NONCE_LEN];
        nonce[..4].copy_from_slice(&self.nonce_prefix);
        nonce[4..].copy_from_slice(&count.to_be_bytes());
        Ok(nonce)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("sealed", &self.nonce_counter).finish_non_exhaustive()
    }
}

#[cold]
fn too_long(length: usize) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("the content has {length} bytes: at most {MAX_CONTENT} go into one message"),
    )
}

/// Far below any bound of AES-GCM, far above any backup.
const MAX_SEALINGS: u64 = 1 << 32;

const _: () = assert!(TAIL_LEN == 2 + TAG_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(process: u32, count: u64) -> Sealer {
        Sealer {
            key: ContentKey::random().unwrap(),
            frame: Frame::new(Vec::new()).unwrap(),
            head_room: 128,
            nonce_prefix: [1, 2, 3, 4],
            nonce_counter: AtomicU64::new(count),
            process,
        }
    }

    #[test]
    fn every_call_takes_the_next_nonce() {
        let sealer = sealer(std::process::id(), 0xfffe);
        assert_eq!(sealer.next_nonce().unwrap(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]);
        assert_eq!(sealer.next_nonce().unwrap(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        assert_eq!(sealer.next_nonce().unwrap(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_sealer_stops_before_its_nonces_run_out() {
        let sealer = sealer(std::process::id(), MAX_SEALINGS - 1);
        sealer.next_nonce().unwrap();
        for _ in 0..3 {
            assert_eq!(sealer.seal(b"").unwrap_err().kind(), ErrorKind::LimitExceeded);
        }
    }

    #[test]
    fn a_forked_sealer_refuses_and_leaves_no_plaintext() {
        let sealer = sealer(std::process::id() ^ 1, 0);
        let mut buf = vec![7; 200];
        assert_eq!(sealer.seal_in_place(&mut buf).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(buf.is_empty());
    }
}
