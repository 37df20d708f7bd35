//! What several tests need: throw-away certificates, source trees, a share in a temporary folder.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use azs_backup::backup::BackupBuilder;
use azs_backup::layout::{Component, Deployment};
use azs_backup::{Backup, DecryptionCertificate, EncryptionCertificate, Opener, Place, Set, Share};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use tempfile::TempDir;

pub mod backend;
mod forward;
#[cfg(feature = "object-store")]
pub mod http_proxy;
#[cfg(feature = "object-store")]
pub mod mirror;
pub mod mounted;
#[cfg(feature = "smb")]
pub mod night;
#[cfg(all(target_os = "linux", feature = "smb"))]
pub mod ntfs;
#[cfg(feature = "smb")]
pub mod proxy;
#[cfg(feature = "smb")]
pub mod samba;
#[cfg(feature = "object-store")]
pub mod store;
pub mod system;
#[cfg(feature = "smb")]
pub mod wire;

#[allow(unused_imports)]
pub(crate) use forward::forward;

pub const PASSWORD: &str = "correct horse";

/// A self-signed certificate with its key, as a CER and as a PFX.
pub struct Certificate {
    pub cer: Vec<u8>,
    pub pfx: Vec<u8>,
}

impl Certificate {
    pub fn new(name: &str) -> Self {
        Self::valid(name, 0, 365)
    }

    /// Makes one that is valid from and until this many days from now.
    pub fn valid(name: &str, from: i64, to: i64) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        Self::of(&key, name, 0x00AB_CDEF, from, to)
    }

    /// Makes the certificate that replaces this one: the same key, another serial number.
    pub fn renewed(&self, name: &str) -> Self {
        let pfx = openssl::pkcs12::Pkcs12::from_der(&self.pfx).unwrap().parse2(PASSWORD).unwrap();
        Self::of(&pfx.pkey.unwrap(), name, 0x0012_3456, 0, 730)
    }

    fn of(key: &PKey<Private>, name: &str, serial: u32, from: i64, to: i64) -> Self {
        let day = |days: i64| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            Asn1Time::from_unix(now.cast_signed() + days * 86_400).unwrap()
        };
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&day(from)).unwrap();
        builder.set_not_after(&day(to)).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let mut pfx = openssl::pkcs12::Pkcs12::builder();
        pfx.name(name).pkey(key).cert(&certificate);
        Self { cer: certificate.to_der().unwrap(), pfx: pfx.build2(PASSWORD).unwrap().to_der().unwrap() }
    }

    pub fn encryption(&self) -> EncryptionCertificate {
        EncryptionCertificate::from_cer(&self.cer).unwrap()
    }

    pub fn decryption(&self) -> DecryptionCertificate {
        DecryptionCertificate::from_pfx(&self.pfx, Some(PASSWORD)).unwrap()
    }
}

/// A share in a temporary folder, with a deployment, a `MASBackup` beside it, and a certificate.
pub struct Fixture {
    pub temp: TempDir,
    pub share: Arc<dyn Share>,
    pub place: Place,
    pub certificate: Certificate,
    pub opener: Opener,
}

impl Fixture {
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// Uses memory if there is space: ext4 searches long for an inode that was not deleted within the last seconds, and
    /// a test that creates and deletes files by the hundred thousand would mostly wait for that.
    pub fn in_memory() -> Self {
        #[cfg(unix)]
        {
            let memory = Path::new("/dev/shm");
            let room = rustix::fs::statvfs(memory).map_or(0, |memory| memory.f_bavail * memory.f_frsize);
            // A file server serves only temporary folders.
            if room > 1 << 30 && !backend::is_remote() {
                return Self::below(memory);
            }
        }
        Self::new()
    }

    fn below(folder: &Path) -> Self {
        let temp = tempfile::tempdir_in(folder).unwrap();
        let root = temp.path().join("share");
        std::fs::create_dir_all(root.join("contoso.com/nyc/MASBackup")).unwrap();
        let share = backend::share(&root);
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let certificate = Certificate::new("azs-backup test");
        let opener = Opener::new(certificate.decryption());
        Self { temp, share, place, certificate, opener }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub fn builder(&self) -> BackupBuilder {
        Backup::builder(self.share.clone(), self.place.clone()).certificate(self.certificate.encryption())
    }

    pub fn start(&self) -> Backup {
        self.builder().start().unwrap()
    }

    /// Backs up a folder as `tree`.
    pub fn back_up(&self, tree: &Path) -> Set {
        let mut backup = self.start();
        backup.add_folder_as("tree", tree).unwrap();
        let report = backup.commit().unwrap();
        self.open(&report.folder)
    }

    pub fn open(&self, folder: &azs_backup::layout::SharePath) -> Set {
        Set::open(self.share.clone(), folder.clone()).unwrap()
    }

    /// Returns where a set is on this machine.
    pub fn native(&self, folder: &azs_backup::layout::SharePath) -> PathBuf {
        self.path("share").join(folder.to_string())
    }
}

/// Deterministic bytes that do not compress.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Renews the digest in a changed cover sheet, as a forger would.
pub fn with_own_digest(sheet: &str) -> String {
    let seal = ",\n  \"cover_sha256\": \"";
    let text = sheet.rsplit_once(seal).unwrap().0;
    format!("{text}{seal}{}\"\n}}\n", azs_backup::set::Digest::of(text.as_bytes()))
}

/// Changes what a cover sheet says, as a forger would.
pub fn change_sheet(sheet: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut json = serde_json::from_slice(&std::fs::read(sheet).unwrap()).unwrap();
    change(&mut json);
    json.as_object_mut().unwrap().remove("cover_sha256");
    let text = serde_json::to_string_pretty(&json).unwrap();
    let text = text.strip_suffix("\n}").unwrap();
    // Put a new file under the name: the old one may belong to another set, too.
    std::fs::remove_file(sheet).unwrap();
    std::fs::write(sheet, with_own_digest(&format!("{text},\n  \"cover_sha256\": \""))).unwrap();
}

/// Runs a program; if it fails, the panic contains what it printed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Fails unless both trees are the same: names, kinds, contents, modes, times, link targets, hard links.
pub fn assert_same_tree(one: &Path, other: &Path) {
    let (one, other) = (describe(one), describe(other));
    for (a, b) in one.iter().zip(&other) {
        assert_eq!(a, b);
    }
    assert_eq!(one.len(), other.len());
}

fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut first_names = std::collections::HashMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        names.sort();
        for path in names {
            let m = path.symlink_metadata().unwrap();
            let known = system::look(&path);
            let relative = path.strip_prefix(root).unwrap();
            let content = if m.is_symlink() {
                format!("-> {:?}", std::fs::read_link(&path).unwrap())
            } else if m.is_dir() {
                folders.push(path.clone());
                String::new()
            } else {
                let first = first_names.entry(known.id).or_insert_with(|| relative.to_owned()).clone();
                let content = std::fs::read(&path).unwrap();
                format!("{} {:?} first {first:?}", content.len(), azs_backup::set::Digest::of(&content))
            };
            let (seconds, nanoseconds) = known.modified;
            lines.push(format!("{relative:?} {:o} {seconds}.{nanoseconds:09} {content}", known.mode));
        }
    }
    lines.sort();
    lines
}
