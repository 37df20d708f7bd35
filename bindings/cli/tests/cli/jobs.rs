//! backup, list, show, verify, restore, cat, diff, check, retention and review.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::site::{Site, assert_same_tree, ended, failure, result, result_with, run, said, text};

#[test]
fn a_set_is_backed_up_listed_verified_and_restored() {
    let site = Site::new();
    let options =
        ["--create", "--label", "model=S4148-ON", "--exclude", "*.tmp", "--state", "state", "configs"];
    let made = result(&mut site.backup_of("contoso.com/nyc/Switches/su1", &options));
    assert_eq!((&made["status"], &made["content"]["files"]), (&json!("Succeeded"), &json!(2)));
    assert_eq!((&made["scale_unit"], &made["labels"]["model"]), (&json!("su1"), &json!("S4148-ON")));
    let set = site.path("share").join(made["folder"].as_str().unwrap());

    let sets = result(&mut site.deployed("list", &[]));
    assert_eq!((sets["sets"].as_array().unwrap().len(), &sets["unreadable"]), (1, &json!([])));
    assert_eq!(sets["sets"][0]["cover"]["sha256sums"], made["sha256sums"]);
    let none = result(&mut site.deployed("list", &["--component", "HLH"]));
    assert!(none["sets"].as_array().unwrap().is_empty());

    let digests = result(&mut site.program(&["verify", set.to_str().unwrap()]));
    assert_eq!((&digests["full"], &digests["stored_files"]), (&json!(false), &json!(4)));
    let full = result(&mut site.opened("verify", &set, &[]));
    assert_eq!((&full["full"], &full["files"]), (&json!(true), &json!(2)));

    let all = result(&mut site.opened("restore", &set, &["--into", "all"]));
    assert_eq!((&all["status"], &all["files"]), (&json!("Succeeded"), &json!(2)));
    assert_same_tree(&site.path("configs"), &site.path("all/configs"));
    let some = result(&mut site.opened("restore", &set, &["tor1/", "--into", "some"]));
    assert_eq!(some["files"], 1);
    assert!(site.path("some/configs/tor1/running-config").exists());
    assert!(!site.path("some/configs/tor2.cfg").exists());
    let one = said(&mut site.opened("cat", &set, &["configs/tor2.cfg"]));
    assert_eq!(one, "hostname tor2\n");
}

#[test]
fn people_get_lines() {
    let site = Site::new();
    let made = said(&mut site.backup(&["configs"]));
    assert!(made.starts_with("Succeeded: contoso.com/nyc/Switches/"), "{made}");
    assert!(made.contains("2 files, 2 folders, 0 links with 28 B"), "{made}");
    let set = &site.sets("Switches")[0];
    let listed = said(&mut site.deployed("list", &[]));
    let (heading, row) = listed.trim_end().split_once('\n').unwrap();
    assert!(heading.starts_with("SET") && heading.ends_with("STORED"), "{listed}");
    assert!(row.starts_with("Switches/") && row.contains("Succeeded") && row.contains("28 B"), "{listed}");
    let shown = said(&mut site.program(&["show", set.to_str().unwrap()]));
    assert!(shown.contains("opened by   CN=backup") && shown.contains("thumbprint "), "{shown}");
    let files = said(&mut site.opened("show", set, &["--files"]));
    assert!(files.contains("configs/tor1/running-config") && files.contains("14 B"), "{files}");
    let checked = said(&mut site.opened("verify", set, &[]));
    assert!(checked.ends_with("the set is what was written\n"), "{checked}");
    let restored = said(&mut site.opened("restore", set, &["--into", "to"]));
    assert!(restored.starts_with("Succeeded: 2 files with 28 B"), "{restored}");
    assert_eq!(said(&mut site.opened("restore", set, &["--into", "quiet", "--quiet"])), "");
}

