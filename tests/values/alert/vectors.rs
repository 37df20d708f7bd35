//! `vectors/alert.json`: the mapping of Azure Stack Hub's controller, the refined one, and what tools print.

use std::collections::BTreeMap;

use azs_backup::Result;
use azs_backup::alert::{
    Classification, Confidence, Form, Profile, classify_errno, classify_hresult, classify_json,
    classify_ntstatus, classify_text, classify_win32,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    statuses: BTreeMap<String, Vec<String>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    form: String,
    input: Value,
    profile: String,
    kind: Option<String>,
    documented_kind: Option<String>,
    ambiguous: Option<bool>,
    failure: Option<bool>,
    status: Option<String>,
    win32: Option<u32>,
    error: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../vectors/alert.json")).unwrap()
}

fn cases() -> Vec<Case> {
    vectors().cases
}

fn classify(case: &Case) -> Option<Result<Classification>> {
    let profile: Profile = case.profile.parse().unwrap();
    let text = || case.input.as_str().unwrap();
    let hex = || u32::from_str_radix(text().strip_prefix("0x").unwrap(), 16).unwrap();
    let number = || u32::try_from(case.input.as_u64().unwrap()).unwrap();
    Some(Ok(match case.form.as_str() {
        "ntstatus" => classify_ntstatus(hex(), profile),
        "hresult" => classify_hresult(hex().cast_signed(), profile),
        "win32" => classify_win32(number(), profile),
        "errno" if cfg!(not(target_os = "linux")) => return None,
        "errno" => classify_errno(number().cast_signed(), profile),
        "text" => classify_text(text(), profile),
        "json" => return Some(classify_json(case.input.to_string(), profile)),
        "json_text" => return Some(classify_json(text(), profile)),
        other => panic!("form {other}"),
    }))
}

#[test]
fn every_vector_has_its_class() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases() {
        let Some(outcome) = classify(&case) else { continue };
        count += 1;
        let class = match (outcome, &case.error) {
            (Err(error), Some(code)) if error.code() == code => continue,
            (Ok(class), None) => class,
            (outcome, _) => {
                wrong.push(format!("{}: {outcome:?}", case.name));
                continue;
            }
        };
        let kinds = (Some(class.kind().code()), Some(class.documented_kind().code()));
        let ambiguous = class.evidence().first().is_some_and(|evidence| evidence.other_kind().is_some());
        let first = class.evidence().first();
        let right = kinds == (case.kind.as_deref(), case.documented_kind.as_deref())
            && case.ambiguous.is_none_or(|wanted| wanted == ambiguous && wanted == class.probe().is_some())
            && case.failure.is_none_or(|wanted| wanted == class.is_failure())
            && case.status.as_deref().is_none_or(|name| first.unwrap().name() == name)
            && case.win32.is_none_or(|code| first.unwrap().win32().unwrap_or(0) == code || code == 0);
        if !right {
            wrong.push(format!("{} {:?}: {class:?}", case.name, case.ambiguous));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    if cfg!(target_os = "linux") {
        crate::case_count::assert_case_count("alert", count);
    }
}

#[test]
fn names_in_text_are_the_codes_that_they_name() {
    for case in cases().into_iter().filter(|case| case.form == "ntstatus" && case.failure.is_none()) {
        let profile: Profile = case.profile.parse().unwrap();
        let code = classify(&case).unwrap().unwrap();
        let name = code.evidence()[0].name();
        for text in
            [format!("x: NT_{name}"), format!("({name})"), format!("code {}", case.input.as_str().unwrap())]
        {
            let class = classify_text(&text, profile);
            assert_eq!(class.kind(), code.kind(), "{text}");
            assert_eq!(class.evidence()[0].name(), name, "{text}");
        }
    }
}

#[test]
fn an_hresult_is_what_it_carries() {
    for profile in Profile::ALL {
        for code in 1..=0xFFFF_u32 {
            let (bare, inside) = (
                classify_win32(code, profile),
                classify_hresult((0x8007_0000 | code).cast_signed(), profile),
            );
            assert_eq!(bare.kind(), inside.kind(), "{code}");
        }
        for status in [0xC000_007F_u32, 0xC000_006D, 0x8000_002D] {
            let inside = classify_hresult((status | 0x1000_0000).cast_signed(), profile);
            assert_eq!(classify_ntstatus(status, profile).kind(), inside.kind());
        }
    }
}

#[test]
fn only_what_was_rejected_may_lock_out() {
    for (status, worse) in
        [(0xC000_006D, true), (0xC000_006A, true), (0xC000_0234, true), (0xC000_0022, false)]
    {
        let retry = classify_ntstatus(status, Profile::Refined).retry();
        assert_eq!(retry.could_lock_out, worse, "{status:#X}");
        assert_eq!(retry.attempts, 0);
    }
    assert!(classify_ntstatus(0xC000_00B5, Profile::Refined).retry().delay.is_some());
}

#[test]
fn the_code_leads_and_the_words_follow() {
    let class = classify_text("mount error(113): No route to host\nAccess is denied.", Profile::Refined);
    let forms: Vec<_> = class.evidence().iter().map(|evidence| evidence.form()).collect();
    assert_eq!(forms[0], Form::Errno);
    assert!(forms[1..].iter().all(|form| *form == Form::Wording));
    assert_eq!(class.evidence().last().unwrap().line(), Some(2));
}

#[test]
fn confidence_is_that_of_the_evidence() {
    let confidence = |text: &str| classify_text(text, Profile::Refined).confidence();
    assert_eq!(confidence("STATUS_DISK_FULL"), Confidence::High);
    assert_eq!(confidence("STATUS_BAD_NETWORK_PATH"), Confidence::Medium);
    assert_eq!(confidence("No space left on device"), Confidence::Medium);
    assert_eq!(confidence("error 1326"), Confidence::Medium);
    assert_eq!(confidence("STATUS_UNSUCCESSFUL"), Confidence::Low);
    assert_eq!(confidence("it did not work"), Confidence::Low);
}

#[test]
fn every_status_of_file_and_session_operations_has_a_row_of_its_own() {
    for (document, names) in vectors().statuses {
        for name in names {
            let class = classify_text(format!("failed: {name}"), Profile::Refined);
            let evidence = class.evidence().first().unwrap_or_else(|| panic!("{document}: {name}"));
            assert_eq!(evidence.name(), name, "{document}");
            assert_ne!(evidence.meaning(), "names nothing about a share", "{document}: {name}");
        }
    }
}
