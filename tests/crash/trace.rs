//! The system calls of a program that change files, as `strace` saw them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A call that changed something, or made a change durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Call {
    /// A file was opened: created if it did not exist, and truncated if that was asked for.
    Open {
        path: PathBuf,
        create: bool,
        truncate: bool,
    },
    Write {
        path: PathBuf,
        at: Option<u64>,
        length: u64,
    },
    Length {
        path: PathBuf,
        length: u64,
    },
    Folder(PathBuf),
    Symlink(PathBuf),
    Link {
        old: PathBuf,
        new: PathBuf,
    },
    Rename {
        old: PathBuf,
        new: PathBuf,
    },
    Remove(PathBuf),
    Sync(PathBuf),
    SyncAll,
}

const CALLS: &str = "open,openat,openat2,creat,write,writev,pwrite64,pwritev,sendfile,copy_file_range,ftruncate,\
    mkdir,mkdirat,symlink,symlinkat,link,linkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync,fdatasync,syncfs,sync";

/// Whether there is an `strace` that may trace.
pub fn is_possible() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().is_ok_and(|status| status.success())
}

/// Runs this test program's test `name` under `strace`; returns its calls in the order in which they ended.
pub fn record(name: &str, task: (&str, &str), folder: &Path) -> Vec<Call> {
    let out = folder.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-s", "0", "-e", "signal=none", "-e"]).arg(format!("trace={CALLS}"));
    strace.arg("-o").arg(&out).arg(std::env::current_exe().unwrap()).args(["--exact", name]);
    let done = strace.env(task.0, task.1).stdout(Stdio::null()).output().expect("strace runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    calls(&std::fs::read_to_string(out).unwrap())
}

fn calls(text: &str) -> Vec<Call> {
    let mut begun = std::collections::HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, start.to_owned());
        } else if let Some((_, end)) =
            rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let start = begun.remove(pid).unwrap_or_default();
            calls.extend(call(&format!("{start}{end}")));
        } else {
            calls.extend(call(rest));
        }
    }
    calls
}

/// One call in one line: `name(arguments) = result`.
fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    // strace fills short lines up with blanks.
    let arguments = arguments.trim_end();
    let paths = paths(arguments);
    let path = |at: usize| paths.get(at).cloned();
    let number = || result.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    let last = || arguments.trim_end_matches(')').rsplit(", ").next()?.parse().ok();
    Some(match name {
        "open" | "openat" | "openat2" | "creat" => {
            let (create, truncate) =
                (name == "creat" || arguments.contains("O_CREAT"), arguments.contains("O_TRUNC"));
            if !create && !truncate {
                return None;
            }
            Call::Open { path: self::paths(result).pop()?, create, truncate }
        }
        "write" | "writev" => Call::Write { path: path(0)?, at: None, length: number()? },
        "sendfile" => Call::Write { path: path(0)?, at: None, length: number()? },
        "copy_file_range" => Call::Write { path: path(1)?, at: None, length: number()? },
        "pwrite64" | "pwritev" => Call::Write { path: path(0)?, at: Some(last()?), length: number()? },
        "ftruncate" => Call::Length { path: path(0)?, length: last()? },
        "mkdir" | "mkdirat" => Call::Folder(path(0)?),
        "symlink" => Call::Symlink(path(1)?),
        "symlinkat" => Call::Symlink(path(1)?),
        "link" | "linkat" => Call::Link { old: path(0)?, new: path(1)? },
        "rename" | "renameat" | "renameat2" => Call::Rename { old: path(0)?, new: path(1)? },
        "unlink" | "unlinkat" | "rmdir" => Call::Remove(path(0)?),
        "fsync" | "fdatasync" => Call::Sync(path(0)?),
        "syncfs" | "sync" => Call::SyncAll,
        _ => return None,
    })
}

/// The paths among arguments: of an open file (`7</a/b>`), of a name (`"/a/b"`), or of a name in an open folder.
fn paths(arguments: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folder: Option<PathBuf> = None;
    let mut rest = arguments;
    while let Some(at) = rest.find(['<', '"']) {
        let is_name = rest.as_bytes()[at] == b'"';
        let behind = &rest[at + 1..];
        let Some(end) = behind.find(if is_name { '"' } else { '>' }) else { break };
        let path = PathBuf::from(&behind[..end]);
        let is_data = behind[end..].starts_with("\"...");
        rest = &behind[end + 1..];
        if is_name && !is_data {
            // The folder was only the path to this name.
            found.push(folder.take().map_or_else(|| path.clone(), |folder| folder.join(&path)));
        } else if !is_name {
            found.extend(folder.replace(path));
        }
    }
    found.extend(folder);
    found
}

#[test]
fn lines_of_strace_are_understood() {
    let line = r#"openat2(5</s/set>, "unfinished-a", {flags=O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, mode=0666}, 24) = 9</s/set/unfinished-a>"#;
    let path = PathBuf::from("/s/set/unfinished-a");
    assert_eq!(call(line), Some(Call::Open { path: path.clone(), create: true, truncate: true }));
    let line = r#"write(9</s/set/unfinished-a>, ""..., 70000) = 70000"#;
    assert_eq!(call(line), Some(Call::Write { path: path.clone(), at: None, length: 70_000 }));
    let line = r#"pwrite64(9</s/set/unfinished-a>, ""..., 4096, 8192) = 4096"#;
    assert_eq!(call(line), Some(Call::Write { path: path.clone(), at: Some(8192), length: 4096 }));
    let line = r#"renameat(5</s/set>, "unfinished-a", 6</s/set>, "a") = 0"#;
    assert_eq!(call(line), Some(Call::Rename { old: path.clone(), new: "/s/set/a".into() }));
    let line = r#"rename("/s/set/unfinished-a", "/s/b") = 0"#;
    assert_eq!(call(line), Some(Call::Rename { old: path.clone(), new: "/s/b".into() }));
    assert_eq!(call(r#"fdatasync(9</s/set/unfinished-a>)    = 0"#), Some(Call::Sync(path)));
    assert_eq!(call(r#"unlinkat(5</s>, "x", 0) = -1 ENOENT (No such file or directory)"#), None);
    let text = "7 fsync(3</s> <unfinished ...>\n8 mkdirat(AT_FDCWD</>, \"/s/n\", 0777) = 0\n7 <... fsync resumed>) = 0\n";
    assert_eq!(calls(text), [Call::Folder("/s/n".into()), Call::Sync("/s".into())]);
    let text =
        "7 pwrite64(9</s/a>, \"\"..., 70, 8192 <unfinished ...>\n7 <... pwrite64 resumed>)           = 70\n";
    assert_eq!(calls(text), [Call::Write { path: "/s/a".into(), at: Some(8192), length: 70 }]);
}
