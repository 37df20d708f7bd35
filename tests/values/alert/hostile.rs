//! Input of any kind: findings or clear errors, in bounded time, and no panic.

use std::time::{Duration, Instant};

use azs_backup::alert::{
    Alert, AlertKind, Profile, TextClassifier, classify_errno, classify_hresult, classify_json,
    classify_ntstatus, classify_text, classify_win32,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_code_has_a_class(code in any::<u32>()) {
        for profile in Profile::ALL {
            let _ = classify_win32(code, profile);
            let _ = classify_errno(code.cast_signed(), profile);
            let class = classify_ntstatus(code, profile);
            prop_assert_eq!(class.evidence().len(), 1);
            prop_assert_eq!(class.evidence()[0].code(), Some(code));
            let _ = classify_hresult(code.cast_signed(), profile).evidence()[0].to_string();
        }
    }

    #[test]
    fn any_bytes_have_a_class(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let class = classify_text(&bytes, Profile::Refined);
        prop_assert!(class.evidence().len() <= 8);
        let weightless = classify_json(&bytes, Profile::Refined).map(|class| class.kind());
        prop_assert!(weightless.is_err() || weightless.is_ok());
    }

    #[test]
    fn likely_text_has_a_class(
        text in "(0x|error |-|\\(|NT_STATUS_|C0|mount error|[0-9a-f]{1,9}|[ .:%/é系]|DISK_FULL|Fault|WERR_){0,30}",
    ) {
        let _ = classify_text(&text, Profile::Microsoft2301);
    }

    #[test]
    fn json_of_any_shape_has_a_class(value in json()) {
        let text = value.to_string();
        let _ = classify_json(&text, Profile::Refined);
        if let Ok(alert) = Alert::parse(&text) {
            let _ = (alert.description(), alert.remediation(), alert.created(), alert.property("x"));
            prop_assert_eq!(serde_json::to_value(&alert).unwrap(), value);
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let names = "properties|faultTypeId|title|description|remediation|value|text|type|alertProperties|x";
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        names.prop_map(Into::into)
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(names, inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

#[test]
fn a_line_of_a_hundred_megabytes_is_read() {
    let start = Instant::now();
    for piece in
        ["9", "a", "0x", "error 5", "-1 ", "os error 5 ", "is a directory", "\0", "(", "é", "STATUS_", " "]
    {
        let mut text = piece.repeat(if piece == "a" { 100_000_000 } else { 3_000_000 } / piece.len());
        text.push_str(" NT_STATUS_DISK_FULL ");
        assert_eq!(classify_text(&text, Profile::Refined).kind(), AlertKind::OutOfCapacity, "{piece:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn json_is_bounded() {
    let code = |json: &[u8]| classify_json(json, Profile::Refined).unwrap_err().code();
    assert_eq!(code(&vec![b' '; (16 << 20) + 1]), "LIMIT_EXCEEDED");
    assert_eq!(code("[".repeat(100_000).as_bytes()), "MALFORMED");
    assert_eq!(code("{\"a\":".repeat(100_000).as_bytes()), "MALFORMED");
    assert_eq!(code(b"{\"properties\": {\"faultTypeId\": \"AzureStack.Bac"), "MALFORMED");
    assert_eq!(code(b""), "MALFORMED");
    let message = classify_json("{\"a\":", Profile::Refined).unwrap_err().to_string();
    assert!(message.contains("line 1"), "{message}");
}

#[test]
fn half_an_alert_is_still_text() {
    let half =
        r#"{"properties": {"faultTypeId": "AzureStack.BackupController.BackupFailedShareConnectionFault", "#;
    assert_eq!(classify_text(half, Profile::Refined).kind(), AlertKind::Connectivity);
}

#[test]
fn utf_16_is_read() {
    let text = "Systemfehler 1326 aufgetreten.\r\n\r\nDer Benutzername oder das Kennwort ist falsch.\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        assert_eq!(classify_text(&bytes, Profile::Refined).kind(), AlertKind::Authentication);
    }
}

#[test]
fn a_log_in_lines_is_the_log_as_a_whole() {
    let log = "starting\nNT_STATUS_OBJECT_NAME_COLLISION\nNT_STATUS_DISK_FULL\nAccess is denied.\n";
    let mut classifier = TextClassifier::new(Profile::Refined);
    log.lines().for_each(|line| classifier.line(line));
    let (lines, whole) = (classifier.finish(), classify_text(log, Profile::Refined));
    assert_eq!(lines.kind(), whole.kind());
    assert_eq!(whole.kind(), AlertKind::OutOfCapacity);
    assert_eq!(whole.evidence()[0].line(), Some(3));
}
