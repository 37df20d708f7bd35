//! Where passwords come from.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::site::{PASSWORD, Site, failure, said, text};

#[test]
fn a_password_comes_from_a_file_a_descriptor_the_environment_or_systemd() {
    let site = Site::new();
    let set = site.back_up();
    let verify = |options: &[&str]| {
        let mut verify = site.opened("verify", &set, options);
        verify.env_remove("AZS_PFX_PASSWORD");
        verify
    };
    let hint = failure(&mut verify(&[]), "WRONG_PASSWORD");
    assert!(hint.contains("AZS_PFX_PASSWORD") && hint.contains("--pfx-password-file"), "{hint}");

    // As Windows PowerShell writes files.
    let units = format!("\u{feff}{PASSWORD}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf8 = ["", "\n", "\r\n"].map(|end| format!("{PASSWORD}{end}").into_bytes());
    let contents = utf8.into_iter().chain([format!("\u{feff}{PASSWORD}").into_bytes(), units]);
    for (at, content) in contents.enumerate() {
        let name = format!("password {at}");
        fs::write(site.path(&name), content).unwrap();
        fs::set_permissions(site.path(&name), fs::Permissions::from_mode(0o600)).unwrap();
        said(&mut verify(&["--pfx-password-file", &name]));
    }
    fs::set_permissions(site.path("password 0"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = failure(&mut verify(&["--pfx-password-file", "password 0"]), "INVALID_ARGUMENT");
    assert!(refused.contains("chmod 600"), "{refused}");
    failure(&mut verify(&["--pfx-password-file", "nowhere"]), "NOT_FOUND");
    fs::write(site.path("password 1"), b"\xffword").unwrap();
    let no_text = failure(&mut verify(&["--pfx-password-file", "password 1"]), "MALFORMED");
    assert!(no_text.contains("password 1 is not UTF-8"), "{no_text}");
    // A line break in the environment is part of the password, which is said.
    let hint = failure(verify(&[]).env("AZS_PFX_PASSWORD", format!("{PASSWORD}\n")), "WRONG_PASSWORD");
    assert!(hint.contains("line break"), "{hint}");

    let mut child =
        verify(&["--pfx-password-fd", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(text(&child.wait_with_output().unwrap().stdout).contains("the set is what was written"));

    fs::create_dir(site.path("credentials")).unwrap();
    fs::write(site.path("credentials/azs-pfx-password"), format!("{PASSWORD}\n")).unwrap();
    said(verify(&[]).env("CREDENTIALS_DIRECTORY", site.path("credentials")));
}

#[test]
fn no_option_takes_a_password() {
    for command in ["backup", "restore", "verify", "check", "key"] {
        let help = said(&mut crate::site::program(&[command, "--help"]));
        assert!(!help.contains("--password ") && !help.contains("--pfx-password "), "{help}");
    }
}

/// A list of processes shows no secret, and neither does an error.
#[test]
fn errors_do_not_show_a_password() {
    let site = Site::new();
    let set = site.back_up();
    let secret = "a very secret word";
    for json in [&[][..], &["--json"], &["-vv"]] {
        let output = site.opened("verify", &set, json).env("AZS_PFX_PASSWORD", secret).output().unwrap();
        assert!(!text(&output.stderr).contains(secret) && !text(&output.stdout).contains(secret));
    }
    let unc = r"\\127.0.0.1\share";
    let mut list = site.program(&["list", "--root", unc, "--deployment", "contoso.com/nyc", "--port", "1"]);
    let output =
        list.env("AZS_SMB_USER", r"CONTOSO\backup").env("AZS_SMB_PASSWORD", secret).output().unwrap();
    assert!(!text(&output.stderr).contains(secret), "{}", text(&output.stderr));
    let help = Command::new(env!("CARGO_BIN_EXE_azs-backup"))
        .args(["list", "--help"])
        .env("AZS_SMB_USER", secret)
        .output()
        .unwrap();
    assert!(!text(&help.stdout).contains(secret));
}
