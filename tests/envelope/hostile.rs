//! Every way to break a message that a loop can try, and the ways that attackers have used.

use std::time::{Duration, Instant};

use azs_backup::envelope::{MAX_MESSAGE, message_tag, recipients_of};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, ErrorKind};

use crate::*;

const CONTENT: &[u8] = b"interface Ethernet1/1";

/// Opens a changed message, which must fail or give the same content. Returns whether it opened.
fn survives(opener: &azs_backup::Opener, mut message: Vec<u8>, what: &str) -> bool {
    let _ = recipients_of(&message);
    let _ = message_tag(&message);
    let copied = opener.open(&message);
    match opener.open_in_place(&mut message) {
        Ok(opened) => {
            assert_eq!(&message[opened.content], CONTENT, "{what}");
            assert_eq!(copied.unwrap(), CONTENT, "{what}");
            true
        }
        Err(error) => {
            assert_eq!(copied.unwrap_err().kind(), error.kind(), "{what}");
            let expected = [
                ErrorKind::Damaged,
                ErrorKind::LimitExceeded,
                ErrorKind::Malformed,
                ErrorKind::Unsupported,
                ErrorKind::WrongCertificate,
            ];
            assert!(expected.contains(&error.kind()), "{what}: {error:?}");
            false
        }
    }
}

fn change_every_byte(key: &str) -> Vec<String> {
    let message = sealer(&[key]).seal(CONTENT).unwrap();
    let opener = opener(key);
    let mut opened = Vec::new();
    let name = name_in(&message, key);
    let is_renamed = |changed: &[u8]| {
        changed.len() == message.len()
            && changed[..name.start] == message[..name.start]
            && changed[name.end..] == message[name.end..]
    };
    let mut check = |changed: Vec<u8>, what: String| {
        if changed != message && survives(&opener, changed.clone(), &what) && !is_renamed(&changed) {
            opened.push(what);
        }
    };
    for i in 0..message.len() {
        for bit in 0..8 {
            let mut changed = message.clone();
            changed[i] ^= 1 << bit;
            check(changed, format!("bit {bit} of byte {i}"));
        }
        for value in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff] {
            let mut changed = message.clone();
            changed[i] = value;
            check(changed, format!("byte {i} = {value:#x}"));
            let mut changed = message.clone();
            changed.insert(i, value);
            check(changed, format!("{value:#x} before byte {i}"));
        }
        let mut changed = message.clone();
        changed.remove(i);
        check(changed, format!("without byte {i}"));
        check(message[..i].to_vec(), format!("cut off at {i}"));
        check(message[i..].to_vec(), format!("from {i} on"));
    }
    opened
}

/// Where a message has the issuer and serial number of its recipient. A key opens it under any name, because a
/// certificate may be renewed with its key; the content is the same.
fn name_in(message: &[u8], key: &str) -> std::ops::Range<usize> {
    let cer = vector(&format!("{key}.cer"));
    let fields = craft::children(craft::split(craft::children(craft::split(&cer).1)[0]).1);
    let name = [fields[3], fields[1]].concat();
    let at = message.windows(name.len()).position(|window| window == name).unwrap();
    at..at + name.len()
}

#[test]
fn no_change_to_a_message_for_an_rsa_key_goes_unseen() {
    assert_eq!(change_every_byte("rsa2048"), Vec::<String>::new());
}

#[test]
fn no_change_to_a_message_for_an_ec_key_goes_unseen() {
    assert_eq!(change_every_byte("p256"), Vec::<String>::new());
}

#[test]
fn no_change_to_a_message_for_an_ml_kem_key_goes_unseen() {
    assert_eq!(change_every_byte("mlkem768"), Vec::<String>::new());
}

/// A recipient whose part of the RecipientInfos was changed cannot open it; the others can, and get the same content.
#[test]
fn a_change_to_one_recipients_part_leaves_the_others_theirs() {
    let message = sealer(&["rsa2048", "p256"]).seal(CONTENT).unwrap();
    let (rsa, ec) = (opener("rsa2048"), opener("p256"));
    let names = ["rsa2048", "p256"].map(|key| name_in(&message, key));
    for i in 0..message.len() {
        let mut changed = message.clone();
        changed[i] ^= 1;
        let renamed = names.iter().any(|name| name.contains(&i));
        let both = survives(&rsa, changed.clone(), "rsa") && survives(&ec, changed, "ec");
        assert!(!both || renamed, "byte {i} is nobody's");
    }
}

#[test]
fn a_failed_tag_leaves_no_plaintext() {
    let mut message = sealer(&["p256"]).seal(CONTENT).unwrap();
    *message.last_mut().unwrap() ^= 1;
    let content = message.len() - 18 - CONTENT.len()..message.len() - 18;
    assert_eq!(opener("p256").open_in_place(&mut message).unwrap_err().kind(), ErrorKind::Damaged);
    assert!(message[content].iter().all(|byte| *byte == 0));
}

#[test]
fn a_remembered_key_opens_nothing_that_was_changed() {
    let opener = opener("rsa2048");
    let message = sealer(&["rsa2048"]).seal(CONTENT).unwrap();
    assert_eq!(opener.open(&message).unwrap(), CONTENT);
    for i in message.len() - 60..message.len() {
        let mut changed = message.clone();
        changed[i] ^= 0x10;
        assert!(opener.open(&changed).is_err());
    }
    assert_eq!(opener.open(&message).unwrap(), CONTENT);
}

