//! OpenSSL's legacy provider serves a PFX that needs it, and nothing else in the process.
//!
//! Alone in its process: another test that opens such a PFX at the same moment would be seen here.

use azs_backup::DecryptionCertificate;
use openssl::pkcs12::Pkcs12;

const PFX: &[u8] = include_bytes!("vectors/envelope/pfx-rc2-40.pfx");
const PASSWORD: &str = "correct horse";

#[test]
fn the_legacy_provider_is_gone_after_the_pfx_that_needed_it() {
    let is_refused = || Pkcs12::from_der(PFX).unwrap().parse2(PASSWORD).is_err();
    assert!(is_refused());
    DecryptionCertificate::from_pfx(PFX, Some(PASSWORD)).unwrap();
    assert!(is_refused());
}
