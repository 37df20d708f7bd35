use der::asn1::AnyRef;
use der::{Decode, Encode, Tag, Tagged};
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::KeyUsage;
use openssl::x509::{X509, X509NameBuilder};
use proptest::prelude::*;

use super::asn1::element;
use super::{Signature, Signer, SignerCertificate, check_signer, parsers};
use crate::ErrorKind;
use crate::envelope::elements;

const CONTENT: &[u8] = b"{\n  \"format_version\": 1";
/// In the middle of the certificates' validity.
const THEN: i64 = 1_800_000_000;

fn ec(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn certificate(key: &PKey<Private>, name: &str, usage: Option<KeyUsage>) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(THEN - 1000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(THEN + 1000).unwrap()).unwrap();
    if let Some(mut usage) = usage {
        builder.append_extension(usage.critical().build().unwrap()).unwrap();
    }
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn usage(allow: fn(&mut KeyUsage) -> &mut KeyUsage) -> Option<KeyUsage> {
    let mut usage = KeyUsage::new();
    allow(&mut usage);
    Some(usage)
}

fn signer_of(key: &PKey<Private>, usage: Option<KeyUsage>) -> crate::Result<Signer> {
    let cer = certificate(key, "hlh01", usage).to_der().unwrap();
    Signer::from_pem(&key.private_key_to_pem_pkcs8().unwrap(), None, &cer)
}

fn signer() -> Signer {
    signer_of(&ec(Nid::X9_62_PRIME256V1), None).unwrap()
}

fn then() -> Timestamp {
    Timestamp::from_second(THEN).unwrap()
}

fn read(signature: &[u8]) -> Signature {
    Signature::read(signature, CONTENT, then())
}

fn reason(signature: &[u8]) -> String {
    match read(signature) {
        Signature::Invalid { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_each_kind_of_key_signs_names_its_signer_and_nobody_else() {
    let mut keys = vec![rsa(2048), rsa(3072)];
    keys.extend([Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1].map(ec));
    let stranger = signer().certificate();
    for key in keys {
        let signer = signer_of(&key, usage(KeyUsage::digital_signature)).unwrap();
        let p7s = signer.sign(CONTENT).unwrap();
        let signature = read(&p7s);
        assert_eq!(signature.signer(), Some(signer.facts()));
        let Signature::Signed { signed_at: Some(at), .. } = signature else { panic!("{signature:?}") };
        assert!((Timestamp::now().as_second() - at.as_second()).abs() < 60, "{at}");
        let own = signer.certificate();
        assert!(check_signer(&signature, &[stranger.clone(), own]).is_ok());
        assert!(check_signer(&signature, &[]).is_ok());
        let refused = check_signer(&signature, std::slice::from_ref(&stranger)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotTrusted);
        assert!(refused.to_string().contains(&signer.facts().sha1_thumbprint), "{refused}");
        let other = Signature::read(&p7s, b"another sheet", then());
        assert!(other.to_string().contains("other content"), "{other}");
    }
}

#[test]
fn only_keys_that_may_sign_are_taken() {
    let of = |usage| signer_of(&ec(Nid::X9_62_PRIME256V1), usage);
    let error = of(usage(KeyUsage::key_agreement)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CertificateUnsuitable);
    assert!(error.to_string().contains("digitalSignature"), "{error}");
    assert!(of(usage(|both| both.key_agreement().digital_signature())).is_ok());
    for key in [rsa(1024), ec(Nid::SECP256K1)] {
        let error = signer_of(&key, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CertificateUnsuitable, "{error}");
    }
    let key = ec(Nid::X9_62_PRIME256V1);
    let cer = certificate(&key, "hlh01", usage(KeyUsage::key_agreement)).to_der().unwrap();
    assert_eq!(SignerCertificate::from_cer(&cer).unwrap_err().kind(), ErrorKind::CertificateUnsuitable);
    let pem = key.private_key_to_pem_pkcs8().unwrap();
    let both = [pem, certificate(&key, "hlh01", None).to_pem().unwrap()].concat();
    assert_eq!(SignerCertificate::from_cer(&both).unwrap_err().kind(), ErrorKind::CertificateUnsuitable);
}

#[test]
fn a_file_with_two_keys_that_can_sign_is_not_guessed_about() {
    let keys = [ec(Nid::X9_62_PRIME256V1), ec(Nid::SECP384R1)];
    let pem = keys.iter().map(|key| key.private_key_to_pem_pkcs8().unwrap()).collect::<Vec<_>>().concat();
    let cers = |usage: [Option<KeyUsage>; 2]| {
        let all =
            keys.iter().zip(usage).map(|(key, usage)| certificate(key, "hlh01", usage).to_pem().unwrap());
        all.collect::<Vec<_>>().concat()
    };
    let error = Signer::from_pem(&pem, None, &cers([None, None])).unwrap_err();
    assert!(error.to_string().contains("2 certificates"), "{error}");
    let one = cers([usage(KeyUsage::key_agreement), None]);
    assert_eq!(Signer::from_pem(&pem, None, &one).unwrap().facts().key.algorithm, "EC P-384");
}

#[test]
fn nothing_secret_is_printed() {
    let key = ec(Nid::X9_62_PRIME256V1);
    let printed = format!("{:?}", signer_of(&key, None).unwrap());
    let secret = key.ec_key().unwrap().private_key().to_hex_str().unwrap().to_string();
    assert!(printed.contains("hlh01") && !printed.to_lowercase().contains(&secret.to_lowercase()));
}

#[test]
fn a_signature_counts_only_within_the_validity_of_its_certificate() {
    let p7s = signer().sign(CONTENT).unwrap();
    for (offset, holds) in [(-1001, false), (-1000, true), (1000, true), (1001, false)] {
        let at = Timestamp::from_second(THEN + offset).unwrap();
        assert_eq!(Signature::read(&p7s, CONTENT, at).signer().is_some(), holds, "{offset}");
    }
}

#[test]
fn what_is_cut_longer_or_rubbish_is_refused() {
    let p7s = signer().sign(CONTENT).unwrap();
    for end in 0..p7s.len() {
        assert_eq!(read(&p7s[..end]).signer(), None, "{end}");
    }
    assert_eq!(read(&[&p7s[..], &[0]].concat()).signer(), None);
    assert!(reason(&vec![0x30; 1 << 20]).contains("at most 65536"));
    let indefinite = [&[0x30, 0x80], &p7s[4..], &[0, 0]].concat();
    assert!(reason(&indefinite).contains("indefinite"), "{}", reason(&indefinite));
}

/// Takes the elements of a constructed element apart, and puts what `change` makes of them together again.
fn rebuilt(der: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let any = AnyRef::from_der(der).unwrap();
    let mut parts: Vec<_> = elements(&any).unwrap().iter().map(|part| part.to_der().unwrap()).collect();
    change(&mut parts);
    element(any.tag(), &parts.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

/// Changes the parts of the SignedData: version, digests, content, certificates, signers.
fn with_data(p7s: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    rebuilt(p7s, |info| {
        info[1] = rebuilt(&info[1].clone(), |data| data[0] = rebuilt(&data[0].clone(), change))
    })
}

/// Changes the parts of the SignerInfo: version, name, digest, attributes, algorithm, signature.
fn with_signer(p7s: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    with_data(p7s, |data| {
        data[4] = rebuilt(&data[4].clone(), |signers| signers[0] = rebuilt(&signers[0].clone(), change));
    })
}

/// Signs what `change` makes of the attributes anew, so that only the attributes are wrong.
fn with_attributes(
    key: &PKey<Private>,
    p7s: &[u8],
    sorted: bool,
    change: impl FnOnce(&mut Vec<Vec<u8>>),
) -> Vec<u8> {
    with_signer(p7s, |info| {
        info[3] = rebuilt(&info[3].clone(), change);
        if sorted {
            info[3] = rebuilt(&info[3].clone(), |all| all.sort());
        }
        let set = element(Tag::Set, &[AnyRef::from_der(&info[3]).unwrap().value()]).unwrap();
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), key).unwrap();
        info[5] = element(Tag::OctetString, &[&signer.sign_oneshot_to_vec(&set).unwrap()]).unwrap();
    })
}

#[test]
fn whatever_else_a_message_may_have_is_refused() {
    let (one, two) = (signer(), signer());
    let p7s = one.sign(CONTENT).unwrap();
    let other = two.sign(CONTENT).unwrap();
    let part = |p7s: &[u8], at: usize| {
        let mut taken = Vec::new();
        with_data(p7s, |data| taken = data[at].clone());
        taken
    };
    let inner = |der: &[u8]| AnyRef::from_der(der).unwrap().value().to_vec();

    let cases: [(Vec<u8>, &str); 11] = [
        (
            with_data(&p7s, |data| {
                data[4] = element(Tag::Set, &[&inner(&data[4]), &inner(&part(&other, 4))]).unwrap()
            }),
            "2 signers",
        ),
        (with_data(&p7s, |data| data[4] = vec![0x31, 0]), "0 signers"),
        (with_data(&p7s, |data| data[0] = vec![2, 1, 3]), "version 1"),
        (with_data(&p7s, |data| data[1] = vec![0x31, 0]), "another digest"),
        (with_data(&p7s, |data| data[3] = part(&other, 3)), "with the key of its certificate"),
        (with_data(&p7s, |data| data[3] = vec![0xa0, 0]), "does not carry the certificate"),
        (with_data(&p7s, |data| drop(data.remove(3))), "damaged, cut off"),
        (
            with_data(&p7s, |data| {
                let own = inner(&data[3]);
                data[3] = element(AnyRef::from_der(&data[3].clone()).unwrap().tag(), &[&own, &own]).unwrap();
            }),
            "several certificates",
        ),
        (with_signer(&p7s, |info| info[5] = vec![4, 0]), "was not made with the key"),
        (with_signer(&p7s, |info| drop(info.remove(3))), "damaged, cut off"),
        (
            with_signer(&p7s, |info| info[4] = vec![0x30, 11, 6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 11]),
            "PKCS #1 v1.5",
        ),
    ];
    for (message, expected) in cases {
        let reason = reason(&message);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    // Nothing may follow what is known, at any depth.
    for longer in [
        with_data(&p7s, |data| data.push(vec![5, 0])),
        with_signer(&p7s, |info| info.push(vec![5, 0])),
        with_signer(&p7s, |info| info.extend([vec![0xa1, 0], vec![5, 0]])),
        with_signer(&p7s, |info| info[1] = rebuilt(&info[1].clone(), |name| name.push(vec![5, 0]))),
        with_signer(&p7s, |info| info[4] = rebuilt(&info[4].clone(), |name| name.push(vec![5, 0]))),
    ] {
        assert_eq!(read(&longer).signer(), None);
    }
    // A message with its content inside is another kind of message.
    let attached = with_data(&p7s, |data| {
        data[2] = rebuilt(&data[2].clone(), |parts| parts.push(vec![0xa0, 3, 4, 1, 0]));
    });
    assert_eq!(read(&attached).signer(), None);
}

#[test]
fn signed_attributes_count_once_in_order_and_any_others_may_be_there() {
    let key = ec(Nid::X9_62_PRIME256V1);
    let p7s = signer_of(&key, None).unwrap().sign(CONTENT).unwrap();
    let changed = |change: fn(&mut Vec<Vec<u8>>)| with_attributes(&key, &p7s, true, change);
    assert!(read(&changed(|_| {})).signer().is_some());
    // 1.2.3 with one value.
    let more = changed(|all| all.push(vec![0x30, 8, 6, 2, 0x2a, 3, 0x31, 2, 5, 0]));
    assert!(read(&more).signer().is_some());
    let unsigned = with_signer(&p7s, |info| info.push(vec![0xa1, 0]));
    assert!(read(&unsigned).signer().is_some());
    let no_time = changed(|all| all.retain(|one| one[4..13] != SIGNING_TIME));
    assert!(matches!(read(&no_time), Signature::Signed { signed_at: None, .. }));

    let is = |one: &[u8], id: u8| one[4..12] == SIGNING_TIME[..8] && one[12] == id;
    let refused = [
        (with_attributes(&key, &p7s, false, |all| all.reverse()), "order of DER"),
        (with_attributes(&key, &p7s, true, |all| all.retain(|one| !is(one, 3))), "one of data"),
        (with_attributes(&key, &p7s, true, |all| all.retain(|one| !is(one, 4))), "no digest"),
        (
            changed(|all| {
                // The same kind with two values, and so another element.
                let mut twice = all.iter().find(|one| one[12] == 5).unwrap().clone();
                twice[1] += 2;
                twice[14] += 2;
                twice.extend([5, 0]);
                all.push(twice);
            }),
            "",
        ),
        (
            changed(|all| {
                let at = all.iter().position(|one| one[12] == 4).unwrap();
                *all[at].last_mut().unwrap() ^= 1;
            }),
            "other content",
        ),
    ];
    for (message, expected) in refused {
        let reason = reason(&message);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

/// 1.2.840.113549.1.9.5.
const SIGNING_TIME: [u8; 9] = [42, 134, 72, 134, 247, 13, 1, 9, 5];

#[test]
fn a_name_cannot_take_over_a_terminal() {
    let key = ec(Nid::X9_62_PRIME256V1);
    let cer = certificate(&key, "hlh01\n\u{1b}[2J", None).to_der().unwrap();
    let signer = Signer::from_pem(&key.private_key_to_pem_pkcs8().unwrap(), None, &cer).unwrap();
    let signature = read(&signer.sign(CONTENT).unwrap());
    assert!(signature.signer().is_some());
    assert!(!signature.to_string().contains(char::is_control), "{signature:?}");
}

#[test]
fn json_says_which_of_the_three_it_is() {
    let json = |signature: &Signature| serde_json::to_value(signature).unwrap();
    assert_eq!(json(&Signature::Unsigned), serde_json::json!({"state": "unsigned"}));
    assert_eq!(json(&read(b"x"))["state"], "invalid");
    let signer = signer();
    let signed = json(&read(&signer.sign(CONTENT).unwrap()));
    assert_eq!((&signed["state"], &signed["signer"]["subject"]), (&"signed".into(), &"CN=hlh01".into()));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        parsers::take_any(&bytes);
    }

    #[test]
    fn a_changed_byte_never_meets_the_demand(at in any::<proptest::sample::Index>(), byte in any::<u8>(), rsa in any::<bool>()) {
        static SIGNED: std::sync::OnceLock<[(Vec<u8>, SignerCertificate); 2]> = std::sync::OnceLock::new();
        let signed = &SIGNED.get_or_init(|| {
            [ec(Nid::X9_62_PRIME256V1), self::rsa(2048)].map(|key| {
                let signer = signer_of(&key, None).unwrap();
                (signer.sign(CONTENT).unwrap(), signer.certificate())
            })
        })[usize::from(rsa)];
        let mut p7s = signed.0.clone();
        let at = at.index(p7s.len());
        prop_assume!(p7s[at] != byte);
        p7s[at] = byte;
        parsers::take_any(&p7s);
        prop_assert!(check_signer(&read(&p7s), std::slice::from_ref(&signed.1)).is_err(), "byte {}", at);
    }
}
