//! What a set of ML-KEM alone may take over.

use azs_backup::Opener;
use azs_backup::envelope::recipients_of;

use super::nightly::Nightly;
use crate::common::Certificate;

fn vector(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/envelope");
    std::fs::read(std::path::Path::new(folder).join(name)).unwrap()
}

/// A file that is sealed to RSA as well would make a set that says it is post-quantum a lie.
#[test]
fn a_set_of_ml_kem_alone_holds_nothing_that_another_certificate_opens() {
    let mut nightly = Nightly::new();
    nightly.sample();
    let ml_kem = Certificate { cer: vector("mlkem768.cer"), pfx: vector("mlkem768.pfx") };
    nightly.run_with(|builder| builder.certificate(ml_kem.encryption()));

    nightly.fixture.certificate = ml_kem;
    nightly.fixture.opener = Opener::new(nightly.fixture.certificate.decryption());
    let report = nightly.run();
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("certificates"), "{:?}", report.warnings);
    nightly.check(&report);
    let folder = nightly.fixture.native(&report.folder);
    let names = nightly.names(&report, "");
    let messages: Vec<_> = names.iter().filter(|name| name.ends_with(".p7m")).collect();
    assert!(messages.len() > 2, "{names:?}");
    for name in messages {
        let recipients = recipients_of(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        assert_eq!(recipients.len(), 1, "{name}: {recipients:?}");
    }
    // From then on it builds on itself.
    let report = nightly.run();
    assert!(report.reuse.base.is_some());
    nightly.check(&report);
}
