//! Who made a set: planted sets are refused where signers are demanded, and named where not.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use azs_backup::layout::{SetName, SharePath};
use azs_backup::restore::{FaultKind, VerifyReport};
use azs_backup::review::{Configuration, review};
use azs_backup::schedule::{Condition, DeletionOutcome, KeepReason, RetentionPlan, RetentionPolicy};
use azs_backup::set::{EntryPath, SetState};
use azs_backup::share::Share;
use azs_backup::signature::{Signature, Signer, SignerCertificate};
use azs_backup::{Error, ErrorKind, Result, Set, list_sets};
use jiff::{SignedDuration, Timestamp};

use crate::common::{self, Certificate, Fixture, PASSWORD, change_sheet, forward};

mod openssl_command;
mod oracle;
mod vectors;

use openssl_command::{openssl, pem};

const P7S: &str = "backup.json.p7s";

fn signer(name: &str) -> Signer {
    // Valid since before any set of the test is finished.
    signer_of(&Certificate::valid(name, -1, 365))
}

fn signer_of(certificate: &Certificate) -> Signer {
    Signer::from_pfx(&certificate.pfx, Some(PASSWORD)).unwrap()
}

/// Makes a set so many days ago, by its name.
fn back_up(fixture: &Fixture, signer: Option<&Signer>, days: i64) -> SharePath {
    let created = Timestamp::now() - SignedDuration::from_hours(days * 24);
    let name = SetName::new(created, 7).unwrap();
    let mut backup = fixture.builder().set_name(name);
    if let Some(signer) = signer {
        backup = backup.signer(signer.clone());
    }
    let mut backup = backup.start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    backup.commit().unwrap().folder
}

fn plan(fixture: &Fixture, policy: &RetentionPolicy, signers: &[SignerCertificate]) -> RetentionPlan {
    let list = list_sets(fixture.share.clone(), fixture.place.deployment()).require_signers(signers);
    policy.plan(&list.run().unwrap(), Timestamp::now())
}

fn path() -> EntryPath {
    "tor1".parse().unwrap()
}

/// Signs the cover sheet that is in this folder now.
fn sign(folder: &Path, signer: &Signer) {
    fs::write(folder.join(P7S), signer.sign(&fs::read(folder.join("backup.json")).unwrap()).unwrap())
        .unwrap();
}

#[test]
fn a_signed_set_says_who_signed_it_everywhere() {
    let fixture = Fixture::new();
    let signer = signer("hlh01");
    let folder = back_up(&fixture, Some(&signer), 0);
    let (native, own) = (fixture.native(&folder), [signer.certificate()]);
    let check = |set: &Set| {
        let signature = set.signature().unwrap();
        assert_eq!(signature.signer(), Some(signer.facts()));
        assert_eq!(set.require_signers(&own).unwrap(), signature);
        for report in [
            set.verify().require_signers(&own).run().unwrap(),
            set.verify_full(&fixture.opener).require_signers(&own).run().unwrap(),
        ] {
            assert!(report.is_sound() && report.foreign.is_empty(), "{report:#?}");
            assert_eq!(report.signature, signature);
        }
        let target = tempfile::tempdir().unwrap();
        let restore = set.restore(&fixture.opener).require_signers(&own);
        assert_eq!(restore.into(target.path().join("t")).unwrap().signature, signature);
        let mut bytes = Vec::new();
        set.restore_stream(&fixture.opener, &path()).require_signers(&own).to(&mut bytes).unwrap();
        assert_eq!(bytes, b"hostname tor1");
    };
    check(&fixture.open(&folder));
    let list =
        list_sets(fixture.share.clone(), fixture.place.deployment()).require_signers(&own).run().unwrap();
    assert!(list[0].is_complete() && !list.needs_attention(), "{list:?}");
    assert_eq!(list[0].signature.as_ref().unwrap().signer(), Some(signer.facts()));

    // The cover sheet follows from the index, byte for byte, and so the signature holds for it.
    fs::remove_file(native.join("backup.json")).unwrap();
    fs::remove_file(native.join("SHA256SUMS")).unwrap();
    let set = Set::open_by_index(fixture.share.clone(), folder, &fixture.opener).unwrap();
    assert_eq!(set.require_signers(&own).unwrap().signer(), Some(signer.facts()));
}

