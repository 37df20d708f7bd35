//! Certificates and sealed messages: vectors, the real `openssl` command in both directions, and hostile input.

#[path = "common/case_count.rs"]
mod case_count;
#[path = "envelope/craft.rs"]
mod craft;
#[path = "envelope/files.rs"]
mod files;
#[path = "envelope/hostile.rs"]
mod hostile;
#[path = "envelope/openssl_command.rs"]
mod openssl_command;
#[path = "envelope/pem_keys.rs"]
mod pem_keys;
#[path = "envelope/pfx_parts.rs"]
mod pfx_parts;
#[path = "envelope/post_quantum.rs"]
mod post_quantum;
#[path = "envelope/renewed.rs"]
mod renewed;
#[path = "envelope/round_trip.rs"]
mod round_trip;
#[path = "envelope/vectors.rs"]
mod vectors;
#[path = "envelope/work.rs"]
mod work;

use std::path::{Path, PathBuf};

use azs_backup::envelope::Sealer;
use azs_backup::{DecryptionCertificate, EncryptionCertificate, Opener};

const PASSWORD: &str = "correct horse";
const KEYS: [&str; 6] = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"];
const ML_KEM: [&str; 2] = ["mlkem768", "mlkem1024"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/envelope").join(name)
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn cer(key: &str) -> EncryptionCertificate {
    EncryptionCertificate::from_cer(&vector(&format!("{key}.cer"))).unwrap()
}

fn pfx(key: &str) -> DecryptionCertificate {
    DecryptionCertificate::from_pfx(&vector(&format!("{key}.pfx")), Some(PASSWORD)).unwrap()
}

fn opener(key: &str) -> Opener {
    Opener::new(pfx(key))
}

fn sealer(keys: &[&str]) -> Sealer {
    let recipients: Vec<_> = keys.iter().map(|key| cer(key)).collect();
    Sealer::new(&recipients).unwrap()
}
