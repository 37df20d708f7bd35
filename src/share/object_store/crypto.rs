//! What the crate signs requests with: OpenSSL, which is linked anyway.

use ::object_store::client::{
    CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm,
};
use ::object_store::{Error, Result};
use openssl::error::ErrorStack;
use openssl::hash::{DigestBytes, Hasher, MessageDigest};
use openssl::pkey::PKey;
use zeroize::Zeroizing;

/// Digests and signatures by OpenSSL.
#[derive(Debug)]
pub(super) struct OpenSsl;

impl CryptoProvider for OpenSsl {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        let hasher = Hasher::new(digest(&algorithm)?).map_err(failed)?;
        Ok(Box::new(Digest { hasher, failure: None, value: None }))
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        let (digest, secret) = (digest(&algorithm)?, Zeroizing::new(secret.to_vec()));
        Ok(Box::new(Hmac { digest, secret, signed: Zeroizing::default(), value: Vec::new() }))
    }

    fn sign(&self, _: SigningAlgorithm, _: &[u8]) -> Result<Box<dyn Signer>> {
        Err(unsupported("signatures with a private key"))
    }
}

struct Digest {
    hasher: Hasher,
    failure: Option<ErrorStack>,
    value: Option<DigestBytes>,
}

impl DigestContext for Digest {
    fn update(&mut self, data: &[u8]) {
        if let Err(failure) = self.hasher.update(data) {
            self.failure.get_or_insert(failure);
        }
    }

    fn finish(&mut self) -> Result<&[u8]> {
        if let Some(failure) = self.failure.take() {
            return Err(failed(failure));
        }
        let value = self.hasher.finish().map_err(failed)?;
        Ok(self.value.insert(value))
    }
}

/// What is signed is short: a request without its content.
struct Hmac {
    digest: MessageDigest,
    secret: Zeroizing<Vec<u8>>,
    signed: Zeroizing<Vec<u8>>,
    value: Vec<u8>,
}

impl HmacContext for Hmac {
    fn update(&mut self, data: &[u8]) {
        self.signed.extend_from_slice(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        let sign = || {
            let key = PKey::hmac(&self.secret)?;
            openssl::sign::Signer::new(self.digest, &key)?.sign_oneshot_to_vec(&self.signed)
        };
        self.value = sign().map_err(failed)?;
        Ok(&self.value)
    }
}

fn digest(algorithm: &DigestAlgorithm) -> Result<MessageDigest> {
    match algorithm {
        DigestAlgorithm::Sha256 => Ok(MessageDigest::sha256()),
        _ => Err(unsupported("this digest")),
    }
}

fn failed(failure: ErrorStack) -> Error {
    Error::Generic { store: "OpenSSL", source: Box::new(failure) }
}

fn unsupported(what: &str) -> Error {
    Error::NotSupported { source: format!("OpenSSL is not asked for {what} here").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_are_those_of_the_standards() {
        let mut digest = OpenSsl.digest(DigestAlgorithm::Sha256).unwrap();
        digest.update(b"a");
        digest.update(b"bc");
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(digest.finish().unwrap()), abc);
        // RFC 4231, test case 2.
        let mut hmac = OpenSsl.hmac(DigestAlgorithm::Sha256, b"Jefe").unwrap();
        hmac.update(b"what do ya want ");
        hmac.update(b"for nothing?");
        let wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(hmac.finish().unwrap()), wanted);
    }
}
