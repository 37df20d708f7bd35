use azs_backup::envelope::{CertificateFacts, recipients_of};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, Error, Opener};
use serde::Deserialize;

use crate::case_count::assert_case_count;
use crate::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    file: String,
    pfx: Option<String>,
    password: Option<String>,
    at: Option<jiff::Timestamp>,
    error: Option<String>,
    facts: Option<CertificateFacts>,
    content: Option<String>,
}

fn cases() -> Vec<Case> {
    let file = path("../envelope.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn every_vector_ends_as_it_says() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert_case_count("envelope", cases.len());
    for case in &cases {
        let bytes = vector(&case.file);
        let password = case.password.as_deref();
        let ended = match case.kind.as_str() {
            "cer" => {
                check_facts(case, EncryptionCertificate::from_cer(&bytes).map(|cer| cer.facts().clone()))
            }
            "pfx" => {
                let pfx = DecryptionCertificate::from_pfx(&bytes, password);
                check_facts(case, pfx.map(|pfx| pfx.facts().clone()))
            }
            "validity" => {
                let cer = EncryptionCertificate::from_cer(&bytes).unwrap();
                match cer.check_validity(case.at.unwrap()) {
                    Ok(()) if case.error.is_none() => Ok(()),
                    Ok(()) => Err("is valid".to_owned()),
                    Err(error) => check_error(case, &error),
                }
            }
            "message" => {
                let pfx = vector(case.pfx.as_deref().unwrap());
                let opener = Opener::new(DecryptionCertificate::from_pfx(&pfx, password).unwrap());
                match (opener.open(&bytes), &case.content) {
                    (Ok(content), Some(wanted)) if content == wanted.as_bytes() => Ok(()),
                    (Ok(content), _) => Err(format!("opened as {:?}", String::from_utf8_lossy(&content))),
                    (Err(error), _) => check_error(case, &error),
                }
            }
            other => Err(format!("a kind of case that is not known: {other}")),
        };
        if let Err(message) = ended {
            wrong.push(format!("{} {}: {message}", case.kind, case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check_facts(case: &Case, facts: Result<CertificateFacts, Error>) -> Result<(), String> {
    match facts {
        Ok(facts) if case.facts.as_ref() == Some(&facts) => Ok(()),
        Ok(facts) => Err(format!("has {facts:?}")),
        Err(error) => check_error(case, &error),
    }
}

fn check_error(case: &Case, error: &Error) -> Result<(), String> {
    match &case.error {
        Some(code) if code == error.code() => Ok(()),
        _ => Err(format!("ended as {error:?}")),
    }
}

#[test]
fn the_facts_survive_json() {
    let facts = cer("p384").facts().clone();
    let json = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<CertificateFacts>(&json).unwrap(), facts);
}

#[test]
fn what_a_pfx_would_be_as_a_cer_is_the_cer() {
    for key in KEYS {
        let derived = pfx(key).encryption_certificate();
        assert_eq!(derived.facts(), cer(key).facts());
        assert_eq!(derived.to_der().unwrap(), vector(&format!("{key}.cer")));
    }
}

/// Not a test: makes the messages named `sealed-*` for the certificates as they are now.
#[test]
#[ignore = "writes vectors"]
fn write_the_sealed_vectors() {
    for case in cases().iter().filter(|case| case.name.starts_with("sealed-")) {
        let keys = match case.name.strip_prefix("sealed-").unwrap() {
            "several" => &KEYS[..],
            key => &[key],
        };
        let message = sealer(keys).seal(case.content.as_ref().unwrap().as_bytes()).unwrap();
        assert_eq!(recipients_of(&message).unwrap().len(), keys.len());
        std::fs::write(path(&case.file), message).unwrap();
    }
}
