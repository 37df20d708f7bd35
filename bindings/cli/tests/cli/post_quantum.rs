//! Certificates of ML-KEM: made, sealed to, opened, and told from those that add nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::site::{PASSWORD, Site, assert_same_tree, failure, result, run, said, text};

/// A site with a certificate of each kind: `ml-kem-768` and `ml-kem-1024` beside the one of RSA. `None` if the OpenSSL that
/// is linked makes none, which the program says.
fn with_keys() -> Option<Site> {
    let site = Site::new();
    for kind in ["ml-kem-768", "ml-kem-1024"] {
        let new = || {
            let mut new = site.program(&["key", "new", kind, "--kind", kind]);
            new.env("AZS_PFX_PASSWORD", PASSWORD);
            new
        };
        if openssl::version::number() < 0x3050_0000 {
            let told = failure(&mut new(), "UNSUPPORTED");
            assert!(told.contains("3.5"), "{told}");
            return None;
        }
        let made = result(&mut new());
        assert_eq!(made["certificate"]["key"]["algorithm"], kind.to_uppercase());
    }
    Some(site)
}

fn backup(site: &Site, certificates: &[&str]) -> Command {
    let mut backup =
        site.program(&["backup", "--root", "share", "--place", "contoso.com/nyc/Switches", "configs"]);
    certificates.iter().for_each(|name| {
        backup.args(["--cer", &format!("{name}.cer")]);
    });
    backup
}

#[test]
fn a_set_of_ml_kem_alone_is_post_quantum_and_its_pfx_opens_it() {
    let Some(site) = with_keys() else { return };
    let told = said(&mut backup(&site, &["ml-kem-1024", "ml-kem-768"]));
    assert!(told.contains("\npost-quantum: its certificates are all of ML-KEM"), "{told}");
    let set = site.sets("Switches").remove(0);
    let shown = said(&mut site.program(&["show", set.to_str().unwrap()]));
    assert!(shown.contains("strength    post-quantum: "), "{shown}");
    for pfx in ["ml-kem-768.pfx", "ml-kem-1024.pfx"] {
        let mut drill = site.program(&["key", "drill", "--root", "share", "--deployment", "contoso.com/nyc"]);
        drill.args(["--pfx", pfx]).env("AZS_PFX_PASSWORD", PASSWORD);
        assert!(said(&mut drill).contains("opened, and every byte"));
        let into = pfx.trim_end_matches(".pfx");
        let mut restore = site.program(&["restore", set.to_str().unwrap(), "--pfx", pfx, "--into", into]);
        said(restore.env("AZS_PFX_PASSWORD", PASSWORD));
        assert_same_tree(&site.path("configs"), &site.path(into).join("configs"));
    }
    failure(&mut site.opened("verify", &set, &[]), "WRONG_CERTIFICATE");
}

#[test]
fn beside_rsa_it_adds_nothing_and_that_is_said() {
    let Some(site) = with_keys() else { return };
    let not = "not post-quantum: whoever breaks the RSA key of CN=backup needs none of ML-KEM";
    let told = said(&mut backup(&site, &["ml-kem-768", "backup"]));
    assert!(told.contains(not), "{told}");
    let set = site.sets("Switches").remove(0);
    let shown = said(&mut site.program(&["show", set.to_str().unwrap()]));
    assert!(shown.contains(not), "{shown}");
    said(&mut site.opened("verify", &set, &[]));
    // Without one of ML-KEM nothing is said.
    let other = site.program(&["show", site.back_up().to_str().unwrap()]).output().unwrap();
    assert!(!text(&other.stdout).contains("quantum"));
}

#[test]
fn a_new_certificate_says_who_issued_it_and_is_for_encryption_alone() {
    let Some(site) = with_keys() else { return };
    let show = |file: &str| {
        let mut show = site.program(&["key", "show", file]);
        said(show.env("AZS_PFX_PASSWORD", PASSWORD))
    };
    let shown = show("ml-kem-1024.cer");
    assert_eq!(show("ml-kem-1024.pfx"), shown);
    for line in [
        "subject     CN=ml-kem-1024\n",
        "issuer      CN=ml-kem-1024, OU=its issuer's key was not kept\n",
        "key         ML-KEM-1024 1024\n",
    ] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    failure(&mut site.program(&["key", "new", "s", "--signs", "--kind", "ml-kem-768"]), "INVALID_ARGUMENT");
    failure(
        backup(&site, &["ml-kem-768"])
            .args(["--signer", "ml-kem-768.pfx"])
            .env("AZS_SIGNER_PASSWORD", PASSWORD),
        "CERTIFICATE_UNSUITABLE",
    );
}

/// A folder for the PATH in which `openssl` is the command that `AZS_TEST_OPENSSL` names.
fn path_with_new_openssl(site: &Site) -> String {
    let folder = site.path("bin");
    fs::create_dir(&folder).unwrap();
    if let Some(named) = std::env::var_os("AZS_TEST_OPENSSL") {
        std::os::unix::fs::symlink(fs::canonicalize(named).unwrap(), folder.join("openssl")).unwrap();
    }
    format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display())
}

#[test]
fn the_stick_says_which_openssl_it_takes_and_its_scripts_restore_with_that() {
    let Some(site) = with_keys() else { return };
    said(&mut backup(&site, &["ml-kem-768"]));
    let made = said(&mut site.deployed("kit", &["kit"]));
    assert!(made.contains("without the program, a PFX with a key of ML-KEM takes OpenSSL 3.6"), "{made}");
    let page = fs::read_to_string(site.path("kit/README.html")).unwrap();
    assert!(page.contains("ML-KEM-768 key, valid until") && page.contains("takes OpenSSL 3.6"), "{page}");
    let set = site.sets("Switches").remove(0);
    let path = path_with_new_openssl(&site);
    let version = run(Command::new("openssl").arg("version").env("PATH", &path));
    let version = text(&version.stdout);
    let numbers = version.trim_start_matches("OpenSSL ").split('.');
    let is_new = numbers.map_while(|number| number.parse().ok()).take(2).collect::<Vec<u32>>() >= vec![3, 6];
    let scripts: [&[&str]; 2] = [&["bash", "kit/recover.sh"], &["python3", "kit/read_set.py"]];
    for (script, restored) in scripts.into_iter().zip(["by-bash/restored", "by-python"]) {
        let mut command = Command::new(script[0]);
        let into = Path::new(restored).iter().next().unwrap();
        command.arg(script[1]).arg(&set).arg("ml-kem-768.pfx").arg(into).current_dir(site.temp.path());
        let output = run(command.env("PATH", &path).env("AZS_PFX_PASSWORD", PASSWORD));
        let told = text(&output.stderr);
        if is_new {
            assert!(output.status.success(), "{told}");
            assert_same_tree(&site.path("configs"), &site.path(restored).join("configs"));
        } else {
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("OpenSSL 3.6") && told.contains(version.trim()), "{told}");
        }
    }
    if !is_new {
        println!(
            "left out: the scripts open ML-KEM with OpenSSL 3.6, which AZS_TEST_OPENSSL may name; here: {version}"
        );
    }
}
