//! Certificates that share a key or a name: only the key decides what opens.

use azs_backup::envelope::recipients_of;
use azs_backup::{DecryptionCertificate, ErrorKind};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::craft::key_and_certificate;
use crate::*;

/// A self-signed certificate, as a test authority makes them.
pub(crate) fn certificate(key: &PKey<Private>, name: &str, serial: BigNum) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn pair(key: &PKey<Private>, certificate: &X509) -> (EncryptionCertificate, DecryptionCertificate) {
    let (key, pem) = (key.private_key_to_pem_pkcs8().unwrap(), certificate.to_pem().unwrap());
    (
        EncryptionCertificate::from_cer(&pem).unwrap(),
        DecryptionCertificate::from_pem(&key, None, &pem).unwrap(),
    )
}

fn serial(number: u32) -> BigNum {
    BigNum::from_u32(number).unwrap()
}

fn new_key(kind: &str) -> PKey<Private> {
    match kind {
        "rsa" => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
        _ => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        }
    }
}

#[test]
fn a_certificate_that_was_renewed_with_its_key_opens_what_was_sealed_to_the_old_one() {
    for name in ["rsa2048", "p256", "p521"] {
        let (key, _) = key_and_certificate(name);
        let (_, renewed) = pair(&key, &certificate(&key, "renewed", serial(7)));
        let opener = Opener::new(renewed);
        // Alone, and behind recipients of its own kind and of the other.
        for recipients in [&[name][..], &["p384", "rsa4096", name], &KEYS] {
            let mut message = sealer(recipients).seal(b"vlan 7").unwrap();
            assert_eq!(opener.open(&message).unwrap(), b"vlan 7", "{name} among {recipients:?}");
            *message.last_mut().unwrap() ^= 1;
            assert_eq!(opener.open(&message).unwrap_err().kind(), ErrorKind::Damaged);
        }
        let others = sealer(&["p384", "rsa4096"]).seal(b"vlan 7").unwrap();
        let error = opener.open(&others).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongCertificate);
        assert!(error.to_string().contains(&cer("p384").facts().serial), "{error}");
    }
}

#[test]
fn two_recipients_of_one_issuer_and_serial_number_each_open_with_their_key() {
    for kinds in [["rsa", "rsa"], ["ec", "ec"], ["rsa", "ec"]] {
        let pairs = kinds.map(|kind| {
            let key = new_key(kind);
            pair(&key, &certificate(&key, "twin", serial(1)))
        });
        let recipients: Vec<_> = pairs.iter().map(|(cer, _)| cer.clone()).collect();
        let message = Sealer::new(&recipients).unwrap().seal(b"x").unwrap();
        assert_eq!(recipients_of(&message).unwrap().len(), 2);
        for (_, pfx) in pairs {
            assert_eq!(Opener::new(pfx).open(&message).unwrap(), b"x", "{kinds:?}");
        }
    }
}

/// RFC 5753 lets one RecipientInfo hold the keys of several recipients.
#[test]
fn two_keys_of_one_name_in_one_recipient_info_are_both_tried() {
    let key = new_key("ec");
    let (cer, pfx) = pair(&key, &certificate(&key, "twin", serial(1)));
    let message = Sealer::new(&[cer]).unwrap().seal(b"x").unwrap();
    let opened = craft_twin(&message);
    assert_eq!(Opener::new(pfx).open(&opened).unwrap(), b"x");
}

/// The message with a useless key of the same name in front of the right one.
fn craft_twin(message: &[u8]) -> Vec<u8> {
    use crate::craft::{children, split, tlv};
    let [kind, explicit] = children(split(message).1)[..] else { panic!("no content info") };
    let [version, infos, rest @ ..] = &children(split(split(explicit).1).1)[..] else {
        panic!("no recipients")
    };
    let agree = children(split(split(infos).1).1);
    let (last, first) = agree.split_last().unwrap();
    let key = children(split(last).1)[0];
    let [name, wrapped] = children(split(key).1)[..] else { panic!("no key") };
    let other = tlv(0x30, &[name, &tlv(4, &vec![9; split(wrapped).1.len()])].concat());
    let keys = tlv(0x30, &[&other, key].concat());
    let infos = tlv(0x31, &tlv(0xa1, &[&first.concat(), &keys[..]].concat()));
    let enveloped = tlv(0x30, &[version, &infos[..], &rest.concat()].concat());
    tlv(0x30, &[kind, &tlv(0xa0, &enveloped)].concat())
}

#[test]
fn a_message_of_many_recipients_is_searched_for_a_renewed_key_in_bounded_time() {
    let (key, _) = key_and_certificate("rsa4096");
    let (_, renewed) = pair(&key, &certificate(&key, "renewed", serial(7)));
    let recipients: Vec<_> =
        (0..16).map(|number| pair(&key, &certificate(&key, "other", serial(number))).0).collect();
    let mut message = Sealer::new(&recipients).unwrap().seal(b"x").unwrap();
    assert_eq!(Opener::new(renewed.clone()).open(&message).unwrap(), b"x");
    // Every key is broken: each is tried once.
    let places: Vec<_> =
        (0..message.len() - 4).filter(|at| message[*at..*at + 4] == [4, 0x82, 2, 0]).collect();
    assert_eq!(places.len(), 16);
    for at in places {
        message[at + 100] ^= 1;
    }
    let start = std::time::Instant::now();
    assert_eq!(Opener::new(renewed).open(&message).unwrap_err().kind(), ErrorKind::WrongCertificate);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "took {:?}", start.elapsed());
}

#[test]
fn a_negative_serial_number_prints_with_its_sign() {
    let key = new_key("ec");
    for (number, text) in [(1, "-01"), (128, "-80"), (256, "-0100"), (0xa1, "-A1")] {
        let mut negative = serial(number);
        negative.set_negative(true);
        let (cer, pfx) = pair(&key, &certificate(&key, "negative", negative));
        assert_eq!(cer.facts().serial, text);
        let message = Sealer::new(&[cer]).unwrap().seal(b"x").unwrap();
        assert_eq!(recipients_of(&message).unwrap()[0].serial, text);
        assert_eq!(Opener::new(pfx).open(&message).unwrap(), b"x");
    }
}