#[test]
fn latest_is_the_newest_complete_set_of_a_place() {
    let site = Site::new();
    let latest = [
        "cat",
        "contoso.com/nyc/Switches/latest",
        "configs/tor2.cfg",
        "--root",
        "share",
        "--pfx",
        "backup.pfx",
    ];
    let cat = || {
        let mut cat = site.program(&latest);
        cat.env("AZS_PFX_PASSWORD", crate::site::PASSWORD);
        cat
    };
    failure(&mut cat(), "NOT_FOUND");
    site.back_up();
    fs::write(site.path("configs/tor2.cfg"), "hostname new\n").unwrap();
    // Sets are named by the second.
    std::thread::sleep(Duration::from_millis(1100));
    let set = site.back_up();
    fs::create_dir(set.with_file_name("29991231T000000Z-00000000")).unwrap();
    assert_eq!(said(&mut cat()), "hostname new\n");
    let newest = ended(&mut site.deployed("list", &["--newest", "1"]), 3);
    assert!(newest.contains("29991231T000000Z") && newest.lines().count() == 4, "{newest}");
    assert!(newest.contains(set.file_name().unwrap().to_str().unwrap()), "{newest}");
}

#[test]
fn what_a_pipe_brings_is_stored_under_a_name() {
    let site = Site::new();
    let mut backup =
        site.backup(&["--stdin", "tor1/running-config", "--source", "renamed=configs", "--json"]);
    let mut child = backup.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hostname piped\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let set = site.path("share").join(made["result"]["folder"].as_str().unwrap());
    assert_eq!(said(&mut site.opened("cat", &set, &["tor1/running-config"])), "hostname piped\n");
    assert_eq!(said(&mut site.opened("cat", &set, &["renamed/tor2.cfg"])), "hostname tor2\n");
}

#[test]
fn what_differs_is_named() {
    let site = Site::new();
    let old = site.back_up();
    said(&mut site.opened("restore", &old, &["--into", "restored"]));
    let same = said(&mut site.opened("diff", &old, &["--folder", "restored"]));
    assert_eq!(same, "no difference\n");
    // The folder of the sources has other things, too.
    assert_eq!(said(&mut site.opened("diff", &old, &["--folder", "."])), "no difference\n");
    let source = failure(&mut site.opened("diff", &old, &["--folder", "configs"]), "INVALID_ARGUMENT");
    assert!(source.contains("configs is a source: --folder is the folder that holds it"), "{source}");
    fs::write(site.path("configs/tor2.cfg"), "hostname tor3\n").unwrap();
    fs::remove_dir_all(site.path("configs/tor1")).unwrap();
    fs::write(site.path("configs/new"), "new").unwrap();
    let new = site.back_up();
    let differences = ended(&mut site.opened("diff", &old, &["--with", new.to_str().unwrap()]), 3);
    let lines: Vec<_> = differences.lines().collect();
    assert!(lines[0].starts_with("~ configs  ") && lines[1] == "+ configs/new", "{differences}");
    assert_eq!(lines[2..4], ["- configs/tor1", "- configs/tor1/running-config"]);
    assert!(lines[4].starts_with("~ configs/tor2.cfg  content"), "{differences}");
    let changes = result_with(&mut site.opened("diff", &new, &["--folder", "restored"]), 3);
    let added = changes.as_array().unwrap().iter().filter(|of| of["change"] == "added").count();
    assert_eq!(added, 2, "{changes}");
}

