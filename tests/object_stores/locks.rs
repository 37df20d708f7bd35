//! Locks: until their date nobody deletes what is written, the account that wrote it included.

use std::sync::Arc;
use std::time::Duration;

use azs_backup::schedule::{DeletionOutcome, RetentionPolicy};
use azs_backup::share::{LockMode, ObjectStoreBuilder, ShareCheck, StepOutcome};
use azs_backup::{Backup, ErrorKind, Share, list_sets};

use super::site::{Site, path, stores};
use crate::common::http_proxy::Fault;
use crate::common::store::Store;

const LOCKED: &str = "azs-locked";

/// A share in a bucket with Object Lock.
fn locking(site: &Site, time: Duration, mode: LockMode) -> ObjectStoreBuilder {
    static MADE: std::sync::Once = std::sync::Once::new();
    let server = site.store.server();
    MADE.call_once(|| server.make_bucket(LOCKED, true));
    server.builder_at(site.proxy.port(), LOCKED, &site.prefix).lock(time, mode).unwrap()
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn the_account_that_wrote_an_object_cannot_delete_it() {
    for store in stores().filter(|store| *store == Store::S3) {
        let (site, server) = (Site::new(store), store.server());
        for mode in [LockMode::Compliance, LockMode::Governance] {
            let share = locking(&site, DAY, mode).connect().unwrap();
            let folder = path(mode.as_str());
            share.create_folder(&folder).unwrap();
            let object = folder.join("object.bin".parse::<azs_backup::layout::Name>().unwrap());
            share.put(&object, b"content").unwrap();
            let until = share.locked_until(&object).unwrap().unwrap();
            let left = until.as_second() - jiff::Timestamp::now().as_second();
            assert!((86_000..=86_402).contains(&left), "{until}");
            // By the library: refused, and nothing hides it.
            let error = share.remove(&object).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
            assert!(error.to_string().contains(&until.to_string()), "{error}");
            let renamed =
                share.rename(&object, &folder.join("r".parse::<azs_backup::layout::Name>().unwrap()));
            assert_eq!(renamed.unwrap_err().kind(), ErrorKind::AccessDenied);
            // By anything else with the same account: the version that was written stays.
            let at = server.path(LOCKED, &format!("{}/{object}", site.prefix));
            let version = server.ask("HEAD", &at, &[], b"").header("x-amz-version-id").unwrap().to_owned();
            let by_version = format!("{at}?versionId={version}");
            assert_eq!(server.ask("DELETE", &by_version, &[], b"").status, 403, "{mode}");
            let bypass = [("x-amz-bypass-governance-retention", "true")];
            if mode == LockMode::Compliance {
                assert_eq!(server.ask("DELETE", &by_version, &bypass, b"").status, 403);
            }
            assert_eq!(server.ask("GET", &by_version, &[], b"").body, b"content");
            // Deleting without a version, as an attacker would, hides it at most.
            assert_eq!(server.ask("DELETE", &at, &[], b"").status, 204);
            assert_eq!(server.ask("GET", &by_version, &[], b"").body, b"content");
            if mode == LockMode::Governance {
                assert_eq!(server.ask("DELETE", &by_version, &bypass, b"").status, 204);
            }
        }
    }
}

#[test]
fn a_plan_leaves_locked_sets_and_says_until_when() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share: Arc<dyn Share> = Arc::new(locking(&site, DAY, LockMode::Compliance).connect().unwrap());
        share.create_folder(&path("contoso.com/nyc")).unwrap();
        let folders = [0; 3].map(|_| site.back_up(share.clone()).unwrap());
        // What an interrupted backup leaves is locked, too.
        let mut dropped = Backup::builder(share.clone(), site.place.clone())
            .certificate(crate::common::Certificate::new("another").encryption())
            .segment_size(4 << 20)
            .start()
            .unwrap();
        dropped.add_bytes("large", crate::common::noise(9, 9_000_000)).unwrap();
        drop(dropped);
        let sets = list_sets(share.clone(), site.place.deployment()).run().unwrap();
        let later = jiff::Timestamp::now() + Duration::from_secs(3 * 86_400);
        let plan = RetentionPolicy::new().keep_last(1).plan(&sets, later);
        assert!(plan.deletions.len() >= 2, "{plan:?}");
        let report = plan.apply(share.clone()).run();
        for (folder, outcome) in &report.outcomes {
            let DeletionOutcome::Skipped { why } = outcome else { panic!("{folder}: {outcome:?}") };
            assert!(why.contains("it is locked"), "{why}");
        }
        assert_eq!((report.deleted(), report.freed_bytes), (0, 0));
        report.into_result().unwrap();
        let sets = list_sets(share.clone(), site.place.deployment()).run().unwrap();
        assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), folders.len(), "all are whole");
    }
}

