use std::sync::Arc;

use azs_backup::envelope::{
    MAX_CONTENT, RecipientFacts, Sealer, message_tag, recipients_of, wrong_certificate,
};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, ErrorKind, Opener};
use proptest::prelude::*;

use crate::*;

#[test]
fn what_is_sealed_to_any_key_opens_with_it() {
    for key in KEYS {
        let (sealer, opener) = (sealer(&[key]), opener(key));
        for len in [0, 1, 15, 16, 17, 127, 128, 255, 256, 65_535, 65_536, 1 << 20] {
            let content: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let message = sealer.seal(&content).unwrap();
            assert_eq!(opener.open(&message).unwrap(), content, "{key} {len}");
        }
    }
}

#[test]
fn each_of_several_recipients_opens_alone() {
    let message = sealer(&KEYS).seal(b"vlan 7").unwrap();
    for key in KEYS {
        assert_eq!(opener(key).open(&message).unwrap(), b"vlan 7");
    }
    let mut named = recipients_of(&message).unwrap();
    named.sort_by(|a, b| a.serial.cmp(&b.serial));
    let mut serials: Vec<_> = KEYS.iter().map(|key| cer(key).facts().serial.clone()).collect();
    serials.sort();
    assert_eq!(named.iter().map(|facts| facts.serial.clone()).collect::<Vec<_>>(), serials);
}

#[test]
fn sealing_in_place_leaves_one_message_and_reallocates_nothing() {
    let sealer = sealer(&["rsa3072", "p256"]);
    for len in [0usize, 100, 128, 70_000, 17 << 20] {
        let content = vec![0xa5; len];
        let mut buf = Vec::with_capacity(sealer.head_room() + len + Sealer::TAIL_ROOM);
        buf.resize(sealer.head_room(), 0);
        buf.extend_from_slice(&content);
        let before = buf.as_ptr();
        let sealed = sealer.seal_in_place(&mut buf).unwrap();
        assert_eq!(buf.as_ptr(), before);
        assert_eq!(sealed.range.end, buf.len());
        assert!(sealed.range.start < 16);
        let message = &mut buf[sealed.range.clone()];
        assert_eq!(message_tag(message).unwrap(), sealed.tag);
        let opened = opener("p256").open_in_place(message).unwrap();
        assert_eq!(opened.tag, sealed.tag);
        assert!(message[opened.content] == content[..]);
    }
}

#[test]
fn the_largest_content_needs_exactly_the_head_room() {
    let sealer = sealer(&["p256"]);
    let mut buf = vec![0; sealer.head_room() + MAX_CONTENT];
    let sealed = sealer.seal_in_place(&mut buf).unwrap();
    assert_eq!(sealed.range.start, 0);
    assert_eq!(opener("p256").open_in_place(&mut buf).unwrap().content.len(), MAX_CONTENT);
    let mut buf = vec![0; sealer.head_room() + MAX_CONTENT + 1];
    assert_eq!(sealer.seal_in_place(&mut buf).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_run_has_one_set_of_recipient_infos_and_never_the_same_nonce() {
    let sealer = Arc::new(sealer(&["rsa2048"]));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let sealer = Arc::clone(&sealer);
            std::thread::spawn(move || (0..50).map(|_| sealer.seal(b"same").unwrap()).collect::<Vec<_>>())
        })
        .collect();
    let messages: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    // ICVlen, [0] of 4 bytes, 4 bytes, the tag: what stands behind the nonce.
    let nonce = messages[0].len() - 18 - 4 - 2 - 3 - 12..messages[0].len() - 18 - 4 - 2 - 3;
    let nonces: std::collections::HashSet<_> =
        messages.iter().map(|message| message[nonce.clone()].to_vec()).collect();
    assert_eq!(nonces.len(), messages.len());
    assert!(messages.iter().all(|message| message[..nonce.start + 4] == messages[0][..nonce.start + 4]));
    let opener = opener("rsa2048");
    assert!(messages.iter().all(|message| opener.open(message).unwrap() == b"same"));
}

#[test]
fn an_opener_serves_many_runs_and_threads() {
    let messages: Vec<_> = (0..100).map(|i: u32| sealer(&["p256"]).seal(&i.to_be_bytes()).unwrap()).collect();
    let opener = opener("p256");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (i, message) in messages.iter().enumerate() {
                    assert_eq!(opener.open(message).unwrap(), (i as u32).to_be_bytes());
                }
            });
        }
    });
}

#[test]
fn old_and_new_certificates_open_side_by_side() {
    let opener = Opener::with_certificates(vec![pfx("rsa2048"), pfx("p384")]);
    for key in ["p384", "rsa2048"] {
        assert_eq!(opener.open(&sealer(&[key]).seal(b"x").unwrap()).unwrap(), b"x");
    }
    assert_eq!(opener.certificates().count(), 2);
    let error = opener.open(&sealer(&["p256"]).seal(b"x").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongCertificate);
}

#[test]
fn a_wrong_certificate_is_told_which_is_needed() {
    let message = sealer(&["p256", "rsa4096"]).seal(b"x").unwrap();
    let error = opener("rsa2048").open(&message).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongCertificate);
    for key in ["p256", "rsa4096"] {
        let text = error.to_string();
        assert!(
            text.contains(&cer(key).facts().serial) && text.contains(&format!("CN=backup {key}")),
            "{text}"
        );
    }
    let thumbprint = cer("p256").facts().sha1_thumbprint.clone();
    let error = wrong_certificate(&recipients_of(&message).unwrap(), std::slice::from_ref(&thumbprint));
    assert!(error.to_string().contains(&format!("thumbprint {thumbprint}")));
    assert!(!wrong_certificate(&[] as &[RecipientFacts], &[]).to_string().is_empty());
}

