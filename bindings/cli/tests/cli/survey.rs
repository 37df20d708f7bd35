//! survey: many regions side by side.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::site::{Site, ended, failure, result_with, said, text};

fn regions(site: &Site) {
    for place in ["contoso.com/nyc/Switches", "fabrikam.com/sea/HLH"] {
        said(&mut site.backup_of(place, &["--create", "configs"]));
    }
    fs::create_dir_all(site.path("share/contoso.com/lax")).unwrap();
}

#[test]
fn all_regions_of_a_share_are_shown_the_worst_first() {
    let site = Site::new();
    regions(&site);
    let shown = ended(&mut site.program(&["survey", "--root", "share"]), 3);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[1].starts_with("contoso.com/lax") && lines[1].contains("critical"), "{shown}");
    assert!(lines[2].contains("good") && lines.len() == 4, "{shown}");
    let found = result_with(&mut site.program(&["survey", "--root", "share"]), 3);
    assert_eq!(found["rows"].as_array().unwrap().len(), 3);
    let good =
        site.program(&["survey", "--root", "share", "--deployment", "fabrikam.com/sea", "--json-lines"]);
    let line = said(&mut { good });
    let row: Value = serde_json::from_str(line.trim_end()).unwrap();
    assert_eq!((&row["component"], &row["severity"]), (&"HLH".into(), &Value::Null));
}

#[test]
fn a_list_names_shares_and_deployments_and_one_that_is_not_there_stops_nothing() {
    let site = Site::new();
    regions(&site);
    let list = "# all regions\nshare contoso.com/nyc\n\nnowhere fabrikam.com/sea\nshare\n";
    fs::write(site.path("regions.txt"), list).unwrap();
    let mut survey = site.program(&["survey", "--list", "regions.txt"]);
    let shown = ended(&mut survey, 3);
    assert!(shown.contains("contoso.com/nyc") && shown.contains("fabrikam.com/sea"), "{shown}");
    // It has a row, of which metrics, page and JSON are made, too.
    assert!(shown.lines().nth(1).unwrap().starts_with("nowhere"), "{shown}");
    assert!(shown.contains("NOT_FOUND") && shown.contains("contoso.com/nyc on "), "{shown}");
    // A region that is named twice, once by a folder that Windows made a note of, has one row.
    fs::write(site.path("regions.txt"), "\u{feff}share\n./share\nshare contoso.com/nyc\n").unwrap();
    let once = ended(&mut site.program(&["survey", "--list", "regions.txt"]), 3);
    assert_eq!(once.lines().count(), 4, "{once}");
    fs::write(site.path("regions.txt"), "share\nshare nyc.contoso.com/\n").unwrap();
    // A line that is wrong has a row, too.
    let wrong = ended(&mut site.program(&["survey", "--list", "regions.txt"]), 3);
    assert!(wrong.contains("regions.txt, line 2") && wrong.contains("fabrikam.com/sea"), "{wrong}");
    let mut one_file =
        site.program(&["survey", "--root", "share", "--html", "x.prom", "--prometheus", "x.prom"]);
    failure(&mut one_file, "INVALID_ARGUMENT");
    let away = ended(&mut site.program(&["survey", "--root", "nowhere"]), 3);
    assert!(away.contains("critical") && away.contains("NOT_FOUND"), "{away}");
}

#[test]
fn what_shows_nothing_is_not_good() {
    let site = Site::new();
    regions(&site);
    fs::create_dir(site.path("unmounted")).unwrap();
    let both = ended(&mut site.program(&["survey", "--root", "unmounted", "--root", "share"]), 3);
    let first = both.lines().nth(1).unwrap();
    assert!(first.contains("unmounted") && first.contains("is the share mounted?"), "{both}");
    let survey = |copy: &str| {
        let one = ["survey", "--root", "share", "--deployment", "contoso.com/nyc"];
        ended(site.program(&one).args(["--copy", copy]), 3)
    };
    // The share is no other one, and one that is away keeps nobody from looking at the rest.
    assert!(survey("share/../share").contains("no copy elsewhere"));
    let away = survey("nowhere");
    assert!(away.contains("NOT_FOUND") && away.contains("Switches"), "{away}");
    failure(&mut site.program(&["survey", "--list", "/dev/null"]), "INVALID_ARGUMENT");
}

#[test]
fn it_is_a_page_and_metrics_too() {
    let site = Site::new();
    regions(&site);
    ended(
        &mut site.program(&[
            "survey",
            "--root",
            "share",
            "--html",
            "survey.html",
            "--prometheus",
            "survey.prom",
        ]),
        3,
    );
    let page = fs::read_to_string(site.path("survey.html")).unwrap();
    assert!(page.contains("3 deployments") && page.contains("fabrikam.com/sea"), "{page}");
    let metrics = fs::read_to_string(site.path("survey.prom")).unwrap();
    assert!(metrics.contains("deployment=\"contoso.com/lax\",component=\"\"} 3\n"), "{metrics}");
    let wrong = failure(
        &mut site.program(&["survey", "--root", "share", "--prometheus", "survey.txt"]),
        "INVALID_ARGUMENT",
    );
    assert!(wrong.contains(".prom"), "{wrong}");
    // As the tool of Prometheus sees it, where there is one.
    if let Ok(mut tool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        std::io::Write::write_all(&mut tool.stdin.take().unwrap(), metrics.as_bytes()).unwrap();
        let output = tool.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stdout));
    }
}
