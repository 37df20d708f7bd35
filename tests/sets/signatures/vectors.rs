//! Who made a set, in the cases of `vectors/signatures.json`, which every language walks: `vectors/README.md` says how.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SetName};
use azs_backup::schedule::RetentionPolicy;
use azs_backup::set::{EntryPath, SetList};
use azs_backup::signature::{Signer, SignerCertificate};
use azs_backup::{
    Backup, DecryptionCertificate, EncryptionCertificate, Error, FolderShare, Opener, Place, Result, Set,
    Share, list_sets,
};
use jiff::{SignedDuration, Timestamp};
use openssl::pkcs12::Pkcs12;
use openssl::symm::Cipher;
use serde_json::{Value, json};

use super::{P7S, openssl, sign, signer_of, with_two_signers};
use crate::case_count::assert_case_count;
use crate::common::{Certificate, PASSWORD, change_sheet, noise};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/signatures")
}

fn text<'a>(case: &'a Value, key: &str) -> Option<&'a str> {
    case[key].as_str()
}

/// The signers that a case demands: the CER files in `demand`.
fn demanded(case: &Value) -> Vec<SignerCertificate> {
    let files = case["demand"].as_array().into_iter().flatten();
    files.map(|file| SignerCertificate::load(folder().join(file.as_str().unwrap())).unwrap()).collect()
}

fn listed(share: &Arc<dyn Share>, signers: &[SignerCertificate]) -> SetList {
    let deployment = "contoso.com/nyc".parse().unwrap();
    list_sets(share.clone(), &deployment).require_signers(signers).run().unwrap()
}

fn or_code<T>(result: Result<T>, value: impl FnOnce(T) -> Value) -> Value {
    result.map_or_else(|error| error.code().into(), value)
}

fn content(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).unwrap().into()
}

/// Returns what comes of a set, with what the case demands.
fn set_ends(case: &Value) -> Value {
    let share: Arc<dyn Share> = Arc::new(FolderShare::open(folder().join("share")).unwrap());
    let pfx = folder().with_file_name("envelope").join("rsa2048.pfx");
    let opener = Opener::new(DecryptionCertificate::load(pfx, Some(PASSWORD)).unwrap());
    let set = Set::open(share.clone(), text(case, "set").unwrap().parse().unwrap()).unwrap();
    let signers = demanded(case);
    let (path, mut streamed): (EntryPath, _) = ("tor1".parse().unwrap(), Vec::new());
    let signature = serde_json::to_value(set.signature().unwrap()).unwrap();
    let verified = set.verify().require_signers(&signers).run().unwrap();
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("new");
    let restore = set.restore(&opener).require_signers(&signers).into(&target);
    assert_eq!(restore.is_ok(), target.exists());
    let stream = set.restore_stream(&opener, &path).require_signers(&signers).to(&mut streamed);
    assert!(stream.is_ok() || streamed.is_empty());
    let list = listed(&share, &signers);
    let found = list.iter().find(|found| &found.folder == set.folder()).unwrap();
    let bytes = set.require_signers(&signers).and_then(|_| set.restore_bytes(&opener, &path, 0));
    json!({
        "signature": signature["state"],
        "signer": signature["signer"]["subject"],
        "require_signers": or_code(set.require_signers(&signers), |_| true.into()),
        "faults": verified.faults.iter().map(|fault| json!([fault.file, fault.kind])).collect::<Vec<_>>(),
        "verify_full": set.verify_full(&opener).require_signers(&signers).run().unwrap().is_sound(),
        "restore": or_code(restore, |report| report.files.into()),
        "restore_bytes": or_code(bytes, content),
        "restore_stream": or_code(stream, |_| content(streamed)),
        "list": serde_json::to_value(found).unwrap()["state"],
    })
}

/// Returns what a plan of retention would delete.
fn retention_ends(case: &Value) -> Value {
    let share: Arc<dyn Share> = Arc::new(FolderShare::open(folder().join("share")).unwrap());
    let policy = RetentionPolicy::from_json(case["policy"].to_string()).unwrap();
    let plan = policy.plan(&listed(&share, &demanded(case)), text(case, "now").unwrap().parse().unwrap());
    let folders = plan.deletions.iter().map(|deletion| deletion.folder.to_string());
    json!({"delete": folders.collect::<Vec<_>>()})
}

