//! What a bad night does to a backup into an object store.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use azs_backup::alert::{AlertKind, Profile, classify_error};
use azs_backup::observer::{Observer, Progress, watch};
use azs_backup::share::ObjectStoreShare;
use azs_backup::{ErrorKind, Result, Set, Share, list_sets};

use super::site::{Site, path, stores};
use crate::common::http_proxy::{Fault, Request};
use crate::common::noise;
use crate::common::store::Store;

/// What can be done to a share, from nothing but a folder `a` with an object.
type Operation = fn(&ObjectStoreShare) -> Result<()>;

const OPERATIONS: [(&str, Operation); 7] = [
    ("put", |share| share.put(&path("a/new"), b"new content")),
    ("create folder", |share| share.create_folder(&path("a/b/c"))),
    ("copy", |share| share.copy(&path("a/object"), &path("a/copy"))),
    ("rename", |share| share.rename(&path("a/object"), &path("a/renamed"))),
    ("remove", |share| share.remove(&path("a/object"))),
    ("remove folder", |share| share.remove_folder(&path("empty"))),
    ("read", |share| {
        let mut read = Vec::new();
        share.read(&path("a/object"), 100, &mut read)?;
        assert_eq!(read, b"content");
        Ok(())
    }),
];

/// What is in a share: names, kinds and contents.
fn contents(share: &ObjectStoreShare) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![azs_backup::layout::SharePath::root()]);
    while let Some(folder) = folders.pop() {
        for item in share.list(&folder).unwrap() {
            let at = folder.join(azs_backup::layout::Name::new(item.name).unwrap());
            if item.kind == azs_backup::share::ItemKind::Folder {
                found.push(format!("{at}/"));
                folders.push(at);
            } else {
                let mut content = Vec::new();
                share.read(&at, 1000, &mut content).unwrap();
                found.push(format!("{at} {}", String::from_utf8_lossy(&content)));
            }
        }
    }
    found.sort();
    found
}

fn prepared(store: Store) -> Site {
    let site = Site::new(store);
    let share = site.share();
    for folder in ["a", "empty"] {
        share.create_folder(&path(folder)).unwrap();
    }
    share.put(&path("a/object"), b"content").unwrap();
    site
}

/// Whatever request of an operation is hit, it ends as if nothing had happened.
fn each_request_may_meet(fault: fn(&Request) -> Fault) {
    for store in stores() {
        let mut hit = 0;
        for (name, operation) in OPERATIONS {
            let undisturbed = prepared(store);
            let share = undisturbed.behind();
            undisturbed.proxy.plan(|_, _| Fault::None);
            operation(&share).unwrap();
            let (requests, wanted) = (undisturbed.proxy.seen().len(), contents(&undisturbed.share()));
            assert!(requests > 0);
            for nth in 0..requests {
                let site = prepared(store);
                let share = site.behind();
                site.proxy.plan(move |at, request| if at == nth { fault(request) } else { Fault::None });
                operation(&share).unwrap_or_else(|e| panic!("{store:?} {name}, request {nth}: {e:?}"));
                assert_eq!(contents(&site.share()), wanted, "{store:?} {name}, request {nth}");
                hit += 1;
            }
        }
        assert!(hit > 20, "{store:?}: {hit}");
    }
}

#[test]
fn an_answer_that_is_lost_changes_nothing() {
    each_request_may_meet(|_| Fault::LoseAnswer);
}

#[test]
fn half_an_answer_changes_nothing() {
    each_request_may_meet(|request| if request.is("GET") { Fault::HalfAnswer } else { Fault::None });
}

#[test]
fn a_connection_that_breaks_changes_nothing() {
    each_request_may_meet(|_| Fault::Drop);
}

#[test]
fn a_store_that_fails_once_changes_nothing() {
    each_request_may_meet(|_| Fault::Refuse(500, "InternalError", ""));
}

