//! The main job on a machine with nothing set up, by the program's own commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::needs::{self, FOR_BUILD, FOR_RECOVERY, OpenSsl};
use crate::run::{Failure, cargo, target};

mod mas_backup;

const HELP: &str = "\
cargo xtask quickstart [SOURCE] [--in FOLDER] [--remove]

  SOURCE       folder to back up; by default this repository, without target and .git
  --in FOLDER  folder to work in: not existing yet; by default a new temporary one
  --remove     remove the folder at the end; otherwise it stays, so that you can look around";

/// The password of the throw-away certificate.
const PASSWORD: &str = "throw-away";

/// Runs the main job, and shows each command with what it prints.
pub(crate) fn quickstart(arguments: &[String]) -> Result<(), Failure> {
    let Options { source, left_out, folder, remove } = match Options::parse(arguments)? {
        Some(options) => options,
        None => {
            println!("{HELP}");
            return Ok(());
        }
    };
    let openssl = needs::check(FOR_BUILD)?;
    // Two thirds of all crates are only for shares over SMB: a first look in a folder does without them.
    let build = cargo("build", openssl).args(["--package", "azs-backup-cli", "--no-default-features"]);
    match openssl {
        OpenSsl::Vendored => build.args(["--features", "vendored-openssl"]).run()?,
        _ => build.run()?,
    }
    // What a share looks like after some of Azure Stack Hub's backups, synthetic ones.
    let region = folder.join("share/contoso.com/nyc");
    let made = fs::create_dir_all(region.parent().unwrap_or(&folder)).and_then(|()| {
        fs::create_dir(&region)?;
        mas_backup::write(&region, &folder.join(mas_backup::PFX))?;
        fs::write(folder.join("review.json"), REVIEW)
    });
    made.map_err(|e| Failure(format!("{}: {e}; give --in another folder", folder.display())))?;
    let shown = Shown { folder: &folder, left_out, program: target().join("debug/azs-backup") };
    shown.run_all(&source)?;
    if remove {
        fs::remove_dir_all(&folder).map_err(|e| Failure(format!("{}: {e}", folder.display())))?;
    } else {
        println!("\nEverything is kept in {0}\nRemove it with: rm -r {0}", folder.display());
    }
    Ok(())
}

/// The password of the PFX that these arguments name, as the last line of `export` said.
fn password(arguments: &[&str]) -> &'static str {
    if arguments.contains(&mas_backup::PFX) { mas_backup::PASSWORD } else { PASSWORD }
}

const REVIEW: &str = r#"{
  "root": "\\\\fileserver01.contoso.com\\AzSBackups",
  "deployment": { "external_domain_name": "contoso.com", "region": "nyc" },
  "retention_days": 7
}
"#;

struct Options {
    source: PathBuf,
    /// Names in the source that are left out.
    left_out: &'static [&'static str],
    folder: PathBuf,
    remove: bool,
}

impl Options {
    /// Reads the arguments; `None` if help is asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, Failure> {
        let (mut source, mut folder, mut remove) = (None, None, false);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match &**argument {
                "--help" | "-h" => return Ok(None),
                "--remove" => remove = true,
                "--in" => folder = Some(PathBuf::from(arguments.next().ok_or_else(usage)?)),
                option if option.starts_with('-') => return Err(usage()),
                path if source.is_none() => source = Some(PathBuf::from(path)),
                _ => return Err(usage()),
            }
        }
        let left_out: &[&str] = if source.is_none() { &LEFT_OUT } else { &[] };
        let source = source.unwrap_or_else(|| ".".into());
        let source = source.canonicalize().map_err(|e| Failure(format!("{}: {e}", source.display())))?;
        let temporary = || std::env::temp_dir().join(format!("azs-backup-quickstart-{}", std::process::id()));
        let folder = std::path::absolute(folder.unwrap_or_else(temporary))
            .map_err(|e| Failure(format!("the folder to work in: {e}")))?;
        if folder.starts_with(&source) {
            let message = "lies in what is to be backed up; give --in a folder outside of it";
            return Err(Failure(format!("{} {message}", folder.display())));
        }
        Ok(Some(Self { source, left_out, folder, remove }))
    }
}

fn usage() -> Failure {
    Failure(format!("a wrong argument\n{HELP}"))
}

/// What in this repository is not source: cargo's output and git's own data.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

/// Runs commands in a folder, and shows them.
struct Shown<'a> {
    folder: &'a Path,
    left_out: &'a [&'a str],
    program: PathBuf,
}

