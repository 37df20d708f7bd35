//! What the program says of itself: help, version, completions, manual page, mistakes, exit codes.

use std::fs;

use serde_json::Value;

use crate::site::{Site, failure, program, run, said, text};

const COMMANDS: [&str; 18] = [
    "backup",
    "list",
    "show",
    "verify",
    "restore",
    "cat",
    "diff",
    "check",
    "classify",
    "retention",
    "review",
    "mas-backup",
    "nightly",
    "config",
    "key",
    "kit",
    "completions",
    "man",
];

#[test]
fn each_command_explains_itself() {
    let help = said(&mut program(&["--help"]));
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in:\n{help}");
        let own = said(&mut program(&[command, "--help"]));
        assert!(own.contains(&format!("Usage: azs-backup {command}")), "{own}");
        assert!(own.lines().all(|line| line.chars().count() <= 110), "{own}");
    }
    let version = said(&mut program(&["--version"]));
    assert_eq!(version, format!("azs-backup {}\n", env!("CARGO_PKG_VERSION")));
}

/// What `--help` says, of every command and of those below it.
#[test]
fn the_help_is_the_one_that_was_read_last() {
    let mut help = String::new();
    let mut next = vec![Vec::new()];
    while let Some(command) = next.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let text = said(&mut program(&words));
        let below =
            text.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
        let below = below.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = below.map(|line| line.split_whitespace().next().unwrap()).filter(|name| *name != "help");
        let names: Vec<_> = names.map(|name| [&command[..], &[name.to_owned()]].concat()).collect();
        next.extend(names.into_iter().rev());
        help += &format!("$ azs-backup {}\n{text}\n", words.join(" "));
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help.txt");
    if std::env::var_os("UPDATE_HELP").is_some() {
        fs::write(file, &help).unwrap();
    }
    let read = fs::read_to_string(file).unwrap();
    assert!(
        read == help,
        "UPDATE_HELP=1 cargo test -p azs-backup-cli help writes tests/help.txt anew: read it"
    );
}

#[test]
fn completions_and_the_manual_page_name_each_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = said(&mut program(&["completions", shell]));
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
    // A stdout that takes nothing is a failure like any other.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(program(&["completions", "bash"]).stdout(full).status().unwrap().code(), Some(1));
    let page = said(&mut program(&["man"]));
    assert!(page.contains(".TH azs-backup 1") && page.contains("Exit codes"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    said(program(&["man", "--into"]).arg(folder.path()));
    for command in COMMANDS {
        assert!(folder.path().join(format!("azs-backup-{command}.1")).exists(), "{command}");
    }
}

#[test]
fn mistakes_say_what_to_do() {
    let site = Site::new();
    let set = site.back_up();
    for command in COMMANDS {
        let output = run(&mut program(&[command, "--no-such-option"]));
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("--no-such-option"), "{command}");
    }
    let near = run(&mut site.deployed("list", &["--components", "HLH"]));
    assert!(text(&near.stderr).contains("'--component'"), "{}", text(&near.stderr));
    let none = run(&mut site.backup(&[]));
    assert_eq!(none.status.code(), Some(2));
    let label = run(&mut site.backup(&["--label", "no value", "configs"]));
    assert!(text(&label.stderr).contains("serial=7F3A"), "{}", text(&label.stderr));
    let place = run(&mut site.backup_of("contoso.com/nyc/MASBackup", &["configs"]));
    assert_eq!(place.status.code(), Some(2), "{}", text(&place.stderr));

    failure(&mut site.program(&["verify", "nowhere"]), "NOT_FOUND");
    failure(&mut site.program(&["verify", "share"]), "INCOMPLETE");
    failure(&mut site.program(&["verify", r"\\server\share\MASBackup"]), "RESERVED_PATH");
    let root = failure(
        &mut site.program(&["list", "--root", "nowhere", "--deployment", "contoso.com/nyc"]),
        "NOT_FOUND",
    );
    assert!(root.contains("is the share mounted there?"), "{root}");
    let unc = r"\\fileserver01.contoso.com\AzSBackups";
    let said = failure(&mut site.program(&["verify", unc]), "INVALID_ARGUMENT");
    assert!(said.contains("AZS_SMB_USER") && said.contains("--smb-password-file"), "{said}");
    failure(&mut site.opened("restore", &set, &["nothing-like-this", "--into", "to"]), "NOT_FOUND");
    assert!(!site.path("to").exists(), "a restore that failed before it began leaves no folder");
    failure(&mut site.opened("cat", &set, &["configs/nothing"]), "NOT_FOUND");
    failure(&mut site.backup(&["missing"]), "SOURCE_UNREADABLE");
}