#[test]
fn two_certificates_of_one_issuer_and_serial_number_are_both_tried() {
    let twin =
        || openssl_command::certificate_and_pfx("rsa:2048", &["-set_serial", "1", "-subj", "/CN=twin"]);
    let ((_, first), (second_cer, second)) = (twin(), twin());
    let message = Sealer::new(&[second_cer]).unwrap().seal(b"x").unwrap();
    assert_eq!(Opener::new(first.clone()).open(&message).unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(Opener::with_certificates(vec![first, second]).open(&message).unwrap(), b"x");
}

#[test]
fn a_sealer_takes_1_to_16_recipients_and_each_once() {
    assert_eq!(Sealer::new(&[]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let many = vec![cer("p256"); 16];
    let message = Sealer::new(&many).unwrap().seal(b"x").unwrap();
    assert_eq!(recipients_of(&message).unwrap().len(), 1);
    assert_eq!(
        Sealer::new(&[many, vec![cer("p384")]].concat()).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn a_buffer_without_head_room_is_refused() {
    let sealer = sealer(&["p256"]);
    let mut buf = vec![1; sealer.head_room() - 1];
    assert_eq!(sealer.seal_in_place(&mut buf).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(buf.is_empty());
}

#[test]
fn validity_is_asked_apart() {
    let cer = cer("rsa2048");
    let facts = cer.facts();
    let second = jiff::SignedDuration::from_secs(1);
    cer.check_validity(facts.not_before).unwrap();
    cer.check_validity(facts.not_after).unwrap();
    for at in [facts.not_before - second, facts.not_after + second] {
        assert_eq!(cer.check_validity(at).unwrap_err().kind(), ErrorKind::CertificateExpired);
    }
    // An expired certificate still seals and opens: who allows it has said so.
    let (expired, pfx) = certificate_until("20200101000000Z");
    assert_eq!(
        expired.check_validity(jiff::Timestamp::now()).unwrap_err().kind(),
        ErrorKind::CertificateExpired
    );
    let message = Sealer::new(&[expired]).unwrap().seal(b"x").unwrap();
    assert_eq!(Opener::new(pfx).open(&message).unwrap(), b"x");
}

#[test]
fn a_certificate_for_signing_opens_but_does_not_seal() {
    let usage = ["-addext", "keyUsage=digitalSignature", "-subj", "/CN=signer"];
    let (_, pfx) = openssl_command::try_certificate_and_pfx("rsa:2048", &usage);
    let error = Sealer::new(&[pfx.encryption_certificate()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CertificateUnsuitable);
}

#[test]
fn a_certificate_that_never_expires_is_valid() {
    let (cer, _) = certificate_until("99991231235959Z");
    cer.check_validity("9999-12-01T00:00:00Z".parse().unwrap()).unwrap();
}

/// One in some forty does, by its signature.
#[test]
fn a_certificate_may_end_in_a_byte_that_looks_like_white_space() {
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let der = (0..100_000)
        .map(|serial| {
            let mut builder = openssl::x509::X509::builder().unwrap();
            let serial = openssl::bn::BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
            builder.set_serial_number(&serial).unwrap();
            builder.set_pubkey(&key).unwrap();
            builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
            builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(1 << 32).unwrap()).unwrap();
            builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
            builder.build().to_der().unwrap()
        })
        .find(|der| der.last().unwrap().is_ascii_whitespace())
        .unwrap();
    for tail in ["", "\n", " \r\n"] {
        EncryptionCertificate::from_cer(&[&der[..], tail.as_bytes()].concat()).unwrap();
    }
}

fn certificate_until(not_after: &str) -> (EncryptionCertificate, DecryptionCertificate) {
    use openssl::asn1::Asn1Time;
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = openssl::x509::X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::from_str("20190101000000Z").unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_str(not_after).unwrap()).unwrap();
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    let der = builder.build().to_der().unwrap();
    let pem = key.private_key_to_pem_pkcs8().unwrap();
    (
        EncryptionCertificate::from_cer(&der).unwrap(),
        DecryptionCertificate::from_pem(&pem, None, &der).unwrap(),
    )
}

#[test]
fn nothing_secret_is_printed() {
    let (sealer, pfx) = (sealer(&["p256"]), pfx("p256"));
    let text = format!("{sealer:?} {pfx:?} {:?} {:?}", cer("p256"), Opener::new(pfx.clone()));
    assert!(text.contains(&pfx.facts().sha1_thumbprint));
    assert!(!text.contains("key:") || text.contains("key: KeyFacts"), "{text}");
    assert!(!text.to_lowercase().contains("private"), "{text}");
}

#[test]
fn everything_may_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Sealer>();
    check::<Opener>();
    check::<EncryptionCertificate>();
    check::<DecryptionCertificate>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_content_comes_back(content in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let message = sealer(&["p256"]).seal(&content).unwrap();
        prop_assert_eq!(opener("p256").open(&message).unwrap(), content);
    }
}
