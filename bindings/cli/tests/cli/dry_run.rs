//! `backup --dry-run`: everything but writing.

use std::process::Command;

use serde_json::Value;

use crate::site::{Site, failure, result, run, said, text};

/// Every file, its size, times and links, as `find` sees them.
fn seen(site: &Site) -> String {
    let find = ["share", "state", "-printf", "%p %y %s %T@ %C@ %n\\n"];
    let found = run(Command::new("find").args(find).current_dir(site.temp.path()));
    text(&found.stdout)
}

#[test]
fn a_dry_run_says_what_a_run_stores_and_writes_nothing() {
    let site = Site::new();
    let backup = |more: &[&str]| {
        let options = ["--state", "state", "configs", "--create"];
        site.backup_of("contoso.com/nyc/Cumulus/su1", &[&options, more].concat())
    };
    let stored = |report: &Value| {
        let (reuse, stored) = (&report["reuse"], &report["stored"]);
        (
            report["content"].clone(),
            stored["files"].clone(),
            reuse["stored"]["files"].clone(),
            reuse["linked"].clone(),
        )
    };
    std::fs::create_dir(site.path("state")).unwrap();
    for _ in 0..3 {
        let before = seen(&site);
        let dry = result(&mut backup(&["--dry-run"]));
        assert_eq!(seen(&site), before);
        // Names of sets tell seconds apart.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let done = result(&mut backup(&[]));
        assert_eq!(stored(&dry), stored(&done), "{dry:#} {done:#}");
        std::fs::write(site.path("configs/tor3.cfg"), before).unwrap();
    }
    let told = said(&mut backup(&["--dry-run"]));
    assert!(told.starts_with("a dry run: nothing was written\n") && told.contains("would store"), "{told}");
    failure(&mut backup(&["--dry-run", "missing"]), "SOURCE_UNREADABLE");
}

#[test]
fn a_dry_night_creates_nothing() {
    let site = Site::new();
    crate::nightly::configured(&site, "");
    let planned = result(&mut crate::nightly::nightly(&site, &["--dry-run"]));
    assert!(planned["why"].as_str().unwrap().starts_with("would back up "), "{planned}");
    assert!(!site.path("state").exists() && !site.path("report.json").exists());
}
