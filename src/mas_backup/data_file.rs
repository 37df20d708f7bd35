//! A data file: authenticated as a whole, then decrypted as a stream.
//!
//! The tag is at the beginning and covers all of the ciphertext, so nothing may be used before everything was read. A
//! file can have tens of GiB: it is read twice. Since it may change between the two, the first reading takes a tag of its
//! own of each piece, by a key that exists only for that; the second uses no piece that is not what was authenticated.

use std::io::{self, BufRead, Read};

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use zeroize::Zeroizing;

use super::key::DataKey;
use crate::error::{Error, ErrorKind, Result};

mod inner;

pub(super) use inner::{fill, open_inner};

/// Bytes before the ciphertext: the header, the initialization vector, the tag.
pub(super) const PREFIX: usize = 90;
/// Bytes of the shortest file: one block of ciphertext.
pub(super) const SHORTEST: u64 = PREFIX as u64 + BLOCK as u64;
/// The longest file. Its pieces and their tags fit into a fixed memory.
pub(super) const LONGEST: u64 = 1 << 41;
const BLOCK: usize = 16;

/// What a data file begins with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Prefix {
    iv: [u8; 16],
    tag: [u8; 64],
}

/// Why a data file cannot be what Azure Stack Hub writes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// Zeros, where the writer puts the header last.
    HeaderEmpty,
    HeaderWrong(String),
    LengthWrong,
    TagMismatch,
    PaddingWrong,
    Changed,
}

impl Prefix {
    /// Reads what every data file begins with: five numbers of 16 bits, of which each has one value that is known, the
    /// initialization vector and the tag.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let Some(prefix) = bytes.first_chunk::<PREFIX>() else { return Err(Fault::LengthWrong) };
        if prefix.iter().all(|byte| *byte == 0) {
            return Err(Fault::HeaderEmpty);
        }
        let (numbers, _) = prefix[..HEADER].as_chunks::<2>();
        for ((what, is), found) in
            FIELDS.into_iter().zip(numbers.iter().map(|bytes| i16::from_le_bytes(*bytes)))
        {
            if found != is {
                return Err(Fault::HeaderWrong(format!("{what} is {found}, not {is}")));
            }
        }
        let (mut iv, mut tag) = ([0; 16], [0; 64]);
        iv.copy_from_slice(&prefix[HEADER..HEADER + 16]);
        tag.copy_from_slice(&prefix[HEADER + 16..]);
        Ok(Self { iv, tag })
    }

    /// Whether these bytes begin like a data file: for files in a snapshot that are encrypted once more.
    pub(super) fn is_at_start_of(bytes: &[u8]) -> bool {
        let header: Vec<u8> = FIELDS.into_iter().flat_map(|(_, is)| is.to_le_bytes()).collect();
        bytes.starts_with(&header)
    }
}

const HEADER: usize = 10;
/// What the header holds, and the one value of each that is known: AES-256-CBC and HMAC-SHA512 are 0, and 32767 stands for
/// none of them, which nobody may accept.
const FIELDS: [(&str, i16); 5] = [
    ("its header's version", 1),
    ("its encryption algorithm", 0),
    ("its authentication algorithm", 0),
    ("the length of its initialization vector", 16),
    ("the length of its tag", 64),
];

/// Reads bytes from an offset on: fewer than fit only at the end.
pub(super) type ReadAt<'a> = dyn FnMut(u64, &mut [u8]) -> Result<usize> + 'a;

/// A data file that was authenticated.
pub(super) struct Authentic {
    prefix: Prefix,
    /// Bytes of ciphertext.
    length: u64,
    piece: usize,
    /// A tag of each piece, by [`mark`](Self::mark).
    pieces: Vec<[u8; 16]>,
    mark: Mark,
}

/// Reads all of a data file of this length, and compares its tag in constant time.
pub(super) fn authenticate(
    read: &mut ReadAt<'_>,
    length: u64,
    key: &DataKey,
) -> Result<std::result::Result<Authentic, Fault>> {
    if length < SHORTEST || !(length - PREFIX as u64).is_multiple_of(BLOCK as u64) || length > LONGEST {
        return Ok(Err(Fault::LengthWrong));
    }
    let mut start = [0; PREFIX];
    if read(0, &mut start)? < PREFIX {
        return Ok(Err(Fault::Changed));
    }
    let prefix = match Prefix::parse(&start) {
        Ok(prefix) => prefix,
        Err(fault) => return Ok(Err(fault)),
    };
    let length = length - PREFIX as u64;
    let piece = piece_of(length);
    let mark = Mark::new().map_err(internal)?;
    let mac = mac_key(key).map_err(internal)?;
    let mut signer = Signer::new(MessageDigest::sha512(), &mac).map_err(internal)?;
    let mut pieces = Vec::new();
    let mut buffer = vec![0; piece];
    let mut done = 0;
    while done < length {
        let wanted = (length - done).min(piece as u64) as usize;
        let buffer = &mut buffer[..wanted];
        if read(PREFIX as u64 + done, buffer)? < wanted {
            return Ok(Err(Fault::Changed));
        }
        signer.update(buffer).map_err(internal)?;
        pieces.push(mark.of(pieces.len() as u64, buffer).map_err(internal)?);
        done += wanted as u64;
    }
    let mut tag = [0; 64];
    signer.sign(&mut tag).map_err(internal)?;
    if !openssl::memcmp::eq(&tag, &prefix.tag) {
        let is_other = read(0, &mut start)? < PREFIX || Prefix::parse(&start) != Ok(prefix);
        return Ok(Err(if is_other { Fault::Changed } else { Fault::TagMismatch }));
    }
    if read(PREFIX as u64 + length, &mut [0])? > 0 {
        return Ok(Err(Fault::Changed));
    }
    Ok(Ok(Authentic { prefix, length, piece, pieces, mark }))
}

