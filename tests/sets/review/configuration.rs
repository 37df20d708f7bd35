//! Rules about what the configuration says: the root, credentials, certificates.

use azs_backup::EncryptionCertificate;
use azs_backup::review::Configuration;
use serde_json::json;

use crate::common::Certificate;
use crate::review::site::{Site, azs_base64, thumbprint};

#[test]
fn the_root_is_held_against_the_practices() {
    let long = format!(r"\\fileserver01.contoso.com\AzSBackups\{}", "x".repeat(60));
    for (root, rules) in [
        ("/mnt/backups", &["ROOT_NOT_UNC"][..]),
        ("s3://azsbackups/nyc", &[]),
        (r"\\fileserver01.contoso.com\AzSBackups\MASBackup", &["ROOT_NOT_UNC"]),
        (r"\\fileserver01\AzSBackups", &["ROOT_HOST_NOT_FQDN"]),
        (r"\\10.0.0.2\AzSBackups", &["ROOT_HOST_IS_ADDRESS"]),
        (r"\\2001-db8--1.ipv6-literal.net\AzSBackups", &["ROOT_HOST_IS_ADDRESS"]),
        (r"\\fileserver01.contoso.com\D$", &["ROOT_IS_ADMINISTRATIVE"]),
        (&long, &["ROOT_PATH_TOO_LONG"]),
        (r"\\shop.file.core.windows.net\backups", &["ROOT_ON_CLOUD_STORAGE"]),
        (r"\\hlh01.contoso.com\AzSBackups", &["ROOT_ON_THE_HLH"]),
        (r"\\HLH01\AzSBackups", &["ROOT_HOST_NOT_FQDN", "ROOT_ON_THE_HLH"]),
        (r"\\localhost\AzSBackups", &["ROOT_HOST_NOT_FQDN", "ROOT_ON_THE_HLH"]),
        (r"\\su1fileserver.nyc.contoso.com\AzSBackups", &["ROOT_ON_THE_STAMP"]),
        (r"\\s-erc01.azurestack.local\AzSBackups", &["ROOT_ON_THE_STAMP"]),
        (r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc", &["ROOT_REPEATS_DEPLOYMENT"]),
    ] {
        let site = Site::new()
            .set("root", json!(root))
            .set("hlh_hosts", json!(["hlh01.contoso.com", "10.0.0.9"]))
            .set("stamp_hosts", json!(["s-erc01.azurestack.local"]));
        site.assert(rules);
    }
}

#[test]
fn credentials_and_unknown_fields_are_named_and_never_repeated() {
    let site = Site::new()
        .set("password", json!("hunter2"))
        .set("smb", json!({"user": "backup", "credential": {"Account-Key": "hunter3"}}))
        .set("note", json!("https://me:hunter4@example.com/"))
        .set("password_file", json!("elsewhere"))
        .set("hlh_hosts", json!(["-----BEGIN PRIVATE KEY-----\nhunter5"]));
    site.assert(&["CREDENTIALS_IN_CONFIGURATION", "CONFIGURATION_FIELD_UNKNOWN"]);
    let json = serde_json::to_string(&site.review()).unwrap();
    assert!(json.contains("smb.credential.Account-Key") && json.contains("hlh_hosts[0]"), "{json}");
    assert!(!json.contains("hunter"), "{json}");
    let configuration = Configuration::from_json(site.config.to_string().as_bytes()).unwrap();
    assert!(!format!("{configuration:?}").contains("hunter"));
    let site = Site::new().set("root", json!("smb://backup:hunter6@fileserver01/AzSBackups"));
    site.assert(&["CREDENTIALS_IN_CONFIGURATION", "ROOT_NOT_UNC"]);
    assert!(!site.review().to_html().contains("hunter"));
}

#[test]
fn a_configuration_that_is_none_is_an_error_and_says_where() {
    let whole = Site::new().config.to_string();
    for at in (0..whole.len()).step_by(37) {
        let error = Configuration::from_json(&whole.as_bytes()[..at]).unwrap_err();
        assert_eq!(error.code(), "MALFORMED");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let error = |json: &str| Configuration::from_json(json.as_bytes()).unwrap_err().code();
    assert_eq!(error(&deep), "MALFORMED");
    assert_eq!(error("[]"), "MALFORMED");
    let twice = Configuration::from_json(br#"{"root": "a", "root": "b"}"#).unwrap_err();
    assert_eq!(twice.code(), "MALFORMED");
    assert!(twice.to_string().contains("\"root\" is given twice"), "{twice}");
    assert_eq!(error(&" ".repeat(2 << 20)), "LIMIT_EXCEEDED");
    for (field, value) in [
        ("frequency_hours", json!(0)),
        ("retention_days", json!(1_000_000)),
        ("decryption_certificates", json!([{"thumbprint": "12"}])),
        ("space", json!({"total_bytes": 1, "free_bytes": 2})),
        ("components", json!([{"name": "HLH"}, {"name": "hlh"}])),
    ] {
        let site = Site::new().set(field, value);
        assert_eq!(error(&site.config.to_string()), "INVALID_ARGUMENT", "{field}");
    }
    let many: Vec<_> = (0..5000).map(|at| format!("su{at}")).collect();
    assert_eq!(error(&Site::new().set("scale_units", json!(many)).config.to_string()), "LIMIT_EXCEEDED");
    assert!(Configuration::from_json(format!("\u{feff}{whole}").as_bytes()).is_ok());
}

#[test]
fn certificates_are_strong_valid_and_held() {
    let site = Site::new().set("encryption_certificates", json!([]));
    site.assert(&["ENCRYPTION_CERTIFICATE_NOT_GIVEN"]);
    let site = Site::new();
    let pfx = azs_base64(&site.fixture.certificate.pfx);
    site.set("encryption_certificates", json!([pfx])).assert(&["ENCRYPTION_CERTIFICATE_UNSUITABLE"]);
    for (from, to, rule) in [
        (-20, -1, "ENCRYPTION_CERTIFICATE_NOT_VALID"),
        (5, 300, "ENCRYPTION_CERTIFICATE_NOT_VALID"),
        (-1, 29, "ENCRYPTION_CERTIFICATE_EXPIRES_SOON"),
    ] {
        let certificate = Certificate::valid("old", from, to);
        let mut site = Site::new().set("encryption_certificates", json!([azs_base64(&certificate.cer)]));
        let held = site.config["decryption_certificates"].as_array_mut().unwrap();
        held.push(json!({"thumbprint": format!("\u{200e}{}", thumbprint(&certificate).to_lowercase())}));
        site.assert(&[rule]);
    }
    let site = Site::new().set("decryption_certificates", json!([]));
    site.assert(&["DECRYPTION_CERTIFICATE_NOT_ON_RECORD", "SETS_NOBODY_CAN_OPEN"]);
    assert!(EncryptionCertificate::from_cer(&site.fixture.certificate.cer).is_ok());
}

#[test]
fn a_certificate_that_takes_away_what_ml_kem_adds_is_named() {
    let ml_kem = include_bytes!("../../vectors/envelope/mlkem768.cer");
    let facts = EncryptionCertificate::from_cer(ml_kem).unwrap().facts().clone();
    for (with_rsa, rules) in [(true, &["ENCRYPTION_CERTIFICATE_NOT_POST_QUANTUM"][..]), (false, &[])] {
        let mut site = Site::new();
        let held = site.config["decryption_certificates"].as_array_mut().unwrap();
        held.push(json!({"thumbprint": facts.sha1_thumbprint}));
        let rsa = with_rsa.then(|| azs_base64(&site.fixture.certificate.cer));
        let certificates: Vec<_> = [azs_base64(ml_kem)].into_iter().chain(rsa).collect();
        site.set("encryption_certificates", json!(certificates)).assert(rules);
    }
}
