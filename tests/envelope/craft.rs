//! A PFX made by hand, piece by piece, as no exporter writes it.

use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::symm::{Cipher, encrypt};
use openssl::x509::X509;

use crate::*;

pub(crate) fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match body.len() {
        0..0x80 => [&[tag, body.len() as u8], body].concat(),
        _ => [&[tag, 0x80 | length.len() as u8], length, body].concat(),
    }
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn integer(value: u32) -> Vec<u8> {
    let bytes = u64::from(value).to_be_bytes();
    let first = bytes.iter().take_while(|byte| **byte == 0).count();
    tlv(2, &bytes[first - usize::from(first == 8 || bytes[first] & 0x80 != 0)..])
}

pub(crate) fn oid(text: &str) -> Vec<u8> {
    let oid = openssl::asn1::Asn1Object::from_str(text).unwrap();
    tlv(6, oid.as_slice())
}

/// The same value with an indefinite length; with `deep`, at all levels.
pub(crate) fn indefinite(der: &[u8], deep: bool) -> Vec<u8> {
    let (tag, body) = split(der);
    let body = match deep {
        true => children(body).iter().map(|child| indefinite_inside(child)).collect::<Vec<_>>().concat(),
        false => body.to_vec(),
    };
    [&[tag, 0x80][..], &body, &[0, 0]].concat()
}

fn indefinite_inside(der: &[u8]) -> Vec<u8> {
    if der[0] & 0x20 == 0 { der.to_vec() } else { indefinite(der, true) }
}

/// An OCTET STRING in two parts.
pub(crate) fn in_parts(octets: &[u8]) -> Vec<u8> {
    let (first, second) = octets.split_at(octets.len() / 2);
    [&[0x24, 0x80][..], &tlv(4, first), &tlv(4, second), &[0, 0]].concat()
}

pub(crate) fn split(der: &[u8]) -> (u8, &[u8]) {
    let (length, at) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let bytes = usize::from(long & 0x7f);
            (der[2..2 + bytes].iter().fold(0, |n, byte| n << 8 | usize::from(*byte)), 2 + bytes)
        }
    };
    (der[0], &der[at..at + length])
}

pub(crate) fn children(mut body: &[u8]) -> Vec<&[u8]> {
    let mut children = Vec::new();
    while !body.is_empty() {
        let (_, value) = split(body);
        let length = value.as_ptr() as usize - body.as_ptr() as usize + value.len();
        children.push(&body[..length]);
        body = &body[length..];
    }
    children
}

pub(crate) fn data(content: &[u8]) -> Vec<u8> {
    sequence(&[&oid("1.2.840.113549.1.7.1"), &tlv(0xa0, &tlv(4, content))])
}

pub(crate) fn encrypted_safe(algorithm: &[u8], content: &[u8]) -> Vec<u8> {
    let info = sequence(&[&oid("1.2.840.113549.1.7.1"), algorithm, &tlv(0x80, content)]);
    sequence(&[&oid("1.2.840.113549.1.7.6"), &tlv(0xa0, &sequence(&[&integer(0), &info]))])
}

pub(crate) fn plain_safe(bags: &[Vec<u8>]) -> Vec<u8> {
    data(&tlv(0x30, &bags.concat()))
}

/// A safe as exporters make it, that the password opens.
pub(crate) fn sealed_safe(bags: &[Vec<u8>]) -> Vec<u8> {
    let mut key = [0; 32];
    pbkdf2_hmac(PASSWORD.as_bytes(), b"12345678", 1000, MessageDigest::sha256(), &mut key).unwrap();
    let contents = tlv(0x30, &bags.concat());
    let content = encrypt(Cipher::aes_256_cbc(), &key, Some(&[7; 16]), &contents).unwrap();
    encrypted_safe(&pbes2(1000), &content)
}

pub(crate) fn pfx_of(safes: &[Vec<u8>]) -> Vec<u8> {
    sequence(&[&integer(3), &data(&tlv(0x30, &safes.concat()))])
}

fn bag(kind: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(&format!("1.2.840.113549.1.12.10.1.{kind}")), &tlv(0xa0, value)])
}

pub(crate) fn key_bag(key: &PKey<Private>) -> Vec<u8> {
    bag(1, &key.private_key_to_pkcs8().unwrap())
}

/// Encrypted by the password, as OpenSSL does it.
pub(crate) fn encrypted_key_bag(key: &PKey<Private>, password: &str) -> Vec<u8> {
    let encrypted = key.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes());
    bag(2, &encrypted.unwrap())
}

/// A safe that nobody can open, because it is empty.
pub(crate) fn costly_key_bag(algorithm: &[u8]) -> Vec<u8> {
    bag(2, &encrypted_key(algorithm))
}

pub(crate) fn encrypted_key(algorithm: &[u8]) -> Vec<u8> {
    sequence(&[algorithm, &tlv(4, &[0x5a; 64])])
}

pub(crate) fn cert_bag(certificate: &X509) -> Vec<u8> {
    let value = tlv(0xa0, &tlv(4, &certificate.to_der().unwrap()));
    bag(3, &sequence(&[&oid("1.2.840.113549.1.9.22.1"), &value]))
}

pub(crate) fn pbes2_with(kdf: &[u8]) -> Vec<u8> {
    let cipher = sequence(&[&oid("2.16.840.1.101.3.4.1.42"), &tlv(4, &[7; 16])]);
    sequence(&[&oid("1.2.840.113549.1.5.13"), &sequence(&[kdf, &cipher])])
}

/// AES-256-CBC with a key by PBKDF2 with HMAC-SHA-256.
pub(crate) fn pbes2(iterations: u32) -> Vec<u8> {
    let prf = sequence(&[&oid("1.2.840.113549.2.9"), &[5, 0]]);
    let parameters = sequence(&[&tlv(4, b"12345678"), &integer(iterations), &prf]);
    pbes2_with(&sequence(&[&oid("1.2.840.113549.1.5.12"), &parameters]))
}

pub(crate) fn scrypt(n: u32, r: u32, p: u32) -> Vec<u8> {
    let parameters = sequence(&[&tlv(4, b"12345678"), &integer(n), &integer(r), &integer(p)]);
    pbes2_with(&sequence(&[&oid("1.3.6.1.4.1.11591.4.11"), &parameters]))
}

/// PBES1 and the schemes of PKCS #12.
pub(crate) fn pbe(id: &str, iterations: u32) -> Vec<u8> {
    sequence(&[&oid(id), &sequence(&[&tlv(4, b"12345678"), &integer(iterations)])])
}

/// A check value that nobody computed.
pub(crate) fn mac(iterations: u32) -> Vec<u8> {
    let digest = sequence(&[&sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &[5, 0]]), &tlv(4, &[1; 32])]);
    sequence(&[&digest, &tlv(4, b"12345678"), &integer(iterations)])
}

pub(crate) fn key_and_certificate(name: &str) -> (PKey<Private>, X509) {
    let parsed = Pkcs12::from_der(&vector(&format!("{name}.pfx"))).unwrap().parse2(PASSWORD).unwrap();
    (parsed.pkey.unwrap(), parsed.cert.unwrap())
}

pub(crate) fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = openssl::base64::encode_block(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}