#[test]
fn a_set_that_was_copied_elsewhere_opens() {
    let site = Site::new();
    let set = site.back_up();
    copy(&set, &site.path("copy"));
    assert_eq!(result(&mut site.opened("verify", &site.path("copy"), &[]))["files"], 2);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn what_is_there_already_is_refused_kept_or_replaced() {
    let site = Site::new();
    let set = site.back_up();
    let restore = |options: &[&str]| site.opened("restore", &set, &[&["--into", "."], options].concat());
    fs::write(site.path("configs/tor2.cfg"), "newer").unwrap();
    failure(&mut restore(&[]), "ALREADY_EXISTS");
    let kept = result_with(&mut restore(&["--existing", "keep"]), 3);
    assert_eq!((&kept["kept"], &kept["kept_differing"][0]), (&json!(1), &json!("configs/tor2.cfg")));
    assert_eq!(fs::read_to_string(site.path("configs/tor2.cfg")).unwrap(), "newer");
    result(&mut restore(&["--existing", "replace"]));
    assert_eq!(fs::read_to_string(site.path("configs/tor2.cfg")).unwrap(), "hostname tor2\n");
}

#[test]
fn damage_is_named_and_passed_over_only_when_asked() {
    let site = Site::new();
    let set = site.back_up();
    let files: Vec<_> = fs::read_dir(&set).unwrap().map(|file| file.unwrap().path()).collect();
    let segment = files.iter().find(|file| file.to_str().unwrap().ends_with(".tar.zst.p7m")).unwrap();
    let mut bytes = fs::read(segment).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(segment, bytes).unwrap();

    for command in
        [&mut site.opened("verify", &set, &[]), &mut site.program(&["verify", set.to_str().unwrap()])]
    {
        failure(command, "DAMAGED");
        failure(command.arg("--json"), "DAMAGED");
    }
    failure(&mut site.opened("restore", &set, &["--into", "stop"]), "DAMAGED");
    let report =
        result_with(&mut site.opened("restore", &set, &["--into", "go on", "--damage", "continue"]), 3);
    assert_eq!(report["status"], "PartialSucceeded");
    assert!(!report["losses"].as_array().unwrap().is_empty());
}

#[test]
fn an_interrupted_backup_leaves_nothing() {
    let site = Site::new();
    // Long enough on any machine, and without a block on the disk.
    fs::File::create(site.path("large")).unwrap().set_len(200 << 30).unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut backup = site.backup(&["large"]);
        let child = backup.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        while !site.sets("Switches").iter().any(|set| fs::read_dir(set).unwrap().next().is_some()) {
            assert!(started.elapsed() < Duration::from_secs(60), "the backup does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(output.stdout.is_empty());
        assert!(stderr.starts_with("CANCELLED: "), "{stderr}");
        assert_eq!(site.sets("Switches"), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn progress_for_tools_is_lines_of_json() {
    let site = Site::new();
    let output = run(&mut site.backup(&["configs", "--progress", "json"]));
    let lines: Vec<Value> =
        text(&output.stderr).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["progress"], &last["bytes"], &last["total_bytes"]),
        (&json!("backup"), &json!(28), &json!(28))
    );
}

#[test]
fn old_sets_are_deleted_and_nothing_in_a_dry_run() {
    let site = Site::new();
    for _ in 0..3 {
        site.back_up();
        std::thread::sleep(Duration::from_millis(1100));
    }
    let planned = said(&mut site.deployed("retention", &["--keep-last", "1", "--dry-run"]));
    assert_eq!(planned.matches("would be deleted").count(), 2, "{planned}");
    assert_eq!(site.sets("Switches").len(), 3);
    let done = result(&mut site.deployed("retention", &["--keep-last", "1"]));
    assert_eq!(done["plan"]["deletions"].as_array().unwrap().len(), 2);
    assert_eq!(site.sets("Switches").len(), 1);
    let short = result(&mut site.deployed("retention", &["--make-room", "999000000000000"]));
    assert!(short["plan"]["shortfall"].as_u64().unwrap() > 0);
    assert_eq!(site.sets("Switches").len(), 1, "the last good set stays");
    failure(&mut site.deployed("retention", &["--keep-days", "0"]), "INVALID_ARGUMENT");
    for wrong in [&["--keep-last", "-1"][..], &["--make-room", "1 GB"], &["--keep"]] {
        ended(&mut site.deployed("retention", wrong), 2);
    }
}

#[test]
fn a_share_is_reviewed() {
    let site = Site::new();
    site.back_up();
    let root = r#"{"root": "\\\\fileserver01\\AzSBackups", "deployment": {"external_domain_name": "contoso.com", "region": "nyc"}}"#;
    fs::write(site.path("review.json"), root).unwrap();
    let review = || site.program(&["review", "--root", "share", "--config", "review.json"]);
    let made = result_with(review().args(["--html", "review.html"]), 3);
    let rules: Vec<_> =
        made["findings"].as_array().unwrap().iter().map(|of| of["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"ROOT_HOST_NOT_FQDN") && rules.contains(&"BACKUP_MISSING"), "{rules:?}");
    assert!(fs::read_to_string(site.path("review.html")).unwrap().starts_with("<!DOCTYPE html>"));
    assert!(ended(&mut review(), 3).contains("ROOT_HOST_NOT_FQDN"));
    fs::write(site.path("review.json"), &root[..40]).unwrap();
    failure(&mut review(), "MALFORMED");
}

#[test]
fn a_foreign_set_takes_its_place_to_open_and_a_missing_region_is_named() {
    let site = Site::new();
    let set = site.back_up();
    let lax = site.path("share/contoso.com/lax/Switches").join(set.file_name().unwrap());
    copy(&set, &lax);
    let of_lax = |command: &str, options: &[&str]| {
        let deployment = [command, "--root", "share", "--deployment", "contoso.com/lax"];
        site.program(&[&deployment, options].concat())
    };
    let listed = ended(&mut of_lax("list", &[]), 3);
    assert!(
        listed.contains("FOREIGN") && listed.contains("it belongs to contoso.com/nyc/Switches/"),
        "{listed}"
    );
    let kept = ended(&mut of_lax("retention", &["--keep-last", "1"]), 3);
    assert!(kept.contains("belongs to another place") && lax.exists(), "{kept}");
    let restore = |place: &[&str]| site.opened("restore", &lax, &[&["--into", "to"], place].concat());
    assert!(failure(&mut restore(&[]), "CONFLICT").contains("contoso.com/nyc/Switches"));
    assert!(!site.path("to").exists());
    failure(&mut restore(&["--place", "contoso.com/lax/Switches"]), "CONFLICT");
    assert_eq!(result(&mut restore(&["--place", "contoso.com/nyc/Switches"]))["files"], 2);

    let of_nyk = |options: &[&str]| {
        let deployment = ["check", "--root", "share", "--deployment", "contoso.com/nyk"];
        site.program(&[&deployment, options].concat())
    };
    let said = failure(&mut of_nyk(&[]), "NOT_FOUND");
    assert!(said.contains("contoso.com/nyk") && said.contains("mounted"), "{said}");
    let output = run(&mut of_nyk(&["--create-folders", "--json"]));
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    // How much room there is on this machine's disk is its own affair.
    let is_fine = |step: &Value| {
        let outcome = step["outcome"].as_str().unwrap();
        ["passed", "skipped"].contains(&outcome) || (step["step"] == "space" && outcome == "warned")
    };
    assert!(checked["result"]["steps"].as_array().unwrap().iter().all(is_fine), "{checked}");
    assert!(site.path("share/contoso.com/nyk").is_dir());
}

/// On the day of need nobody must be told to delete sets because the disk that they are restored to is full.
#[test]
fn a_host_without_room_is_not_the_share_without_room() {
    let site = Site::new();
    let set = site.back_up();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for mut command in [site.opened("cat", &set, &["configs/tor2.cfg"]), site.deployed("list", &[])] {
        let ended = run(command.stdout(full()));
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("No space left on device"), "{said}");
        assert!(!said.contains("alert:") && !said.contains("Delete the oldest"), "{said}");
    }
}

#[test]
fn names_and_labels_cannot_command_a_terminal() {
    let site = Site::new();
    fs::write(site.path("configs/red\u{1b}[31m"), "x").unwrap();
    fs::write(site.path("configs/two\nlines"), "x").unwrap();
    let label = ["configs", "--label", "note=a\nset         FORGED\u{1b}]0;title\u{7}"];
    let made = result(&mut site.backup(&label));
    let set = site.path("share").join(made["folder"].as_str().unwrap());
    let shown = said(&mut site.program(&["show", set.to_str().unwrap()]));
    assert!(shown.contains("note=a\\nset         FORGED\\u{1b}]0;title\\u{7}\n"), "{shown}");
    let files = said(&mut site.opened("show", &set, &["--files"]));
    assert!(files.contains("configs/red\\u{1b}[31m\n") && files.contains("configs/two\\nlines\n"), "{files}");
    fs::create_dir(site.path("empty")).unwrap();
    let differs = ended(&mut site.opened("diff", &set, &["--folder", "empty"]), 3);
    assert!(differs.contains("- configs/two\\nlines\n") && !differs.contains('\u{1b}'), "{differs}");
    // Tools get them as they are.
    let entries = result(&mut site.opened("show", &set, &["--files"]));
    assert!(entries.to_string().contains("two\\nlines"), "{entries}");
}

/// A bit of the state that flips costs one run at most, never every night from then on.
#[test]
fn a_damaged_table_of_blocks_stops_no_second_backup() {
    let site = Site::new();
    let mut image: Vec<u8> = (0..9_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let options = ["configs", "--state", "state"];
    for _ in 0..2 {
        fs::write(site.path("configs/image"), &image).unwrap();
        // A file that changed within the last tick of the clock is looked at again.
        std::thread::sleep(Duration::from_millis(50));
        result(&mut site.backup(&options));
        image[5 << 20] ^= 1;
    }
    image[5 << 20] ^= 1;
    let items =
        fs::read_dir(site.path("state/contoso.com/nyc/Switches")).unwrap().map(|item| item.unwrap().path());
    let tables: Vec<_> = items.filter(|path| path.to_string_lossy().contains("/blocks-")).collect();
    assert!(!tables.is_empty());
    tables.iter().for_each(|table| fs::write(table, "damaged").unwrap());
    let hurt = run(&mut site.backup(&options));
    assert!(matches!(hurt.status.code(), Some(0 | 1)), "{}", text(&hurt.stderr));
    let made = result(&mut site.backup(&options));
    let set = site.path("share").join(made["folder"].as_str().unwrap());
    result(&mut site.opened("restore", &set, &["--into", "to"]));
    assert_same_tree(&site.path("configs"), &site.path("to/configs"));
}

#[test]
fn a_pipe_that_brings_nothing_is_a_failure() {
    let site = Site::new();
    let empty = || {
        let mut backup = site.backup(&["--stdin", "tor1", "configs"]);
        backup.stdin(Stdio::null());
        backup
    };
    assert!(failure(&mut empty(), "SOURCE_UNREADABLE").contains("stdin is empty"));
    let told = ended(empty().args(["--source-problems", "report"]), 3);
    assert!(told.contains("did the command before the pipe fail?"), "{told}");
}

#[test]
fn a_set_of_the_future_is_not_the_latest() {
    let site = Site::new();
    result(&mut site.backup(&["--set-name", "20991231T000000Z-00000001", "configs"]));
    fs::write(site.path("configs/tor2.cfg"), "hostname changed\n").unwrap();
    let now = site.back_up();
    let latest = ["show", "contoso.com/nyc/Switches/latest", "--root", "share"];
    let output = run(&mut site.program(&latest));
    assert!(
        text(&output.stdout).contains(now.file_name().unwrap().to_str().unwrap()),
        "{}",
        text(&output.stdout)
    );
    assert!(text(&output.stderr).contains("its time is in the future"), "{}", text(&output.stderr));
}

#[test]
fn who_has_seen_enough_of_a_file_may_go() {
    let site = Site::new();
    fs::write(site.path("configs/long"), vec![b'x'; 8 << 20]).unwrap();
    let set = site.back_up();
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", r#""$0" cat "$1" configs/long --pfx backup.pfx | head -c 3; exit ${PIPESTATUS[0]}"#]);
    bash.args([env!("CARGO_BIN_EXE_azs-backup"), set.to_str().unwrap()]).current_dir(site.temp.path());
    bash.env("AZS_PFX_PASSWORD", crate::site::PASSWORD);
    let output = run(&mut bash);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