#[test]
fn rotation_demands_one_of_several() {
    let fixture = Fixture::new();
    let (old, new) = (signer("hlh01 2025"), signer("hlh01 2026"));
    let folders = [back_up(&fixture, Some(&old), 2), back_up(&fixture, Some(&new), 1)];
    let both = [old.certificate(), new.certificate()];
    assert!(folders.iter().all(|folder| fixture.open(folder).require_signers(&both).is_ok()));
    assert!(fixture.open(&folders[0]).require_signers(&both[1..]).is_err());
}

#[test]
fn a_signer_that_is_not_valid_signs_nothing_unless_allowed() {
    let fixture = Fixture::new();
    for (from, to) in [(-9, -1), (1, 9)] {
        let signer = signer_of(&Certificate::valid("hlh01", from, to));
        let error = fixture.builder().signer(signer.clone()).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CertificateExpired, "{error}");
        assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap().is_empty());
        let mut backup = fixture.builder().signer(signer).allow_expired_certificates(true).start().unwrap();
        backup.add_bytes("tor1", &b"x"[..]).unwrap();
        let folder = backup.commit().unwrap().folder;
        let Signature::Invalid { reason } = fixture.open(&folder).signature().unwrap() else { panic!() };
        assert!(reason.contains("expired at") || reason.contains("not valid before"), "{reason}");
        fs::remove_dir_all(fixture.native(&folder)).unwrap();
    }
}

/// A way to plant a set; it gets the folder of an unsigned set, and the signer that is demanded.
type Plant = fn(&Fixture, &Path, &Signer);

const PLANTED: [(&str, Plant, &str); 10] = [
    ("unsigned", |_, _, _| {}, "not signed"),
    ("by another", |_, folder, _| sign(folder, &signer("mallory")), "not one of the signers"),
    (
        "by another of the same name and number",
        |_, folder, _| sign(folder, &signer("hlh01")),
        "not one of the signers",
    ),
    (
        "of another set",
        |fixture, folder, own| {
            let other = fixture.native(&back_up(fixture, Some(own), 3));
            fs::copy(other.join(P7S), folder.join(P7S)).unwrap();
        },
        "other content",
    ),
    (
        "sheet changed after",
        |_, folder, own| {
            sign(folder, own);
            change_sheet(&folder.join("backup.json"), |json| json["status"] = "PartialSucceeded".into());
        },
        "other content",
    ),
    (
        "signer expired before the set",
        |_, folder, _| sign(folder, &signer_of(&Certificate::valid("hlh01", -30, -10))),
        "expired at",
    ),
    (
        "two signers",
        |_, folder, own| fs::write(folder.join(P7S), with_two_signers(folder, own)).unwrap(),
        "2 signers",
    ),
    (
        "cut off",
        |_, folder, own| {
            sign(folder, own);
            let whole = fs::read(folder.join(P7S)).unwrap();
            fs::write(folder.join(P7S), &whole[..whole.len() - 1]).unwrap();
        },
        "cut off",
    ),
    (
        "one byte more",
        |_, folder, own| {
            sign(folder, own);
            let longer = [fs::read(folder.join(P7S)).unwrap(), vec![0]].concat();
            fs::write(folder.join(P7S), longer).unwrap();
        },
        "too long",
    ),
    ("rubbish", |_, folder, _| fs::write(folder.join(P7S), common::noise(1, 1 << 20)).unwrap(), ""),
];

/// A message of the `openssl` command by two signers, one of which is the one demanded.
fn with_two_signers(folder: &Path, own: &Signer) -> Vec<u8> {
    let temp = tempfile::tempdir().unwrap();
    let (mallory, cer) = (Certificate::new("mallory"), temp.path().join("one.p7s"));
    fs::write(&cer, own.sign(&fs::read(folder.join("backup.json")).unwrap()).unwrap()).unwrap();
    pem(temp.path(), "two", &mallory);
    let sheet = folder.join("backup.json");
    openssl(
        temp.path(),
        &["cms", "-resign", "-binary", "-inform", "DER", "-in", "one.p7s", "-outform", "DER"],
        &["-content", sheet.to_str().unwrap(), "-signer", "two.pem", "-inkey", "two.key", "-out", "both.p7s"],
    );
    fs::read(temp.path().join("both.p7s")).unwrap()
}

