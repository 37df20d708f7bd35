//! Messages and CER files from anywhere: errors, never a panic, and the same result whichever way a message is opened.

#![no_main]

use std::sync::LazyLock;

use azs_backup::envelope::{message_tag, recipients_of};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, Opener};
use libfuzzer_sys::fuzz_target;

static OPENER: LazyLock<Opener> = LazyLock::new(|| {
    let pfx = |bytes: &[u8]| DecryptionCertificate::from_pfx(bytes, Some("correct horse")).unwrap();
    Opener::with_certificates(vec![
        pfx(include_bytes!("../../tests/vectors/envelope/rsa2048.pfx")),
        pfx(include_bytes!("../../tests/vectors/envelope/p256.pfx")),
        pfx(include_bytes!("../../tests/vectors/envelope/mlkem768.pfx")),
    ])
});

fuzz_target!(|data: &[u8]| {
    let _ = message_tag(data);
    let _ = recipients_of(data);
    let _ = EncryptionCertificate::from_cer(data);
    let copied = OPENER.open(data);
    let mut message = data.to_vec();
    match OPENER.open_in_place(&mut message) {
        Ok(opened) => assert_eq!(&message[opened.content], &*copied.unwrap()),
        Err(error) => assert_eq!(copied.unwrap_err().kind(), error.kind()),
    }
});
