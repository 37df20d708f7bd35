//! The calls by which the bindings are measured, in Rust: nanoseconds of the best round of each, as JSON.
//!
//! With `AZS_BENCH_TREE` a backup of that folder is one of them: `benches/gen.py make C FOLDER --scale 0.1` makes one.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use azs_backup::alert::{Profile, classify_ntstatus, classify_text};
use azs_backup::envelope::Sealer;
use azs_backup::layout::UncPath;
use azs_backup::share::Durability;
use azs_backup::{Backup, DecryptionCertificate, EncryptionCertificate, FolderShare, Opener};

const TEXT: &str = "mount error(113): No route to host";
const PATH: &str = r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc";

fn best<T>(times: u32, mut call: impl FnMut() -> T) -> f64 {
    let rounds = if times == 1 { 7 } else { 15 };
    let round = |_| {
        let begun = Instant::now();
        for _ in 0..times {
            black_box(call());
        }
        begun.elapsed().as_nanos() as f64 / f64::from(times)
    };
    (0..rounds).map(round).fold(f64::INFINITY, f64::min)
}

/// Backs a folder up to a share that is deleted afterwards.
fn back_up(tree: &Path, certificate: &EncryptionCertificate) {
    let root = tempfile::tempdir().unwrap();
    let share = FolderShare::open(root.path()).unwrap().with_durability(Durability::Cached);
    let place = "contoso.com/nyc/HLH".parse().unwrap();
    let builder = Backup::builder(Arc::new(share), place).create(true).certificate(certificate.clone());
    let mut backup = builder.start().unwrap();
    backup.add_folder(tree).unwrap();
    backup.commit().unwrap();
}

fn main() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/envelope");
    let certificate = EncryptionCertificate::load(vectors.join("rsa2048.cer")).unwrap();
    let sealer = Sealer::new(std::slice::from_ref(&certificate)).unwrap();
    let pfx = DecryptionCertificate::load(vectors.join("rsa2048.pfx"), Some("correct horse")).unwrap();
    let opener = Opener::new(pfx);
    let (small, large) = (vec![0; 1024], vec![0; 64 << 20]);
    let (small_message, large_message) = (sealer.seal(&small).unwrap(), sealer.seal(&large).unwrap());
    opener.open(&small_message).unwrap();
    let mut found = serde_json::json!({
        "classify_ntstatus": best(20_000, || classify_ntstatus(black_box(0xC000_006D), Profile::Refined)),
        "classify_text": best(10_000, || classify_text(black_box(TEXT), Profile::Refined)),
        "parse_unc_path": best(20_000, || black_box(PATH).parse::<UncPath>().unwrap()),
        "seal_1_kib": best(5_000, || sealer.seal(&small).unwrap()),
        "open_1_kib": best(5_000, || opener.open(&small_message).unwrap()),
        "seal_64_mib": best(1, || sealer.seal(&large).unwrap()),
        "open_64_mib": best(1, || opener.open(&large_message).unwrap()),
    });
    if let Some(tree) = std::env::var_os("AZS_BENCH_TREE") {
        found["backup_tree"] = best(1, || back_up(tree.as_ref(), &certificate)).into();
    }
    println!("{found:#}");
}
