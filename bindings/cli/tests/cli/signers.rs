//! Who signed a set, and who must have.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::nightly::{configured, nightly};
use crate::site::{PASSWORD, Site, ended, failure, result, result_with, run, said, text};

/// A site with the certificates of two hosts that sign.
fn site() -> Site {
    let site = Site::new();
    for name in ["hlh01", "mallory"] {
        let made = said(site.program(&["key", "new", name, "--signs"]).env("AZS_PFX_PASSWORD", PASSWORD));
        assert!(made.contains("signs: keep it on the one host"), "{made}");
    }
    site
}

fn signed(site: &Site, signer: &str) -> PathBuf {
    let mut backup = site.backup(&["--signer", &format!("{signer}.pfx"), "configs"]);
    let report = result(backup.env("AZS_SIGNER_PASSWORD", PASSWORD));
    site.path("share").join(report["folder"].as_str().unwrap())
}

const DEMAND: [&str; 2] = ["--require-signer", "hlh01.cer"];

#[test]
fn a_set_that_is_signed_passes_and_says_by_whom() {
    let site = site();
    let set = signed(&site, "hlh01");
    let shown = said(&mut site.opened("show", &set, &DEMAND));
    assert!(shown.contains("signature   signed by CN=hlh01"), "{shown}");
    let verified = said(&mut site.opened("verify", &set, &DEMAND));
    assert!(verified.contains("signed by CN=hlh01") && !verified.contains("--require-signer"), "{verified}");
    let verified = said(&mut site.program(&["verify", set.to_str().unwrap()]));
    assert!(verified.contains("shows with --pfx or --require-signer"), "{verified}");
    assert_eq!(
        said(&mut site.opened("cat", &set, &[&DEMAND[..], &["configs/tor2.cfg"]].concat())),
        "hostname tor2\n"
    );
    let restored = said(&mut site.opened("restore", &set, &[&DEMAND[..], &["--into", "restored"]].concat()));
    assert!(restored.contains("the set: signed by CN=hlh01"), "{restored}");
    let list = result(&mut site.deployed("list", &DEMAND));
    assert_eq!(
        (&list["sets"][0]["state"], &list["sets"][0]["signature"]["state"]),
        (&json!("complete"), &json!("signed"))
    );
}

#[test]
fn a_list_has_a_column_for_signers_once_anything_is_signed() {
    let site = site();
    let plain = site.back_up();
    let list = said(&mut site.deployed("list", &[]));
    assert!(!list.contains("SIGNED BY") && list.lines().next().unwrap().ends_with("STORED"), "{list}");
    let own = signed(&site, "hlh01");
    let broken = signed(&site, "hlh01");
    fs::write(broken.join("backup.json.p7s"), "rubbish").unwrap();
    let list = said(&mut site.deployed("list", &[]));
    assert!(list.lines().next().unwrap().ends_with("SIGNED BY"), "{list}");
    let json = result(&mut site.deployed("list", &[]));
    let thumbprint = json["sets"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|set| set["signature"]["signer"]["sha1_thumbprint"].as_str());
    let by = format!("CN=hlh01 ({}…)", &thumbprint.unwrap()[..8]);
    for (set, signer) in [(&plain, "–"), (&own, by.as_str()), (&broken, "NOT VALID")] {
        let name = set.file_name().unwrap().to_str().unwrap();
        let line = list.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.ends_with(signer), "{list}");
    }
}

#[test]
fn a_certificate_that_only_signs_is_shown_as_one() {
    let site = site();
    for file in ["hlh01.cer", "hlh01.pfx"] {
        let show = || site.program(&["key", "show", file]);
        let shown = said(show().env("AZS_PFX_PASSWORD", PASSWORD));
        assert!(shown.contains("CN=hlh01") && shown.contains("signs sets, encrypts nothing"), "{shown}");
        let facts = result(show().env("AZS_PFX_PASSWORD", PASSWORD));
        assert_eq!(facts["subject"], "CN=hlh01");
    }
    let shown = said(&mut site.program(&["key", "show", "backup.cer"]));
    assert!(!shown.contains("purpose"), "{shown}");
    // What is neither is told as it was.
    fs::write(site.path("rubbish"), "rubbish").unwrap();
    failure(&mut site.program(&["key", "show", "rubbish"]), "MALFORMED");
    let ed25519 = include_bytes!("../../../../tests/vectors/envelope/cer-ed25519.cer");
    fs::write(site.path("unsuitable.cer"), ed25519).unwrap();
    failure(&mut site.program(&["key", "show", "unsuitable.cer"]), "CERTIFICATE_UNSUITABLE");
}

