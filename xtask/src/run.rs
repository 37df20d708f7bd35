//! Runs programs, and prints each as a command line.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::metadata;
use crate::needs::OpenSsl;

/// Why a task failed, for people.
pub(crate) struct Failure(pub(crate) String);

/// A program to run, and the command line that it prints.
pub(crate) struct Step {
    command: Command,
    line: String,
}

/// Prepares a cargo command, with the features that this machine can build.
pub(crate) fn cargo(task: &str, openssl: OpenSsl) -> Step {
    // Use the cargo that runs us, whatever the path finds.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let step = Step { command: Command::new(cargo), line: "$ cargo".into() };
    match openssl {
        OpenSsl::Unused => step.args([task]),
        OpenSsl::Vendored => step.args([task, "--locked"]),
        OpenSsl::System => step.args([task, "--locked", "--no-default-features"]),
    }
}

/// Prepares any other program.
pub(crate) fn program(name: &str) -> Step {
    Step { command: Command::new(name), line: format!("$ {name}") }
}

impl Step {
    pub(crate) fn args<S: AsRef<str>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            let argument = argument.as_ref();
            self.line.push(' ');
            self.line.push_str(argument);
            self.command.arg(argument);
        }
        self
    }

    /// Runs it in this folder.
    pub(crate) fn folder(mut self, folder: &str) -> Self {
        self.line = self.line.replacen("$ ", &format!("$ cd {folder} && "), 1);
        self.command.current_dir(folder);
        // A relative path would lead somewhere else from there.
        if ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().any(|name| std::env::var_os(name).is_some())
        {
            self.command.env("CARGO_TARGET_DIR", target());
        }
        self
    }

    pub(crate) fn env(mut self, variable: &str, value: &str) -> Self {
        self.line = self.line.replacen("$ ", &format!("$ {variable}={value:?} "), 1);
        self.command.env(variable, value);
        self
    }

    /// Takes these variables away from it.
    pub(crate) fn without(mut self, variables: &[&str]) -> Self {
        for variable in variables {
            self.command.env_remove(variable);
        }
        self
    }

    /// Lets it write what it says into a file.
    pub(crate) fn output_to(mut self, file: &std::path::Path) -> Result<Self, Failure> {
        let failed = |e| Failure(format!("{}: {e}", file.display()));
        let to = std::fs::File::create(file).map_err(failed)?;
        self.command.stdin(Stdio::null()).stderr(to.try_clone().map_err(failed)?).stdout(to);
        Ok(self)
    }

    /// Runs it with our own input and output. Anything but success fails the task.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        eprintln!("{}", self.line);
        match self.command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure(format!("{status}: {}", self.line))),
            Err(error) => Err(Failure(format!("{error}: {}", self.line))),
        }
    }
}

/// Returns what a cargo command prints, and shows its messages.
pub(crate) fn cargo_prints(arguments: &[&str]) -> Result<String, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let line = format!("$ cargo {}", arguments.join(" "));
    let output = Command::new(cargo).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure(format!("{error}: {line}")))?;
    if !output.status.success() {
        return Err(Failure(format!("{}: {line}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns cargo's target folder, where our results go, too. Ask cargo, because variables and files can set it.
pub(crate) fn target() -> PathBuf {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| metadata::target().unwrap_or_else(|| "target".into())).clone()
}

/// Returns what a program prints, if it succeeds; it reads `input`.
pub(crate) fn output(name: impl AsRef<OsStr>, arguments: &[&str], input: &str) -> Option<String> {
    use std::io::Write;

    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // A program that reads nothing may have ended already.
    let _ = child.stdin.take()?.write_all(input.as_bytes());
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
