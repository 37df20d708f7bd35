//! A domain with a controller, name service and namespace of its own, in a network and mounts of its own: a share by the
//! name of the domain, and a domain that refuses NTLM.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common;
use crate::common::samba::{SMB_PASSWORD, program};
use azs_backup::alert::{AlertKind, Profile, classify_error};
use azs_backup::layout::Deployment;
use azs_backup::share::{ShareCheck, SmbAccount, SmbBuilder};
use azs_backup::{ErrorKind, SmbShare};

const ADDRESS: &str = "10.99.0.1";

/// Runs the test once more where only this domain is; `false` where it is not to be run here.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "AZS_TEST_DOMAIN";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let has = |program: &str| Path::new("/usr/sbin").join(program).exists();
    let apart = ["--net", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"];
    let possible = Command::new("unshare").args(apart).args(["--", "ip", "-V"]).output();
    let has_tool = Command::new("samba-tool").arg("--version").output().is_ok();
    if !possible.is_ok_and(|output| output.status.success()) || !has("samba") || !has("winbindd") || !has_tool
    {
        eprintln!(
            "NOT RUN: {test} wants root's rights, `unshare`, and Samba's domain controller (samba-ad-dc, winbind)"
        );
        return false;
    }
    let mut again = Command::new("unshare");
    again.args(apart).arg("--").arg(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(ALONE, "1");
    print!("{}", String::from_utf8_lossy(&common::run(&mut again).stdout));
    false
}

/// The controller of `contoso.com`, which also serves the namespace and its target.
struct Domain {
    folder: tempfile::TempDir,
    server: Option<Child>,
}

impl Domain {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut domain = Self { folder, server: None };
        let resolver = domain.path("resolv.conf");
        fs::write(&resolver, format!("nameserver {ADDRESS}\nsearch contoso.com\n")).unwrap();
        shell(&format!(
            "ip link set lo up && ip address add {ADDRESS}/24 dev lo && mount --bind {} /etc/resolv.conf && mkdir -p \
             /run/samba && mount -t tmpfs tmpfs /run/samba && mkdir -p /var/lib/samba && mount -t tmpfs tmpfs /var/lib/samba",
            resolver.display()
        ));
        let mut provision = program("samba-tool");
        provision.args([
            "domain",
            "provision",
            "--realm=CONTOSO.COM",
            "--domain=CONTOSO",
            "--server-role=dc",
        ]);
        provision.args(["--dns-backend=SAMBA_INTERNAL", "--host-name=dc1", "-s", "/dev/null"]);
        provision.arg(format!("--host-ip={ADDRESS}")).arg(format!("--adminpass={SMB_PASSWORD}"));
        common::run(provision.arg("--targetdir").arg(domain.path("dc")));
        for folder in ["pid", "ncalrpc", "ntp", "files", "backups"] {
            fs::create_dir(domain.path(folder)).unwrap();
        }
        fs::set_permissions(domain.path("ntp"), fs::Permissions::from_mode(0o750)).unwrap();
        fs::set_permissions(domain.path("backups"), fs::Permissions::from_mode(0o777)).unwrap();
        symlink(r"msdfs:dead.contoso.com\backups,dc1.contoso.com\backups", domain.path("files/AzSBackups"))
            .unwrap();
        symlink(r"msdfs:contoso.com\files\AzSBackups", domain.path("files/inter")).unwrap();
        domain.start("");
        domain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self, globals: &str) {
        let d = self.folder.path().display();
        let provisioned = self.path("dc/etc/smb.conf");
        let first = self.path("provisioned.conf");
        if !first.exists() {
            fs::copy(&provisioned, &first).unwrap();
        }
        let own = format!(
            "[global]
  bind interfaces only = yes
  interfaces = lo {ADDRESS}/24
  pid directory = {d}/pid
  ncalrpc dir = {d}/ncalrpc
  ntp signd socket directory = {d}/ntp
  {globals}
"
        );
        let shares = format!(
            "\n[files]\n  path = {d}/files\n  msdfs root = yes\n[backups]\n  path = {d}/backups\n  read only = no\n"
        );
        let text = fs::read_to_string(first).unwrap().replacen("[global]\n", &own, 1) + &shares;
        fs::write(&provisioned, text).unwrap();
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = program("samba");
        command.arg("-s").arg(&provisioned).args(["--foreground", "--no-process-group", "--debug-stdout"]);
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        // When it is told to end, it tells its whole process group.
        command.process_group(0);
        self.server = Some(command.spawn().unwrap());
        // The log-on of an account takes the name service, the directory and winbind.
        let begun = Instant::now();
        loop {
            let names = Command::new("getent").args(["hosts", "contoso.com"]).output().unwrap();
            let mut ping = program("wbinfo");
            let is_up = std::net::TcpStream::connect((ADDRESS, 445)).is_ok()
                && names.status.success()
                && ping.arg("-p").output().is_ok_and(|output| output.status.success());
            if is_up {
                return;
            }
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(120), "{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        shell(&format!("kill {}", server.id()));
        server.wait().unwrap();
        // Its services end after it, each in its own time, and the next start wants the port of every one.
        let begun = Instant::now();
        while is_listening() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the services of the domain do not end");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Whether anything in this network waits for a connection.
fn is_listening() -> bool {
    const LISTEN: &str = "0A";
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap();
        table.lines().skip(1).any(|line| line.split_whitespace().nth(3) == Some(LISTEN))
    })
}

impl Drop for Domain {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
        }
    }
}

fn shell(line: &str) {
    common::run(program("sh").args(["-ec", line]));
}

fn at(path: &str) -> SmbBuilder {
    let account = SmbAccount::new(r"CONTOSO\Administrator", SMB_PASSWORD).unwrap();
    SmbShare::builder(path.parse().unwrap(), account).attempts(2)
}

#[test]
fn a_share_by_the_name_of_its_domain_and_a_domain_without_ntlm() {
    if !is_alone("smb_domain::a_share_by_the_name_of_its_domain_and_a_domain_without_ntlm") {
        return;
    }
    let mut domain = Domain::new();
    for path in [r"\\contoso.com\files\AzSBackups", r"\\contoso.com\files\inter"] {
        let share = at(path).connect().unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(share.root().to_string(), r"\\dc1.contoso.com\backups");
        assert_eq!(share.namespace().unwrap().to_string(), path);
    }
    let check = ShareCheck::new(Deployment::new("contoso.com", "nyc").unwrap())
        .create_folders(true)
        .run_smb(&at(r"\\contoso.com\files\AzSBackups"));
    assert!(check.is_sound(), "{}", check.to_table());
    assert!(domain.path("backups/contoso.com/nyc").is_dir());
    // A name that is neither a share nor a namespace.
    let error = at(r"\\contoso.com\none\AzSBackups").connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    domain.stop();
    domain.start("ntlm auth = disabled");
    let error = at(r"\\dc1.contoso.com\backups").connect().unwrap_err();
    println!("{error}");
    assert_eq!(error.kind(), ErrorKind::LogonFailed, "{error}");
    let class = classify_error(&error, Profile::Refined);
    assert_eq!(class.kind(), AlertKind::Authentication);
    assert!(error.to_string().contains("STATUS_NTLM_BLOCKED"), "{error}");
    assert!(error.to_string().contains("sec=krb5"), "{error}");
}
