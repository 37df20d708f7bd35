//! A Samba of our own: its files, users and port are throw-away, the system's are left alone.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use azs_backup::SmbShare;
use azs_backup::share::{SmbAccount, SmbBuilder};
use tempfile::TempDir;

pub const SMB_PASSWORD: &str = "Backup-1 pass";

/// A running server; it ends with the value.
pub struct Samba {
    folder: TempDir,
    port: u16,
    globals: String,
    shares: Mutex<String>,
    server: Mutex<Option<Child>>,
}

impl Samba {
    /// A server with these shares beside its own `data`, in the syntax of `smb.conf`; `DATA` is the folder of that.
    pub fn with(globals: &str, shares: &str) -> Self {
        let samba = Self::prepare(globals, shares);
        samba.start();
        samba
    }

    /// The same, not started yet.
    pub fn prepare(globals: &str, shares: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["private", "state", "cache", "lock", "pid", "ncalrpc", "log", "data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // The server acts as the user who is logged on, whom the temporary folder would keep out.
        for path in [folder.path(), &folder.path().join("data")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let samba = Self {
            folder,
            port,
            globals: globals.into(),
            shares: Mutex::new(shares.into()),
            server: Mutex::default(),
        };
        samba.configure();
        samba.add_user(&user(), SMB_PASSWORD);
        samba
    }

    pub fn new() -> Self {
        Self::with("", "")
    }

    /// A line of the configuration: no share is almost full, even if the disk of this machine is, as long as 1 GB is free.
    pub const WITH_ROOM: &str = "  max disk size = 1000";

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How to connect to a share or a folder on it: `data`, `data\folder`.
    pub fn builder(&self, share: &str) -> SmbBuilder {
        SmbShare::builder(format!(r"\\127.0.0.1\{share}").parse().unwrap(), account()).port(self.port)
    }

    /// Changes the shares beside `data`, for those who connect from now on.
    pub fn set_shares(&self, shares: &str) {
        *self.shares.lock().unwrap() = shares.into();
        self.configure();
        self.all("HUP");
        // It reads its configuration between two other things.
        std::thread::sleep(Duration::from_millis(200));
    }

    fn configure(&self) {
        let d = self.folder.path().display();
        let Self { port, globals, .. } = self;
        let shares = self.shares.lock().unwrap().replace("DATA", &format!("{d}/data"));
        let own = format!(
            "[global]
  workgroup = TEST
  netbios name = TESTSRV
  server role = standalone server
  security = user
  passdb backend = tdbsam:{d}/private/passdb.tdb
  private dir = {d}/private
  state directory = {d}/state
  cache directory = {d}/cache
  lock directory = {d}/lock
  pid directory = {d}/pid
  ncalrpc dir = {d}/ncalrpc
  log file = {d}/log/smbd
  log level = 1
  smb ports = {port}
  bind interfaces only = yes
  interfaces = lo 127.0.0.1/8
  disable netbios = yes
  load printers = no
  printcap name = /dev/null
  disable spoolss = yes
  server min protocol = SMB3_00
  server signing = mandatory
  map to guest = never
  dns proxy = no
{globals}
[data]
  path = {d}/data
  read only = no
{shares}
"
        );
        fs::write(self.path("smb.conf"), own).unwrap();
    }

    /// Adds a user, or changes the password of one.
    pub fn add_user(&self, name: &str, password: &str) {
        self.pdbedit(&["-t", "-a", "-u", name], &format!("{password}\n{password}\n"));
    }

    /// Runs `pdbedit` on the server's accounts.
    pub fn pdbedit(&self, arguments: &[&str], input: &str) {
        let mut command = program("pdbedit");
        command.arg("-s").arg(self.path("smb.conf")).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("pdbedit: {e}; install samba"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn start(&self) {
        assert!(self.server.lock().unwrap().is_none());
        let log = fs::File::create(self.path("log/out")).unwrap();
        let mut command = program("smbd");
        command.args(["--foreground", "--no-process-group", "--debug-stdout", "--configfile"]);
        // It ends when this pipe does: with the test, however that ends.
        command.arg(self.path("smb.conf")).stdin(Stdio::piped());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        // When it is told to end, it tells its whole process group.
        command.process_group(0);
        *self.server.lock().unwrap() =
            Some(command.spawn().unwrap_or_else(|e| panic!("smbd: {e}; install samba")));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the server and all that it has started, as a power cut would.
    pub fn kill(&self) {
        self.all("KILL");
        let Some(mut server) = self.server.lock().unwrap().take() else { return };
        server.wait().unwrap();
        for file in fs::read_dir(self.path("pid")).unwrap() {
            let _ = fs::remove_file(file.unwrap().path());
        }
    }

    /// Stops all processes in their tracks; the sockets stay open.
    pub fn freeze(&self) {
        self.all("STOP");
    }

    pub fn thaw(&self) {
        self.all("CONT");
    }

    /// Sends a signal to the server and all that it has started, while it can start nothing more.
    fn all(&self, name: &str) {
        let Some(server) = self.server.lock().unwrap().as_ref().map(Child::id) else { return };
        signal(server, "STOP");
        // What it is starting at this moment is there when it has stopped.
        while !is_stopped(server) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for process in self.processes(server) {
            signal(process, name);
        }
        if name != "STOP" {
            signal(server, "CONT");
        }
    }

    /// A server and its descendants, the server last.
    fn processes(&self, server: u32) -> Vec<u32> {
        let mut found = vec![server];
        let mut at = 0;
        while at < found.len() {
            found.extend(children(found[at]));
            at += 1;
        }
        found.reverse();
        found
    }

    /// How many connections are being served.
    pub fn connections(&self) -> usize {
        let serving = |process: &u32| {
            let name = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let sockets = fs::read_dir(format!("/proc/{process}/fd"))
                .map_or(0, |fds| fds.flatten().filter(|fd| is_socket(&fd.path())).count());
            name.contains("smbd") && sockets > 1
        };
        let server = self.server.lock().unwrap().as_ref().unwrap().id();
        children(server).iter().filter(|process| serving(process)).count()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log/out")).unwrap_or_default()
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The account of that user.
pub fn account() -> SmbAccount {
    SmbAccount::new(format!(r"TEST\{}", user()), SMB_PASSWORD).unwrap()
}

/// The user whom the server knows: one of the system, since the server acts as one.
pub fn user() -> String {
    let name = super::run(Command::new("id").arg("-un"));
    String::from_utf8(name.stdout).unwrap().trim().to_owned()
}

/// A program that not everybody has on the path.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// Another user of the system, whom the tests may add to a server.
pub fn other_user() -> String {
    let known =
        |name: &&str| Command::new("id").arg(name).output().is_ok_and(|output| output.status.success());
    ["backup", "daemon", "nobody"].into_iter().find(known).unwrap().to_owned()
}

fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn is_socket(fd: &Path) -> bool {
    fs::read_link(fd).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
}

/// Whether a process has stopped, or is no more.
fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind its name, which is in brackets.
    stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['T', 't', 'Z', 'X']))
}

fn signal(process: u32, name: &str) {
    let _ =
        Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).stderr(Stdio::null()).status();
}

/// Whether the server has a module of this name: distributions have them in a package of their own.
pub fn has_module(name: &str) -> bool {
    let built = String::from_utf8_lossy(&super::run(program("smbd").arg("-b")).stdout).into_owned();
    let folder = built.lines().find_map(|line| line.trim().strip_prefix("MODULESDIR: ")).unwrap_or_default();
    Path::new(folder).join(format!("vfs/{name}.so")).exists()
}