impl Shown<'_> {
    fn run_all(&self, source: &Path) -> Result<(), Failure> {
        let source_text = source.to_string_lossy();
        let name = source.file_name().map_or("source".into(), |name| name.to_string_lossy());
        let latest = ["--root", "share", "contoso.com/nyc/Switches/latest"];
        let pfx = ["--pfx", "azs-backup.pfx"];
        let place = ["--root", "share", "--place", "contoso.com/nyc/Switches", "--cer", "azs-backup.cer"];
        let patterns: Vec<_> = self.left_out.iter().map(|name| format!("--exclude=/{name}")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        println!("$ cd {}\n$ export AZS_PFX_PASSWORD={PASSWORD}", self.folder.display());

        say("A throw-away certificate: the CER encrypts, the PFX decrypts.");
        self.azs_backup(&[&["key", "new"]])?;
        say("Back up, beside MASBackup. This takes the CER alone.");
        self.azs_backup(&[&["backup"], &place, &patterns, &["--state", "state", &source_text]])?;
        say("What is on the share. This takes no key.");
        self.azs_backup(&[&["list", "--root", "share", "--deployment", "contoso.com/nyc"]])?;
        say("Verify: every byte is authentic and what was backed up.");
        self.azs_backup(&[&["verify"], &latest, &pfx])?;
        say("Restore, and compare with the source.");
        self.azs_backup(&[&["restore"], &latest, &pfx, &["--into", "restored"]])?;
        self.compare(&source_text, &format!("restored/{name}"))?;
        say("Open it by hand, without this library: the lines are in the README.");
        self.by_hand(&source_text, &name)?;
        println!("\n$ export AZS_PFX_PASSWORD={}", mas_backup::PASSWORD);
        say(
            "Azure Stack Hub's own backups, which are synthetic here: what lies in MASBackup. This takes no key.",
        );
        let theirs = ["--root", "share", "--deployment", "contoso.com/nyc"];
        self.azs_backup(&[&["mas-backup", "list"], &theirs])?;
        say("Verify the newest of them that is ready: it opens with its PFX.");
        let their_pfx = ["--pfx", mas_backup::PFX];
        self.azs_backup(&[&["mas-backup", "verify"], &theirs, &their_pfx, &["--backup", "latest"]])?;
        say("Review by the best practices: exit code 3, for there is something to do. See review.html, too.");
        let review = ["review", "--root", "share", "--config", "review.json", "--cer", "azs-backup.cer"];
        self.run_with(&[&review, &their_pfx, &["--html", "review.html"]], &[0, 3])
    }

    fn azs_backup(&self, arguments: &[&[&str]]) -> Result<(), Failure> {
        self.run_with(arguments, &[0])
    }

    /// Runs the program, which has to end with one of these codes.
    fn run_with(&self, arguments: &[&[&str]], codes: &[i32]) -> Result<(), Failure> {
        let arguments = arguments.concat();
        let mut command = Command::new(&self.program);
        command.args(&arguments).current_dir(self.folder).env("AZS_PFX_PASSWORD", password(&arguments));
        run(&mut command, &format!("azs-backup {}", arguments.join(" ")), codes)
    }

    fn compare(&self, source: &str, restored: &str) -> Result<(), Failure> {
        let mut options = vec!["-r".to_owned(), "--no-dereference".into()];
        options.extend(self.left_out.iter().map(|name| format!("--exclude={name}")));
        let line = format!("diff {} {source} {restored}", options.join(" "));
        let mut diff = Command::new("diff");
        run(diff.args(options).args([source, restored]).current_dir(self.folder), &line, &[0])
    }

    /// Opens the set with the lines that the README prints.
    fn by_hand(&self, source: &str, name: &str) -> Result<(), Failure> {
        let missing = needs::lacking(FOR_RECOVERY);
        if !missing.is_empty() {
            println!("  NOT run: this machine lacks {}", missing.join(", "));
            return Ok(());
        }
        let copy = "mkdir by-hand && cp share/contoso.com/nyc/Switches/*/* azs-backup.pfx by-hand && cd by-hand && \
                    mv azs-backup.pfx backup.pfx";
        let mut bash = Command::new("bash");
        bash.arg("-ec").arg(format!("{copy}\n{}", recovery()?)).stdin(Stdio::null());
        bash.current_dir(self.folder).env("AZS_PFX_PASSWORD", PASSWORD);
        run(&mut bash, copy, &[0])?;
        self.compare(source, &format!("by-hand/restored/{name}"))
    }
}

fn say(text: &str) {
    println!("\n# {text}");
}

/// Runs a command and shows its line; it has to end with one of these codes.
fn run(command: &mut Command, line: &str, codes: &[i32]) -> Result<(), Failure> {
    println!("$ {line}");
    let status = command.status().map_err(|e| Failure(format!("{e}: {line}")))?;
    if status.code().is_some_and(|code| codes.contains(&code)) {
        Ok(())
    } else {
        Err(Failure(format!("{status}: {line}")))
    }
}

/// The recovery lines, exactly as the README prints them.
fn recovery() -> Result<&'static str, Failure> {
    const README: &str = include_str!("../../README.md");
    README
        .split_once("<!-- recovery -->\n```bash\n")
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .map(|(lines, _)| lines)
        .ok_or_else(|| Failure("README.md has no recovery lines".into()))
}
