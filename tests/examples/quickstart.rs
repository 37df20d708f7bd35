//! The example that a stranger runs first.

use std::fs;

use super::common::assert_same_tree;
use super::{Site, example, failure, output, report, text};

#[test]
fn it_shows_the_main_job_and_keeps_what_it_made() {
    let site = Site::new();
    let work = site.path("work");
    let shown = text(&output(example("quickstart").arg(site.path("configs")).arg("--in").arg(&work)).stdout);
    for expected in [
        "1. A throw-away certificate",
        "2. Backed up",
        "as Switches of contoso.com/nyc, beside MASBackup",
        "3. What is on the share",
        "├─ MASBackup/    Azure Stack Hub's own",
        "└─ Switches/",
        ".tar.zst.p7m",
        "SHA256SUMS",
        "backup.json",
        "4. Listed, without a key: 1 complete set of 1",
        "5. Verified",
        "6. Restored",
        "the same byte for byte",
        "7. Opened by hand",
        "sha256sum -c --status",
        "These lines were run, and gave back the same files again.",
        "8. Reviewed by the best practices",
        "HLH: There is no backup",
        "Everything is kept in",
    ] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    assert_same_tree(&site.path("configs"), &work.join("restored/configs"));
    assert_same_tree(&site.path("configs"), &work.join("by-hand/restored/configs"));
    assert_eq!(fs::read_dir(work.join("share/contoso.com/nyc/MASBackup")).unwrap().count(), 0);

    assert!(!shown.contains("Switches: "), "{shown}");
    assert!(fs::read_to_string(work.join("review.html")).unwrap().starts_with("<!DOCTYPE html>"));

    // What it printed works when it is typed again.
    let lines = shown.lines().skip_while(|line| !line.starts_with("cd "));
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    fs::remove_dir_all(work.join("by-hand")).unwrap();
    output(std::process::Command::new("bash").arg("-c").arg(lines.join("\n")));
    assert_same_tree(&site.path("configs"), &work.join("by-hand/restored/configs"));

    failure(example("quickstart").arg("--in").arg(&work), "ALREADY_EXISTS");
    failure(example("quickstart").arg(&work).arg("--in").arg(work.join("x")), "INVALID_ARGUMENT");
}

#[test]
fn it_backs_up_this_repository_and_reports_in_json() {
    let report = report(example("quickstart").arg("--remove"));
    assert_eq!(report["kept"], false);
    assert!(!std::path::Path::new(report["folder"].as_str().unwrap()).exists());
    assert_eq!(report["backup"]["status"], "Succeeded");
    assert_eq!(report["backup"]["component"], "Switches");
    assert_eq!(report["sets"][0]["state"], "complete");
    assert_eq!(report["verified"]["files"], report["backup"]["content"]["files"]);
    assert_eq!(report["restored"]["files"], report["backup"]["content"]["files"]);
    assert!(report["compared"].as_u64().unwrap() > 100);
    assert_eq!(report["review"]["deployment"]["region"], "nyc");
    assert_eq!(report["by_hand"]["ran"], true, "{}", report["by_hand"]["missing"]);
}

#[test]
fn without_the_programs_it_says_which_are_missing() {
    let site = Site::new();
    let shown =
        text(&output(example("quickstart").arg(site.path("configs")).arg("--remove").env("PATH", "")).stdout);
    assert!(
        shown.contains("These lines were NOT run; this machine lacks: bash, sha256sum, zstd, tar, openssl 3"),
        "{shown}"
    );
}
