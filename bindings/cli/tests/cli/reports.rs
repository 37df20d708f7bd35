//! Where a nightly run reports to besides files: a webhook, a mail, a review.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::{JoinHandle, spawn};

use serde_json::{Value, json};

use crate::nightly::{configured, nightly};
use crate::site::{Site, failure, result_with, run, said, text};

/// What a request says: its head, and its body.
type Request = (String, String);

/// A web server that answers so many requests with these lines, and returns them.
fn server(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=the-secret-token", listener.local_addr().unwrap());
    let serve = move || answers.iter().map(|answer| take(listener.accept().unwrap().0, answer)).collect();
    (url, spawn(serve))
}

fn take(mut stream: TcpStream, answer: &str) -> Request {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    (head, text(&body))
}

/// A site with a component whose source is missing, and this webhook.
fn failing(url: &str, more: &str) -> Site {
    let site = Site::new();
    configured(&site, &format!("[report.webhook]\nurl = \"{url}\"\n{more}"));
    fs::remove_dir_all(site.path("hlh")).unwrap();
    site
}

#[test]
fn a_webhook_gets_the_signed_report_of_a_run_that_failed() {
    let (url, requests) = server(&["503 Service Unavailable", "200 OK"]);
    let site = failing(&url, "secret_file = \"secret\"\n");
    fs::write(site.path("secret"), "it is signed with this\n").unwrap();
    fs::set_permissions(site.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    failure(&mut nightly(&site, &[]), "SOURCE_UNREADABLE");
    let requests = requests.join().unwrap();
    // What may pass is tried again.
    assert_eq!(requests[0].1, requests[1].1);
    let (head, body) = &requests[1];
    assert!(head.starts_with("POST /hook?token=the-secret-token HTTP/1.1\r\n"), "{head}");
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&document["version"], &document["command"]), (&json!(1), &json!("nightly")));
    let failed = &document["result"]["components"][1]["failure"];
    assert_eq!(failed["code"], "SOURCE_UNREADABLE");
    assert!(!failed["next"].as_array().unwrap().is_empty() && !failed["alert"].is_null(), "{failed}");

    fs::write(site.path("body"), body).unwrap();
    let hmac = ["dgst", "-sha256", "-mac", "HMAC", "-macopt", "key:it is signed with this", "-r", "body"];
    let mac = run(Command::new("openssl").args(hmac).current_dir(site.temp.path()));
    let mac = text(&mac.stdout).split_whitespace().next().unwrap().to_owned();
    assert!(head.to_lowercase().contains(&format!("x-azs-signature-256: sha256={mac}\r\n")), "{head} {mac}");
}

#[test]
fn a_run_in_which_all_is_well_sends_nothing() {
    let site = Site::new();
    // Nobody listens there.
    configured(&site, "mail = \"ops@contoso.com\"\n[report.webhook]\nurl = \"http://127.0.0.1:1/\"\n");
    // A share with little room is worth a mail, and this machine's disk may be one.
    let roomy = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir_all(roomy.path().join("contoso.com/nyc")).unwrap();
    let file = fs::read_to_string(site.path("site.toml")).unwrap();
    let root = format!("root = {:?}", roomy.path());
    fs::write(site.path("site.toml"), file.replace("root = \"share\"", &root)).unwrap();
    let done = run(&mut nightly(&site, &[]));
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), String::new()));
}

#[test]
fn a_webhook_that_refuses_is_named_by_what_it_answers() {
    const NOT_THERE: &[&str] = &["404 Not Found"];
    const FORBIDDEN: &[&str] = &["403 Forbidden"];
    const ELSEWHERE: &[&str] = &["302 Found"];
    for (answer, code, next) in [
        (NOT_THERE, "NOT_FOUND", "[report.webhook]"),
        (FORBIDDEN, "ACCESS_DENIED", "secret_file"),
        (ELSEWHERE, "INVALID_ARGUMENT", "leads to"),
    ] {
        let (url, requests) = server(answer);
        let said = text(&run(&mut nightly(&failing(&url, ""), &[])).stderr);
        let line = said.lines().find(|line| line.contains("the webhook at")).unwrap_or_default();
        assert!(line.contains(code) && line.contains(answer[0]) && line.contains(next), "{said}");
        assert_eq!(requests.join().unwrap().len(), 1);
    }
}