#[test]
fn deep_nesting_and_lying_lengths_are_refused_at_once() {
    let opener = opener("rsa2048");
    let start = Instant::now();
    let unit: &[&[u8]] = &[
        &[0x30, 0x80],
        &[0x31, 0x80],
        &[0xa0, 0x80],
        &[0x24, 0x80],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x30, 0xff],
        &[0xff, 0xff, 0xff],
        &[0x00],
    ];
    for bytes in unit {
        let hostile = bytes.repeat((1 << 20) / bytes.len());
        for prefix in [&[][..], &message_up_to_recipient_infos(), &message_up_to_version()] {
            let hostile = [prefix, &hostile].concat();
            let kind = opener.open(&hostile).unwrap_err().kind();
            assert!(
                matches!(kind, ErrorKind::Malformed | ErrorKind::Unsupported | ErrorKind::LimitExceeded),
                "{kind}"
            );
            assert!(EncryptionCertificate::from_cer(&hostile).is_err());
            assert!(DecryptionCertificate::from_pfx(&hostile, None).is_err());
        }
    }
    // Definite lengths that fit, one in the other, some hundred thousand deep.
    let mut nested = Vec::new();
    for depth in 0..200_000u32 {
        let len = 5 * depth;
        nested.push([[0x30, 0x83].as_slice(), &len.to_be_bytes()[1..]].concat());
    }
    nested.reverse();
    let nested = nested.concat();
    assert!(opener.open(&nested).is_err());
    assert!(EncryptionCertificate::from_cer(&nested[..1_000_000]).is_err());
    // At once, even on a host that is busy with other things: work that grows with the square would take hours.
    assert!(start.elapsed() < Duration::from_secs(120), "took {:?}", start.elapsed());
}

fn message_up_to_version() -> Vec<u8> {
    let oid = [6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
    [&[0x30, 0x80][..], &oid, &[0xa0, 0x80, 0x30, 0x80, 2, 1, 0]].concat()
}

/// With lengths that fit a mebibyte behind it.
fn message_up_to_recipient_infos() -> Vec<u8> {
    let message = sealer(&["p256"]).seal(&[0; 1 << 20]).unwrap();
    message[..31].to_vec()
}

#[test]
fn a_message_beyond_the_limit_is_not_even_parsed() {
    let message = vec![0x30; MAX_MESSAGE + 1];
    assert_eq!(message_tag(&message).unwrap_err().kind(), ErrorKind::LimitExceeded);
    let file = vec![0x30; 2 << 20];
    assert_eq!(EncryptionCertificate::from_cer(&file).unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(DecryptionCertificate::from_pfx(&file, None).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn no_change_to_a_cer_panics() {
    for name in ["p256.cer", "cer-pem.cer", "cer-pem-utf16le.cer", "cer-p7b.cer", "mlkem768.cer"] {
        let cer = vector(name);
        for i in 0..cer.len() {
            for value in [cer[i] ^ 1, cer[i] ^ 0x80, 0, 0xff] {
                let mut changed = cer.clone();
                changed[i] = value;
                let _ = EncryptionCertificate::from_cer(&changed);
            }
            let _ = EncryptionCertificate::from_cer(&cer[..i]);
        }
    }
}

#[test]
fn no_change_to_the_structure_of_a_pfx_panics_or_takes_long() {
    // Without a check value, so that what was changed is looked into.
    let (key, certificate) = craft::key_and_certificate("p256");
    let pfx = craft::pfx_of(&[
        craft::plain_safe(&[craft::key_bag(&key), craft::costly_key_bag(&craft::pbes2(1))]),
        craft::sealed_safe(&[craft::cert_bag(&certificate)]),
    ]);
    let pfx = craft::indefinite(&pfx, true);
    let start = Instant::now();
    for i in 0..pfx.len() {
        for value in [pfx[i] ^ 1, pfx[i] ^ 0x20, pfx[i] ^ 0x80, 0, 0xff] {
            let mut changed = pfx.clone();
            changed[i] = value;
            if let Ok(pfx) = DecryptionCertificate::from_pfx(&changed, Some(PASSWORD)) {
                assert_eq!(pfx.facts().key, cer("p256").facts().key);
            }
        }
        let _ = DecryptionCertificate::from_pfx(&pfx[i..], Some(PASSWORD));
        let _ = DecryptionCertificate::from_pfx(&pfx[..i], Some(PASSWORD));
    }
    assert!(start.elapsed() < Duration::from_secs(120), "took {:?}", start.elapsed());
}

#[test]
fn no_change_to_a_pfx_panics_or_yields_another_key() {
    // Few enough: the key derivation is slow by design.
    let pfx = vector("pfx-ec.pfx");
    let facts = crate::pfx("p384").facts().clone();
    for i in (0..pfx.len()).step_by(3) {
        let mut changed = pfx.clone();
        changed[i] ^= 0x01;
        if let Ok(pfx) = DecryptionCertificate::from_pfx(&changed, Some(PASSWORD)) {
            assert_eq!(pfx.facts(), &facts);
        }
        let error = DecryptionCertificate::from_pfx(&pfx[..i], Some(PASSWORD)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
}
