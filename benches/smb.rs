//! One job on a share over SMB, for `smb.py` to time as a process: `cargo bench --package azs-backup-benches --bench
//! smb -- put UNC PORT ENCRYPTION`.
//!
//! The account is in `AZS_SMB_USER` and `AZS_SMB_PASSWORD`.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use azs_backup::layout::SharePath;
use azs_backup::share::{Durability, Encryption, SmbAccount};
use azs_backup::{Share, SmbShare};

fn main() {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [job, root, port, encryption] = &arguments[..] else {
        return println!("benches/smb.py runs this");
    };
    let variable = |name| std::env::var(name).unwrap();
    let account = SmbAccount::new(variable("AZS_SMB_USER"), variable("AZS_SMB_PASSWORD")).unwrap();
    let encryption = if encryption == "on" { Encryption::Required } else { Encryption::Off };
    let builder = SmbShare::builder(root.parse().unwrap(), account).port(port.parse().unwrap());
    let share = builder.encryption(encryption).durability(Durability::Cached).connect().unwrap();
    match &**job {
        // 1 GiB in 16 MiB objects.
        "put" => {
            let content = noise(16 << 20);
            each(&share, 4, 64, |share, number, _| share.put(&path("large", number), &content).unwrap());
        }
        "read" => each(&share, 4, 64, |share, number, buffer| {
            share.read(&path("large", number), 16 << 20, buffer).unwrap();
        }),
        "put-small" => {
            let content = noise(4 << 10);
            each(&share, 16, 2000, |share, number, _| share.put(&path("small", number), &content).unwrap());
        }
        // As in sets: some hundred files in a folder. A server that ignores case looks through a folder's names for each new
        // one.
        "link" => {
            for folder in 0..40 {
                share.create_folder(&path("link", folder)).unwrap();
            }
            each(&share, 16, 10_000, |share, number, _| {
                let name = format!("{}/{number:06}", path("link", number / 250)).parse().unwrap();
                share.link(&path("small", number % 2000), &name).unwrap();
            });
        }
        job => panic!("there is no job {job}"),
    }
}

/// Does something `count` times on this many threads.
fn each(share: &SmbShare, threads: u32, count: u32, work: impl Fn(&SmbShare, u32, &mut Vec<u8>) + Sync) {
    let next = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    work(share, number, &mut buffer);
                }
            });
        }
    });
}

fn path(folder: &str, number: u32) -> SharePath {
    format!("{folder}/{number:06}").parse().unwrap()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    openssl::rand::rand_bytes(&mut bytes).unwrap();
    bytes
}
