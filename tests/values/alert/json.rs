//! Alerts as the admin API writes them.

use azs_backup::alert::{
    Alert, AlertKind, Context, Form, Probe, Profile, Retry, RetryAdvice, classify_json, classify_ntstatus,
    classify_text,
};
use serde_json::Value;

fn recorded(name: &str) -> Value {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/alert.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    cases.iter().find(|case| case["name"] == name).unwrap()["input"].clone()
}

fn context() -> Context {
    Context::new("1bf27b63-5013-4b6f-8bb8-818080620a18", "2026-11-23T02:00:00Z".parse().unwrap())
        .location("nyc")
        .share(r"\\fileserver01.contoso.com\AzSBackups")
        .account(r"CONTOSO\azsbackup")
        .operation("writing segment 3")
}

#[test]
fn what_is_not_known_survives_a_round_trip() {
    for name in ["alert_2020", "alert_2021", "alert_unknown", "alert_powershell"] {
        let value = recorded(name);
        let alert = Alert::parse(value.to_string()).unwrap();
        assert_eq!(serde_json::to_value(&alert).unwrap(), value, "{name}");
        assert_eq!(Alert::parse(serde_json::to_string(&alert).unwrap()).unwrap(), alert);
    }
}

#[test]
fn words_of_a_classification_are_read_back() {
    fn read_back<T: serde::de::DeserializeOwned>(code: &str) -> T {
        serde_json::from_value(code.into()).unwrap()
    }
    for form in Form::ALL {
        assert_eq!(serde_json::to_value(form).unwrap(), form.code());
        assert_eq!(read_back::<Form>(form.code()), form);
    }
    for probe in Probe::ALL {
        assert_eq!(serde_json::to_value(probe).unwrap(), probe.code());
        assert_eq!(read_back::<Probe>(probe.code()), probe);
    }
    for retry in Retry::ALL {
        assert_eq!(serde_json::to_value(retry).unwrap(), retry.code());
        assert_eq!(read_back::<Retry>(retry.code()), retry);
        let advice = serde_json::to_value(retry.advice()).unwrap();
        assert_eq!(serde_json::from_value::<RetryAdvice>(advice).unwrap(), retry.advice());
    }
    let class = serde_json::to_value(classify_ntstatus(0xC000_006D, Profile::Refined)).unwrap();
    let advice: RetryAdvice = serde_json::from_value(class["retry"].clone()).unwrap();
    assert!(advice.could_lock_out && advice.delay.is_none());
}

#[test]
fn a_recorded_alert_is_read() {
    let alert = Alert::parse(recorded("alert_2020").to_string()).unwrap();
    assert_eq!(alert.kind(), Some(AlertKind::SkippedByConflict));
    assert_eq!(alert.state(), Some("Closed"));
    assert_eq!(alert.severity(), Some("Warning"));
    assert_eq!(alert.alert_id(), Some("1bf27b63-5013-4b6f-8bb8-818080620a18"));
    assert_eq!(alert.property("FailedAdminOperations"), Some("RotateSecret"));
    assert_eq!(alert.created().unwrap().to_string(), "2020-06-12T08:51:59.956Z");
    assert!(alert.description().starts_with("The infrastructure backup process did not start"));
    assert_eq!(alert.remediation().lines().count(), 6);
    let alert = Alert::parse(recorded("alert_2021").to_string()).unwrap();
    assert_eq!(alert.closed(), None);
    assert_eq!(alert.remediation(), "1. Start with the backup settings\n");
}

#[test]
fn ours_has_the_shape_of_theirs() {
    let theirs = recorded("alert_2021");
    for kind in AlertKind::ALL {
        let class = classify_text(kind.fault_type_id(), Profile::Refined);
        assert_eq!(class.kind(), *kind);
        let alert = Alert::new(&class, &context());
        let ours = serde_json::to_value(&alert).unwrap();
        for (name, value) in theirs["properties"].as_object().unwrap() {
            let same = std::mem::discriminant(value) == std::mem::discriminant(&ours["properties"][name]);
            assert!(same || name == "resourceProviderRegistrationId", "{name}");
        }
        for name in ["id", "name", "type", "location", "tags"] {
            assert!(!ours[name].is_null(), "{name}");
        }
        assert!(ours["properties"]["alertProperties"].as_object().unwrap().values().all(Value::is_string));
        assert_eq!(alert.kind(), Some(*kind));
        assert_eq!(alert.title(), Some(kind.title()));
        assert_eq!(classify_json(ours.to_string(), Profile::Refined).unwrap().kind(), *kind);
    }
}

#[test]
fn the_texts_say_what_happened_here() {
    let class = classify_ntstatus(0xC000_006D, Profile::Refined);
    let text = class.describe(&context());
    for word in
        [r"\\fileserver01.contoso.com\AzSBackups", r"CONTOSO\azsbackup", "0xC000006D", "STATUS_LOGON_FAILURE"]
    {
        assert!(text.contains(word), "{text}");
    }
    let steps = class.remedy(&context());
    assert!(steps[0].contains("lock-out"), "{steps:?}");
    assert!(steps.len() > 3);
    let steps = classify_ntstatus(0xC000_00BE, Profile::Refined).remedy(&context());
    assert!(
        steps.iter().any(|step| step.contains("fileserver01.contoso.com") && step.contains("445")),
        "{steps:?}"
    );
}

#[test]
fn closed_alerts_count_only_among_themselves() {
    let (closed, active) = (recorded("alert_2020"), recorded("alert_2021"));
    let list = serde_json::json!({ "value": [closed, active] }).to_string();
    assert_eq!(Alert::parse_list(&list).unwrap().len(), 2);
    assert_eq!(classify_json(&list, Profile::Refined).unwrap().kind(), AlertKind::SchedulerDisabled);
    let list = serde_json::json!([closed]).to_string();
    assert_eq!(classify_json(&list, Profile::Refined).unwrap().kind(), AlertKind::SkippedByConflict);
}

#[test]
fn an_error_body_is_read_as_text() {
    let body = r#"{"error":{"code":"BackupFailed","message":"HRESULT 0x80070035"}}"#;
    assert_eq!(classify_json(body, Profile::Refined).unwrap().kind(), AlertKind::Connectivity);
}

#[test]
fn words_are_written_as_their_codes_and_read_by_them() {
    use azs_backup::alert::{AlertKind, DocumentedKind, Profile, Retry};
    for kind in AlertKind::ALL {
        let json = serde_json::to_value(kind).unwrap();
        assert_eq!(json, kind.code());
        assert_eq!(serde_json::from_value::<AlertKind>(json).unwrap(), *kind);
    }
    assert_eq!(serde_json::from_str::<Profile>("\"microsoft-2301\"").unwrap(), Profile::Microsoft2301);
    assert_eq!(serde_json::from_str::<DocumentedKind>("\"PATH\"").unwrap(), DocumentedKind::Path);
    assert_eq!(serde_json::to_string(&Retry::LockOut).unwrap(), "\"LOCK_OUT\"");
    assert!(serde_json::from_str::<AlertKind>("\"path\"").is_err());
}
