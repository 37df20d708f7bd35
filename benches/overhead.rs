//! The calls that the bindings are measured by, in Rust: nanoseconds of the best round of each, as JSON.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use azs_backup::alert::{Profile, classify_ntstatus, classify_text};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, Opener, Sealer, UncPath};

const TEXT: &str = "mount error(113): No route to host";
const PATH: &str = r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc";

fn best<T>(times: u32, mut call: impl FnMut() -> T) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        for _ in 0..times {
            black_box(call());
        }
        begun.elapsed().as_nanos() as f64 / f64::from(times)
    };
    (0..15).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/envelope");
    let sealer = Sealer::new(&[EncryptionCertificate::load(vectors.join("rsa2048.cer")).unwrap()]).unwrap();
    let pfx = DecryptionCertificate::load(vectors.join("rsa2048.pfx"), Some("correct horse")).unwrap();
    let opener = Opener::new(pfx);
    let (small, large) = (vec![0; 1024], vec![0; 64 << 20]);
    let (small_message, large_message) = (sealer.seal(&small).unwrap(), sealer.seal(&large).unwrap());
    opener.open(&small_message).unwrap();
    let found = serde_json::json!({
        "classify_ntstatus": best(20_000, || classify_ntstatus(black_box(0xC000_006D), Profile::Refined)),
        "classify_text": best(10_000, || classify_text(black_box(TEXT), Profile::Refined)),
        "parse_unc_path": best(20_000, || black_box(PATH).parse::<UncPath>().unwrap()),
        "seal_1_kib": best(5_000, || sealer.seal(&small).unwrap()),
        "open_1_kib": best(5_000, || opener.open(&small_message).unwrap()),
        "seal_64_mib": best(1, || sealer.seal(&large).unwrap()),
        "open_64_mib": best(1, || opener.open(&large_message).unwrap()),
    });
    println!("{found:#}");
}
