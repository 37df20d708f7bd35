//! A PFX and keys in PEM from anywhere: an error or a certificate, never a panic, and never more than a few seconds.
//!
//! A corpus of `tests/vectors/envelope/*.pfx` gets it going.

#![no_main]

use std::time::{Duration, Instant};

use azs_backup::DecryptionCertificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let start = Instant::now();
    let _ = DecryptionCertificate::from_pfx(data, Some("correct horse"));
    let _ = DecryptionCertificate::from_pfx(data, None);
    let _ = DecryptionCertificate::from_pem(data, Some("correct horse"), data);
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}", start.elapsed());
});
