//! Whether a set stays closed to a quantum computer.

use azs_backup::envelope::CertificateFacts;

/// What to say of a set that is sealed to these certificates; nothing if none of them is of ML-KEM.
pub(crate) fn note<'a>(certificates: impl IntoIterator<Item = &'a CertificateFacts>) -> Option<String> {
    let (post_quantum, others): (Vec<_>, Vec<_>) =
        certificates.into_iter().partition(|certificate| certificate.key.is_post_quantum());
    match (&post_quantum[..], &others[..]) {
        ([], _) => None,
        (_, []) => Some(format!("post-quantum: its certificates are all of ML-KEM; by hand, {BY_HAND}")),
        (_, [other, ..]) => Some(format!(
            "not post-quantum: whoever breaks the {} key of {} needs none of ML-KEM",
            other.key.algorithm, other.subject
        )),
    }
}

/// What such a certificate asks of whoever has nothing but the usual tools.
pub(crate) const BY_HAND: &str = "a PFX with a key of ML-KEM takes OpenSSL 3.6 or later";
