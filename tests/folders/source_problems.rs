//! Sources that are missing, incomplete, or not meant to be backed up.

use crate::common;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::symlink;

use crate::common::Fixture;
use crate::nightly::Nightly;
use azs_backup::ErrorKind;
use azs_backup::backup::{ShrunkenSources, SourceProblems};
use azs_backup::set::Status;

/// A switch that stops answering.
struct Silent(usize);

impl Read for Silent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let give = self.0.min(buffer.len());
        if give == 0 {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "switch 7 did not answer"));
        }
        self.0 -= give;
        buffer[..give].fill(b'x');
        Ok(give)
    }
}

#[test]
fn what_could_not_be_fetched_makes_the_set_partial_and_is_named() {
    let fixture = Fixture::new();
    let mut backup = fixture.builder().source_problems(SourceProblems::Report).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    backup.add_problem("tor6", "switch 6 did not answer").unwrap();
    backup.add_reader("tor7", Silent(1000)).unwrap();
    backup.add_reader("tor8", Silent(5 << 20)).unwrap();
    backup.add_folder_as("hlh", fixture.path("not mounted")).unwrap();
    backup.add_file_as("key", fixture.path("no file")).unwrap();
    backup.add(fixture.path("nor this")).unwrap();
    let report = backup.commit().unwrap();
    assert_eq!(report.cover.status, Status::PartialSucceeded);
    assert_eq!((report.cover.content.files, report.cover.content.problems), (1, 6));
    let problems: Vec<_> = report.problems.iter().map(|p| (p.path.to_string(), &*p.code)).collect();
    let unreadable = |name: &str| (name.to_owned(), "SOURCE_UNREADABLE");
    assert_eq!(problems, ["tor6", "tor7", "tor8", "hlh", "key", "nor this"].map(unreadable));
    assert!(report.problems[1].message.contains("switch 7 did not answer"), "{:?}", report.problems[1]);
    let restored = fixture.open(&report.folder).restore(&fixture.opener).into(fixture.path("restored"));
    assert_eq!(restored.unwrap().problems.len(), 6);
}

#[test]
fn a_source_that_could_not_be_added_ends_the_run_even_if_the_caller_goes_on() {
    let fixture = Fixture::new();
    let (folder, pipe) = (fixture.path("folder"), fixture.path("pipe"));
    fs::create_dir(&folder).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    type Add<'a> = &'a dyn Fn(&mut azs_backup::Backup) -> azs_backup::Result<()>;
    let sources: [(&str, Add<'_>, ErrorKind); 7] = [
        ("a name that is none", &|b| b.add_bytes("../tor1", &b"x"[..]), ErrorKind::InvalidName),
        ("a name that is taken", &|b| b.add_bytes("tor1", &b"x"[..]), ErrorKind::AlreadyExists),
        ("a problem below a source", &|b| b.add_problem("tor1/a", "no answer"), ErrorKind::AlreadyExists),
        ("a file that is a folder", &|b| b.add_file_as("x", &folder), ErrorKind::InvalidArgument),
        ("a pipe", &|b| b.add_file(&pipe), ErrorKind::InvalidArgument),
        ("what the kernel makes", &|b| b.add_folder("/proc"), ErrorKind::InvalidArgument),
        ("a path without a name", &|b| b.add_folder("/"), ErrorKind::InvalidName),
    ];
    for policy in [SourceProblems::Fail, SourceProblems::Report] {
        for (what, add, kind) in sources {
            let mut backup = fixture.builder().source_problems(policy).start().unwrap();
            backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
            let error = add(&mut backup).expect_err(what);
            assert_eq!(error.kind(), kind, "{what}: {error}");
            let _ = backup.add_bytes("tor2", &b"hostname tor2"[..]);
            let told = backup.commit().expect_err(what);
            assert_eq!(told.to_string(), error.to_string(), "{what}");
        }
    }
}

#[test]
fn a_problem_ends_the_run_where_the_policy_says_so_and_the_first_is_the_one_told() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let mut backup = fixture.start();
        backup.add_bytes("tor1", &b"x"[..]).unwrap();
        let error = backup.add_problem("tor6", "did not answer").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceUnreadable);
        assert!(error.to_string().contains("did not answer"), "{error}");
    }
    assert_eq!(
        fixture.start().add_reader("tor7", Silent(5)).unwrap_err().kind(),
        ErrorKind::SourceUnreadable
    );
    let mut backup = fixture.start();
    let missing = backup.add_folder_as("hlh", fixture.path("not mounted")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::SourceUnreadable);
    // The next calls, whatever they are and however many, return a failure in the threads.
    for _ in 0..20 {
        let mut backup = fixture.start();
        let source = fixture.path("vanishing");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("a"), common::noise(1, 900_000)).unwrap();
        backup.add_folder_as("a", &source).unwrap();
        fs::remove_dir_all(&source).unwrap();
        let mut errors = Vec::new();
        for name in 0..50 {
            errors.extend(backup.add_bytes(&format!("b{name}"), common::noise(name, 1 << 20)).err());
        }
        errors.extend(backup.commit().err());
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::SourceChanged), "{errors:?}");
        assert!(!errors.is_empty());
    }
}