#[test]
fn a_report_that_arrives_nowhere_is_named_without_the_secret_of_its_address() {
    let (url, requests) = server(&["302 Found"]);
    let site = failing(&url, "");
    let output = run(&mut nightly(&site, &["--json"]));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("the webhook at 127.0.0.1 has no report: it answers 302"), "{said}");
    assert!(!said.contains("secret-token"), "{said}");
    assert_eq!(requests.join().unwrap().len(), 1);
    // The other ways are taken.
    assert!(site.path("report.json").exists() && site.path("azs.prom").exists());
}

#[test]
fn no_run_begins_whose_report_could_go_nowhere() {
    for (section, named) in [
        ("mail = \"ops@contoso.com, root\"", "no single address"),
        ("mail = \"-oQ/tmp\"", "no single address"),
        ("[report.webhook]\nurl = \"monitor.contoso.com\"", "no address"),
        ("[report.webhook]\nurl = \"file:///etc/passwd\"", "no address"),
    ] {
        let site = Site::new();
        configured(&site, section);
        for command in [nightly(&site, &[]), site.program(&["config", "check", "site.toml"])] {
            let mut command = command;
            let said = failure(&mut command, "INVALID_ARGUMENT");
            assert!(said.contains(named), "{said}");
        }
        assert!(site.sets("HLH").is_empty());
    }
}

