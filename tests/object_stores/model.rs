//! What a folder does, the store does: random calls on both.

use azs_backup::Share;
use azs_backup::layout::{MasBackupFolder, Name, SharePath};
use azs_backup::share::ItemKind;

use super::site::{Site, path, stores};
use crate::common::mirror::Mirror;
use crate::common::store::BUCKET;

/// Random numbers, the same for the same seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Names that a URL, an XML document or a signature could change.
const NAMES: [&str; 10] = [
    "a",
    "B c",
    "100%",
    "%2e%2E",
    "plus+and&=;,@!$'()",
    "Zürich – 東京 😀",
    "e\u{301}",
    "#[x]{y}^~`",
    ".azs",
    "backup.json",
];

fn random_path(rng: &mut Rng) -> SharePath {
    let depth = 1 + rng.below(3);
    SharePath::from_names((0..depth).map(|_| Name::new(NAMES[rng.below(NAMES.len())]).unwrap())).unwrap()
}

#[test]
fn whatever_is_called_the_store_does_what_the_folder_does() {
    let seeds: u64 = std::env::var("AZS_TEST_SEEDS").map_or(4, |seeds| seeds.parse().unwrap());
    for store in stores() {
        let (mut done, mut refused) = (0, 0);
        for seed in 1..=seeds {
            let temp = tempfile::tempdir().unwrap();
            let share = Mirror::open(store, temp.path());
            let mut rng = Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let mut known: Vec<SharePath> = Vec::new();
            for _ in 0..120 {
                // Half of the time something that was there once.
                let pick = |rng: &mut Rng| match rng.below(2) {
                    0 if !known.is_empty() => known[rng.below(known.len())].clone(),
                    _ => random_path(rng),
                };
                let (one, other) = (pick(&mut rng), pick(&mut rng));
                // In a store a file and a folder can have the same name: docs/object-stores.md.
                let is_free = |path: &SharePath| !temp.path().join(path.to_string()).is_dir();
                let is_file_above = |path: &SharePath| {
                    let mut above = path.parent();
                    while let Some(folder) = above {
                        if temp.path().join(folder.to_string()).is_file() {
                            return true;
                        }
                        above = folder.parent();
                    }
                    false
                };
                if is_file_above(&one) || is_file_above(&other) {
                    continue;
                }
                // The mirror compares each outcome, and panics if they differ.
                let result = match rng.below(10) {
                    0 | 1 => share.create_folder(&one),
                    2 | 3 if is_free(&one) => {
                        let length = [0, 1, 1000, 70_000][rng.below(4)];
                        share.put(&one, &vec![rng.below(256) as u8; length])
                    }
                    4 if is_free(&one) => share.read(&one, [0, 999, 1 << 20][rng.below(3)], &mut Vec::new()),
                    5 => share.list(&one).map(drop),
                    6 if is_free(&one) && is_free(&other) && one != other => share.copy(&one, &other),
                    7 if is_free(&one) && is_free(&other) && one != other => share.rename(&one, &other),
                    8 if is_free(&one) => share.remove(&one),
                    9 if !temp.path().join(one.to_string()).is_file() => share.remove_folder(&one),
                    _ => share.list(&SharePath::root()).map(drop),
                };
                known.push(one);
                if result.is_ok() { done += 1 } else { refused += 1 }
            }
        }
        assert!(done > 100 && refused > 100, "{store:?}: {done} {refused}");
        println!("{store:?}: {done} calls did something, {refused} were refused, as in a folder");
    }
}