#[test]
fn a_store_that_limits_requests_is_asked_for_as_long_as_it_takes() {
    for store in stores() {
        let site = Site::new(store);
        let share = site.behind();
        // More refusals than a call has attempts, each with an answer of the store or of what is before it.
        let codes = [(503, "SlowDown"), (429, ""), (503, "ServerBusy")];
        site.proxy.plan(move |at, _| match at {
            0..12 => Fault::Refuse(codes[at % 3].0, codes[at % 3].1, "Retry-After: 0"),
            _ => Fault::None,
        });
        share.put(&path("contoso.com/nyc/object"), b"content").unwrap();
        assert!(site.proxy.seen().len() >= 14);
        let share = site.builder().call_limit(Duration::from_millis(700));
        site.proxy.plan(|_, _| Fault::None);
        let share = share.connect().unwrap();
        site.proxy.plan(|_, _| Fault::Refuse(503, "SlowDown", "Retry-After: 0"));
        let error = share.list(&path("contoso.com/nyc")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        let class = classify_error(&error, Profile::Refined);
        assert_eq!(class.kind(), AlertKind::Connectivity);
        assert_eq!(class.evidence()[0].name(), "SlowDown", "{class:#?}");
    }
}

#[test]
fn a_backup_gets_through_a_store_that_limits_requests_all_the_time() {
    for store in stores() {
        let site = Site::new(store);
        let share = Arc::new(site.behind());
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = refused.clone();
        let codes = [(503, "SlowDown"), (429, ""), (503, "ServerBusy")];
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        site.proxy.plan(move |_, _| match random(&mut seed) % 3 {
            0 => {
                let nth = counted.fetch_add(1, Ordering::Relaxed);
                Fault::Refuse(codes[nth % 3].0, codes[nth % 3].1, "Retry-After: 0")
            }
            _ => Fault::None,
        });
        let folder = site.back_up(share).unwrap();
        assert!(refused.load(Ordering::Relaxed) > 10, "{store:?}: {refused:?}");
        site.assert_sound(folder);
    }
}

/// What reads takes many requests, and none of them begins anew for one that is refused.
#[test]
fn a_verification_gets_through_a_store_that_refuses_each_second_request() {
    for store in stores() {
        let site = Site::new(store);
        let folder = site.back_up(Arc::new(site.share())).unwrap();
        let share = Arc::new(site.behind());
        site.proxy.plan(|at, _| match at % 2 {
            1 => Fault::Refuse(503, "SlowDown", "Retry-After: 0"),
            _ => Fault::None,
        });
        let report = Set::open(share, folder).unwrap().verify().run().unwrap();
        assert!(report.is_sound(), "{store:?} {report:#?}");
    }
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 11
}

/// Stops after some tenths of a second.
struct Impatient(usize);

impl Observer for Impatient {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn what_a_stopped_call_began_is_taken_back_when_the_store_gets_to_it() {
    let making = ["put", "create folder", "copy"];
    for store in stores() {
        for (name, operation) in OPERATIONS.into_iter().filter(|(name, _)| making.contains(name)) {
            let site = prepared(store);
            let (share, before) = (site.behind(), contents(&site.share()));
            let late = Fault::Late(Duration::from_millis(2500));
            site.proxy.plan(move |_, request| if request.is("PUT") { late.clone() } else { Fault::None });
            let error = watch(&mut Impatient(0), || operation(&share)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{store:?} {name}: {error}");
            assert_eq!(contents(&site.share()), before, "{store:?} {name}: the store has not got to it yet");
            // Whoever looks at that place by the same share waits for its end, and for nothing that is elsewhere.
            share.list(&path("empty")).unwrap();
            assert!(!site.proxy.seen().iter().any(|request| request.is("DELETE")), "{store:?} {name}");
            share.list(&path("a")).unwrap();
            let taken_back = site.proxy.seen().iter().any(|request| request.is("DELETE"));
            // The folder is the third that is made on the way: it is not begun any more.
            assert_eq!(taken_back, name != "create folder", "{store:?} {name}");
            assert_eq!(contents(&site.share()), before, "{store:?} {name}");
        }
    }
}

#[test]
fn a_backup_that_is_given_up_leaves_nothing_that_comes_later() {
    for store in stores() {
        let site = Site::new(store);
        let share: Arc<dyn Share> = Arc::new(site.behind());
        let late = Fault::Late(Duration::from_millis(2500));
        site.proxy.plan(move |_, request| match request.is("PUT") && request.line.contains(".p7m") {
            true => late.clone(),
            false => Fault::None,
        });
        let mut backup = site.builder_of(share).start().unwrap();
        backup.add_bytes("large", noise(7, 9_000_000)).unwrap();
        while !site.proxy.seen().iter().any(|request| request.is("PUT") && request.length > 1 << 20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The share's last owner is the backup.
        drop(backup);
        let began = |request: &Request| request.is("PUT") && request.line.contains(".p7m");
        let puts = site.proxy.seen().iter().filter(|request| began(request)).count();
        let place = site.place.folder();
        let direct = site.share();
        let is_gone = || direct.list(&place).is_ok_and(|sets| sets.is_empty());
        for _ in 0..1000 {
            let ended =
                site.proxy.seen().iter().filter(|r| r.is("DELETE") && r.line.contains(".p7m")).count();
            if ended >= puts && is_gone() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(puts > 0 && is_gone(), "{store:?}: {puts} {:?}", direct.list(&place));
    }
}

#[test]
fn what_waits_for_a_store_is_stopped() {
    for store in stores() {
        for fault in [Fault::Silence, Fault::Refuse(503, "SlowDown", "Retry-After: 600")] {
            let site = Site::new(store);
            let share = site.behind();
            site.proxy.plan(move |_, _| fault.clone());
            let error =
                watch(&mut Impatient(0), || share.put(&path("contoso.com/nyc/object"), b"")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        }
    }
}

#[test]
fn a_store_that_is_silent_is_given_up() {
    for store in stores() {
        let site = Site::new(store);
        let builder = site.builder().silence_limit(Duration::from_millis(200)).attempts(2);
        let share = builder.connect().unwrap();
        site.proxy.plan(|_, _| Fault::Silence);
        let error = share.list(&path("contoso.com")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
        assert_eq!(classify_error(&error, Profile::Refined).kind(), AlertKind::Connectivity);
        let asked = site.proxy.seen().len();
        assert_eq!(share.list(&path("contoso.com")).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(site.proxy.seen().len(), asked, "the next call does not wait again");
    }
}

#[test]
fn a_different_object_of_that_name_stays() {
    for store in stores() {
        let site = Site::new(store);
        let share = site.behind();
        let object = path("contoso.com/nyc/object");
        site.share().put(&object, b"somebody's").unwrap();
        // Even if the answers to all attempts to write it are lost but one.
        for lost in [0, 1] {
            let puts = AtomicUsize::new(0);
            site.proxy.plan(move |_, request| {
                let is_put = request.is("PUT") && puts.fetch_add(1, Ordering::Relaxed) < lost;
                if is_put { Fault::LoseAnswer } else { Fault::None }
            });
            let error = share.put(&object, b"content").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{store:?} {lost}: {error}");
            let mut read = Vec::new();
            site.share().read(&object, 100, &mut read).unwrap();
            assert_eq!(read, b"somebody's");
        }
    }
}

#[test]
fn wrong_bytes_are_found() {
    for store in stores() {
        let site = Site::new(store);
        let folder = site.back_up(Arc::new(site.share())).unwrap();
        let share = site.behind();
        let is_segment = |request: &Request| request.line.contains(".tar.zst.p7m");
        site.proxy.plan(move |_, request| if is_segment(request) { Fault::Corrupt } else { Fault::None });
        let set = Set::open(Arc::new(share), folder).unwrap();
        let report = set.verify_full(&site.opener()).run().unwrap();
        assert!(!report.is_sound(), "{store:?}: {report:?}");
    }
}

#[test]
fn lies_about_versions_do_not_matter() {
    for store in stores() {
        let site = Site::new(store);
        let share = Arc::new(site.behind());
        site.proxy.plan(|_, _| Fault::LyingETag);
        let folder = site.back_up(share.clone()).unwrap();
        site.assert_sound(folder.clone());
        let report = Set::open(share, folder).unwrap().verify_full(&site.opener()).run().unwrap();
        assert!(report.is_sound());
    }
}

#[test]
fn a_listing_that_lags_behind_makes_no_complete_set() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let share = Arc::new(site.behind());
        site.proxy.plan(|_, request| if request.is_listing() { Fault::Hide(".p7m") } else { Fault::None });
        let error = site.back_up(share).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("acknowledged"), "{error}");
        let sets = list_sets(Arc::new(site.share()), site.place.deployment()).run().unwrap();
        assert!(sets.iter().all(|set| !set.is_complete()), "{sets:?}");
    }
}
