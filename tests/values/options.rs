//! The options of `vectors/options.json`, which every language accepts and refuses alike.

use std::sync::Arc;

use azs_backup::restore::RestoreOptions;
use azs_backup::review::{Configuration, review};
use azs_backup::schedule::{RetentionPolicy, Schedule};
use azs_backup::share::ShareCheck;
use azs_backup::{
    Backup, DecryptionCertificate, EncryptionCertificate, FolderShare, Opener, Result, Set, Share,
};
use serde_json::Value;

use crate::case_count::assert_case_count;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");

/// Does with the options what a user would.
fn take(of: &str, options: &Value) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let share: Arc<dyn Share> = Arc::new(FolderShare::open(folder.path())?);
    let json = options.to_string();
    match of {
        "backup" => {
            let certificate = EncryptionCertificate::load(format!("{VECTORS}/envelope/rsa2048.cer"))?;
            let builder = Backup::builder(share, "contoso.com/nyc/Switches".parse()?).create(true);
            builder.certificate(certificate).options(json)?.start().map(drop)
        }
        "restore" => {
            let pfx = DecryptionCertificate::load(
                format!("{VECTORS}/envelope/rsa2048.pfx"),
                Some("correct horse"),
            )?;
            let sets = Arc::new(FolderShare::open(format!("{VECTORS}/sets"))?);
            let set = Set::open(sets, "whole".parse()?)?;
            set.restore(&Opener::new(pfx))
                .options(&RestoreOptions::from_json(json)?)
                .into(folder.path().join("new"))?;
            Ok(())
        }
        #[cfg(feature = "smb")]
        "smb" => {
            let account = azs_backup::share::SmbAccount::new("CONTOSO\\azsbackup", "not used")?;
            azs_backup::SmbShare::builder(r"\\127.0.0.1\AzSBackups".parse()?, account)
                .options(json)?
                .connect()
                .map(drop)
        }
        "check" => {
            ShareCheck::new("contoso.com/nyc".parse()?).options(json).map(|check| drop(check.run(&*share)))
        }
        "schedule" => Schedule::from_json(json).map(drop),
        "retention" => RetentionPolicy::from_json(json).map(drop),
        "review" => {
            let configuration = Configuration::from_json(json.as_bytes())?;
            review(&configuration, share.clone(), "2026-11-23T02:00:00Z".parse().unwrap()).map(drop)
        }
        of => unreachable!("options of {of}"),
    }
}

#[test]
fn options_are_taken_and_refused_as_the_vectors_say() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../vectors/options.json")).unwrap();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| cfg!(feature = "smb") || case["of"] != "smb") {
        let got = take(case["of"].as_str().unwrap(), &case["options"]);
        let is_right = match &got {
            Ok(()) => case["error"].is_null(),
            Err(error) => {
                case["error"] == error.code()
                    && error.to_string().contains(case["says"].as_str().unwrap_or_default())
            }
        };
        if !is_right {
            wrong.push(format!("{}: {got:?}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_case_count("options", cases.len());
}
