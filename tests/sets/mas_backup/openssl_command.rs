//! The `openssl` command, both ways: it takes a snapshot apart that opens here, and what it alone has put together opens
//! here, too.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use azs_backup::mas_backup::{Keys, SnapshotState};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::tree::{Tree, VECTORS, certificate};

/// Runs `openssl`, and returns what it writes.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The private key of the newer certificate, and the certificate, as files.
fn keys(folder: &Path) -> (String, String) {
    let pfx = folder.join("new.pfx");
    std::fs::write(&pfx, STANDARD.decode(VECTORS["pfx"]["new"].as_str().unwrap()).unwrap()).unwrap();
    let password = format!("pass:{}", VECTORS["password"].as_str().unwrap());
    let pem = openssl(&["pkcs12", "-in", pfx.to_str().unwrap(), "-nodes", "-passin", &password], b"");
    let path = folder.join("new.pem");
    std::fs::write(&path, &pem).unwrap();
    (path.to_str().unwrap().to_owned(), path.to_str().unwrap().to_owned())
}

const OAEP: [&str; 6] =
    ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"];

fn hmac(key: &[u8], of: &[u8]) -> Vec<u8> {
    let key = format!("hexkey:{}", hex(key));
    openssl(&["dgst", "-sha512", "-mac", "HMAC", "-macopt", &key, "-binary"], of)
}

#[test]
fn what_the_openssl_command_takes_apart_and_puts_together_opens_here() {
    let tree = Tree::healthy();
    let temp = tempfile::tempdir().unwrap();
    let (key_file, certificate_file) = keys(temp.path());
    let path = tree
        .files()
        .into_iter()
        .find(|path| path.contains("1.2301.2.58/WAS;") && path.ends_with("_Full_C.zip"))
        .unwrap();
    let (zip_path, xml_path) = (tree.root().join(&path), tree.root().join(path.replace(".zip", ".xml")));
    let (sealed, xml) = (std::fs::read(&zip_path).unwrap(), std::fs::read_to_string(&xml_path).unwrap());
    let element = "EncryptedBackupEncryptionKey";
    let wrapped = xml.split(&format!("<{element}>")).nth(1).unwrap().split('<').next().unwrap();

    // Apart: the key, the tag, the ciphertext.
    let arguments = [&["pkeyutl", "-decrypt", "-inkey", &key_file][..], &OAEP].concat();
    let text = openssl(&arguments, &STANDARD.decode(wrapped).unwrap());
    let key = STANDARD.decode(text).unwrap();
    assert_eq!(hmac(&key[32..], &sealed[90..]), sealed[26..90]);
    let (aes, iv) = (hex(&key[..32]), hex(&sealed[10..26]));
    let plain = openssl(&["enc", "-d", "-aes-256-cbc", "-K", &aes, "-iv", &iv], &sealed[90..]);
    let zip = temp.path().join("snapshot.zip");
    std::fs::write(&zip, &plain).unwrap();

    // The same files come out of that zip and out of the snapshot.
    let theirs = tree.theirs();
    let id = path.split('_').nth(1).unwrap();
    let (_temp, target) = tree.target();
    let keys = Keys::new(vec![certificate("new")]);
    let report = theirs
        .extract(&keys, id)
        .repository(path.split('/').nth(3).unwrap())
        .into(&target, tree.now())
        .unwrap();
    assert_eq!((report.state, report.files), (SnapshotState::Verified, 2));
    let unpacked = temp.path().join("unpacked");
    let status =
        Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&zip).arg(&unpacked).status().unwrap();
    assert!(status.success());
    let ours = target.join(path.split('/').nth(3).unwrap()).join(zip_path.file_stem().unwrap());
    for name in ["Microsoft.AzureStack.Subscriptions.bak", "Microsoft.AzureStack.Subscriptions.log"] {
        assert_eq!(std::fs::read(unpacked.join(name)).unwrap(), std::fs::read(ours.join(name)).unwrap());
    }

    // Together, with a key, a vector and a wrapping of its own.
    let (key, iv) = (openssl(&["rand", "64"], b""), openssl(&["rand", "16"], b""));
    let arguments = ["enc", "-aes-256-cbc", "-K", &hex(&key[..32]), "-iv", &hex(&iv)];
    let ciphertext = openssl(&arguments, &plain);
    let header = [1_i16, 0, 0, 16, 64].into_iter().flat_map(i16::to_le_bytes).collect::<Vec<_>>();
    let tag = hmac(&key[32..], &ciphertext);
    std::fs::write(&zip_path, [header, iv, tag, ciphertext].concat()).unwrap();
    let arguments = [&["pkeyutl", "-encrypt", "-certin", "-inkey", &certificate_file][..], &OAEP].concat();
    let again = openssl(&arguments, STANDARD.encode(&key).as_bytes());
    std::fs::write(&xml_path, xml.replace(wrapped, &STANDARD.encode(again))).unwrap();
    let report = theirs.verify().keys(&keys).backup(id).run(tree.now()).unwrap();
    assert_eq!(report.state, SnapshotState::Verified);
}
