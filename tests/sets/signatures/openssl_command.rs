//! The `openssl` command as the other side: it verifies what we sign, and we what it signs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use azs_backup::signature::{Signature, Signer};

use super::{P7S, back_up};
use crate::common::{Certificate, Fixture, PASSWORD, run};

pub(super) fn openssl(dir: &Path, args: &[&str], more: &[&str]) {
    run(Command::new("openssl").args(args).args(more).current_dir(dir).stdin(Stdio::null()));
}

/// Writes key and certificate as `NAME.key` and `NAME.pem`.
pub(super) fn pem(dir: &Path, name: &str, certificate: &Certificate) {
    let pfx = openssl::pkcs12::Pkcs12::from_der(&certificate.pfx).unwrap().parse2(PASSWORD).unwrap();
    fs::write(dir.join(format!("{name}.key")), pfx.pkey.unwrap().private_key_to_pem_pkcs8().unwrap())
        .unwrap();
    fs::write(dir.join(format!("{name}.pem")), pfx.cert.unwrap().to_pem().unwrap()).unwrap();
}

/// Makes a key and a certificate with the command, with what it puts into certificates by itself.
fn made(dir: &Path, newkey: &[&str]) -> Signer {
    let req =
        ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=hlh01", "-keyout", "s.key", "-out", "s.pem"];
    openssl(dir, &req, newkey);
    let [key, cer] = ["s.key", "s.pem"].map(|name| fs::read(dir.join(name)).unwrap());
    Signer::from_pem(&key, None, &cer).unwrap()
}

const KEYS: [&[&str]; 4] = [
    &["-newkey", "rsa:3072"],
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
];

#[test]
fn the_openssl_command_accepts_what_we_sign_and_nothing_else() {
    for key in KEYS {
        let fixture = Fixture::new();
        let dir = fixture.temp.path();
        let own = made(dir, key);
        let folder = fixture.native(&back_up(&fixture, Some(&own), 0));
        for name in [P7S, "backup.json"] {
            fs::copy(folder.join(name), dir.join(name)).unwrap();
        }
        let verify = || {
            let args = "cms -verify -binary -inform DER -in backup.json.p7s -content backup.json -certfile s.pem \
                        -CAfile s.pem -purpose any -out verified";
            let mut command = Command::new("openssl");
            command.args(args.split_whitespace()).current_dir(dir).stdin(Stdio::null()).output().unwrap()
        };
        let said = verify();
        assert!(said.status.success(), "{key:?}: {}", String::from_utf8_lossy(&said.stderr));
        assert_eq!(fs::read(dir.join("verified")).unwrap(), fs::read(dir.join("backup.json")).unwrap());
        fs::write(dir.join("backup.json"), "{}").unwrap();
        assert!(!verify().status.success(), "{key:?}");
    }
}

#[test]
fn what_the_openssl_command_signs_is_accepted() {
    let pss = ["-keyopt", "rsa_padding_mode:pss"];
    let cases: [(&[&str], &[&str], bool); 7] = [
        (KEYS[0], &pss, true),
        (KEYS[0], &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"], true),
        (KEYS[0], &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:0"], true),
        (KEYS[0], &[], false),
        (KEYS[1], &[], true),
        (KEYS[2], &[], true),
        (KEYS[3], &[], true),
    ];
    for (key, options, accepted) in cases {
        let fixture = Fixture::new();
        let own = made(fixture.temp.path(), key);
        let folder = back_up(&fixture, None, 0);
        let sheet = fixture.native(&folder).join("backup.json");
        let sign = "cms -sign -binary -outform DER -md sha256 -signer s.pem -inkey s.key -out s.p7s -in";
        let args: Vec<_> = sign.split_whitespace().chain([sheet.to_str().unwrap()]).collect();
        openssl(fixture.temp.path(), &args, options);
        fs::copy(fixture.path("s.p7s"), fixture.native(&folder).join(P7S)).unwrap();
        let signature = fixture.open(&folder).require_signers(&[own.certificate()]);
        assert_eq!(signature.is_ok(), accepted, "{key:?} {options:?}: {signature:?}");
        if let Ok(Signature::Signed { signed_at, .. }) = signature {
            assert!(signed_at.is_some(), "{key:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_line_of_the_readme_says_whether_the_host_made_the_set() {
    const README: &str = include_str!("../../../README.md");
    let (_, rest) = README.split_once("<!-- signature -->\n```bash\n").unwrap();
    let line = rest.split_once("\n```").unwrap().0;
    let fixture = Fixture::new();
    let own = Certificate::new("hlh01");
    let signer = Signer::from_pfx(&own.pfx, Some(PASSWORD)).unwrap();
    let folder = fixture.native(&back_up(&fixture, Some(&signer), 0));
    let copy = fixture.path("copy");
    let fresh = || {
        let _ = fs::remove_dir_all(&copy);
        crate::common::system::copy_folder(&folder, &copy, false);
        fs::write(copy.join("signer.cer"), &own.cer).unwrap();
    };
    let is_signed = || {
        let said = Command::new("bash").arg("-c").arg(line).current_dir(&copy).output().unwrap();
        let printed = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_eq!(said.status.success(), printed == "SIGNED\n", "{printed}");
        said.status.success()
    };
    fresh();
    assert!(is_signed());
    fs::write(copy.join("signer.cer"), Certificate::new("hlh01").cer).unwrap();
    assert!(!is_signed(), "another certificate");
    fresh();
    crate::common::change_sheet(&copy.join("backup.json"), |json| json["made_by"] = "mallory".into());
    assert!(!is_signed(), "another cover sheet");
    fresh();
    fs::write(copy.join("SHA256SUMS"), "").unwrap();
    assert!(!is_signed(), "another SHA256SUMS");
    fresh();
    let late = Signer::from_pfx(&Certificate::valid("late", 1, 9).pfx, Some(PASSWORD)).unwrap();
    fs::write(copy.join("signer.cer"), late.certificate().to_der().unwrap()).unwrap();
    super::sign(&copy, &late);
    assert!(!is_signed(), "not valid yet when the set was finished");
}
