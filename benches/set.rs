//! Full backup, verification and restore of generated trees: many small files, one image, mixed.
//!
//! `AZS_BENCH_SCALE` is the size of the trees of `gen.py`, by default 0.05: 15 MB, 215 MB and 130 MB.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::share::Durability;
use azs_backup::{
    Backup, DecryptionCertificate, EncryptionCertificate, FolderShare, Opener, Place, Set, Share,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const CER: &[u8] = include_bytes!("../tests/vectors/envelope/rsa3072.cer");
const PFX: &[u8] = include_bytes!("../tests/vectors/envelope/rsa3072.pfx");

fn back_up(share: &Arc<dyn Share>, tree: &Path) -> SharePath {
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Hlh);
    let certificate = EncryptionCertificate::from_cer(CER).unwrap();
    let mut backup =
        Backup::builder(share.clone(), place).create(true).certificate(certificate).start().unwrap();
    backup.add_folder_as("tree", tree).unwrap();
    backup.commit().unwrap().folder
}

fn generate(temp: &Path, tree: &str) -> PathBuf {
    let scale = std::env::var("AZS_BENCH_SCALE").unwrap_or_else(|_| "0.05".into());
    let (script, path) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("gen.py"), temp.join(tree));
    let status = Command::new("python3")
        .arg(script)
        .args(["make", tree])
        .arg(&path)
        .args(["--scale", &scale])
        .status();
    assert!(status.expect("python3 makes the trees").success());
    path
}

fn trees(c: &mut Criterion) {
    let temp = tempfile::tempdir().unwrap();
    for (name, tree) in [("small files", "A"), ("image", "B"), ("mixed", "C")] {
        let source = generate(temp.path(), tree);
        let root = temp.path().join(format!("share {tree}"));
        std::fs::create_dir(&root).unwrap();
        let share: Arc<dyn Share> =
            Arc::new(FolderShare::open(&root).unwrap().with_durability(Durability::Cached));
        let set = Set::open(share.clone(), back_up(&share, &source)).unwrap();
        let opener = Opener::new(DecryptionCertificate::from_pfx(PFX, Some("correct horse")).unwrap());
        let mut group = c.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Bytes(set.cover().content.bytes));
        group.bench_function("backup", |b| {
            b.iter(|| {
                let folder = back_up(&share, &source);
                std::fs::remove_dir_all(root.join(folder.to_string())).unwrap();
            });
        });
        group.bench_function("verify", |b| b.iter(|| set.verify().run().unwrap()));
        group.bench_function("verify with key", |b| b.iter(|| set.verify_full(&opener).run().unwrap()));
        group.bench_function("restore", |b| {
            b.iter_with_large_drop(|| {
                let target = tempfile::tempdir_in(temp.path()).unwrap();
                set.restore(&opener).into(target.path()).unwrap();
                target
            });
        });
        group.finish();
        std::fs::remove_dir_all(source).unwrap();
    }
}

criterion_group!(benches, trees);
criterion_main!(benches);
