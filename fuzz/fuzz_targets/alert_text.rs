//! Text, logs, codes and alert JSON from anywhere: a class or an error, never a panic, and what it reads it can write
//! again.

#![no_main]

use azs_backup::alert::{Alert, classify_hresult, classify_json, classify_ntstatus, classify_text, classify_win32, Profile, TextClassifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for profile in Profile::ALL {
        let class = classify_text(data, profile);
        assert!(class.evidence().len() <= 8);
        assert!(class.evidence().windows(2).all(|pair| pair[0].name() != pair[1].name()
            || pair[0].form() != pair[1].form()
            || pair[0].meaning() != pair[1].meaning()));
        let _ = serde_json::to_string(&class).unwrap();
        let mut classifier = TextClassifier::new(profile);
        data.split(|byte| *byte == b'\n').for_each(|line| classifier.line(line));
        let _ = classifier.finish();
        let _ = classify_json(data, profile);
        if let Some(code) = data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) {
            let _ = classify_ntstatus(code, profile);
            let _ = classify_win32(code, profile);
            let _ = classify_hresult(code.cast_signed(), profile);
        }
    }
    if let Ok(alert) = Alert::parse(data) {
        let again = Alert::parse(serde_json::to_vec(&alert).unwrap()).unwrap();
        assert_eq!(again.kind(), alert.kind());
        let _ = (
            alert.kind(),
            alert.description(),
            alert.remediation(),
            alert.created(),
            alert.property("backupId"),
        );
    }
});