#[test]
fn a_source_that_is_empty_or_much_smaller_than_last_time_is_told_or_ends_the_run() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    assert_eq!(nightly.run().warnings, Vec::<String>::new());
    fs::remove_dir_all(tree.join("a/b")).unwrap();
    let shrunk = nightly.run();
    assert!(shrunk.warnings.iter().any(|w| w.contains("last time")), "{:?}", shrunk.warnings);
    for name in ["a", "gone folder"] {
        fs::remove_dir_all(tree.join(name)).unwrap();
    }
    for name in ["large", "link"] {
        fs::remove_file(tree.join(name)).unwrap();
    }
    let failing = nightly.builder().shrunken_sources(ShrunkenSources::Fail);
    let error = failing.start().unwrap().add_folder_as("tree", &tree).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnreadable);
    let empty = nightly.run();
    assert!(empty.warnings.iter().any(|w| w.contains("holds no files")), "{:?}", empty.warnings);
    let mut backup = nightly.fixture.start();
    backup.add_bytes("tor1", &b""[..]).unwrap();
    assert!(backup.commit().unwrap().warnings.iter().any(|w| w.contains("tor1 is empty")));
}

#[test]
fn the_share_and_the_state_are_never_in_a_set() {
    let fixture = Fixture::new();
    let source = fixture.temp.path();
    fs::write(source.join("file"), "x").unwrap();
    let state = fixture.path("state");
    for _ in 0..2 {
        let mut backup = fixture.builder().state(&state).start().unwrap();
        backup.add_folder_as("all", source).unwrap();
        let report = backup.commit().unwrap();
        assert_eq!(report.cover.content.files, 1);
        let skipped: Vec<_> = report.skipped.iter().map(|p| p.path.to_string()).collect();
        assert_eq!(skipped, ["all/share", "all/state"]);
    }
    let mut backup = fixture.start();
    let sets = fixture.path("share/contoso.com/nyc/Switches");
    symlink(&sets, fixture.path("by a link")).unwrap();
    for inside in [&sets, &fixture.path("share"), &fixture.path("by a link")] {
        let error = backup.add_folder_as("sets", inside).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        backup = fixture.start();
    }
    for inside in [fixture.path("share"), fixture.path("share/new/folder")] {
        let error = fixture.builder().state(inside).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}

#[test]
fn what_the_kernel_makes_is_passed_over_below_a_source() {
    let fixture = Fixture::new();
    let builder = fixture.builder().exclude("/*").include("/proc").include("/sys");
    let mut backup = builder.start().unwrap();
    backup.add_folder_as("root", "/").unwrap();
    let report = backup.commit().unwrap();
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.path.to_string()).collect();
    assert_eq!((report.cover.content.files, skipped), (0, vec!["root/proc".into(), "root/sys".into()]));
}

