//! A file of a snapshot that is encrypted once more.

use std::io::{self, Read};

use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use super::{BLOCK, Fault, PREFIX, Prefix, decryption, internal, mac_key, padding_of};
use crate::mas_backup::key::DataKey;

/// Authenticates and decrypts a stream in the form of a data file, whose bytes are authentic already: a file of a snapshot
/// that is encrypted once more. Decrypted bytes go to `write`; whoever gets them must drop them if a fault comes back.
pub(in crate::mas_backup) fn open_inner(
    from: &mut dyn Read,
    key: &DataKey,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<std::result::Result<u64, Fault>> {
    let mut start = Vec::with_capacity(PREFIX);
    from.take(PREFIX as u64).read_to_end(&mut start)?;
    let prefix = match Prefix::parse(&start) {
        Ok(prefix) => prefix,
        Err(fault) => {
            drain(from)?;
            return Ok(Err(fault));
        }
    };
    let mac = mac_key(key).map_err(internal)?;
    let mut signer = Signer::new(MessageDigest::sha512(), &mac).map_err(internal)?;
    let mut ctx = decryption(key, &prefix).map_err(internal)?;
    let mut buffer = Zeroizing::new(vec![0; INNER_PIECE + BLOCK]);
    // The last block is held back, for its padding.
    let mut held = Zeroizing::new(Vec::new());
    let mut written = 0;
    loop {
        let count = fill(from, &mut buffer[..INNER_PIECE])?;
        if count % BLOCK != 0 {
            drain(from)?;
            return Ok(Err(Fault::LengthWrong));
        }
        if count == 0 {
            break;
        }
        signer.update(&buffer[..count]).map_err(internal)?;
        ctx.cipher_update_inplace(&mut buffer, count).map_err(internal)?;
        write(&held)?;
        write(&buffer[..count - BLOCK])?;
        written += (held.len() + count - BLOCK) as u64;
        held.clear();
        held.extend_from_slice(&buffer[count - BLOCK..count]);
    }
    let mut tag = [0; 64];
    signer.sign(&mut tag).map_err(internal)?;
    if !openssl::memcmp::eq(&tag, &prefix.tag) {
        return Ok(Err(Fault::TagMismatch));
    }
    let Some(padding) = padding_of(&held) else {
        return Ok(Err(if held.is_empty() { Fault::LengthWrong } else { Fault::PaddingWrong }));
    };
    write(&held[..held.len() - padding])?;
    Ok(Ok(written + (held.len() - padding) as u64))
}

const INNER_PIECE: usize = 64 << 10;

/// Fills a buffer as far as the stream goes.
pub(in crate::mas_backup) fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn drain(from: &mut dyn Read) -> io::Result<()> {
    io::copy(from, &mut io::sink()).map(drop)
}
