//! Servers that grant few credits, and answer "later": nothing stalls, and a backup takes about as long as elsewhere.
//!
//! `cargo test --test file_server smb_credits:: -- --nocapture` prints the times.
#![cfg(all(unix, feature = "smb"))]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::samba::Samba;
use crate::common::{Certificate, noise};
use azs_backup::Backup;
use azs_backup::layout::{Component, Deployment};
use azs_backup::share::{Encryption, SmbBuilder};
use azs_backup::{Opener, Place, Set, Share};

/// Three hundred small files and 60 MB.
fn source(folder: &Path) {
    for number in 0..300 {
        fs::write(folder.join(format!("small {number}")), noise(number, 2000)).unwrap();
    }
    for number in 0..4 {
        fs::write(folder.join(format!("large {number}")), noise(1000 + number, 15_000_000)).unwrap();
    }
}

/// A full backup, which is then verified in full; returns the time of the backup.
fn backup(name: &str, builder: SmbBuilder, source: &Path, certificate: &Certificate) -> Duration {
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
    let share: Arc<dyn Share> = Arc::new(builder.connect().unwrap());
    let begun = Instant::now();
    let mut backup = Backup::builder(share.clone(), place)
        .certificate(certificate.encryption())
        .create(true)
        .segment_size(8 << 20)
        .start()
        .unwrap();
    backup.add_folder_as("tree", source).unwrap();
    let folder = backup.commit().unwrap_or_else(|error| panic!("{name}: {error}")).folder;
    let took = begun.elapsed();
    let begun = Instant::now();
    let set = Set::open(share, folder).unwrap();
    let report = set.verify_full(&Opener::new(certificate.decryption())).run().unwrap();
    assert!(report.is_sound(), "{name}");
    println!("| {name} | {:.2} s | verified in {:.2} s |", took.as_secs_f64(), begun.elapsed().as_secs_f64());
    took
}

#[test]
fn nothing_stalls_where_credits_are_few() {
    let local = tempfile::tempdir().unwrap();
    source(local.path());
    let certificate = Certificate::new("azs-backup test");
    for (storage, share) in [("plain", ""), ("synced", "sync always = yes")] {
        let mut times = Vec::new();
        for credits in [8192, 512, 128, 64, 32] {
            let samba = Samba::with(
                &format!("smb2 max credits = {credits}"),
                &format!("[other]\n path = DATA\n read only = no\n {share}\n"),
            );
            for (encryption, text) in [(Encryption::Required, "encrypted"), (Encryption::Off, "signed")] {
                let name = format!("{storage}, {credits} credits, {text}");
                let builder = samba.builder("other").encryption(encryption);
                times.push((credits, text, backup(&name, builder, local.path(), &certificate)));
            }
        }
        for (credits, text, took) in &times {
            let (_, _, usual) = times.iter().find(|(_, other, _)| other == text).unwrap();
            // A stall takes seconds; the rest is what a busy machine makes of a short time.
            let most = *usual * 2 + Duration::from_secs(3);
            assert!(took < &most, "{storage}, {credits} credits, {text}: {took:?}, with 8,192 {usual:?}");
        }
    }
}
