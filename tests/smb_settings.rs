//! The settings of file servers that are in the field, each a row: what a share does there, or what its refusal says.
#![cfg(all(unix, feature = "smb"))]

mod common;

use azs_backup::share::{Encryption, ShareCheck, SmbBuilder, SmbFacts, SmbShare, StepOutcome};
use azs_backup::{Deployment, Share, SharePath};
use common::noise;
use common::samba::Samba;

fn path(text: &str) -> SharePath {
    text.parse().unwrap()
}

fn deployment() -> Deployment {
    "contoso.com/nyc".parse().unwrap()
}

/// What a backup needs of a share: the check is content, and objects of many blocks come back as they were, by several
/// threads at once.
fn works(name: &str, builder: &SmbBuilder) -> SmbFacts {
    let share = builder.clone().connect().unwrap_or_else(|error| panic!("{name}: {error}"));
    let report = ShareCheck::new(deployment()).create_folders(true).run_smb(builder);
    assert!(report.is_sound(), "{name}:\n{}", report.to_table());
    let warned: Vec<_> = report.steps.iter().filter(|step| step.outcome == StepOutcome::Warned).collect();
    assert!(warned.iter().all(|step| step.step.as_str() == "space"), "{name}:\n{}", report.to_table());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let share = &share;
            scope.spawn(move || objects_come_back(name, share, thread));
        }
    });
    share.facts().unwrap()
}

fn objects_come_back(name: &str, share: &SmbShare, thread: u64) {
    let object = path(&format!("object-{thread}"));
    let content = noise(thread, 3_000_001);
    share.put(&object, &content).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut read = Vec::new();
    share.read(&object, 3_000_001, &mut read).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read == content, "{name}");
    share.remove(&object).unwrap();
}

#[test]
fn requests_are_no_larger_than_the_server_grants() {
    for (name, settings, block) in [
        ("small writes", "smb2 max write = 65536", 65_536),
        ("small reads", "smb2 max read = 65536", 1 << 20),
        ("all small", "smb2 max write = 65536\nsmb2 max read = 65536\nsmb2 max trans = 65536", 65_536),
        ("odd sizes", "smb2 max write = 100000\nsmb2 max read = 70001\nsmb2 max trans = 65537", 100_000),
        ("as installed", "", 1 << 20),
    ] {
        let samba = Samba::with(settings, "");
        for encryption in [Encryption::Required, Encryption::Off] {
            let facts = works(name, &samba.builder("data").encryption(encryption));
            assert_eq!(facts.block, block, "{name}");
        }
    }
}

#[test]
fn a_check_sees_that_a_server_refuses_what_it_grants() {
    // The proof that the check writes more than one block: what it leaves out, nobody would see before the first backup.
    let samba = Samba::new();
    let report = ShareCheck::new(deployment()).create_folders(true).run_smb(&samba.builder("data"));
    let write = report.steps.iter().find(|step| step.step.as_str() == "write").unwrap();
    let facts = samba.builder("data").connect().unwrap().facts().unwrap();
    let bytes: u64 = write.seen.split_once(' ').unwrap().0.parse().unwrap();
    assert!(bytes > u64::from(facts.block), "{}", write.seen);
}