#[test]
fn a_failure_is_a_json_document_too() {
    let site = Site::new();
    let output = run(&mut site.program(&["verify", "nowhere", "--json"]));
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["version"], &document["command"]), (&1.into(), &"verify".into()));
    assert_eq!(document["error"]["code"], "NOT_FOUND");
    // What clap refuses, too.
    for (arguments, command) in [
        (&["verify", "--json", "--nothing"][..], Value::from("verify")),
        (&["--json", "no-command"], Value::Null),
        (&["list", "--root", "share", "--json"], "list".into()),
        (
            &[
                "check",
                "--json",
                "--root",
                r"\\server\share",
                "--deployment",
                "a.b/c",
                "--connect-limit",
                "nan",
            ],
            "check".into(),
        ),
    ] {
        let output = run(&mut site.program(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{arguments:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&document["version"], &document["command"]), (&1.into(), &command), "{arguments:?}");
        assert_eq!(document["error"]["code"], "INVALID_ARGUMENT");
        assert!(!document["error"]["message"].as_str().unwrap().is_empty(), "{arguments:?}");
    }
    assert_eq!(run(&mut site.program(&["verify", "--nothing", "--", "--json"])).stdout, b"");
    assert!(document["error"]["message"].as_str().unwrap().contains("nowhere"));
    assert!(document["error"]["alert"]["kind"].is_string(), "{document}");
}

#[test]
fn a_share_that_does_not_answer_is_named_with_its_alert_and_the_next_step() {
    let site = Site::new();
    let mut list = site.program(&[
        "list",
        "--root",
        r"\\127.0.0.1\data",
        "--deployment",
        "contoso.com/nyc",
        "--port",
        "1",
    ]);
    list.env("AZS_SMB_USER", r"CONTOSO\azsbackup").env("AZS_SMB_PASSWORD", "its password");
    let output = run(&mut list);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("UNREACHABLE: "), "{stderr}");
    assert!(stderr.contains("\nalert: CONNECTIVITY") && stderr.contains("\nnext:  "), "{stderr}");
}

#[test]
fn a_pipe_that_is_closed_early_is_no_failure() {
    let site = Site::new();
    site.back_up();
    let mut bash = std::process::Command::new("bash");
    bash.arg("-c")
        .arg(r#""$0" list --root share --deployment contoso.com/nyc | true; exit ${PIPESTATUS[0]}"#);
    bash.arg(env!("CARGO_BIN_EXE_azs-backup")).current_dir(site.temp.path());
    assert_eq!(run(&mut bash).status.code(), Some(0));
    assert!(fs::read_dir(site.temp.path()).unwrap().count() > 1);
}

#[test]
fn a_stderr_without_room_changes_no_exit_code() {
    let site = Site::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let failed = site
        .program(&["list", "--root", "nowhere", "--deployment", "contoso.com/nyc"])
        .stderr(full())
        .status();
    assert_eq!(failed.unwrap().code(), Some(1));
    // Its warning, that stdout has no room either, goes nowhere; the set is there.
    let made = site.backup(&["configs"]).stdout(full()).stderr(full()).status();
    assert_eq!(made.unwrap().code(), Some(0));
    assert_eq!(site.sets("Switches").len(), 1);
}
