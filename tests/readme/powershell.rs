//! Recovery by hand in PowerShell: docs/windows.md has the README's lines for it.

use std::fs;
use std::process::Command;

use crate::common::{self, Fixture, PASSWORD, assert_same_tree, noise};

fn block() -> &'static str {
    const PAGE: &str = include_str!("../../docs/windows.md");
    let (_, rest) = PAGE.split_once("<!-- recovery in PowerShell -->\n```powershell\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

/// What the lines for bash do, in this order, and how those for PowerShell do it.
const STEPS: &[(&str, &str)] = &[
    ("mkdir plain restored", "mkdir plain, restored"),
    // Each stored file but the indexes, by the list of digests.
    ("while read -r digest file", "foreach ($line in (Get-Content SHA256SUMS) -notmatch '  index-')"),
    ("echo \"$digest  $file\" | sha256sum -c", "(Get-FileHash $file).Hash -eq $digest"),
    ("openssl cms -decrypt -binary -inform DER", "openssl cms -decrypt -binary -inform DER"),
    ("-inkey backup.pfx -passin env:AZS_PFX_PASSWORD", "-inkey backup.pfx -passin env:AZS_PFX_PASSWORD"),
    ("zstd -dcq > \"plain/${file%%[-.]*}\"", "zstd -dq \"$plain.zst\" -o $plain"),
    ("rm -f \"plain/${file%%[-.]*}\"", "Remove-Item $plain"),
    ("LOST $file", "LOST $file"),
    // The index pieces are left out, and the list may have been saved by a Windows editor: Get-Content takes both.
    ("grep -v '  index-'", "}"),
    ("while read -r segment from length", "foreach ($line in Get-Content plain/extents)"),
    ("[ -f \"plain/$segment\" ]", "Test-Path \"plain/$segment\""),
    ("skip=\"$from\"", "$in.Seek($from, 'Begin')"),
    ("count=\"$length\"", "$in.Read($bytes, 0, $count)"),
    ("tar --delay-directory-restore -ixf - -C restored", "tar --ignore-zeros -xf plain/tar -C restored"),
];

#[test]
fn the_lines_for_powershell_do_what_those_for_bash_do() {
    const README: &str = include_str!("../../README.md");
    let (_, rest) = README.split_once("<!-- recovery -->\n```bash\n").unwrap();
    let (mut bash, mut powershell) = (rest.split_once("\n```").unwrap().0, block());
    for (one, other) in STEPS {
        bash = bash.split_once(one).unwrap_or_else(|| panic!("bash: {one}")).1;
        powershell = powershell.split_once(other).unwrap_or_else(|| panic!("PowerShell: {other}")).1;
    }
}

#[test]
fn powershell_gives_back_the_tree() {
    if Command::new("pwsh").arg("--version").output().is_err() {
        eprintln!("skipped: no pwsh; the lines are compared with those for bash");
        return;
    }
    let fixture = Fixture::new();
    let source = fixture.path("tree");
    fs::create_dir_all(source.join("a/b")).unwrap();
    fs::write(source.join("a/hostname"), "tor1\n").unwrap();
    fs::write(source.join("a/b/large"), noise(2, 57_000_001)).unwrap();
    let set = fixture.native(fixture.back_up(&source).folder());
    fs::write(set.join("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let recover = || {
        let mut pwsh = Command::new("pwsh");
        pwsh.args(["-NoProfile", "-Command", block()]).current_dir(&set).env("AZS_PFX_PASSWORD", PASSWORD);
        pwsh
    };
    let said = common::run(&mut recover());
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_same_tree(&source, &set.join("restored/tree"));
}