#[test]
fn a_lock_that_the_account_may_not_see_holds_all_the_same() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share = Arc::new(locking(&site, DAY, LockMode::Compliance).connect().unwrap());
        share.create_folder(&path("contoso.com/nyc")).unwrap();
        let folders = [0; 2].map(|_| site.back_up(share.clone()).unwrap());
        share.put(&path("contoso.com/object"), b"content").unwrap();
        site.proxy.plan(|_, _| Fault::HideLock);
        let shared: Arc<dyn Share> = share.clone();
        let sets = list_sets(shared.clone(), site.place.deployment()).run().unwrap();
        let later = jiff::Timestamp::now() + Duration::from_secs(3 * 86_400);
        let plan = RetentionPolicy::new().keep_last(1).plan(&sets, later);
        assert_eq!(plan.deletions.len(), 1, "{plan:?}");
        let report = plan.apply(shared.clone()).run();
        assert!(matches!(report.outcomes[0].1, DeletionOutcome::Skipped { .. }), "{report:?}");
        for refused in [
            share.remove(&path("contoso.com/object")),
            share.rename(&path("contoso.com/object"), &path("contoso.com/renamed")),
        ] {
            assert!(refused.unwrap_err().to_string().contains("it is locked"));
        }
        assert!(!site.proxy.seen().iter().any(|request| request.is("DELETE")));
        let sets = list_sets(shared, site.place.deployment()).run().unwrap();
        assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), folders.len());
        // A check can still delete what it wrote, and what is older than any lock can be deleted.
        let report = ShareCheck::new("contoso.com/nyc".parse().unwrap()).run(&*share);
        assert!(report.steps.iter().all(|step| step.outcome != StepOutcome::Failed), "{report:#?}");
        let share = locking(&site, Duration::from_secs(1), LockMode::Compliance).connect().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(share.locked_until(&path("contoso.com/object")).unwrap(), None);
    }
}

#[test]
fn a_lock_ends_at_its_date() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share = locking(&site, Duration::from_secs(2), LockMode::Compliance).connect().unwrap();
        share.create_folder(&path("a")).unwrap();
        share.put(&path("a/object"), b"content").unwrap();
        assert_eq!(share.remove(&path("a/object")).unwrap_err().kind(), ErrorKind::AccessDenied);
        share.copy(&path("a/object"), &path("a/copy")).unwrap();
        assert!(share.locked_until(&path("a/copy")).unwrap().is_some(), "a copy has a lock of its own");
        while share.locked_until(&path("a/copy")).unwrap().is_some() {
            std::thread::sleep(Duration::from_millis(100));
        }
        for name in ["a/object", "a/copy"] {
            share.remove(&path(name)).unwrap();
        }
        share.remove_folder(&path("a")).unwrap();
    }
}

#[test]
fn a_check_deletes_what_it_wrote_although_all_else_is_locked() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share = locking(&site, DAY, LockMode::Compliance).connect().unwrap();
        share.create_folder(&path("contoso.com/nyc")).unwrap();
        let report = ShareCheck::new("contoso.com/nyc".parse().unwrap()).run(&share);
        assert!(report.steps.iter().all(|step| step.outcome != StepOutcome::Failed), "{report:#?}");
        assert_eq!(share.list(&path("contoso.com/nyc")).unwrap(), []);
    }
}

#[test]
fn a_store_that_keeps_no_lock_is_refused() {
    for store in stores().filter(|store| *store == Store::Azure) {
        // Azurite takes the headers, and does nothing with them.
        let site = Site::new(store);
        let share = site.builder().lock(DAY, LockMode::Compliance).unwrap().connect().unwrap();
        site.proxy.plan(|_, _| Fault::None);
        let error = share.put(&path("contoso.com/nyc/object"), b"content").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("locked"), "{error}");
        assert_eq!(
            site.share().list(&path("contoso.com/nyc")).unwrap(),
            [],
            "nothing is left without a lock"
        );
        let put = site.proxy.seen().into_iter().find(|request| request.is("PUT")).unwrap();
        assert_eq!(put.header("x-ms-immutability-policy-mode"), Some("Locked"));
        assert!(put.header("x-ms-immutability-policy-until-date").unwrap().ends_with(" GMT"), "{put:?}");
    }
}

#[test]
fn a_bucket_without_object_lock_says_so() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share = site.builder().lock(DAY, LockMode::Compliance).unwrap().connect().unwrap();
        let error = share.put(&path("contoso.com/nyc/object"), b"content").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("created with Object Lock"), "{error}");
        assert_eq!(site.share().list(&path("contoso.com/nyc")).unwrap(), []);
    }
}
