//! A backup names patterns that match nothing: what you meant to leave out may be in the set.

use std::fs;

use crate::common::Fixture;
use azs_backup::backup::{BackupBuilder, BackupReport};
use azs_backup::set::Status;

fn run(fixture: &Fixture, builder: BackupBuilder) -> BackupReport {
    let mut backup = builder.start().unwrap();
    backup.add_folder_as("tree", fixture.path("source")).unwrap();
    backup.commit().unwrap()
}

fn sample() -> Fixture {
    let fixture = Fixture::new();
    for name in ["#recycle/x", "logs/deep/y.log", "tor1/z.cfg", "tor1/keep.log"] {
        let path = fixture.path("source").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    fixture
}

/// Returns the patterns that the report names, each in a warning of its own.
fn named<'a>(report: &BackupReport, patterns: &[&'a str]) -> Vec<&'a str> {
    let is_named = |pattern: &str| {
        let quoted = format!("exclude pattern \"{pattern}\" match");
        report.warnings.iter().filter(|warning| warning.starts_with(&quoted)).count() == 1
    };
    let named: Vec<_> = patterns.iter().copied().filter(|pattern| is_named(pattern)).collect();
    assert_eq!(report.warnings.len(), named.len(), "{patterns:?} {:?}", report.warnings);
    assert_eq!((report.cover.status, report.problems.len()), (Status::Succeeded, 0));
    named
}

#[test]
fn exclude_patterns_that_match_nothing_are_named() {
    let fixture = sample();
    let absolute = format!("{}/logs/", fixture.path("source").display());
    for (patterns, expected) in [
        (&[][..], &[][..]),
        (&["#recycle/"], &["#recycle/"]),
        (&["\\#recycle/"], &[]),
        (&[&*absolute], &[&*absolute]),
        (
            &["source/logs/", "./logs/", "logs\\*", "Logs/", ""],
            &["source/logs/", "./logs/", "logs\\*", "Logs/", ""],
        ),
        (&["logs/", "*.cfg", "tor1/keep.log"], &[]),
        (&["tor1/z.cfg/"], &["tor1/z.cfg/"]),
        // Matched, although a later pattern decides.
        (&["*.log", "keep.log", "!keep.log"], &[]),
        (&["!tor1/"], &[]),
        (&["*.log", "!kept.log"], &["!kept.log"]),
        // A pattern that could match only below an excluded folder says nothing new, unless it takes something back in.
        (&["logs/", "logs/deep/*.log", "/logs/deep/"], &[]),
        (&["logs/deep/", "logs/deep/y.log", "logs/other/*"], &["logs/other/*"]),
        (&["logs/", "!logs/deep/y.log", "y.log"], &["!logs/deep/y.log", "y.log"]),
    ] {
        let builder = patterns.iter().fold(fixture.builder(), |builder, pattern| builder.exclude(*pattern));
        let report = run(&fixture, builder);
        assert_eq!(named(&report, patterns), expected, "{patterns:?}");
    }
}

#[test]
fn a_pattern_is_unmatched_where_no_source_has_what_it_matches_tonight() {
    let fixture = sample();
    let builder = || fixture.builder().state(fixture.path("state")).exclude("logs/").exclude("one.cfg");
    fs::create_dir(fixture.path("other")).unwrap();
    for name in ["one.cfg", "two.cfg"] {
        fs::write(fixture.path("other").join(name), "x").unwrap();
    }
    let nightly = || {
        let mut backup = builder().start().unwrap();
        backup.add_folder_as("tree", fixture.path("source")).unwrap();
        backup.add_folder_as("other", fixture.path("other")).unwrap();
        // Patterns see what is below a folder, and no source itself.
        backup.add_bytes("logs", *b"x").unwrap();
        backup.commit().unwrap()
    };
    let patterns = ["logs/", "one.cfg"];
    for _ in 0..2 {
        assert_eq!(named(&nightly(), &patterns), [""; 0]);
    }
    fs::rename(fixture.path("source/logs"), fixture.path("source/log")).unwrap();
    let report = nightly();
    assert!(report.reuse.base.is_some());
    assert_eq!(named(&report, &patterns), ["logs/"]);
}
