//! How a share is opened, what a check says of it, and what is refused.

use azs_backup::alert::{AlertKind, Profile, classify_error};
use azs_backup::share::{ObjectStoreShare, ShareCheck, Step, StepOutcome, StoreCredentials, open};
use azs_backup::{ErrorKind, Share};

use super::site::{Site, path, stores};
use crate::common::http_proxy::Fault;
use crate::common::store::{BUCKET, Store};

#[test]
fn what_cannot_be_opened_says_why() {
    for store in stores() {
        let server = store.server();
        let kind = |builder: azs_backup::share::ObjectStoreBuilder| {
            let error = builder.attempts(1).connect().unwrap_err();
            let shown = format!("{error:?}");
            assert!(!shown.contains("a secret") && !shown.contains("c2VjcmV0"), "{shown}");
            (error.kind(), classify_error(&error, Profile::Refined).kind())
        };
        let missing = server.builder_at(server.port(), "no-such-bucket", "");
        assert_eq!(kind(missing), (ErrorKind::NotFound, AlertKind::Path), "{store:?}");
        let closed = server.builder_at(1, BUCKET, "");
        assert_eq!(kind(closed), (ErrorKind::Unreachable, AlertKind::Connectivity), "{store:?}");
        let plain = server.builder("").allow_http(false);
        assert_eq!(kind(plain).0, ErrorKind::InvalidArgument, "{store:?}");
        let other = match store {
            Store::S3 => StoreCredentials::account_key("c2VjcmV0"),
            Store::Azure => StoreCredentials::access_key("AKIA", "a secret", None),
        };
        assert_eq!(kind(server.builder("").credentials(other.unwrap())).0, ErrorKind::InvalidArgument);
        if store == Store::Azure {
            // moto looks at no signature.
            let wrong = StoreCredentials::account_key("c2VjcmV0").unwrap();
            let refused = kind(server.builder("").credentials(wrong));
            // Azure itself says AuthenticationFailed, Azurite AuthorizationFailure.
            assert_eq!(refused, (ErrorKind::AccessDenied, AlertKind::Authentication));
        }
    }
}

