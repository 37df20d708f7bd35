//! key new, key show, key drill.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::site::{PASSWORD, Site, ended, failure, result, said};

#[test]
fn a_new_certificate_encrypts_and_its_pfx_decrypts() {
    let site = Site::new();
    let made = result(&mut site.program(&["key", "new", "other", "--into", "configs"]));
    let password = made["password"].as_str().unwrap();
    assert_eq!(password.len(), 39, "eight groups of four digits");
    assert_eq!(made["certificate"]["key"]["bits"], 3072);
    let mode = |name: &str| fs::metadata(site.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("configs/other.pfx"), 0o600);
    // Whoever backs up reads the CER.
    fs::write(site.path("any"), "").unwrap();
    assert_eq!(mode("configs/other.cer"), mode("any") & 0o644);

    let cer = said(&mut site.program(&["key", "show", "configs/other.cer"]));
    assert!(cer.contains("subject     CN=other\n") && cer.contains("key         RSA 3072"), "{cer}");
    let of_pfx = || site.program(&["key", "show", "configs/other.pfx"]);
    assert_eq!(said(of_pfx().env("AZS_PFX_PASSWORD", password)), cer);
    failure(of_pfx().env("AZS_PFX_PASSWORD", "wrong"), "WRONG_PASSWORD");
    // It opens with the tools that everyone has.
    let openssl = ["pkcs12", "-in", "other.pfx", "-noenc", "-passin", "env:PASS"];
    let mut openssl_line = std::process::Command::new("openssl");
    openssl_line.args(openssl).current_dir(site.path("configs")).env("PASS", password);
    assert!(said(&mut openssl_line).contains("BEGIN PRIVATE KEY"));
    // A certificate is never written over.
    failure(&mut site.program(&["key", "new", "other", "--into", "configs"]), "ALREADY_EXISTS");
}

#[test]
fn a_given_password_is_not_shown() {
    let site = Site::new();
    let made = result(site.program(&["key", "new", "given"]).env("AZS_PFX_PASSWORD", PASSWORD));
    assert_eq!(made.get("password"), None);
    let shown = said(site.program(&["key", "new", "again"]).env("AZS_PFX_PASSWORD", PASSWORD));
    assert!(!shown.contains("password of") && !shown.contains(PASSWORD), "{shown}");
}

#[test]
fn a_drill_opens_the_newest_set_of_each_component() {
    let site = Site::new();
    let drill = |pfx: &str| {
        let mut drill = site.program(&[
            "key",
            "drill",
            "--root",
            "share",
            "--deployment",
            "contoso.com/nyc",
            "--pfx",
            pfx,
        ]);
        drill.env("AZS_PFX_PASSWORD", PASSWORD);
        drill
    };
    failure(&mut drill("backup.pfx"), "NOT_FOUND");
    let set = site.back_up();
    said(&mut site.backup_of("contoso.com/nyc/HLH", &["configs/tor2.cfg"]));
    let drilled = result(&mut drill("backup.pfx"));
    let places: Vec<_> =
        drilled.as_array().unwrap().iter().map(|set| (&set["place"], &set["is_sound"])).collect();
    let sound = json!(true);
    assert_eq!(
        places,
        [(&json!("contoso.com/nyc/HLH"), &sound), (&json!("contoso.com/nyc/Switches"), &sound)]
    );

    said(site.program(&["key", "new", "another"]).env("AZS_PFX_PASSWORD", PASSWORD));
    let said = failure(&mut drill("another.pfx"), "WRONG_CERTIFICATE");
    assert!(said.contains("the PFX does not open all that it should"), "{said}");
    let segments = fs::read_dir(&set).unwrap().map(|file| file.unwrap().path());
    segments
        .filter(|file| file.to_str().unwrap().ends_with(".tar.zst.p7m"))
        .for_each(|file| fs::remove_file(file).unwrap());
    let shown = ended(&mut drill("backup.pfx"), 1);
    assert!(
        shown.contains("HLH") && shown.contains("opened, and every byte") && shown.contains("DAMAGED"),
        "{shown}"
    );
}

#[test]
fn no_key_is_made_that_anybody_opens_or_that_lies_elsewhere() {
    let site = Site::new();
    failure(site.program(&["key", "new", "open"]).env("AZS_PFX_PASSWORD", ""), "INVALID_ARGUMENT");
    for name in ["", "../elsewhere", "a\nb", &"n".repeat(65)] {
        failure(&mut site.program(&["key", "new", name]), "INVALID_ARGUMENT");
    }
    assert!(!site.path("open.pfx").exists() && !site.path("../elsewhere.pfx").exists());
}
