//! Any bytes read as a detached signature: signed or not valid, never a panic. The first inputs include the signature of
//! this cover sheet: what is made of it gets as far as the key.
#![no_main]

use azs_backup::signature::{Signature, SignerCertificate, check_signer, parsers::take_any};

const SHEET: &[u8] = include_bytes!(
    "../../tests/vectors/signatures/share/contoso.com/nyc/Switches/20261031T020000Z-00000007/backup.json"
);
const SIGNATURE: &[u8] = include_bytes!(
    "../../tests/vectors/signatures/share/contoso.com/nyc/Switches/20261031T020000Z-00000007/backup.json.p7s"
);
const SIGNER: &[u8] = include_bytes!("../../tests/vectors/signatures/hlh01.cer");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    take_any(bytes);
    let signer = SignerCertificate::from_cer(SIGNER).unwrap();
    let at = signer.facts().not_after;
    if check_signer(&Signature::read(bytes, SHEET, at), &[signer]).is_ok() {
        // Nobody but the host makes one: it holds the signature that the host made, whatever is around that.
        let made = &SIGNATURE[SIGNATURE.len() - 256..];
        assert!(bytes.windows(made.len()).any(|found| found == made));
    }
});
