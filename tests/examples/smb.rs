//! The examples on a share over SMB, and the lines that the README prints for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::common::samba::{SMB_PASSWORD, Samba, user};
use super::common::{PASSWORD, assert_same_tree};
use super::recovery::block;
use super::{Site, example, failure, output, programs, report, text};

const ROOT: &str = r"\\127.0.0.1\data";

/// An example with the account of the server, and its port.
fn over_smb(samba: &Samba, name: &str) -> Command {
    let mut command = example(name);
    command.env("AZS_SMB_USER", format!(r"TEST\{}", user())).env("AZS_SMB_PASSWORD", SMB_PASSWORD);
    command.args(["--port", &samba.port().to_string()]);
    command
}

#[test]
fn every_example_takes_a_unc_path() {
    let (site, samba) = (Site::new(), Samba::with(Samba::WITH_ROOM, ""));
    let placed = |name: &str| {
        let mut command = over_smb(&samba, name);
        command.args(["--root", ROOT, "--domain", "contoso.com", "--region", "nyc"]);
        command
    };
    let checked = report(placed("check").args(["--component", "Switches", "--create"]));
    assert_eq!(checked["steps"].as_array().unwrap().len(), 14);
    assert!(samba.path("data/contoso.com/nyc/Switches").is_dir());
    let made = report(
        placed("backup")
            .args(["--component", "Switches", "--cer"])
            .arg(site.path("backup.cer"))
            .arg(site.path("configs")),
    );
    let folder = made["folder"].as_str().unwrap();
    assert!(samba.path("data").join(folder).join("backup.json").is_file());
    assert_eq!(report(&mut placed("list"))["sets"][0]["state"], "complete");
    let set = format!("{ROOT}\\{}", folder.replace('/', "\\"));
    let on_set = |name: &str| {
        let mut command = over_smb(&samba, name);
        command.args(["--set", &set, "--pfx"]).arg(site.path("backup.pfx"));
        command
    };
    assert_eq!(report(&mut on_set("verify"))["files"], 2);
    report(on_set("restore").arg("--to").arg(site.path("restored")));
    assert_same_tree(&site.path("configs"), &site.path("restored/configs"));
    report(placed("retention").args(["--keep-last", "1", "--dry-run"]));
    let quickstart = report(
        over_smb(&samba, "quickstart")
            .args(["--root", ROOT, "--in"])
            .arg(site.path("work"))
            .arg(site.path("configs")),
    );
    assert_eq!(quickstart["by_hand"]["ran"], true);
    assert_same_tree(&site.path("configs"), &site.path("work/by-hand/restored/configs"));

    let mut without = example("list");
    without.args(["--root", ROOT, "--domain", "contoso.com", "--region", "nyc"]).env_remove("AZS_SMB_USER");
    assert!(failure(&mut without, "INVALID_ARGUMENT").contains("AZS_SMB_USER"));
    let mut wrong = placed("check");
    let shown = wrong.env("AZS_SMB_PASSWORD", "wrong").output().unwrap();
    assert_eq!(shown.status.code(), Some(1));
    let (table, line) = (text(&shown.stdout), text(&shown.stderr));
    assert!(table.contains("log_on     FAILED") && table.contains("AUTHENTICATION"), "{table}");
    assert!(line.starts_with("LOGON_FAILED: "), "{line}");
}

/// With root's rights the lines run as they are, on a network and with names of their own; without them the name of the
/// server and the account are put in their places.
#[test]
fn the_readme_s_lines_run_as_printed() {
    programs();
    let site = Site::new();
    // Inside the repository, where cargo finds it.
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::copy(site.path("backup.cer"), work.path().join("backup.cer")).unwrap();
    // The two folders may be on different disks.
    output(Command::new("cp").arg("-R").arg(site.path("configs")).arg(work.path().join("switch-configs")));
    let share = "[AzSBackups]\n path = DATA\n read only = no\n";
    let lines = block("smb");
    let mut bash = Command::new("bash");
    // Too little room is a warning, at which the lines would end.
    let globals = format!("  workgroup = CONTOSO\n{}", Samba::WITH_ROOM);
    let samba;
    if is_root() {
        samba = Samba::prepare(&format!("{globals}\n  smb ports = 445"), share);
        fs::write(samba.path("lines"), lines).unwrap();
        bash = Command::new("unshare");
        bash.args(["--net", "--mount", "--fork", "--kill-child", "bash", "-euc", NAMESPACE]);
        bash.arg("bash").arg(samba.path(""));
    } else {
        samba = Samba::with(&globals, share);
        let port = format!("--port {} --root", samba.port());
        let lines = lines.replace("fileserver01.contoso.com", "127.0.0.1").replace("--root", &port);
        bash.arg("-euc")
            .arg(lines.replace("CONTOSO\\azsbackup", &user()).replace("its password", SMB_PASSWORD));
    }
    bash.current_dir(work.path()).env("CARGO_NET_OFFLINE", "true").env("AZS_PFX_PASSWORD", PASSWORD);
    let shown = text(&output(&mut bash).stdout);
    for expected in ["hard_link  ok", "clock      ok", "Succeeded: contoso.com/nyc/Switches/", "2 files"] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    assert_eq!(fs::read_dir(samba.path("data/contoso.com/nyc/Switches")).unwrap().count(), 1);
}

fn is_root() -> bool {
    let id = output(Command::new("id").arg("-u"));
    text(&id.stdout).trim() == "0" && Path::new("/proc/self/ns/net").exists()
}

/// A loopback of its own, on which port 445 is free; a host and a user that no other process sees.
const NAMESPACE: &str = r#"
cd_back=$PWD; cd "$1"
export PATH="$PATH:/usr/sbin:/sbin"
ip link set lo up
cp /etc/hosts hosts; echo "127.0.0.1 fileserver01.contoso.com" >> hosts; mount --bind hosts /etc/hosts
cp /etc/passwd passwd; echo "azsbackup:x:61234:61234::/:/bin/false" >> passwd; mount --bind passwd /etc/passwd
printf 'its password\nits password\n' | pdbedit -s smb.conf -t -a -u azsbackup > /dev/null
smbd --foreground --no-process-group --configfile "$1/smb.conf" < /dev/null > log/out 2>&1 &
for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/445) 2> /dev/null && break; sleep 0.1; done
cd "$cd_back"
source "$1/lines"
"#;
