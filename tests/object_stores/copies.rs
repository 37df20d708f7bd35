//! Copies of sets to object stores and from them, to and from shares of the other kinds.

use std::collections::BTreeMap;
use std::sync::Arc;

use azs_backup::copies::replicate;
use azs_backup::layout::{Name, SharePath};
use azs_backup::share::open;
use azs_backup::{Backup, ErrorKind, Share, list_sets};

use super::site::{Site, path, stores};
use crate::common::http_proxy::Fault;
use crate::common::samba::Samba;
use crate::common::{Certificate, Fixture, noise};

/// What a share has of the sets: the content of each file.
fn contents(share: &Arc<dyn Share>, fixture: &Fixture) -> BTreeMap<SharePath, Vec<u8>> {
    let mut contents = BTreeMap::new();
    for set in list_sets(share.clone(), fixture.place.deployment()).run().unwrap() {
        assert!(set.is_complete(), "{set:?}");
        for item in share.list(&set.folder).unwrap() {
            let file = set.folder.join(Name::new(item.name).unwrap());
            let mut content = Vec::new();
            share.read(&file, 1 << 26, &mut content).unwrap();
            contents.insert(file, content);
        }
    }
    contents
}

/// Three sets in a folder, the second and third of which share files with those before them.
fn three_nights(fixture: &Fixture, share: &Arc<dyn Share>) {
    let source = fixture.path("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("stays"), noise(1, 300_000)).unwrap();
    // A file as young as the run that read it is read again by the next.
    std::thread::sleep(std::time::Duration::from_millis(100));
    for night in 0..3 {
        std::fs::write(source.join("changes"), noise(night, 20_000)).unwrap();
        let builder = Backup::builder(share.clone(), fixture.place.clone());
        let builder = builder.certificate(fixture.certificate.encryption()).state(fixture.path("state"));
        let mut backup = builder.start().unwrap();
        backup.add_folder_as("tree", &source).unwrap();
        backup.commit().unwrap();
    }
}

#[test]
fn sets_go_from_a_folder_to_a_file_server_to_object_stores_and_back() {
    let (fixture, samba) = (Fixture::new(), Samba::new());
    let sites: Vec<_> = stores().map(Site::new).collect();
    for folder in ["first/contoso.com/nyc", "last/contoso.com/nyc"] {
        std::fs::create_dir_all(fixture.path(folder)).unwrap();
    }
    let on_server = |name: &str| -> Arc<dyn Share> {
        let share = samba.builder(&format!(r"data\{name}"));
        std::fs::create_dir_all(samba.path("data").join(name).join("contoso.com/nyc")).unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        for at in [name.to_owned(), format!("{name}/contoso.com"), format!("{name}/contoso.com/nyc")] {
            std::fs::set_permissions(samba.path("data").join(at), Clone::clone(&permissions)).unwrap();
        }
        Arc::new(share.connect().unwrap())
    };
    let first = open(fixture.path("first")).run().unwrap();
    let mut way: Vec<Arc<dyn Share>> = vec![first.clone(), on_server("out")];
    way.extend(sites.iter().map(|site| Arc::new(site.share()) as Arc<dyn Share>));
    way.extend([on_server("back"), open(fixture.path("last")).run().unwrap()]);
    three_nights(&fixture, &first);
    let wanted = contents(&first, &fixture);
    assert!(wanted.len() > 10, "{:?}", wanted.keys());
    for pair in way.windows(2) {
        let copy = || replicate(pair[0].clone(), pair[1].clone(), fixture.place.deployment()).run().unwrap();
        let step = format!("{} to {}", pair[0].describe(), pair[1].describe());
        let report = copy().into_result().unwrap();
        assert_eq!(report.copied(), 3, "{step}");
        // What the sets share is sent once: linked there, or copied in the store.
        assert!(report.sent().bytes < 500_000, "{step}: {:?}", report.sent());
        let again = copy();
        assert_eq!((again.copied(), again.sent().bytes), (0, 0), "{step}: {again:?}");
        assert!(contents(&pair[1], &fixture) == wanted, "{step}: not what it was");
        for set in list_sets(pair[1].clone(), fixture.place.deployment()).run().unwrap() {
            let set = azs_backup::Set::open(pair[1].clone(), set.folder).unwrap();
            assert!(set.verify_full(&fixture.opener).run().unwrap().is_sound(), "{step}");
        }
    }
}

#[test]
fn a_copy_over_a_bad_line_ends_complete_and_sends_nothing_twice() {
    for store in stores() {
        let (fixture, site) = (Fixture::new(), Site::new(store));
        let from: Arc<dyn Share> = fixture.share.clone();
        three_nights(&fixture, &from);
        let (mut runs, mut sent) = (0, 0);
        loop {
            runs += 1;
            assert!(runs < 60, "{store:?}: it does not come to an end");
            let share = site.builder().attempts(1);
            site.proxy.plan(|_, _| Fault::None);
            let share: Arc<dyn Share> = Arc::new(share.connect().unwrap());
            // Each run gets a little further, until something breaks, and does not know what became of it.
            site.proxy.plan(move |at, _| if at == 12 + 9 * runs { Fault::LoseAnswer } else { Fault::None });
            let copied = replicate(from.clone(), share, fixture.place.deployment()).run();
            sent += site.proxy.seen().iter().filter(|r| r.is("PUT")).map(|r| r.length).sum::<usize>();
            match copied.and_then(azs_backup::copies::CopyReport::into_result) {
                Ok(_) => break,
                Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}"),
            }
            let share: Arc<dyn Share> = Arc::new(site.share());
            let sets = list_sets(share, fixture.place.deployment()).run().unwrap();
            for set in sets.iter().filter(|set| set.is_complete()) {
                site_is_sound(&site, &fixture, &set.folder);
            }
        }
        assert!(runs > 3, "{store:?}: {runs}");
        let there: Arc<dyn Share> = Arc::new(site.share());
        let (wanted, is) = (contents(&from, &fixture), contents(&there, &fixture));
        assert!(is == wanted, "{store:?}: not what it was");
        let all = wanted.iter().filter(|(file, _)| file.to_string().ends_with(".p7m"));
        let once: BTreeMap<_, _> = all.map(|(_, content)| (content, content.len())).collect();
        println!("{store:?}: {runs} runs, {sent} bytes");
        assert!(sent < once.values().sum::<usize>() + 60_000, "{store:?}: {sent}");
    }
}

