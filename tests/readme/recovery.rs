//! Recovery by hand, with the lines in the README.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::{self, Fixture, PASSWORD, noise};

/// Returns the fenced block after this comment in the README.
fn block(marker: &str) -> &'static str {
    const README: &str = include_str!("../../README.md");
    let (_, rest) = README.split_once(&format!("<!-- {marker} -->\n```bash\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// Kind, mode, time in nanoseconds, links and target of everything in a folder.
fn listing(folder: &Path) -> String {
    let format = r"%P %y %m %T@ %n %s %l\n";
    let mut find = Command::new("bash");
    find.arg("-c").arg(format!("find . -printf '{format}' | sort")).current_dir(folder);
    text(&common::run(&mut find).stdout)
}

fn tree(root: &Path) {
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::create_dir_all(root.join("empty folder")).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("a/hostname"), "tor1\n").unwrap();
    fs::write(root.join("a/Überprüfung 'so'"), "quoted\n").unwrap();
    fs::write(root.join("a/b").join("n".repeat(150)), "a long name\n").unwrap();
    fs::write(root.join("a/b/two MiB"), noise(1, 2 << 20)).unwrap();
    // With segments of its own: losing one that begins a file costs nothing after it.
    fs::write(root.join("a/b/large"), noise(2, 57_000_001)).unwrap();
    symlink("../nowhere", root.join("a/link")).unwrap();
    fs::hard_link(root.join("a/hostname"), root.join("a/b/second name")).unwrap();
    // Modes that no umask changes, since tar applies it unless it runs as root.
    for (name, mode) in [("a/hostname", 0o600), ("a/b", 0o700), ("a/b/large", 0o400), ("empty", 0o700)] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn the_readme_s_lines_give_back_the_tree() {
    let fixture = Fixture::new();
    let source = fixture.path("tree");
    tree(&source);
    let set = fixture.native(fixture.back_up(&source).folder());
    fs::write(set.join("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let recover = || {
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(block("recovery")).current_dir(&set).env("AZS_PFX_PASSWORD", PASSWORD);
        bash
    };
    let said = common::run(&mut recover());
    assert!(said.stderr.is_empty(), "{}", text(&said.stderr));
    common::run(
        Command::new("diff").arg("-r").arg("--no-dereference").arg(&source).arg(set.join("restored/tree")),
    );
    assert_eq!(listing(&source), listing(&set.join("restored/tree")));

    // A damaged segment is named and costs what is in it.
    for folder in ["plain", "restored"] {
        fs::remove_dir_all(set.join(folder)).unwrap();
    }
    let mut segments: Vec<_> = fs::read_dir(&set).unwrap().map(|file| file.unwrap().path()).collect();
    segments.retain(|file| file.to_str().unwrap().ends_with(".tar.zst.p7m"));
    segments.sort();
    assert!(segments.len() > 2);
    let first = &segments[1];
    let mut bytes = fs::read(first).unwrap();
    bytes[5000] ^= 1;
    fs::write(first, bytes).unwrap();
    let said = recover().output().unwrap();
    let name = first.file_name().unwrap().to_str().unwrap();
    assert!(text(&said.stderr).contains(&format!("LOST {name}")), "{}", text(&said.stderr));
    assert_eq!(fs::read_to_string(set.join("restored/tree/a/hostname")).unwrap(), "tor1\n");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