#[test]
fn what_no_request_can_carry_is_refused() {
    for store in stores() {
        let server = store.server();
        let refused = match store {
            Store::S3 => vec![server.builder("").region("eu\nwest"), server.builder("").region("é")],
            Store::Azure => vec![ObjectStoreShare::builder("https://c.blob.contoso.com/a%0Ab").unwrap()],
        };
        for builder in refused {
            let error = builder.attempts(1).connect().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
    let bad_key = StoreCredentials::account_key("hunter2!").unwrap();
    let bad_signature = StoreCredentials::shared_access_signature("hunter2").unwrap();
    for credentials in [bad_key, bad_signature] {
        let builder = ObjectStoreShare::builder("az://contoso/b").unwrap().credentials(credentials);
        let error = builder.connect().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LogonFailed, "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn one_call_opens_a_store_by_its_url() {
    for url in
        ["s3://contoso-backups/azs", "az://contoso/backups", "https://contoso.blob.core.windows.net/b/f"]
    {
        let builder = open(url).object_store().unwrap().unwrap();
        assert_eq!(builder.url(), url);
        let options = open(url).options(r#"{"lock_days": 30, "region": "eu-west-1"}"#);
        assert!(options.object_store().unwrap().is_some());
        let error = open(url).options(r#"{"durability": "cached"}"#).object_store().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "a store has no such option: {error}");
    }
    assert!(open("/mnt/backups").object_store().unwrap().is_none());
    let error = open("https://c.blob.core.windows.net/b?sv=1&sig=hunter2").run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(
        error.to_string().contains("AZURE_STORAGE_SAS_TOKEN") && !format!("{error:?}").contains("hunter2")
    );
    assert_eq!(ObjectStoreShare::builder("s3://b/MASBackup").unwrap_err().kind(), ErrorKind::ReservedPath);
}

#[test]
fn a_check_passes_and_names_what_a_store_has_not() {
    for store in stores() {
        let site = Site::new(store);
        let share = site.share();
        let report = ShareCheck::new("contoso.com/nyc".parse().unwrap()).run(&share);
        for step in &report.steps {
            let wanted = match step.step {
                Step::HardLink => StepOutcome::Warned,
                Step::Space => StepOutcome::Skipped,
                _ => StepOutcome::Passed,
            };
            assert_eq!(step.outcome, wanted, "{store:?} {report:#?}");
        }
        assert!(report.steps.len() >= 9, "{report:#?}");
        assert_eq!(share.list(&path("contoso.com/nyc")).unwrap(), [], "nothing is left of it");
    }
}

#[test]
fn an_account_that_may_not_delete_passes_a_check_that_leaves_nothing() {
    for store in stores() {
        let site = Site::new(store);
        let share = site.behind();
        site.proxy.plan(|_, request| match request.is("DELETE") {
            true => Fault::Refuse(403, "AccessDenied", ""),
            false => Fault::None,
        });
        let report = ShareCheck::new("contoso.com/nyc".parse().unwrap()).run(&share);
        assert!(report.is_sound(), "{store:?} {report:#?}");
        let delete = report.steps.iter().find(|step| step.step == Step::Delete).unwrap();
        assert_eq!(delete.outcome, StepOutcome::Warned, "{report:#?}");
        assert_eq!(site.share().list(&path("contoso.com/nyc")).unwrap(), [], "nothing is left of it");
        let set = site.back_up(std::sync::Arc::new(share)).unwrap();
        site.assert_sound(set);
    }
}

#[test]
fn a_check_names_a_store_that_overwrites() {
    for store in stores() {
        let site = Site::new(store);
        site.proxy.plan(|_, _| Fault::WithoutCondition);
        let region = "contoso.com/nyc".parse().unwrap();
        let report = ShareCheck::new(region).run(&site.behind());
        let write = report.steps.iter().find(|step| step.step == Step::Write).unwrap();
        match store {
            Store::S3 => {
                assert_eq!(write.outcome, StepOutcome::Failed, "{report:#?}");
                assert!(write.seen.contains("If-None-Match"), "{report:#?}");
            }
            // The condition is signed there: who takes it away is refused.
            Store::Azure => assert_eq!(write.outcome, StepOutcome::Failed, "{report:#?}"),
        }
        assert_eq!(site.share().list(&path("contoso.com/nyc")).unwrap(), [], "nothing is left of it");
    }
}

#[test]
fn old_versions_of_azures_api_are_asked_for() {
    for store in stores().filter(|store| *store == Store::Azure) {
        let site = Site::new(store);
        let share = site.builder().api_version("2019-07-07").connect().unwrap();
        site.proxy.plan(|_, _| Fault::None);
        let set = site.back_up(std::sync::Arc::new(share)).unwrap();
        site.assert_sound(set);
        let seen = site.proxy.seen();
        assert!(seen.len() > 10);
        for request in &seen {
            assert_eq!(request.header("x-ms-version"), Some("2019-07-07"), "{request:?}");
            assert!(!request.line.contains("comp=batch"), "Azure Stack Hub has no batches: {request:?}");
        }
        let error = site.builder().api_version("latest").connect().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_shared_access_signature_opens_a_container_and_is_shown_nowhere() {
    for store in stores().filter(|store| *store == Store::Azure) {
        let site = Site::new(store);
        let token = store.server().shared_access_signature();
        let credentials = StoreCredentials::shared_access_signature(&*token).unwrap();
        let share = site.builder().credentials(credentials).connect().unwrap();
        share.put(&path("contoso.com/nyc/object"), b"content").unwrap();
        share.copy(&path("contoso.com/nyc/object"), &path("contoso.com/nyc/copy")).unwrap();
        let signature = token.split_once("sig=").unwrap().1.to_owned();
        for fault in [
            Fault::Refuse(403, "AuthorizationPermissionMismatch", ""),
            Fault::Refuse(400, "InvalidHeaderValue", ""),
            Fault::Drop,
            Fault::LoseAnswer,
        ] {
            let share = site.builder().attempts(1);
            let share = share.credentials(StoreCredentials::shared_access_signature(&*token).unwrap());
            site.proxy.plan(|_, _| Fault::None);
            let share = share.connect().unwrap();
            let planned = fault.clone();
            site.proxy.plan(move |_, _| planned.clone());
            let error = share.read(&path("contoso.com/nyc/object"), 100, &mut Vec::new()).unwrap_err();
            let shown = format!("{error:?} {error} {:?} {share:?}", error.path());
            assert!(!shown.contains(&signature) && !shown.contains("sig="), "{fault:?}: {shown}");
        }
    }
}
