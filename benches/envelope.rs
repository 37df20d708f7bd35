//! Sealing and opening, beside raw in-place AES-256-GCM of the same OpenSSL: the envelope should cost next to nothing.

use std::hint::black_box;

use azs_backup::envelope::Sealer;
use azs_backup::{DecryptionCertificate, EncryptionCertificate, Opener};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;

const CER: &[u8] = include_bytes!("../tests/vectors/envelope/rsa3072.cer");
const PFX: &[u8] = include_bytes!("../tests/vectors/envelope/rsa3072.pfx");

fn raw(data: &mut [u8], nonce: &[u8; 12]) -> [u8; 16] {
    let mut ctx = CipherCtx::new().unwrap();
    ctx.encrypt_init(Some(Cipher::aes_256_gcm()), Some(&[7; 32]), Some(nonce)).unwrap();
    let len = data.len();
    ctx.cipher_update_inplace(data, len).unwrap();
    let mut tag = [0; 16];
    ctx.cipher_final(&mut [0; 16]).unwrap();
    ctx.tag(&mut tag).unwrap();
    tag
}

fn raw_open(data: &mut [u8], nonce: &[u8; 12], tag: &[u8; 16]) {
    let mut ctx = CipherCtx::new().unwrap();
    ctx.decrypt_init(Some(Cipher::aes_256_gcm()), Some(&[7; 32]), Some(nonce)).unwrap();
    ctx.set_tag(tag).unwrap();
    let len = data.len();
    ctx.cipher_update_inplace(data, len).unwrap();
    ctx.cipher_final(&mut [0; 16]).unwrap();
}

fn envelope(c: &mut Criterion) {
    let sealer = Sealer::new(&[EncryptionCertificate::from_cer(CER).unwrap()]).unwrap();
    let opener = Opener::new(DecryptionCertificate::from_pfx(PFX, Some("correct horse")).unwrap());
    let room = sealer.head_room();
    for (name, len) in [("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("16 MiB", 16 << 20)] {
        let content = vec![0x5a; len];
        let mut group = c.benchmark_group("envelope");
        group.throughput(Throughput::Bytes(len as u64)).sample_size(20);

        let mut data = content.clone();
        let mut count = 0u64;
        let mut nonce = [0; 12];
        group.bench_function(BenchmarkId::new("raw seal", name), |b| {
            b.iter(|| {
                count += 1;
                nonce[4..].copy_from_slice(&count.to_be_bytes());
                raw(black_box(&mut data), &nonce)
            });
        });
        let mut buf = Vec::with_capacity(room + len + Sealer::TAIL_ROOM);
        buf.resize(room + len, 0x5a);
        group.bench_function(BenchmarkId::new("seal", name), |b| {
            b.iter(|| {
                buf.truncate(room + len);
                sealer.seal_in_place(black_box(&mut buf)).unwrap()
            });
        });

        // A message can be opened in place only once, so each round opens its own copy, made outside the measured time.
        let mut sealed = content.clone();
        let tag = raw(&mut sealed, &nonce);
        group.bench_function(BenchmarkId::new("raw open", name), |b| {
            b.iter_batched_ref(
                || sealed.clone(),
                |data| raw_open(data, &nonce, &tag),
                BatchSize::PerIteration,
            );
        });
        let message = sealer.seal(&content).unwrap();
        group.bench_function(BenchmarkId::new("open", name), |b| {
            b.iter_batched_ref(
                || message.clone(),
                |message| opener.open_in_place(message).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, envelope);
criterion_main!(benches);