#[test]
fn folders_that_other_programs_made_are_folders() {
    for store in stores() {
        let (site, server) = (Site::new(store), store.server());
        let share = site.share();
        let key = |name: &str| format!("{}/{name}", site.prefix);
        // By what is in it, as AzCopy makes them; by a marker of the S3 console; by that of Hadoop's drivers for Azure.
        server.put(BUCKET, &key("copied/object"), b"x");
        server.put(BUCKET, &key("marked/"), b"");
        server.put(BUCKET, &key("stub"), b"");
        server.put(BUCKET, &key("stub/object"), b"x");
        let mut items = share.list(&SharePath::root()).unwrap();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let found: Vec<_> = items.iter().map(|item| (&*item.name, item.kind)).collect();
        let folders = ["contoso.com", "copied", "marked", "stub"];
        assert_eq!(found, folders.map(|name| (name, ItemKind::Folder)), "{store:?}");
        assert_eq!(share.list(&path("marked")).unwrap(), []);
        assert_eq!(share.list(&path("copied")).unwrap().len(), 1);
        assert_eq!(share.create_folder(&path("copied")).unwrap_err().code(), "ALREADY_EXISTS");
        assert_eq!(share.remove_folder(&path("copied")).unwrap_err().code(), "IO");
        share.put(&path("copied/new"), b"y").unwrap();
        let marker = format!("{}/contoso.com/.azs-folder", site.prefix);
        assert_eq!(server.get(BUCKET, &marker).as_deref(), Some(&b""[..]), "our own marker");
    }
}

#[test]
fn an_object_that_no_path_can_name_hides_nothing_else() {
    for store in stores() {
        let site = Site::new(store);
        let set = site.back_up(std::sync::Arc::new(site.share())).unwrap();
        let folder = set.parent().unwrap();
        for odd in ["/planted", "./planted", "../planted", "a//planted"] {
            let key = format!("{}/{folder}/{odd}", site.prefix);
            store.server().put(BUCKET, &key, b"x");
        }
        let items = site.share().list(&folder).unwrap();
        let names: Vec<_> = items.iter().map(|item| &*item.name).collect();
        assert!(names.contains(&set.file_name().unwrap().as_str()), "{store:?}: {names:?}");
        assert!(!names.iter().any(|name| ["", ".", "..", "planted"].contains(name)), "{store:?}: {names:?}");
        let sets =
            azs_backup::list_sets(std::sync::Arc::new(site.share()), site.place.deployment()).run().unwrap();
        assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), 1, "{store:?}: {sets:?}");
    }
}

#[test]
fn a_listing_of_many_pages_is_whole() {
    for store in stores() {
        let site = Site::new(store);
        let share = site.share();
        share.create_folder(&path("many")).unwrap();
        let server = store.server();
        std::thread::scope(|scope| {
            for part in 0..4 {
                let prefix = &site.prefix;
                scope.spawn(move || {
                    for at in (part..1205).step_by(4) {
                        server.put(BUCKET, &format!("{prefix}/many/object-{at:05}"), b"");
                    }
                });
            }
        });
        let items = share.list(&path("many")).unwrap();
        // A page of S3 has 1,000 keys.
        assert_eq!(items.len(), 1205, "{store:?}");
        let now = jiff::Timestamp::now();
        assert!(items.iter().all(|item| (now - item.modified.unwrap()).as_secs().abs() < 600));
    }
}

#[test]
fn masbackup_is_read_and_never_written() {
    for store in stores() {
        let site = Site::new(store);
        let inside = format!("{}/contoso.com/nyc/MASBackup/ProgressiveBackup", site.prefix);
        store.server().put(BUCKET, &format!("{inside}/data.bin"), b"0123456789");
        site.proxy.plan(|_, _| crate::common::http_proxy::Fault::None);
        let share = site.behind();
        let folder = MasBackupFolder::new(&path("contoso.com/nyc"), "MASBackup").unwrap();
        let below = folder.join("ProgressiveBackup".parse().unwrap());
        assert_eq!(share.list_mas_backup(&folder).unwrap()[0].name, "ProgressiveBackup");
        assert_eq!(share.list_mas_backup(&below).unwrap()[0].length, 10);
        let file = below.file("data.bin".parse().unwrap());
        for (from, wanted) in [(0, &b"01234567"[..]), (7, b"789"), (10, b""), (99, b"")] {
            let mut buffer = [0; 8];
            let count = share.read_mas_backup(&file, from, &mut buffer).unwrap();
            assert_eq!(&buffer[..count], wanted, "{store:?} {from}");
        }
        let seen = site.proxy.seen();
        assert!(
            seen.len() > 5 && seen.iter().all(|request| request.is("GET") || request.is("HEAD")),
            "{seen:?}"
        );
    }
}