#[test]
fn planted_sets_are_refused_where_signers_are_demanded_and_named_where_not() {
    for (what, plant, expected) in PLANTED {
        // The `openssl` command makes it, which is not there; the unit tests have another such message.
        if cfg!(windows) && what == "two signers" {
            continue;
        }
        let fixture = Fixture::new();
        let own = signer("hlh01");
        let folder = back_up(&fixture, None, 0);
        plant(&fixture, &fixture.native(&folder), &own);
        let (set, demanded) = (fixture.open(&folder), [own.certificate()]);

        // Without a demand it is named, and restored.
        let signature = set.signature().unwrap();
        assert!(what == "unsigned" || signature != Signature::Unsigned, "{what}");
        assert_eq!(signature.signer().is_some(), what.starts_with("by another"), "{what}: {signature:?}");
        let is_invalid = matches!(signature, Signature::Invalid { .. });
        let report = set.verify().run().unwrap();
        assert_eq!(
            (signature_fault(&report).is_some(), &report.signature),
            (is_invalid, &signature),
            "{what}"
        );
        let target = fixture.path("target");
        let report = set.restore(&fixture.opener).into(&target).unwrap();
        assert_eq!(report.signature, signature, "{what}");
        let list = |signers: &[SignerCertificate]| {
            let list = list_sets(fixture.share.clone(), fixture.place.deployment()).require_signers(signers);
            list.run().unwrap().into_iter().find(|set| set.folder == folder).unwrap()
        };
        assert_eq!(list(&[]).signature, Some(signature), "{what}");
        assert!(list(&[]).is_complete(), "{what}");

        // With one, nothing takes it.
        let error = set.require_signers(&demanded).unwrap_err();
        assert!(
            error.kind() == ErrorKind::NotTrusted && error.to_string().contains(expected),
            "{what}: {error}"
        );
        assert_eq!(error.set(), Some(set.cover().set.to_string().as_str()), "{what}");
        let target = fixture.path("nothing");
        let error = set.restore(&fixture.opener).require_signers(&demanded).into(&target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotTrusted, "{what}: {error}");
        assert!(!target.exists(), "{what}");
        let (path, mut bytes) = (path(), Vec::new());
        let stream = set.restore_stream(&fixture.opener, &path).require_signers(&demanded);
        assert_eq!(stream.to(&mut bytes).unwrap_err().kind(), ErrorKind::NotTrusted, "{what}");
        assert!(bytes.is_empty(), "{what}");
        for report in [
            set.verify().require_signers(&demanded).run().unwrap(),
            set.verify_full(&fixture.opener).require_signers(&demanded).run().unwrap(),
        ] {
            let fault = signature_fault(&report).unwrap_or_else(|| panic!("{what}: {report:?}"));
            assert!(fault.contains(expected), "{what}: {fault}");
            let changed = what == "sheet changed after" && report.full;
            let kind = if changed { ErrorKind::Damaged } else { ErrorKind::NotTrusted };
            assert_eq!(report.into_result().unwrap_err().kind(), kind, "{what}");
        }
        let found = list(&demanded);
        let SetState::Untrusted { reason } = &found.state else { panic!("{what}: {found:?}") };
        assert!(reason.contains(expected) && !found.is_complete(), "{what}: {reason}");

        let mut configuration =
            Configuration::new(r"\\fileserver01.contoso.com\AzSBackups", fixture.place.deployment().clone());
        let count = |configuration: &Configuration| {
            let review = review(configuration, fixture.share.clone(), Timestamp::now()).unwrap();
            review.findings.iter().filter(|finding| finding.rule.id == "SET_NOT_TRUSTED").count()
        };
        assert_eq!(count(&configuration), 0, "{what}");
        configuration.add_signer_certificate(&own.certificate().to_der().unwrap());
        assert_eq!(count(&configuration), 1, "{what}");
    }
}

fn signature_fault(report: &VerifyReport) -> Option<&str> {
    let fault = report.faults.iter().find(|fault| fault.kind == FaultKind::Signature)?;
    assert_eq!(fault.file, P7S);
    Some(&fault.message)
}

