//! The program on a share over SMB, and the lines that the README prints for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::samba::{SMB_PASSWORD, Samba, user};
use crate::site::{Site, assert_same_tree, ended, failure, result, run, said, text};

const ROOT: &str = r"\\127.0.0.1\data";

#[test]
fn every_command_takes_a_unc_path() {
    let (site, samba) = (Site::new(), Samba::with(Samba::WITH_ROOM, ""));
    let port = samba.port().to_string();
    let over_smb = |arguments: &[&str]| {
        let mut command = site.program(&[arguments, &["--port", &port]].concat());
        command.env("AZS_SMB_USER", format!(r"TEST\{}", user())).env("AZS_SMB_PASSWORD", SMB_PASSWORD);
        command.env("AZS_PFX_PASSWORD", crate::site::PASSWORD);
        command
    };
    let deployed = |command: &str, options: &[&str]| {
        over_smb(&[&[command, "--root", ROOT, "--deployment", "contoso.com/nyc"], options].concat())
    };
    let checked = result(&mut deployed("check", &["--component", "Switches", "--create-folders"]));
    assert_eq!(checked["steps"].as_array().unwrap().len(), 14);
    assert!(samba.path("data/contoso.com/nyc/Switches").is_dir());
    let place = ["--root", ROOT, "--place", "contoso.com/nyc/Switches", "--cer", "backup.cer", "configs"];
    let made = result(&mut over_smb(&[&["backup"], &place[..]].concat()));
    let folder = made["folder"].as_str().unwrap();
    assert!(samba.path("data").join(folder).join("backup.json").is_file());
    assert_eq!(result(&mut deployed("list", &[]))["sets"][0]["state"], "complete");

    let set = format!("{ROOT}\\{}", folder.replace('/', "\\"));
    let pfx = ["--pfx", "backup.pfx"];
    assert_eq!(result(&mut over_smb(&[&["verify", &set], &pfx[..]].concat()))["files"], 2);
    result(&mut over_smb(&[&["restore", &set, "--into", "restored"], &pfx[..]].concat()));
    assert_same_tree(&site.path("configs"), &site.path("restored/configs"));
    let latest = ["cat", "--root", ROOT, "contoso.com/nyc/Switches/latest", "configs/tor2.cfg"];
    assert_eq!(said(&mut over_smb(&[&latest[..], &pfx].concat())), "hostname tor2\n");
    result(&mut deployed("retention", &["--keep-last", "1", "--dry-run"]));
    result(&mut deployed("kit", &["kit", "--program", env!("CARGO_BIN_EXE_azs-backup")]));
    let page = fs::read_to_string(site.path("kit/README.html")).unwrap();
    let way = ["--smb-user", &format!(r"TEST\{}", user()), "AZS_SMB_PASSWORD", &format!("--port {port}")];
    assert!(way.iter().all(|part| page.contains(part)) && !page.contains(SMB_PASSWORD), "{page}");

    let said = failure(deployed("list", &[]).env_remove("AZS_SMB_USER"), "INVALID_ARGUMENT");
    assert!(said.contains("AZS_SMB_USER"), "{said}");
    let output = run(deployed("check", &[]).env("AZS_SMB_PASSWORD", "wrong"));
    let (table, lines) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{lines}");
    assert!(table.contains("log_on     FAILED") && table.contains("AUTHENTICATION"), "{table}");
    assert!(lines.starts_with("LOGON_FAILED: "), "{lines}");
    let bare = run(deployed("list", &[]).env("AZS_SMB_USER", user()));
    assert!(text(&bare.stderr).starts_with("warning: account "), "{}", text(&bare.stderr));
}

/// With root's rights the lines run as they are, on a network and with names of their own; without them the name of the
/// server and the account are put in their places.
#[test]
fn the_readme_s_lines_run_as_printed() {
    let site = Site::new();
    fs::rename(site.path("configs"), site.path("switch-configs")).unwrap();
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
    let program = Path::new(env!("CARGO_BIN_EXE_azs-backup")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let shown = ended(bash.current_dir(site.temp.path()).env("PATH", path), 0);
    for expected in ["hard_link  ok", "clock      ok", "Succeeded: contoso.com/nyc/Switches/", "2 files"] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    assert_eq!(fs::read_dir(samba.path("data/contoso.com/nyc/Switches")).unwrap().count(), 1);
}

/// Returns the fenced block after this comment in the README.
fn block(marker: &str) -> &'static str {
    const README: &str = include_str!("../../../../README.md");
    let (_, rest) = README.split_once(&format!("<!-- {marker} -->\n```bash\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn is_root() -> bool {
    let id = run(Command::new("id").arg("-u"));
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