/// Bytes of a piece: so many that there are at most 65,536 of them.
fn piece_of(length: u64) -> usize {
    let piece = (length / MOST_PIECES).next_power_of_two().max(SMALLEST_PIECE);
    // At most 32 MiB, by the length of the longest file.
    piece as usize
}

const SMALLEST_PIECE: u64 = 4 << 20;
const MOST_PIECES: u64 = 1 << 16;

fn mac_key(key: &DataKey) -> Result<PKey<Private>, ErrorStack> {
    PKey::hmac(key.mac())
}

#[cold]
fn internal(source: ErrorStack) -> Error {
    Error::new(ErrorKind::Internal, "OpenSSL failed to authenticate or decrypt").with_source(source)
}

/// Tags of pieces, by a key that nobody ever sees: GMAC, which costs next to nothing.
struct Mark(Zeroizing<[u8; 32]>);

impl Mark {
    fn new() -> Result<Self, ErrorStack> {
        let mut key = Zeroizing::new([0; 32]);
        openssl::rand::rand_bytes(&mut key[..])?;
        Ok(Self(key))
    }

    /// The number of a piece is used for one content only, except to compare.
    fn of(&self, number: u64, piece: &[u8]) -> Result<[u8; 16], ErrorStack> {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let mut ctx = CipherCtx::new()?;
        ctx.encrypt_init(Some(Cipher::aes_256_gcm()), Some(&self.0[..]), Some(&nonce))?;
        ctx.cipher_update(piece, None)?;
        ctx.cipher_final(&mut [0; 16])?;
        let mut tag = [0; 16];
        ctx.tag(&mut tag)?;
        Ok(tag)
    }
}

/// The plaintext of a data file that was authenticated, as a stream. An error of the share, and a [`Fault`], come out as
/// the error inside of an [`io::Error`].
pub(super) struct Plain<'a, 'r> {
    file: &'a Authentic,
    read: &'a mut ReadAt<'r>,
    cipher: CipherCtx,
    buffer: Zeroizing<Vec<u8>>,
    at: usize,
    /// The pieces that were read.
    next: u64,
    fault: Option<Fault>,
}

impl<'a, 'r> Plain<'a, 'r> {
    pub(super) fn new(file: &'a Authentic, read: &'a mut ReadAt<'r>, key: &DataKey) -> Result<Self> {
        Ok(Self {
            file,
            read,
            cipher: decryption(key, &file.prefix).map_err(internal)?,
            buffer: Zeroizing::new(Vec::new()),
            at: 0,
            next: 0,
            fault: None,
        })
    }

    /// What ended the stream early, if not the share.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    fn fail(&mut self, fault: Fault, what: &'static str) -> io::Error {
        self.fault = Some(fault);
        Error::new(ErrorKind::Damaged, what).into()
    }

    fn piece(&mut self) -> io::Result<()> {
        let done = self.next * self.file.piece as u64;
        let wanted = (self.file.length - done).min(self.file.piece as u64) as usize;
        self.at = 0;
        // OpenSSL wants room for one more block.
        self.buffer.resize(wanted + BLOCK, 0);
        let read = (self.read)(PREFIX as u64 + done, &mut self.buffer[..wanted]);
        let count = read.inspect_err(|_| self.buffer.clear())?;
        let is_same = count == wanted && {
            let tag = self.file.mark.of(self.next, &self.buffer[..wanted]).map_err(internal)?;
            openssl::memcmp::eq(&tag, &self.file.pieces[self.next as usize])
        };
        if !is_same {
            self.buffer.clear();
            return Err(self.fail(Fault::Changed, "the file changed while it was read"));
        }
        self.cipher.cipher_update_inplace(&mut self.buffer, wanted).map_err(internal)?;
        self.buffer.truncate(wanted);
        self.next += 1;
        if done + wanted as u64 == self.file.length {
            let padding = padding_of(&self.buffer);
            let Some(padding) = padding else {
                self.buffer.clear();
                return Err(self.fail(Fault::PaddingWrong, "its padding is wrong"));
            };
            self.buffer.truncate(wanted - padding);
        }
        Ok(())
    }
}