#[test]
fn what_the_kernel_makes_is_refused_as_a_source() {
    let fixture = Fixture::new();
    let report = |backup: azs_backup::backup::BackupBuilder| backup.source_problems(SourceProblems::Report);
    for source in ["/proc/sys/kernel/hostname", "/proc/self/status", "/proc/sys", "/proc", "/sys/kernel"] {
        for builder in [fixture.builder(), report(fixture.builder())] {
            let error = builder.start().unwrap().add(source).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(error.to_string().starts_with(source), "{error}");
            assert!(error.to_string().contains("add those bytes"), "{error}");
        }
    }
    // That does it.
    let mut backup = fixture.start();
    backup.add_bytes("hostname", fs::read("/proc/sys/kernel/hostname").unwrap()).unwrap();
    backup.commit().unwrap();
}

#[test]
fn a_file_of_the_kernel_that_is_mounted_among_others_is_passed_over() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("hostname"), "covered").unwrap();
    fs::write(tree.join("tor1"), "x").unwrap();
    let bound = |arguments: &[&str]| {
        let mut command = std::process::Command::new(arguments[0]);
        let done = command.args(&arguments[1..]).arg(tree.join("hostname")).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !bound(&["mount", "--bind", "/proc/sys/kernel/hostname"]) {
        eprintln!("skipped: this process may not mount");
        return;
    }
    let mut backup = fixture.start();
    let added = backup.add_folder_as("tree", &tree).and_then(|()| backup.commit());
    let refused = fixture.start().add_file(tree.join("hostname"));
    bound(&["umount", "-l"]);
    let report = added.unwrap();
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.path.to_string()).collect();
    assert_eq!((report.cover.content.files, skipped), (1, vec!["tree/hostname".to_owned()]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_state_folder_that_others_can_write_to_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;

    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let mode = |mode| fs::set_permissions(&nightly.state, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    assert!(nightly.run().reuse.base.is_some());
    nightly.assert_private();
    mode(0o777);
    let report = nightly.run();
    assert!(report.reuse.base.is_none());
    assert!(report.warnings[0].contains("written to by others"), "{:?}", report.warnings);
}

/// `/etc` named as the state folder by mistake must not be shut to everybody else.
#[test]
fn a_state_folder_that_holds_something_else_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;

    let nightly = Nightly::new();
    nightly.sample();
    fs::create_dir_all(&nightly.state).unwrap();
    let set = |mode| fs::set_permissions(&nightly.state, fs::Permissions::from_mode(mode)).unwrap();
    set(0o755);
    fs::write(nightly.state.join("hosts"), "127.0.0.1 localhost").unwrap();
    let report = nightly.run();
    assert!(report.warnings[0].contains("holds something else"), "{:?}", report.warnings);
    assert_eq!(fs::metadata(&nightly.state).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_dir(&nightly.state).unwrap().count(), 1, "nothing was added");
    // An empty one is taken over, also if a nightly run was there first.
    fs::remove_file(nightly.state.join("hosts")).unwrap();
    fs::write(nightly.state.join("jobs.jsonl"), "").unwrap();
    assert!(nightly.run().warnings.is_empty());
    nightly.assert_private();
}

#[test]
fn numbers_and_names_out_of_range_are_refused_at_once() {
    let fixture = Fixture::new();
    for workers in [0, 257, usize::MAX] {
        let error = fixture.builder().workers(workers).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let mut backup = fixture.start();
    for name in ["b".repeat(256), format!("a/{}/c", "ü".repeat(128))] {
        assert_eq!(backup.add_bytes(&name, &b""[..]).unwrap_err().kind(), ErrorKind::InvalidName);
    }
    backup.add_bytes(&"b".repeat(255), &b""[..]).unwrap();
    struct Cancelled;
    impl Read for Cancelled {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(azs_backup::Error::new(ErrorKind::Cancelled, "stop").into())
        }
    }
    assert_eq!(backup.add_reader("x", Cancelled).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_pipe_as_a_source_says_what_to_do() {
    let fixture = Fixture::new();
    let pipe = fixture.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let of_a_shell = format!("/proc/{}/fd/0", child.id());
    for source in [pipe.to_str().unwrap(), &of_a_shell] {
        let mut backup = fixture.builder().start().unwrap();
        let error = backup.add(source).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains("a pipe") && error.to_string().contains("reader"), "{error}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
