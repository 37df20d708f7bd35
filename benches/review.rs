//! A review of a share with 10,000 sets in a local folder.

use std::fs;
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SetName};
use azs_backup::review::{Configuration, review};
use azs_backup::share::Durability;
use azs_backup::{Backup, EncryptionCertificate, FolderShare, Place, Share};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};

const SETS: usize = 10_000;

fn a_large_share(c: &mut Criterion) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let now = Timestamp::now();
    fs::create_dir_all(temp.path().join("contoso.com/nyc/MASBackup")).expect("MASBackup");
    let folder = FolderShare::open(temp.path()).expect("a share").with_durability(Durability::Cached);
    let share: Arc<dyn Share> = Arc::new(folder);
    let deployment = Deployment::new("contoso.com", "nyc").expect("a deployment");
    for component in Component::KNOWN {
        copies(&temp, &share, Place::new(deployment.clone(), component), now);
    }
    let configuration = Configuration::new(r"\\fileserver01.contoso.com\AzSBackups", deployment);
    let mut group = c.benchmark_group("review");
    group.throughput(Throughput::Elements(SETS as u64)).sample_size(10);
    group.bench_function("10,000 sets", |b| {
        b.iter(|| {
            let review = review(&configuration, share.clone(), now).expect("a review");
            assert_eq!(review.components.iter().map(|of| of.complete).sum::<usize>(), SETS);
            review
        });
    });
    let made = review(&configuration, share.clone(), now).expect("a review");
    group.bench_function("its page", |b| b.iter(|| made.to_html()));
    group.finish();
}

/// One real set, and copies of it as if they had been made each hour before.
fn copies(temp: &tempfile::TempDir, share: &Arc<dyn Share>, place: Place, now: Timestamp) {
    let certificate = EncryptionCertificate::from_cer(&certificate()).expect("a certificate");
    let mut backup = Backup::builder(share.clone(), place)
        .create(true)
        .certificate(certificate)
        .start()
        .expect("a backup");
    backup.add_bytes("running-config", vec![7; 20_000]).expect("a source");
    let folder = temp.path().join(backup.commit().expect("a set").folder.to_relative());
    let sheet = fs::read_to_string(folder.join("backup.json")).expect("a cover sheet");
    let old: serde_json::Value = serde_json::from_str(&sheet).expect("JSON");
    for at in 1..SETS / 4 {
        let created = now - SignedDuration::from_hours(at as i64);
        let name = SetName::new(created, at as u32).expect("a name");
        let copy = folder.with_file_name(name.to_string());
        fs::create_dir(&copy).expect("a folder");
        for file in fs::read_dir(&folder).expect("a set") {
            let file = file.expect("a file").path();
            fs::copy(&file, copy.join(file.file_name().expect("a name"))).expect("a copy");
        }
        let mut cover = old.clone();
        cover["set"] = name.to_string().into();
        cover["created"] = name.created().to_string().into();
        fs::write(copy.join("backup.json"), cover.to_string()).expect("a cover sheet");
    }
}

fn certificate() -> Vec<u8> {
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
    let make = || {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let serial = openssl::bn::BigNum::from_u32(1)?.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
        builder.set_not_after(&*Asn1Time::days_from_now(365)?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        builder.build().to_der()
    };
    make().map_err(|e: openssl::error::ErrorStack| e).expect("a certificate")
}

criterion_group!(benches, a_large_share);
criterion_main!(benches);