fn decryption(key: &DataKey, prefix: &Prefix) -> Result<CipherCtx, ErrorStack> {
    let mut ctx = CipherCtx::new()?;
    ctx.decrypt_init(Some(Cipher::aes_256_cbc()), Some(key.cipher()), Some(&prefix.iv))?;
    ctx.set_padding(false);
    Ok(ctx)
}

/// The length of the padding (PKCS #7) at the end; `None` if it is wrong. It need not hide which, because the tag was
/// compared before.
fn padding_of(plain: &[u8]) -> Option<usize> {
    let count = usize::from(*plain.last()?);
    let start = plain.len().checked_sub(count)?;
    ((1..=BLOCK).contains(&count) && plain[start..].iter().all(|byte| usize::from(*byte) == count))
        .then_some(count)
}

impl BufRead for Plain<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // The last piece may be nothing but padding.
        while self.at == self.buffer.len()
            && self.next < self.file.pieces.len() as u64
            && self.fault.is_none()
        {
            self.piece()?;
        }
        Ok(&self.buffer[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Plain<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut there = self.fill_buf()?;
        let count = there.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use openssl::symm;

    use super::*;

    fn key() -> DataKey {
        DataKey::new(&(0..64).collect::<Vec<u8>>()).unwrap()
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let (key, iv) = (key(), [7; 16]);
        let ciphertext = symm::encrypt(symm::Cipher::aes_256_cbc(), key.cipher(), Some(&iv), plain).unwrap();
        let mac = PKey::hmac(key.mac()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha512(), &mac).unwrap();
        let tag = signer.sign_oneshot_to_vec(&ciphertext).unwrap();
        let header = FIELDS.into_iter().flat_map(|(_, is)| is.to_le_bytes());
        header.chain(iv).chain(tag).chain(ciphertext).collect()
    }

    fn reader(bytes: &[u8]) -> impl FnMut(u64, &mut [u8]) -> Result<usize> {
        move |from, buffer| {
            let mut rest = bytes.get(from as usize..).unwrap_or_default();
            Ok(rest.read(buffer).unwrap())
        }
    }

    fn opened(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let authentic = authenticate(&mut reader(bytes), bytes.len() as u64, &key()).unwrap()?;
        let mut read = reader(bytes);
        let mut plain = Plain::new(&authentic, &mut read, &key()).unwrap();
        let mut all = Vec::new();
        match plain.read_to_end(&mut all) {
            Ok(_) => Ok(all),
            Err(_) => Err(plain.fault().unwrap()),
        }
    }

    #[test]
    fn what_was_sealed_comes_out_again_whatever_its_length() {
        for length in [1, 15, 16, 17, 1000, (4 << 20) - 16, (4 << 20) - 1, 4 << 20, (9 << 20) + 5] {
            let plain: Vec<u8> = (0..length).map(|at| (at * 31 / 8) as u8).collect();
            let bytes = sealed(&plain);
            assert!(opened(&bytes).unwrap() == plain, "{length}");
            let mut inner = Vec::new();
            let write = &mut |part: &[u8]| {
                inner.extend_from_slice(part);
                Ok(())
            };
            assert_eq!(open_inner(&mut &*bytes, &key(), write).unwrap(), Ok(length as u64));
            assert!(inner == plain, "{length}");
        }
    }

    #[test]
    fn each_bit_but_those_of_the_vector_is_noticed() {
        let bytes = sealed(b"PK\x03\x04 a short content");
        for at in (0..bytes.len()).filter(|at| !(10..26).contains(at)) {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let fault = opened(&changed).unwrap_err();
                assert_eq!(matches!(fault, Fault::HeaderWrong(_)), at < 10, "{at} {bit} {fault:?}");
            }
        }
        for length in 0..bytes.len() {
            let fault = opened(&bytes[..length]).unwrap_err();
            assert!(matches!(fault, Fault::LengthWrong | Fault::TagMismatch), "{length} {fault:?}");
        }
    }

    #[test]
    fn a_file_that_changes_after_it_was_authenticated_is_not_used() {
        let bytes = sealed(&vec![1; 9 << 20]);
        let authentic = authenticate(&mut reader(&bytes), bytes.len() as u64, &key()).unwrap().ok().unwrap();
        let mut changed = bytes.clone();
        changed[5 << 20] ^= 1;
        let mut read = reader(&changed);
        let mut plain = Plain::new(&authentic, &mut read, &key()).unwrap();
        let mut all = Vec::new();
        assert!(plain.read_to_end(&mut all).is_err());
        // The first piece is as it was authenticated; nothing of the second came out.
        assert_eq!((plain.fault(), all.len()), (Some(Fault::Changed), 4 << 20));
        let grown = [&bytes[..], &[0]].concat();
        assert!(matches!(
            authenticate(&mut reader(&grown), bytes.len() as u64, &key()),
            Ok(Err(Fault::Changed))
        ));
    }

    #[test]
    fn pieces_and_their_tags_stay_small() {
        assert_eq!((piece_of(100), piece_of(20 << 30)), (4 << 20, 4 << 20));
        assert_eq!(piece_of(LONGEST), 32 << 20);
        assert!(LONGEST / piece_of(LONGEST) as u64 <= MOST_PIECES);
    }
}
