//! SHA-256, as 64 hex digits for people and for `sha256sum`.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// Length in bytes of the blocks of a large file: see [`Block::SIZE`](super::Block::SIZE).
pub(super) const BLOCK: u64 = 64 << 10;

/// A SHA-256 digest (FIPS 180-4). Prints and parses as 64 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(openssl::sha::sha256(bytes))
    }

    /// Returns the digest of a piece of a large file: the digest of the digests of its 64 KiB blocks, so that one pass
    /// computes both. Puts the blocks' digests into `blocks`.
    pub(crate) fn of_part(bytes: &[u8], blocks: &mut Vec<Digest>) -> Self {
        blocks.clear();
        let mut all = openssl::sha::Sha256::new();
        for block in bytes.chunks(BLOCK as usize) {
            // Images are full of zeros, and detecting them is ten times as fast as hashing them.
            let is_empty = block.len() as u64 == BLOCK && is_zero(block);
            let digest = if is_empty { *EMPTY_BLOCK } else { Self::of(block) };
            all.update(digest.as_bytes());
            blocks.push(digest);
        }
        Self(all.finish())
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first eight bytes: enough to tell files apart where a mix-up does no harm.
    pub(crate) fn front(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// The digest of 64 KiB of zeros.
static EMPTY_BLOCK: LazyLock<Digest> = LazyLock::new(|| Digest::of(&[0; BLOCK as usize]));

/// Whether all bytes are zeros.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Chunks let the compiler vectorise; the search ends at the first one that is not all zeros.
    let (chunks, rest) = bytes.as_chunks::<64>();
    chunks.iter().all(|chunk| chunk.iter().fold(0, |or, byte| or | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

/// Decodes lower-case hex digits; `None` unless there are exactly `2 * N` of them.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |d: u8| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        unhex(text)
            .map(Self)
            .ok_or_else(|| Error::new(ErrorKind::Malformed, "a SHA-256 digest is 64 lower-case hex digits"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