#[test]
fn a_mail_says_what_failed_and_what_to_do() {
    let site = Site::new();
    configured(&site, "mail = \"ops@contoso.com\"\n");
    fs::remove_dir_all(site.path("hlh")).unwrap();
    fs::create_dir(site.path("bin")).unwrap();
    let sendmail = site.path("bin/sendmail");
    fs::write(&sendmail, "#!/bin/sh\necho \"$*\" >arguments\ncat >mail\n").unwrap();
    fs::set_permissions(&sendmail, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", site.path("bin").display(), std::env::var("PATH").unwrap());
    failure(nightly(&site, &[]).env("PATH", path), "SOURCE_UNREADABLE");
    assert_eq!(fs::read_to_string(site.path("arguments")).unwrap(), "-i -t\n");
    let mail = fs::read_to_string(site.path("mail")).unwrap();
    let (head, body) = mail.split_once("\n\n").unwrap();
    assert!(head.contains("To: ops@contoso.com\nSubject: azs-backup contoso.com/nyc: failed\n"), "{head}");
    assert!(body.contains("FAILED  contoso.com/nyc/HLH\n") && body.contains("  next:  "), "{body}");
}

#[test]
fn a_share_that_cannot_be_used_is_one_failure_of_each_component() {
    let site = Site::new();
    configured(&site, "");
    fs::remove_dir_all(site.path("share/contoso.com")).unwrap();
    failure(&mut nightly(&site, &[]), "NOT_FOUND");
    let report: Value = serde_json::from_slice(&fs::read(site.path("report.json")).unwrap()).unwrap();
    let components = report["result"]["components"].as_array().unwrap();
    assert!(components.iter().all(|of| of["failure"]["code"] == "NOT_FOUND"), "{report:#}");
    let jobs = fs::read_to_string(site.path("state/jobs.jsonl")).unwrap();
    assert_eq!(jobs.matches("\"Failed\"").count(), 2, "{jobs}");
}

#[test]
fn a_site_with_a_review_has_it_in_its_report() {
    let site = Site::new();
    let root = r"root = '\\fileserver01\AzSBackups'";
    configured(&site, &format!("review = \"review.html\"\n[review]\n{root}\n"));
    let told = said(&mut nightly(&site, &[]));
    assert!(told.contains("review: "), "{told}");
    let page = fs::read_to_string(site.path("review.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("ROOT_HOST_NOT_FQDN"));
    let metrics = fs::read_to_string(site.path("azs.prom")).unwrap();
    assert!(metrics.contains("azs_backup_review_findings{severity=\"critical\"} "), "{metrics}");
    assert!(
        metrics.contains("azs_backup_last_good_timestamp_seconds{place=\"contoso.com/nyc/HLH\"} 1"),
        "{metrics}"
    );
    let again = result_with(&mut nightly(&site, &["--now"]), 0);
    assert!(again["review"]["findings"].is_array(), "{again:#}");
}

#[test]
fn the_journal_gets_the_priority_of_each_line() {
    use std::os::unix::fs::MetadataExt;

    let site = Site::new();
    let stderr = fs::File::create(site.path("stderr")).unwrap();
    let of = stderr.metadata().unwrap();
    let mut verify = site.program(&["verify", "nowhere"]);
    verify.env("JOURNAL_STREAM", format!("{}:{}", of.dev(), of.ino())).stderr(stderr);
    assert_eq!(verify.status().unwrap().code(), Some(1));
    let said = fs::read_to_string(site.path("stderr")).unwrap();
    assert!(said.starts_with("<3>NOT_FOUND: ") && said.lines().all(|line| line.starts_with("<3>")), "{said}");
    // Something else took its place: this is for people.
    failure(verify.env("JOURNAL_STREAM", "1:1").stderr(std::process::Stdio::piped()), "NOT_FOUND");
}

#[test]
#[cfg(feature = "opentelemetry")]
fn a_collector_gets_a_trace_and_metrics_of_each_run() {
    let (url, requests) = server(&["200 OK", "200 OK"]);
    let collector = url.split("/hook").next().unwrap();
    let site = Site::new();
    configured(&site, &format!("opentelemetry = \"{collector}/\"\n"));
    fs::remove_dir_all(site.path("hlh")).unwrap();
    let said = failure(&mut nightly(&site, &[]), "SOURCE_UNREADABLE");
    assert!(!said.contains("collector"), "{said}");
    let requests = requests.join().unwrap();
    assert!(requests[0].0.starts_with("POST /v1/traces ") && requests[1].0.starts_with("POST /v1/metrics "));
    let trace: Value = serde_json::from_str(&requests[0].1).unwrap();
    let resource = &trace["resourceSpans"][0];
    let attributes = resource["resource"]["attributes"].as_array().unwrap();
    let named =
        |name: &str| attributes.iter().find(|of| of["key"] == name).unwrap()["value"]["stringValue"].clone();
    assert_eq!(
        (named("service.name"), named("azs_backup.deployment")),
        (json!("azs-backup"), json!("contoso.com/nyc"))
    );
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let (run, good, failed) = (named("nightly"), named("backup Switches"), named("backup HLH"));
    assert_eq!((&good["traceId"], &good["parentSpanId"]), (&run["traceId"], &run["spanId"]));
    // 2 is an error.
    assert_eq!((&run["status"]["code"], &failed["status"]["code"]), (&json!(2), &json!(2)), "{trace:#}");
    assert!(failed["status"]["message"].as_str().unwrap().starts_with("SOURCE_UNREADABLE: "), "{trace:#}");
    let nanoseconds = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(nanoseconds(run, "startTimeUnixNano") <= nanoseconds(good, "startTimeUnixNano"));
    assert!(nanoseconds(good, "endTimeUnixNano") <= nanoseconds(run, "endTimeUnixNano"));
    let metrics: Value = serde_json::from_str(&requests[1].1).unwrap();
    let metrics = metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let success = metrics.iter().find(|metric| metric["name"] == "azs_backup_last_run_success").unwrap();
    let values = success["gauge"]["dataPoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["asDouble"].as_f64().unwrap());
    assert_eq!(values.sum::<f64>(), 1.0, "one of two: {success:#}");
}

#[test]
#[cfg(feature = "opentelemetry")]
fn a_collector_that_refuses_is_named() {
    let (url, requests) = server(&["403 Forbidden", "403 Forbidden"]);
    let site = Site::new();
    configured(&site, &format!("opentelemetry = {:?}\n", url.split("/hook").next().unwrap()));
    let output = run(&mut nightly(&site, &[]));
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.contains("the collector at 127.0.0.1 has no report: it answers 403 Forbidden"), "{said}");
    drop(requests);
}

#[test]
#[cfg(not(feature = "opentelemetry"))]
fn a_program_without_opentelemetry_says_so() {
    let site = Site::new();
    configured(&site, "opentelemetry = \"http://127.0.0.1:4318\"\n");
    assert!(failure(&mut nightly(&site, &[]), "UNSUPPORTED").contains("built without it"));
}

#[test]
fn the_event_log_is_windows_own() {
    let site = Site::new();
    configured(&site, "event_log = true");
    let said = failure(&mut nightly(&site, &[]), "UNSUPPORTED");
    assert!(said.contains("event_log"), "{said}");
    assert!(site.sets("HLH").is_empty());
}

#[test]
fn who_was_told_of_a_failure_is_not_told_again_each_time_that_it_is_tried() {
    let (url, requests) = server(&["200 OK", "200 OK"]);
    let site = failing(&url, "");
    failure(&mut nightly(&site, &["--now"]), "SOURCE_UNREADABLE");
    for _ in 0..2 {
        crate::nightly::hours_later(&site, 3);
        failure(&mut nightly(&site, &[]), "SOURCE_UNREADABLE");
    }
    // The next time of the schedule counts.
    crate::nightly::hours_later(&site, 13);
    failure(&mut nightly(&site, &[]), "SOURCE_UNREADABLE");
    assert_eq!(requests.join().unwrap().len(), 2);
}

/// A pipe takes 64 KiB. What a sendmail that reads nothing leaves in it must not hold up the night, nor hide why it ended.
#[test]
fn a_sendmail_that_reads_nothing_ends_as_it_says_and_knows_no_password() {
    let site = Site::new();
    configured(&site, "mail = \"ops@contoso.com\"\n");
    let patterns: Vec<_> = (0..1500).map(|n| format!("\"matches-nothing-{n}\"")).collect();
    let file = fs::read_to_string(site.path("site.toml")).unwrap();
    fs::write(site.path("site.toml"), file.replace("\"*.tmp\"", &patterns.join(", "))).unwrap();
    fs::create_dir(site.path("bin")).unwrap();
    let sendmail = site.path("bin/sendmail");
    fs::write(&sendmail, "#!/bin/sh\nenv >environment\nsleep 1\nexit 75\n").unwrap();
    fs::set_permissions(&sendmail, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", site.path("bin").display(), std::env::var("PATH").unwrap());
    let mut night = nightly(&site, &[]);
    let done = run(night
        .env("PATH", path)
        .env("AZS_SMB_PASSWORD", "of the share")
        .env("AZS_PFX_PASSWORD", "of the PFX"));
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains("sendmail: exit status: 75"), "{said}");
    let environment = fs::read_to_string(site.path("environment")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains("PASSWORD"), "{environment}");
}

#[test]
fn a_report_takes_the_place_of_nothing_but_a_file() {
    let site = Site::new();
    configured(&site, "");
    // As /dev/null would be.
    let socket = std::os::unix::net::UnixListener::bind(site.path("report.json")).unwrap();
    fs::write(site.path("real.prom"), "").unwrap();
    std::os::unix::fs::symlink("real.prom", site.path("azs.prom")).unwrap();
    let done = run(&mut nightly(&site, &[]));
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains("report.json: it is there and is no file"), "{said}");
    assert!(!fs::symlink_metadata(site.path("report.json")).unwrap().is_file());
    assert!(fs::symlink_metadata(site.path("azs.prom")).unwrap().is_symlink());
    assert!(fs::read_to_string(site.path("real.prom")).unwrap().contains("azs_backup_last_run_success"));
    drop(socket);
}

/// The script that writes the operations can die, and an update can hang: no night of that may pass in silence.
#[test]
fn a_gate_that_cannot_be_read_or_stays_closed_is_reported() {
    let site = Site::new();
    configured(&site, "[gate]\noperations = \"operations.json\"\n");
    let report =
        || -> Value { serde_json::from_slice(&fs::read(site.path("report.json")).unwrap()).unwrap() };
    failure(&mut nightly(&site, &[]), "NOT_FOUND");
    let components = report()["result"]["components"].clone();
    let failed = components.as_array().unwrap().iter().all(|of| of["failure"]["code"] == "NOT_FOUND");
    assert!(failed && components.to_string().contains("operations.json"), "{components:#}");
    assert!(site.sets("Switches").is_empty());

    let update = r#"[{"kind": "update", "state": "running", "started": "2026-01-01T00:00:00Z"}]"#;
    fs::write(site.path("operations.json"), update).unwrap();
    fs::remove_file(site.path("report.json")).unwrap();
    let blocked = result_with(&mut nightly(&site, &["--now"]), 4);
    assert_eq!(report()["result"], blocked);
    assert!(blocked["warnings"].to_string().contains("no good backup"), "{blocked}");
    // Whoever has a good backup of today need not hear of an update.
    fs::write(site.path("operations.json"), "[]").unwrap();
    result_with(&mut nightly(&site, &["--now"]), 0);
    fs::write(site.path("operations.json"), update).unwrap();
    fs::remove_file(site.path("report.json")).unwrap();
    result_with(&mut nightly(&site, &["--now"]), 4);
    assert!(!site.path("report.json").exists());
}
