//! The key of a snapshot's data, and which PFX opens it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::finding::FindingKind;
use crate::envelope::{DecryptionCertificate, Opener};
use crate::error::{Error, ErrorKind, Result};

/// The keys that open snapshots: any number of PFX files, and for backups before version 1901 the operator's own key.
#[derive(Clone, Default)]
pub struct Keys {
    certificates: Vec<DecryptionCertificate>,
    operator_keys: Vec<DataKey>,
}

impl Keys {
    /// Creates a set of keys from the certificates that are at hand.
    #[must_use]
    pub fn new(certificates: Vec<DecryptionCertificate>) -> Self {
        Self { certificates, operator_keys: Vec::new() }
    }

    /// Adds the key that the operator of a version before 1901 kept: Base64 of at least 64 bytes.
    ///
    /// # Errors
    /// `MALFORMED` when it is none.
    pub fn operator_key(mut self, base64: &str) -> Result<Self> {
        let wrong =
            || Error::new(ErrorKind::Malformed, "the operator's key is not Base64 of 64 bytes or more");
        let key = STANDARD.decode(base64.trim()).map(Zeroizing::new).map_err(|_| wrong())?;
        self.operator_keys.push(DataKey::new(&key).ok_or_else(wrong)?);
        Ok(self)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.operator_keys.is_empty()
    }

    /// Returns the SHA-1 thumbprints of all certificates, in capitals.
    #[must_use]
    pub fn thumbprints(&self) -> Vec<String> {
        let all = self.certificates.iter().flat_map(DecryptionCertificate::all_facts);
        all.map(|facts| facts.sha1_thumbprint.to_ascii_uppercase()).collect()
    }

    /// Opens the data key of a snapshot: first by the certificate that it names, then by each other.
    pub(super) fn open(&self, thumbprint: Option<&str>, wrapped: Option<&str>) -> Opened {
        let mut opened = Opened::default();
        let Some(wrapped) = wrapped else {
            if self.operator_keys.is_empty() {
                opened.problem(
                    FindingKind::KeyMissing,
                    "it holds no encrypted data key: it needs the key that the operator kept",
                );
            }
            opened.keys = self.operator_keys.clone();
            return opened;
        };
        let Ok(wrapped) = STANDARD.decode(wrapped) else {
            opened.problem(FindingKind::KeyDoesNotOpen, "its encrypted data key is not Base64");
            return opened;
        };
        let all = self.thumbprints();
        let is_named =
            |other: &str| thumbprint.is_some_and(|thumbprint| thumbprint.eq_ignore_ascii_case(other));
        let is_shown = all.iter().any(|other| is_named(other));
        let (first, others): (Vec<_>, Vec<_>) = all.iter().partition(|other| is_named(other));
        for candidate in first.into_iter().chain(others) {
            let found = self.certificates.iter().find_map(|pfx| pfx.open_oaep(candidate, &wrapped));
            let Some((text, digest)) = found else { continue };
            let key = STANDARD.decode(&*text).map(Zeroizing::new).ok();
            match key.as_deref().and_then(|key| DataKey::new(key)) {
                Some(key) => opened.keys.push(key),
                None => opened.problem(FindingKind::KeyTooShort, "its data key has fewer than 64 bytes"),
            }
            opened.by = Some((candidate.clone(), digest));
            break;
        }
        match (thumbprint, &opened.by) {
            (Some(thumbprint), by) if !is_shown => {
                let but = by
                    .as_ref()
                    .map_or(String::new(), |(other, _)| format!(", although the key of {other} opens it"));
                opened.problem(
                    FindingKind::CertificateNotShown,
                    format!("it needs the PFX of {thumbprint}, which was not shown{but}"),
                );
            }
            (Some(thumbprint), by) if by.as_ref().is_none_or(|(other, _)| !is_named(other)) => {
                let seen = format!("the PFX of {thumbprint} does not open its data key");
                opened.problem(FindingKind::KeyDoesNotOpen, seen);
            }
            (None, None) => {
                opened.problem(
                    FindingKind::KeyDoesNotOpen,
                    "it names no certificate, and no PFX that was shown opens its data key",
                );
            }
            _ => {}
        }
        opened
    }
}

impl From<&Opener> for Keys {
    fn from(opener: &Opener) -> Self {
        Self::new(opener.held().to_vec())
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operator_keys = self.operator_keys.len();
        f.debug_struct("Keys")
            .field("thumbprints", &self.thumbprints())
            .field("operator_keys", &operator_keys)
            .finish()
    }
}

/// What came of opening a data key.
#[derive(Default)]
pub(super) struct Opened {
    /// Keys to try: one, or each that an operator kept.
    pub(super) keys: Vec<DataKey>,
    /// The thumbprint whose key opened it, and the digest of the padding.
    pub(super) by: Option<(String, &'static str)>,
    pub(super) problems: Vec<(FindingKind, String)>,
}

impl Opened {
    fn problem(&mut self, kind: FindingKind, seen: impl Into<String>) {
        self.problems.push((kind, seen.into()));
    }
}

/// The key of a snapshot's data: the first 32 bytes encrypt, all the rest authenticates.
#[derive(Clone)]
pub(super) struct DataKey(Zeroizing<Vec<u8>>);

impl DataKey {
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= SHORTEST).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    pub(super) fn cipher(&self) -> &[u8] {
        &self.0[..32]
    }

    pub(super) fn mac(&self) -> &[u8] {
        &self.0[32..]
    }
}

const SHORTEST: usize = 64;
