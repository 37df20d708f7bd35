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
    assert!(text(&survey.output().unwrap().stderr).contains("nowhere: NOT_FOUND"));
    fs::write(site.path("regions.txt"), "share\nshare nyc.contoso.com/\n").unwrap();
    let wrong = failure(&mut site.program(&["survey", "--list", "regions.txt"]), "INVALID_NAME");
    assert!(wrong.contains("regions.txt, line 2"), "{wrong}");
    failure(&mut site.program(&["survey", "--root", "nowhere"]), "NOT_FOUND");
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