/// Returns whose certificate a file holds, or why it cannot be used.
fn certificate_ends(case: &Value) -> Value {
    let bytes = fs::read(folder().join(text(case, "file").unwrap())).unwrap();
    let cer = text(case, "certificate").map(|file| fs::read(folder().join(file)).unwrap());
    let subject = match (text(case, "kind").unwrap(), cer) {
        ("signer_certificate", _) => {
            SignerCertificate::from_cer(&bytes).map(|signer| signer.facts().subject.clone())
        }
        (_, None) => {
            Signer::from_pfx(&bytes, text(case, "password")).map(|signer| signer.facts().subject.clone())
        }
        (_, Some(cer)) => Signer::from_pem(&bytes, text(case, "password"), &cer)
            .map(|signer| signer.facts().subject.clone()),
    };
    let code = |error: Error| json!({"error": error.code()});
    subject.map_or_else(code, |subject| json!({"subject": subject}))
}

fn ends(case: &Value) -> Value {
    match text(case, "kind").unwrap() {
        "set" => set_ends(case),
        "retention" => retention_ends(case),
        _ => certificate_ends(case),
    }
}

#[test]
fn signatures_count_as_the_vectors_say() {
    if std::env::var_os("UPDATE_SIGNATURES").is_some() {
        make();
    }
    let cases: Vec<Value> =
        serde_json::from_slice(&fs::read(folder().with_extension("json")).unwrap()).unwrap();
    assert_case_count("signatures", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let got = ends(&case);
        if got != case["ends"] {
            wrong.push(format!("{}: {got}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is done to a set that nobody signed.
type Plant = fn(&Path, &Signers);

/// Those who sign: the host that is demanded, its next certificate, somebody else.
struct Signers {
    own: Signer,
    next: Signer,
    mallory: Signer,
    namesake: Signer,
    expired: Signer,
}

const SETS: [(&str, Plant); 11] = [
    ("signed", |set, by| sign(set, &by.own)),
    ("signed by the next certificate", |set, by| sign(set, &by.next)),
    ("unsigned", |_, _| {}),
    ("by another", |set, by| sign(set, &by.mallory)),
    ("by another of the same name", |set, by| sign(set, &by.namesake)),
    ("of another set", |set, _| {
        // The first one is signed by then, and is the oldest.
        let mut all: Vec<_> =
            fs::read_dir(set.parent().unwrap()).unwrap().map(|set| set.unwrap().path()).collect();
        all.sort();
        fs::copy(all[0].join(P7S), set.join(P7S)).map(drop).unwrap()
    }),
    ("sheet changed after", |set, by| {
        sign(set, &by.own);
        change_sheet(&set.join("backup.json"), |json| json["labels"] = json!({"model": "S4148-ON"}));
    }),
    ("signer expired before the set", |set, by| sign(set, &by.expired)),
    ("two signers", |set, by| fs::write(set.join(P7S), with_two_signers(set, &by.own)).unwrap()),
    ("cut off", |set, by| {
        sign(set, &by.own);
        let whole = fs::read(set.join(P7S)).unwrap();
        fs::write(set.join(P7S), &whole[..whole.len() - 1]).unwrap();
    }),
    ("rubbish", |set, _| fs::write(set.join(P7S), noise(1, 2000)).unwrap()),
];

/// Generates the vectors, with what comes of them. Look at the diff before you commit it.
fn make() {
    let at = folder();
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(at.join("share")).unwrap();
    let kept = |file: &str, certificate: Certificate| {
        fs::write(at.join(format!("{file}.cer")), &certificate.cer).unwrap();
        fs::write(at.join(format!("{file}.pfx")), &certificate.pfx).unwrap();
        signer_of(&certificate)
    };
    let by = Signers {
        own: kept("hlh01", Certificate::valid("hlh01", -1, 3650)),
        next: kept("hlh01-next", Certificate::valid("hlh01", -1, 3650)),
        mallory: signer_of(&Certificate::valid("mallory", -1, 3650)),
        namesake: signer_of(&Certificate::valid("hlh01", -1, 3650)),
        expired: kept("expired", Certificate::valid("hlh01", -30, -10)),
    };
    // The same names each time: the fuzz target reads the first set.
    let now: Timestamp = "2026-11-30T02:00:00Z".parse().unwrap();
    let mut cases: Vec<_> = SETS.iter().enumerate().map(|(number, (name, plant))| {
        let set = make_set(now, number);
        plant(&at.join("share").join(&set), &by);
        (*name, set)
    }).flat_map(|(name, set)| {
        let case = |name: String, demand: &[&str]| json!({"name": name, "kind": "set", "set": set, "demand": demand});
        let mut cases = vec![case(name.to_owned(), &[]), case(format!("{name}, demanded"), &["hlh01.cer"])];
        if name.starts_with("signed") && !name.contains("expired") {
            cases.push(case(format!("{name}, one of two demanded"), &["hlh01.cer", "hlh01-next.cer"]));
        }
        cases
    }).collect();
    for (name, demand) in [("without a demand", &[][..]), ("with a demand", &["hlh01.cer", "hlh01-next.cer"])]
    {
        cases.push(json!({
            "name": format!("retention {name}"), "kind": "retention", "demand": demand, "now": now,
            "policy": {"keep_last": 1},
        }));
    }
    make_certificates(&at);
    for (name, kind, file, password, certificate) in CERTIFICATES {
        let mut case = json!({"name": name, "kind": kind, "file": file});
        for (key, value) in [("password", password), ("certificate", certificate)] {
            if let Some(value) = value {
                case[key] = value.into();
            }
        }
        cases.push(case);
    }
    for case in &mut cases {
        case["ends"] = ends(case);
    }
    let lines: Vec<_> = cases.iter().map(Value::to_string).collect();
    fs::write(at.with_extension("json"), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

/// Makes a set that nobody signed; the first is the oldest. Returns its folder.
fn make_set(now: Timestamp, number: usize) -> String {
    let share = Arc::new(FolderShare::open(folder().join("share")).unwrap());
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
    let created = now - SignedDuration::from_hours(24 * (30 - i64::try_from(number).unwrap()));
    let cer = EncryptionCertificate::load(folder().with_file_name("envelope").join("rsa2048.cer")).unwrap();
    let builder = Backup::builder(share, place).create(true).certificate(cer);
    let mut backup = builder.set_name(SetName::new(created, 7).unwrap()).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    backup.commit().unwrap().folder.to_string()
}

/// Makes the other forms of what signs, and what does not.
fn make_certificates(at: &Path) {
    let own = Pkcs12::from_der(&fs::read(at.join("hlh01.pfx")).unwrap()).unwrap().parse2(PASSWORD).unwrap();
    let key = own.pkey.unwrap();
    let sealed = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes()).unwrap();
    fs::write(at.join("hlh01.key"), &sealed).unwrap();
    let both = [own.cert.unwrap().to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap()].concat();
    fs::write(at.join("with-its-key.pem"), both).unwrap();
    fs::write(at.join("rubbish"), noise(2, 300)).unwrap();
    let req = "req -x509 -nodes -days 3650 -subj /CN=hlh01 -newkey rsa:2048 -keyout k -out may-not-sign.cer";
    let usage = ["-addext", "keyUsage=critical,keyEncipherment"];
    openssl(at, &req.split(' ').collect::<Vec<_>>(), &usage);
    let export = "pkcs12 -export -inkey k -in may-not-sign.cer -out may-not-sign.pfx -passout";
    openssl(at, &export.split(' ').collect::<Vec<_>>(), &[&format!("pass:{PASSWORD}")]);
    fs::remove_file(at.join("k")).unwrap();
}

/// The name of a case, its kind, its file, the password, and the certificate of a key.
type Case = (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

const CERTIFICATES: [Case; 16] = [
    ("a PFX", "signer", "hlh01.pfx", Some(PASSWORD), None),
    ("a PFX, wrong password", "signer", "hlh01.pfx", Some("swordfish"), None),
    ("a PFX, no password", "signer", "hlh01.pfx", None, None),
    ("a CER is no PFX", "signer", "hlh01.cer", Some(PASSWORD), None),
    ("rubbish is no PFX", "signer", "rubbish", Some(PASSWORD), None),
    ("a PFX that may not sign", "signer", "may-not-sign.pfx", Some(PASSWORD), None),
    ("an expired PFX", "signer", "expired.pfx", Some(PASSWORD), None),
    ("a key", "signer", "hlh01.key", Some(PASSWORD), Some("hlh01.cer")),
    ("a key, wrong passphrase", "signer", "hlh01.key", Some("swordfish"), Some("hlh01.cer")),
    ("a key of another certificate", "signer", "hlh01.key", Some(PASSWORD), Some("hlh01-next.cer")),
    ("a key and rubbish", "signer", "hlh01.key", Some(PASSWORD), Some("rubbish")),
    ("a CER", "signer_certificate", "hlh01.cer", None, None),
    ("an expired CER", "signer_certificate", "expired.cer", None, None),
    ("a CER that may not sign", "signer_certificate", "may-not-sign.cer", None, None),
    ("a CER with its key", "signer_certificate", "with-its-key.pem", None, None),
    ("rubbish is no CER", "signer_certificate", "rubbish", None, None),
];
