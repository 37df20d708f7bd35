//! The program on a share in an object store.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::common::store::Store;
use crate::nightly::{configured, nightly};
use crate::site::{PASSWORD, Site, assert_same_tree, ended, failure, result, said};

/// The URL of a folder in a bucket of its own.
fn root(name: &str) -> String {
    let server = Store::S3.server();
    server.make_bucket(name, false);
    format!("http://127.0.0.1:{}/{name}/azs", server.port())
}

fn with_credentials(mut command: Command) -> Command {
    command.env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", "a secret");
    command.env("AZS_PFX_PASSWORD", PASSWORD);
    command
}

#[test]
fn every_command_takes_a_url() {
    if !Store::S3.is_there() {
        return;
    }
    let (site, root) = (Site::new(), root("cli-commands"));
    let in_store = |arguments: &[&str]| {
        let mut command = with_credentials(site.program(arguments));
        command.env("AZS_STORE_OPTIONS", r#"{"allow_http": true}"#);
        command
    };
    let deployed = |command: &str, options: &[&str]| {
        in_store(&[&[command, "--root", &root, "--deployment", "contoso.com/nyc"], options].concat())
    };
    // A store has no links, and tells no space: a warning.
    ended(&mut deployed("check", &["--component", "Switches", "--create-folders"]), 3);
    let place = ["--root", &*root, "--place", "contoso.com/nyc/Switches", "--cer", "backup.cer", "configs"];
    let made = result(&mut in_store(&[&["backup"], &place[..]].concat()));
    let folder = made["folder"].as_str().unwrap();
    assert_eq!(result(&mut deployed("list", &[]))["sets"][0]["state"], "complete");

    let (set, pfx) = (format!("{root}/{folder}"), ["--pfx", "backup.pfx"]);
    assert_eq!(result(&mut in_store(&[&["verify", &set], &pfx[..]].concat()))["files"], 2);
    result(&mut in_store(&[&["restore", &set, "--into", "restored"], &pfx[..]].concat()));
    assert_same_tree(&site.path("configs"), &site.path("restored/configs"));
    let latest = ["cat", "--root", &root, "contoso.com/nyc/Switches/latest", "configs/tor2.cfg"];
    assert_eq!(said(&mut in_store(&[&latest[..], &pfx].concat())), "hostname tor2\n");
    result(&mut deployed("retention", &["--keep-last", "1", "--dry-run"]));
    said(&mut in_store(&["copy", "--root", &root, "--to", "share"]));
    assert!(site.path("share").join(folder).join("backup.json").is_file());

    let plain = failure(deployed("list", &[]).env_remove("AZS_STORE_OPTIONS"), "INVALID_ARGUMENT");
    assert!(plain.contains("allow_http"), "{plain}");
    let with_secret = format!("{root}?sig=hunter2");
    let list = ["list", "--root", &with_secret, "--deployment", "contoso.com/nyc"];
    let signed = failure(&mut in_store(&list), "INVALID_ARGUMENT");
    assert!(signed.contains("AZURE_STORAGE_SAS_TOKEN") && !signed.contains("hunter2"), "{signed}");
}

#[test]
fn a_site_can_be_in_a_store_and_have_its_copies_there() {
    if !Store::S3.is_there() {
        return;
    }
    let (site, root, other) = (Site::new(), root("cli-site"), root("cli-copies"));
    let copies =
        format!("[[copy]]\nshare.root = \"{other}\"\nshare.options.allow_http = true\ncreate = true\n");
    configured(&site, &copies);
    let text = fs::read_to_string(site.path("site.toml")).unwrap();
    let share = |options: &str| {
        let text = text.replace("root = \"share\"", &format!("root = \"{root}\"\n{options}"));
        let created = text.replace("[component.options]", "[component.options]\ncreate = true");
        let hlh = "sources = [\"hlh\"]";
        fs::write(site.path("site.toml"), created.replace(hlh, &format!("{hlh}\noptions.create = true")))
            .unwrap();
    };
    let check = || with_credentials(site.program(&["config", "check", "site.toml"]));
    share("options.durability = \"cached\"");
    assert!(failure(&mut check(), "INVALID_ARGUMENT").contains("durability"));
    share("options.allow_http = true");
    let checked = result(&mut check());
    assert_eq!(checked["root"], json!(root));
    let shown = said(&mut with_credentials(site.program(&["config", "show", "site.toml"])));
    assert!(shown.contains("api_version = \"2023-11-03\"") && !shown.contains("dialect"), "{shown}");
    let done = result(&mut with_credentials(nightly(&site, &["--now"])));
    assert_eq!((&done["outcome"], &done["copies"][0]["sets"]), (&json!("done"), &json!(2)), "{done}");
}
