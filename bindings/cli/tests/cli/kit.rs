//! The recovery stick: a set is restored from nothing but it, the set and the PFX.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::site::{PASSWORD, Site, assert_same_tree, ended, failure, result, run, said, text};

/// A site with two sets and a kit; returns the newest set's folder, elsewhere than on its share.
fn with_kit() -> Site {
    let site = Site::new();
    // Larger than a part, with a hole, a link, an odd name, and changed between the sets.
    let mut image = vec![7; 5 << 20];
    fs::write(site.path("configs/image"), &image).unwrap();
    fs::hard_link(site.path("configs/image"), site.path("configs/same")).unwrap();
    std::os::unix::fs::symlink("tor2.cfg", site.path("configs/link")).unwrap();
    fs::write(site.path("configs/Straße und Weg"), "x").unwrap();
    result(&mut site.backup(&["--state", "state", "configs"]));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    image[3 << 20] = 8;
    fs::write(site.path("configs/image"), &image).unwrap();
    fs::remove_file(site.path("configs/tor1/running-config")).unwrap();
    let made = result(&mut site.backup(&["--state", "state", "configs"]));
    said(&mut site.deployed("kit", &["kit"]));
    let set = site.path("share").join(made["folder"].as_str().unwrap());
    assert!(Command::new("cp").arg("-r").arg(set).arg(site.path("set")).status().unwrap().success());
    for gone in ["share", "state"] {
        fs::remove_dir_all(site.path(gone)).unwrap();
    }
    site
}

/// A command of the kit, in an environment that has nothing but what a system has.
fn command(site: &Site, words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(site.temp.path()).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("AZS_PFX_PASSWORD", PASSWORD);
    command
}

#[test]
fn its_program_restores() {
    let site = with_kit();
    let restore = ["kit/azs-backup", "restore", "set", "--place", "contoso.com/nyc/Switches"];
    let restore = [&restore[..], &["--pfx", "backup.pfx", "--into", "restored"]].concat();
    said(&mut command(&site, &restore));
    assert_same_tree(&site.path("configs"), &site.path("restored/configs"));
}

#[test]
fn its_scripts_restore_without_the_program() {
    let site = with_kit();
    said(&mut command(&site, &["bash", "kit/recover.sh", "set", "backup.pfx", "by-bash"]));
    assert_same_tree(&site.path("configs"), &site.path("by-bash/restored/configs"));
    assert_eq!(fs::read_dir(site.path("by-bash")).unwrap().count(), 1, "nothing else is left");
    said(&mut command(&site, &["python3", "kit/read_set.py", "set", "backup.pfx", "by-python"]));
    assert_same_tree(&site.path("configs"), &site.path("by-python/configs"));
    assert_eq!(fs::read_dir(site.path("by-python")).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn its_scripts_name_what_is_lost() {
    let site = with_kit();
    let mut segments = fs::read_dir(site.path("set")).unwrap().map(|item| item.unwrap().path());
    let first = segments.find(|path| path.to_string_lossy().contains("/000000-")).unwrap();
    let mut bytes = fs::read(&first).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first, bytes).unwrap();
    let name = first.file_name().unwrap().to_str().unwrap();
    for (arguments, code) in [
        (["python3", "kit/read_set.py", "set", "backup.pfx", "by-python"], 3),
        (["bash", "kit/recover.sh", "set", "backup.pfx", "by-bash"], 3),
    ] {
        let output = run(&mut command(&site, &arguments));
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(&format!("LOST {name}")), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("The files are in"), "{}", text(&output.stderr));
    }
    assert_eq!(
        fs::read_dir(site.path("by-bash")).unwrap().count(),
        1,
        "no key, and nothing that was decrypted"
    );
    // A wrong password opens nothing, and is no damage.
    for script in [["python3", "kit/read_set.py"], ["bash", "kit/recover.sh"]] {
        let mut wrong = command(&site, &[&script[..], &["set", "backup.pfx", "wrong"]].concat());
        let output = run(wrong.env("AZS_PFX_PASSWORD", "wrong"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("its password is wrong") && !said.contains("LOST"), "{said}");
    }
}

#[test]
fn a_pfx_of_another_certificate_is_no_damage() {
    let site = with_kit();
    said(site.program(&["key", "new", "other"]).env("AZS_PFX_PASSWORD", PASSWORD));
    let needed = result(&mut site.program(&["key", "show", "backup.cer"]))["sha1_thumbprint"].clone();
    for words in [["bash", "kit/recover.sh"], ["python3", "kit/read_set.py"]] {
        let output = run(&mut command(&site, &[&words[..], &["set", "other.pfx", "nowhere"]].concat()));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(needed.as_str().unwrap()) && !said.contains("LOST"), "{said}");
        assert!(!site.path("nowhere").exists());
    }
}

