//! Sets and reviews of `vectors/`, which every language walks: `vectors/README.md` says how.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::restore::RestoreOptions;
use azs_backup::review::{Configuration, review};
use azs_backup::set::EntryPath;
use azs_backup::{
    Backup, DecryptionCertificate, EncryptionCertificate, Error, FolderShare, Opener, Set, Share,
};
use serde_json::{Value, json};

use crate::case_count::assert_case_count;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(theme: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(vectors().join(format!("{theme}.json"))).unwrap()).unwrap()
}

fn share(folder: &Path) -> Arc<dyn Share> {
    Arc::new(FolderShare::open(folder).unwrap())
}

fn opener(of: &Value) -> Opener {
    let pfx = vectors().join("envelope").join(of["pfx"].as_str().unwrap());
    Opener::new(DecryptionCertificate::load(pfx, of["password"].as_str()).unwrap())
}

fn code(error: &Error) -> Value {
    error.code().into()
}

/// Returns what happens to a set: the fields of a case to compare.
fn ends(case: &Value, at: &Path) -> Value {
    let folder = case["folder"].as_str().unwrap().parse().unwrap();
    let opened = match case["place"].as_str() {
        Some(place) => Set::open_foreign(share(at), folder, &place.parse().unwrap()),
        None => Set::open(share(at), folder),
    };
    let set = match opened {
        Ok(set) => Arc::new(set),
        Err(error) => return json!({"open": code(&error)}),
    };
    let opener = Arc::new(opener(case));
    let verified = set.verify().run().unwrap();
    let faults: Vec<_> = verified.faults.iter().map(|fault| json!([fault.file, fault.kind])).collect();
    let full = match set.verify_full(&opener).run() {
        Ok(report) => report.is_sound().into(),
        Err(error) => code(&error),
    };
    let entries = match set.entries(&opener).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => {
            let entries = entries.iter().map(|entry| serde_json::to_value(entry).unwrap());
            json!(entries.map(|entry| json!([entry["kind"], entry["path"]])).collect::<Vec<_>>())
        }
        Err(error) => code(&error),
    };
    let target = tempfile::tempdir().unwrap();
    let options = RestoreOptions::default();
    let restored = match set.restore(&opener).options(&options).into(target.path().join("new")) {
        Ok(report) => report.files.into(),
        Err(error) => code(&error),
    };
    let names = case["files"].as_object().unwrap().keys();
    let files = names.map(|name| {
        let path: EntryPath = name.parse().unwrap();
        let content = match set.restore_bytes(&opener, &path, 1 << 20) {
            Ok(bytes) => json!({"text": String::from_utf8(bytes).unwrap()}),
            Err(error) => json!({"error": code(&error)}),
        };
        (name.clone(), content)
    });
    json!({
        "faults": faults, "verify_full": full, "entries": entries, "restore": restored,
        "files": files.collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn sets_end_as_the_vectors_say() {
    let mut wrong = Vec::new();
    let cases = read("sets");
    assert_case_count("sets", cases.len());
    for case in cases {
        let got = ends(&case, &vectors().join("sets"));
        let wanted = case.as_object().unwrap().iter().filter(|(key, _)| !GIVEN.contains(&&***key));
        if got != json!(wanted.collect::<std::collections::BTreeMap<_, _>>()) {
            wrong.push(format!("{}: {got}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fields of a case that say what is done; the others say what comes of it.
const GIVEN: [&str; 5] = ["name", "folder", "place", "pfx", "password"];

#[test]
fn reviews_find_what_the_vectors_say() {
    let mut wrong = Vec::new();
    let cases = read("review");
    assert_case_count("review", cases.len());
    for case in cases {
        let got = findings(&case);
        if got != json!({"findings": case["findings"], "silenced": case["silenced"]}) {
            wrong.push(format!("{}: {got}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn findings(case: &Value) -> Value {
    let temp = tempfile::tempdir().unwrap();
    for (path, content) in case["share"].as_object().unwrap() {
        let path = temp.path().join(path);
        match content.as_str() {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None => fs::create_dir_all(path).unwrap(),
        }
    }
    let configuration = Configuration::from_json(case["configuration"].to_string().as_bytes()).unwrap();
    let now = case["now"].as_str().unwrap().parse().unwrap();
    let review = review(&configuration, share(temp.path()), now).unwrap();
    // What depends on the disk is no case.
    let is_about_room = |rule: &str| ["SHARE_ALMOST_FULL", "SHARE_WITHOUT_ROOM"].contains(&rule);
    let findings = review.findings.iter().filter(|finding| !is_about_room(finding.rule.id));
    let findings = findings.map(|finding| json!([finding.rule.id, finding.about]));
    let silenced =
        review.silenced.iter().map(|one| json!([one.finding.rule.id, one.finding.about, one.reason]));
    json!({"findings": findings.collect::<Vec<_>>(), "silenced": silenced.collect::<Vec<_>>()})
}

/// Not a test: generates `vectors/sets`, whole and broken in every way, and `sets.json` with their expected results,
/// and fills in the findings of `review.json`. Look at the diff before you commit it.
#[test]
#[ignore = "writes vectors"]
fn write_the_vectors() {
    let at = vectors().join("sets");
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(&at).unwrap();
    for name in ["whole", "another"] {
        make(&at, name);
    }
    let mut cases = Vec::new();
    for (name, how) in BREAKS {
        if !["whole", "wrong-certificate"].contains(name) {
            fs::create_dir(at.join(name)).unwrap();
            for file in files(&at.join("whole")) {
                fs::copy(&file, at.join(name).join(file.file_name().unwrap())).unwrap();
            }
        }
        how(&at.join(name));
        let folder = if *name == "wrong-certificate" { "whole" } else { name };
        let pfx = if *name == "wrong-certificate" { "p256.pfx" } else { "rsa2048.pfx" };
        let mut case = json!({
            "name": name, "folder": folder, "pfx": pfx, "password": "correct horse",
            "files": {"tor1/running-config": null, "images/noise.bin": null, "nothing": null},
        });
        let got = ends(&case, &at);
        case.as_object_mut().unwrap().remove("files");
        case.as_object_mut().unwrap().extend(got.as_object().unwrap().clone());
        cases.push(case);
    }
    fs::remove_dir_all(at.join("another")).unwrap();
    cases.extend(foreign(&at));
    write("sets", &cases);

    let mut cases = read("review");
    for case in &mut cases {
        let got = findings(case);
        case.as_object_mut().unwrap().extend(got.as_object().unwrap().clone());
    }
    write("review", &cases);
}

/// A set of nyc in the folder of lax: refused, and opened when its place is named.
fn foreign(at: &Path) -> Vec<Value> {
    let folder = "contoso.com/lax/Switches/whole";
    fs::create_dir_all(at.join(folder)).unwrap();
    for file in files(&at.join("whole")) {
        fs::copy(&file, at.join(folder).join(file.file_name().unwrap())).unwrap();
    }
    let case = |name: &str, place: Option<&str>| {
        let mut case = json!({
            "name": name, "folder": folder, "pfx": "rsa2048.pfx", "password": "correct horse",
            "files": {"tor1/running-config": null},
        });
        if let Some(place) = place {
            case["place"] = place.into();
        }
        let got = ends(&case, at);
        case.as_object_mut().unwrap().remove("files");
        case.as_object_mut().unwrap().extend(got.as_object().unwrap().clone());
        case
    };
    vec![case("foreign", None), case("foreign-with-its-place", Some("contoso.com/nyc/Switches"))]
}

fn write(theme: &str, cases: &[Value]) {
    let lines: Vec<_> = cases.iter().map(Value::to_string).collect();
    fs::write(vectors().join(format!("{theme}.json")), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

fn make(at: &Path, name: &str) {
    let certificate = EncryptionCertificate::load(vectors().join("envelope/rsa2048.cer")).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let mut backup = Backup::builder(share(temp.path()), "contoso.com/nyc/Switches".parse().unwrap())
        .create(true)
        .certificate(certificate)
        .label("model", "S4148-ON")
        .start()
        .unwrap();
    backup.add_bytes("tor1/running-config", format!("hostname tor1\n! {name}\n").into_bytes()).unwrap();
    let text: String = (0..40).map(|n| format!("line {}\n", n * n)).collect();
    backup.add_bytes("images/noise.bin", text.into_bytes()).unwrap();
    let report = backup.commit().unwrap();
    fs::rename(temp.path().join(report.folder.to_string()), at.join(name)).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()).collect();
    files.sort();
    files
}

fn file(folder: &Path, ending: &str) -> PathBuf {
    files(folder).into_iter().find(|file| file.to_string_lossy().ends_with(ending)).unwrap()
}

fn change(file: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    how(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn flip(file: &Path) {
    change(file, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
}

type Break = fn(&Path);

const SEGMENT: &str = ".tar.zst.p7m";
const INDEX: &str = ".jsonl.zst.p7m";

const BREAKS: &[(&str, Break)] = &[
    ("whole", |_| {}),
    ("wrong-certificate", |_| {}),
    ("segment-flipped", |set| flip(&file(set, SEGMENT))),
    ("segment-cut-off", |set| change(&file(set, SEGMENT), |bytes| bytes.truncate(bytes.len() - 20))),
    ("segment-empty", |set| change(&file(set, SEGMENT), Vec::clear)),
    ("segment-missing", |set| fs::remove_file(file(set, SEGMENT)).unwrap()),
    ("segment-of-another", |set| {
        fs::copy(file(&set.with_file_name("another"), SEGMENT), file(set, SEGMENT)).map(drop).unwrap()
    }),
    ("index-flipped", |set| flip(&file(set, INDEX))),
    ("index-missing", |set| fs::remove_file(file(set, INDEX)).unwrap()),
    ("index-of-another", |set| {
        fs::copy(file(&set.with_file_name("another"), INDEX), file(set, INDEX)).map(drop).unwrap()
    }),
    ("sums-changed", |set| change(&set.join("SHA256SUMS"), |bytes| bytes[0] ^= 1)),
    ("sums-missing", |set| fs::remove_file(set.join("SHA256SUMS")).unwrap()),
    ("cover-sheet-missing", |set| fs::remove_file(set.join("backup.json")).unwrap()),
    ("cover-sheet-cut-off", |set| change(&set.join("backup.json"), |bytes| bytes.truncate(100))),
    ("cover-sheet-of-another", |set| {
        fs::copy(set.with_file_name("another").join("backup.json"), set.join("backup.json"))
            .map(drop)
            .unwrap()
    }),
    ("later-version", |set| {
        change(&set.join("backup.json"), |bytes| {
            let text = String::from_utf8(std::mem::take(bytes)).unwrap();
            *bytes = text.replace("\"format_version\": 1", "\"format_version\": 1000").into_bytes();
        })
    }),
    ("foreign-file", |set| fs::write(set.join("notes.txt"), "mine").unwrap()),
];