fn site_is_sound(site: &Site, fixture: &Fixture, folder: &SharePath) {
    let set = azs_backup::Set::open(Arc::new(site.share()), folder.clone()).unwrap();
    assert!(set.verify_full(&fixture.opener).run().unwrap().is_sound(), "{folder}");
}

#[test]
fn an_account_that_may_only_read_can_copy_from_a_store() {
    for store in stores() {
        let (fixture, site) = (Fixture::new(), Site::new(store));
        let from: Arc<dyn Share> = Arc::new(site.share());
        let certificate = Certificate::new("azs-backup test");
        let builder = Backup::builder(from.clone(), fixture.place.clone());
        let mut backup = builder.certificate(certificate.encryption()).start().unwrap();
        backup.add_bytes("object", noise(1, 1000)).unwrap();
        backup.commit().unwrap();
        let reading: Arc<dyn Share> = Arc::new(site.behind());
        site.proxy.plan(|_, request| match request.is("GET") || request.is("HEAD") {
            true => Fault::None,
            false => Fault::Refuse(403, "AccessDenied", ""),
        });
        let copied = replicate(reading, fixture.share.clone(), fixture.place.deployment()).run().unwrap();
        assert_eq!(copied.into_result().unwrap().copied(), 1, "{store:?}");
        assert_eq!(fixture.share.list(&path("contoso.com/nyc/Switches")).unwrap().len(), 1);
    }
}