#[test]
fn it_names_the_pfx_of_before_a_rotation_too() {
    let site = Site::new();
    site.back_up();
    said(site.program(&["key", "new", "newer"]).env("AZS_PFX_PASSWORD", PASSWORD));
    let newer =
        ["backup", "--root", "share", "--place", "contoso.com/nyc/Switches", "--cer", "newer.cer", "configs"];
    result(&mut site.program(&newer));
    let made = result(&mut site.deployed("kit", &["kit"]));
    assert_eq!(made["certificates"].as_array().unwrap().len(), 2, "{made:#}");
}

#[test]
fn it_says_which_pfx_opens_what() {
    let site = Site::new();
    site.back_up();
    result(&mut site.backup_of("contoso.com/nyc/HLH/su1", &["configs", "--create"]));
    let made = result(&mut site.deployed("kit", &["kit", "--program", env!("CARGO_BIN_EXE_azs-backup")]));
    let shown = result(&mut site.program(&["key", "show", "backup.cer"]));
    let thumbprint = shown["sha1_thumbprint"].as_str().unwrap();
    assert_eq!(made["certificates"][0]["sha1_thumbprint"], thumbprint);
    let newest = made["certificates"][0]["newest"].as_object().unwrap();
    assert_eq!(newest.keys().collect::<Vec<_>>(), ["contoso.com/nyc/HLH/su1", "contoso.com/nyc/Switches"]);
    let page = fs::read_to_string(site.path("kit/README.html")).unwrap();
    assert!(page.contains(thumbprint) && page.contains("contoso.com/nyc/HLH/su1/") && !page.contains("{{"));
    let sums =
        run(Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(site.path("kit")));
    assert!(sums.status.success(), "{}", text(&sums.stderr));
    // It takes nothing's place.
    failure(&mut site.deployed("kit", &["kit"]), "ALREADY_EXISTS");
    // Two programs of one name would be one.
    failure(
        &mut site.deployed("kit", &["other", "--program", "backup.cer", "--program", "backup.cer"]),
        "INVALID_ARGUMENT",
    );
    assert!(!site.path("other").exists());
}

#[test]
fn a_kit_for_a_share_without_sets_says_so() {
    let site = Site::new();
    let told = ended(&mut site.deployed("kit", &["kit"]), 3);
    assert!(told.contains("no complete set"), "{told}");
}

#[test]
fn by_hand_is_one_thing_everywhere() {
    let file = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let readme = file("../../README.md");
    let block = readme.split("<!-- recovery -->\n```bash\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(file("kit/recover.sh").contains(block));
    let windows = file("../../docs/windows.md");
    let lines = windows.split("<!-- recovery in PowerShell -->\n```powershell\n").nth(1).unwrap();
    assert!(file("kit/recover.ps1").contains(lines.split("```").next().unwrap()));
    let checked =
        Command::new("shellcheck").arg("kit/recover.sh").current_dir(env!("CARGO_MANIFEST_DIR")).output();
    match checked {
        Ok(checked) => assert!(checked.status.success(), "{}", text(&checked.stdout)),
        Err(_) => eprintln!("recover.sh was not looked at: this machine has no shellcheck"),
    }
}
