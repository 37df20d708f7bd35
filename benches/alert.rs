//! Classification by code, by text and of alert JSON.

use std::hint::black_box;

use azs_backup::alert::{
    Profile, classify_hresult, classify_json, classify_ntstatus, classify_text, classify_win32,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Codes of each class, and some unknown ones.
const CODES: [u32; 16] = [
    0xC000_007F,
    0xC000_006D,
    0xC000_00CC,
    0xC000_00BE,
    0xC000_0022,
    0xC000_0234,
    0xC000_00B5,
    0xC000_0043,
    0x0000_0103,
    0xC000_0001,
    0xC000_035C,
    0xC000_FFFF,
    0x8000_0006,
    0xC000_0904,
    0xC05D_0002,
    0xC000_020D,
];

/// What tools print, and text that says nothing.
const LINES: [&str; 8] = [
    "tree connect failed: NT_STATUS_BAD_NETWORK_NAME",
    "2026/11/23 02:00:00 ERROR 53 (0x00000035) Accessing Destination Directory \\\\fileserver01\\AzSBackups\\",
    "mount error(13): Permission denied",
    "Systemfehler 1326 aufgetreten. Der Benutzername oder das Kennwort ist falsch.",
    "cp: error writing '/mnt/backup/contoso.com/nyc/Switches/tor-1.cfg': No space left on device",
    "Windows cannot access \\\\fileserver01\\AzSBackups. Error code: 0x80070035",
    "2026-11-23T02:00:00.123Z INFO copied 17 of 20 files, 123456789 bytes, 10.0.0.53:445, 99.5 % done",
    "Server returned an error message with status: 0xc000007f.",
];

fn by_code(c: &mut Criterion) {
    let mut group = c.benchmark_group("code");
    group.throughput(Throughput::Elements(CODES.len() as u64));
    for profile in Profile::ALL {
        group.bench_function(format!("ntstatus {profile}"), |b| {
            b.iter(|| CODES.map(|code| classify_ntstatus(black_box(code), profile).kind()));
        });
    }
    group.bench_function("win32", |b| {
        b.iter(|| CODES.map(|code| classify_win32(black_box(code & 0x7FF), Profile::Refined).kind()));
    });
    group.bench_function("hresult", |b| {
        let hresult = |code: u32| (0x8007_0000 | (code & 0x7FF)).cast_signed();
        b.iter(|| CODES.map(|code| classify_hresult(black_box(hresult(code)), Profile::Refined).kind()));
    });
    group.bench_function("ntstatus, whole classification", |b| {
        b.iter(|| {
            for code in CODES {
                black_box(classify_ntstatus(black_box(code), Profile::Refined));
            }
        });
    });
    group.finish();
}

fn by_text(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Elements(LINES.len() as u64));
    group.bench_function("lines", |b| {
        b.iter(|| LINES.map(|line| classify_text(black_box(line), Profile::Refined).kind()));
    });
    let log = LINES.join("\n").repeat(1000);
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("log", |b| b.iter(|| classify_text(black_box(&log), Profile::Refined)));
    group.finish();
}

fn by_json(c: &mut Criterion) {
    let alert = r#"{"name": "nyc/1", "properties": {"alertId": "1", "state": "Active", "title": "x",
        "faultTypeId": "AzureStack.BackupController.BackupFailedShareConnectionFault"}}"#;
    c.bench_function("json alert", |b| b.iter(|| classify_json(black_box(alert), Profile::Refined)));
}

criterion_group!(benches, by_code, by_text, by_json);
criterion_main!(benches);