#[test]
fn a_planted_set_is_refused_by_every_command_that_is_told_to() {
    let site = site();
    let own = signed(&site, "hlh01");
    let planted = [signed(&site, "mallory"), site.back_up()];
    for (set, why) in planted.iter().zip(["not one of the signers", "not signed"]) {
        let refused = |command: &str, options: &[&str]| {
            let why_not =
                failure(&mut site.opened(command, set, &[&DEMAND[..], options].concat()), "NOT_TRUSTED");
            assert!(why_not.contains(why), "{command}: {why_not}");
        };
        refused("show", &[]);
        refused("verify", &[]);
        refused("cat", &["configs/tor2.cfg"]);
        refused("diff", &["--folder", "."]);
        refused("restore", &["--into", "nothing"]);
        assert!(!site.path("nothing").exists());
        // Either of two signers would do.
        let both = [&DEMAND[..], &["--require-signer", "mallory.cer"]].concat();
        assert_eq!(site.opened("show", set, &both).output().unwrap().status.success(), set == &planted[0]);
    }
    // A drill tries the newest set that counts.
    let of = ["key", "drill", "--root", "share", "--deployment", "contoso.com/nyc", "--pfx", "backup.pfx"];
    let drilled =
        site.program(&[&of[..], &DEMAND].concat()).env("AZS_PFX_PASSWORD", PASSWORD).output().unwrap();
    let drilled = text(&drilled.stdout);
    assert!(drilled.contains(own.file_name().unwrap().to_str().unwrap()), "{drilled}");
    let list = ended(&mut site.deployed("list", &DEMAND), 3);
    assert_eq!(list.matches("UNTRUSTED").count(), 2, "{list}");
    // The latest is the latest that counts.
    let mut latest = site.program(&["show", "contoso.com/nyc/Switches/latest", "--root", "share"]);
    let shown = said(latest.args(DEMAND));
    assert!(shown.contains(own.file_name().unwrap().to_str().unwrap()), "{shown}");
    let warned = text(&latest.output().unwrap().stderr);
    assert_eq!(warned.matches("is not taken for the latest").count(), 2, "{warned}");
    // Planted sets push nothing out.
    let pruned = ended(&mut site.deployed("retention", &[&DEMAND[..], &["--keep-last", "1"]].concat()), 3);
    assert_eq!(pruned.matches("not signed by one of the signers demanded").count(), 2, "{pruned}");
    assert!(own.join("backup.json").exists() && planted.iter().all(|set| set.join("backup.json").exists()));
    let review = result_with(
        &mut site.program(&[
            "review",
            "--config",
            &configuration(&site),
            "--root",
            "share",
            DEMAND[0],
            DEMAND[1],
        ]),
        3,
    );
    let found =
        review["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == "SET_NOT_TRUSTED");
    assert!(found, "{review}");
}

fn configuration(site: &Site) -> String {
    let file = site.path("review.json");
    let json = json!({
        "root": r"\\fileserver01.contoso.com\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
    });
    fs::write(&file, json.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_password_of_a_signer_comes_from_a_file_or_the_environment() {
    let site = site();
    let backup = || site.backup(&["--signer", "hlh01.pfx", "configs"]);
    let hint = failure(&mut backup(), "WRONG_PASSWORD");
    assert!(hint.contains("AZS_SIGNER_PASSWORD") && hint.contains("--signer-password-file"), "{hint}");
    assert!(site.sets("Switches").is_empty());
    secret(&site.path("password"));
    said(backup().args(["--signer-password-file", "password"]));
    // A certificate that encrypts signs nothing.
    let mut other = site.backup(&["--signer", "backup.pfx", "--signer-password-file", "password", "configs"]);
    failure(&mut other, "CERTIFICATE_UNSUITABLE");
}

fn secret(file: &Path) {
    use std::os::unix::fs::PermissionsExt;

    fs::write(file, PASSWORD).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_nightly_run_signs_demands_and_keeps_planted_sets_from_pushing_out_its_own() {
    let site = site();
    secret(&site.path("password"));
    let signing = "[signing]\ncertificate = \"hlh01.pfx\"\npassword_file = \"password\"\n";
    let retention = "[retention]\nkeep_last = 1\n";
    // What the host signs must meet its own demand.
    configured(&site, &format!("{signing}require = [\"mallory.cer\"]\n{retention}"));
    let check = || site.program(&["config", "check", "site.toml"]);
    let refused = failure(&mut check(), "INVALID_ARGUMENT");
    assert!(refused.contains("would not meet its own demand"), "{refused}");
    let required = format!("{signing}require = [\"mallory.cer\", \"hlh01.cer\"]\n{retention}");
    configured(&site, &required);
    said(&mut check());
    configured(&site, &required.replace("\"mallory.cer\", ", ""));

    result(&mut nightly(&site, &[]));
    let first = site.sets("Switches").remove(0);
    let shown = said(&mut site.opened("show", &first, &DEMAND));
    assert!(shown.contains("signed by CN=hlh01"), "{shown}");
    let planted = signed(&site, "mallory");
    let again = result(&mut nightly(&site, &["--now"]));
    // The older set of each component goes, and the planted one stays beside the newer.
    assert_eq!(again["deleted"], 2, "{again}");
    let warnings = again["warnings"].to_string();
    assert!(warnings.contains("nobody of [signing] require made it"), "{warnings}");
    assert!(!first.exists() && planted.exists());
    assert_eq!(site.sets("Switches").len(), 2);
}

/// A false set would have the printed page name a PFX that opens nothing.
#[test]
fn a_kit_names_the_pfx_of_trusted_sets_alone() {
    let site = site();
    signed(&site, "hlh01");
    said(site.program(&["key", "new", "false"]).env("AZS_PFX_PASSWORD", PASSWORD));
    let mut planted = site.backup(&["--signer", "mallory.pfx", "--cer", "false.cer", "configs"]);
    said(planted.env("AZS_SIGNER_PASSWORD", PASSWORD));
    let kit = |folder: &str, demand: &[&str]| said(&mut site.deployed("kit", &[&[folder], demand].concat()));
    assert!(kit("any", &[]).contains("(CN=false)"));
    let trusted = kit("trusted", &DEMAND);
    assert!(trusted.contains("needs the PFX") && !trusted.contains("(CN=false)"), "{trusted}");
}

#[test]
fn the_scripts_of_a_kit_restore_no_planted_set() {
    let site = site();
    let own = signed(&site, "hlh01");
    let planted = [signed(&site, "mallory"), site.back_up()];
    said(&mut site.deployed("kit", &[&["kit"], &DEMAND[..]].concat()));
    assert!(fs::read_to_string(site.path("kit/README.html")).unwrap().contains("sign their sets"));
    let by = |script: &[&str], set: &Path, into: &str| {
        let mut command = std::process::Command::new(script[0]);
        command.args(&script[1..]).arg(set).args(["backup.pfx", into]).current_dir(site.temp.path());
        run(command.env("AZS_PFX_PASSWORD", PASSWORD))
    };
    for (n, script) in [["bash", "kit/recover.sh"], ["python3", "kit/read_set.py"]].iter().enumerate() {
        for set in &planted {
            let output = by(script, set, "planted");
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("not signed by any of"), "{said}");
            assert!(!site.path("planted").exists());
        }
        let output = by(script, &own, &format!("own-{n}"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
}