#[test]
fn planted_sets_push_out_no_real_ones_and_stay_for_a_person() {
    let fixture = Fixture::new();
    let own = signer("hlh01");
    let real: Vec<_> = [40, 30, 20].map(|days| back_up(&fixture, Some(&own), days)).into();
    let planted: Vec<_> = [3, 2, 1].map(|days| back_up(&fixture, Some(&signer("mallory")), days)).into();
    let policy = RetentionPolicy::new().keep_last(2);
    let demanded = [own.certificate()];

    // Without the demand the planted ones count, and only one real one would be left for the next night.
    let trusting = plan(&fixture, &policy, &[]);
    assert_eq!(trusting.deletions.len(), 4);

    let made = plan(&fixture, &policy, &demanded);
    assert_eq!(made.deletions.iter().map(|deletion| &deletion.folder).collect::<Vec<_>>(), [&real[0]]);
    for folder in &planted {
        let kept = made.kept.iter().find(|kept| kept.folder == *folder).unwrap();
        assert_eq!(
            (kept.candidate.condition, &kept.reasons[..]),
            (Condition::Untrusted, &[KeepReason::Untrusted][..])
        );
    }
    let last = made.kept.iter().find(|kept| kept.folder == real[2]).unwrap();
    assert!(last.reasons.contains(&KeepReason::LastGood), "{:?}", last.reasons);
    // Not even to make room do planted ones go, and the last real one stays.
    let room = plan(&fixture, &policy.clone().make_room(u64::MAX), &demanded);
    let gone: Vec<_> = room.deletions.iter().map(|deletion| &deletion.folder).collect();
    assert_eq!(gone, [&real[0], &real[1]]);

    let report = made.apply(fixture.share.clone()).run();
    assert_eq!(report.outcomes, [(real[0].clone(), DeletionOutcome::Deleted)]);
    assert!(!fixture.native(&real[0]).exists());
    for folder in real[1..].iter().chain(&planted) {
        assert!(fixture.native(folder).join("backup.json").exists(), "{folder}");
    }
}

#[test]
fn what_was_signed_when_the_plan_was_made_must_be_signed_when_it_is_carried_out() {
    let fixture = Fixture::new();
    let own = signer("hlh01");
    let folders = [20, 1].map(|days| back_up(&fixture, Some(&own), days));
    let made = plan(&fixture, &RetentionPolicy::new().keep_last(1), &[own.certificate()]);
    assert_eq!(made.deletions.len(), 1);
    // The survivor loses its signature: then nothing is known to be good, and nothing goes.
    let survivor = fixture.native(&folders[1]);
    let signature = fs::read(survivor.join(P7S)).unwrap();
    sign(&survivor, &signer("mallory"));
    let outcome = |made: &RetentionPlan| made.apply(fixture.share.clone()).run().outcomes.remove(0).1;
    assert!(matches!(outcome(&made), DeletionOutcome::Skipped { .. }));
    fs::write(survivor.join(P7S), signature).unwrap();
    // So does the set that was to go: it is not the one that the plan saw.
    let old = fixture.native(&folders[0]);
    let signature = fs::read(old.join(P7S)).unwrap();
    fs::remove_file(old.join(P7S)).unwrap();
    assert!(matches!(outcome(&made), DeletionOutcome::Skipped { .. }));
    fs::write(old.join(P7S), signature).unwrap();
    assert_eq!(outcome(&made), DeletionOutcome::Deleted);
    assert!(!old.exists());
}

/// Records what is written and flushed, and refuses the file that it is told to.
#[derive(Debug)]
struct Recorder {
    share: Arc<dyn Share>,
    done: Mutex<Vec<String>>,
    refused: &'static str,
}

impl Share for Recorder {
    forward!(share: describe, read, list, create_folder, remove, remove_folder);

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let name = path.file_name().unwrap().to_string();
        if name == self.refused {
            return Err(Error::new(ErrorKind::Io, "refused"));
        }
        self.share.put(path, content)?;
        self.done.lock().unwrap().push(name);
        Ok(())
    }

    fn flush(&self, folder: &SharePath) -> Result<()> {
        self.share.flush(folder)?;
        self.done.lock().unwrap().push("flushed".into());
        Ok(())
    }
}

#[test]
fn the_signature_is_on_the_disk_before_the_cover_sheet_and_goes_with_a_failed_set() {
    let own = signer("hlh01");
    for refused in ["", P7S, "backup.json"] {
        let fixture = Fixture::new();
        let recorder = Arc::new(Recorder { share: fixture.share.clone(), done: Mutex::default(), refused });
        let builder = azs_backup::Backup::builder(recorder.clone(), fixture.place.clone());
        let mut backup =
            builder.certificate(fixture.certificate.encryption()).signer(own.clone()).start().unwrap();
        backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
        let (folder, done) = (fixture.native(&fixture.place.set_folder(&backup.set())), backup.commit());
        let calls = recorder.done.lock().unwrap().clone();
        if refused.is_empty() {
            done.unwrap();
            assert_eq!(calls[calls.len() - 5..], ["SHA256SUMS", P7S, "flushed", "backup.json", "flushed"]);
        } else {
            assert_eq!(done.unwrap_err().to_string(), "refused");
            assert!(!folder.exists(), "{refused}");
        }
    }
}
