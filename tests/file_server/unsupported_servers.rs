//! Servers that are no Samba, or nothing at all: each is refused at once, in words.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use azs_backup::layout::Deployment;
use azs_backup::share::{ShareCheck, SmbAccount, SmbDialect, Step};
use azs_backup::{ErrorKind, SmbShare};

/// The version of impacket that is known to serve SMB 2.1 at most.
const IMPACKET: &str = "impacket==0.13.1";

/// A Python that has impacket; installed on first use where that may be.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("impacket");
    let python = folder.join("bin/python");
    let works = |python: &Path| {
        let tried = Command::new(python).args(["-c", "import impacket.smbserver"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if works(&python) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    let installed = made.is_ok_and(|output| output.status.success()) && {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", IMPACKET]);
        pip.output().is_ok_and(|output| output.status.success())
    };
    if !installed || !works(&python) {
        eprintln!("NOT RUN: a foreign server wants python3 with venv, and {IMPACKET} from its package index");
        return None;
    }
    Some(python)
}

/// impacket's server, with one share.
struct Impacket {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Impacket {
    fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command.arg(python.with_file_name("smbserver.py"));
        command.args(["-smb2support", "-username", "user", "-password", "password", "-ip", "127.0.0.1"]);
        command.args(["-port", &port.to_string(), "data"]).arg(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "impacket does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { server, port, _folder: folder }
    }
}

impl Drop for Impacket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_server_of_smb_2_1_is_refused_at_once_and_in_words() {
    let Some(python) = python() else { return };
    let server = Impacket::start(&python);
    for oldest in [SmbDialect::Smb311, SmbDialect::Smb300] {
        let account = SmbAccount::new("user", "password").unwrap();
        let builder = SmbShare::builder(r"\\127.0.0.1\data".parse().unwrap(), account)
            .port(server.port)
            .oldest_dialect(oldest)
            .attempts(1);
        let begun = Instant::now();
        let error = builder.clone().connect().unwrap_err();
        println!("| {oldest} | {:.1} s | {error}", begun.elapsed().as_secs_f64());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("SMB 3.0 or later is needed"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let check = ShareCheck::new(Deployment::new("contoso.com", "nyc").unwrap()).run_smb(&builder);
        assert_eq!(
            check.first_failure().map(|failed| failed.step),
            Some(Step::Dialect),
            "{}",
            check.to_table()
        );
    }
}

#[test]
fn a_server_that_never_answers_is_named_as_such() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let account = SmbAccount::new("user", "password").unwrap();
    let builder = SmbShare::builder(r"\\127.0.0.1\data".parse().unwrap(), account)
        .port(silent.local_addr().unwrap().port())
        .connect_limit(Duration::from_secs(1))
        .attempts(1);
    let begun = Instant::now();
    let error = builder.clone().connect().unwrap_err();
    println!("| silent | {:.1} s | {error}", begun.elapsed().as_secs_f64());
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("its SMB service hangs"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let check = ShareCheck::new(Deployment::new("contoso.com", "nyc").unwrap()).run_smb(&builder);
    assert_eq!(check.first_failure().map(|failed| failed.step), Some(Step::Dialect), "{}", check.to_table());
}
