//! Listings name what belongs elsewhere, what is damaged and what cannot be read, and go on.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::review::{Configuration, review};
use azs_backup::schedule::{KeepReason, RetentionPolicy};
use azs_backup::set::{SetList, SetState, space_of};
use azs_backup::{Backup, ErrorKind, FolderShare, Place, Set, Share, list_sets};
use jiff::Timestamp;

use crate::bad_share::BadShare;
use crate::common::Fixture;

fn back_up(fixture: &Fixture, place: &str) -> SharePath {
    let mut backup = Backup::builder(fixture.share.clone(), place.parse().unwrap())
        .certificate(fixture.certificate.encryption())
        .create(true)
        .start()
        .unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    backup.commit().unwrap().folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn list(share: &Arc<dyn Share>, deployment: &str) -> SetList {
    list_sets(share.clone(), &deployment.parse().unwrap()).run().unwrap()
}

fn words(list: &SetList) -> Vec<String> {
    list.iter().map(|set| serde_json::to_value(set).unwrap()["state"].as_str().unwrap().to_owned()).collect()
}

const NYC: &str = "contoso.com/nyc/Switches";
const LAX: &str = "contoso.com/lax/Switches";

#[test]
fn a_pipe_or_a_link_for_a_file_of_a_set_holds_nobody_up() {
    let fixture = Fixture::new();
    let names = ["backup.json", "SHA256SUMS", "backup.json.p7s"];
    for name in names {
        let native = fixture.native(&back_up(&fixture, NYC));
        let _ = fs::remove_file(native.join(name));
        let made = std::process::Command::new("mkfifo").arg(native.join(name)).status().unwrap();
        assert!(made.success());
    }
    let sets = list(&fixture.share, "contoso.com/nyc");
    assert_eq!(sets.len(), 3);
    // Whose signature cannot be read is a set all the same.
    assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), 1, "{sets:#?}");
    let folder = back_up(&fixture, NYC);
    let native = fixture.native(&folder);
    let data = fs::read_dir(&native).unwrap().map(|item| item.unwrap().path());
    let data = data.into_iter().find(|path| path.extension().is_some_and(|end| end == "p7m")).unwrap();
    fs::rename(&data, fixture.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(fixture.path("elsewhere"), &data).unwrap();
    let sets = list(&fixture.share, "contoso.com/nyc");
    let linked = sets.iter().find(|set| set.folder == folder).unwrap();
    assert!(linked.state.reason().is_some_and(|reason| reason.contains("is not a file")), "{linked:?}");
    fs::remove_file(&data).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&data).status().unwrap().success());
    let set = Set::open(fixture.share.clone(), folder).unwrap();
    assert_eq!(set.verify().run().unwrap().faults.len(), 1);
}

#[test]
fn a_set_of_another_place_is_foreign_never_good_and_kept() {
    for elsewhere in [LAX, "contoso.com/nyc/HLH", "contoso.com/nyc/Switches/su1", "fabrikam.com/nyc/Switches"]
    {
        let fixture = Fixture::new();
        let own = back_up(&fixture, elsewhere);
        let strange = back_up(&fixture, NYC);
        let place: Place = elsewhere.parse().unwrap();
        let here = place.folder().join(strange.file_name().unwrap());
        copy(&fixture.native(&strange), &fixture.native(&here));

        let sets = list_sets(fixture.share.clone(), place.deployment()).run().unwrap();
        let found = sets.iter().find(|set| set.folder == here).unwrap();
        let SetState::Foreign { belongs_to, reason } = &found.state else { panic!("{found:?}") };
        assert_eq!(belongs_to, &strange);
        assert!(reason.contains(&strange.to_string()), "{reason}");
        assert!(sets.needs_attention());

        let plan = RetentionPolicy::new().keep_last(1).make_room(u64::MAX).plan(&sets, Timestamp::now());
        assert!(plan.deletions.iter().all(|deletion| deletion.folder != here && deletion.folder != own));
        let reasons = |folder: &SharePath| {
            plan.kept.iter().find(|kept| kept.folder == *folder).map(|kept| kept.reasons.clone())
        };
        assert_eq!(reasons(&here).unwrap(), [KeepReason::Foreign]);
        assert!(reasons(&own).unwrap().contains(&KeepReason::LastGood));

        // It opens only if you name its place.
        let error = Set::open(fixture.share.clone(), here.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(&strange.to_string()), "{error}");
        assert!(Set::open_foreign(fixture.share.clone(), here.clone(), &NYC.parse().unwrap()).is_ok());
        let error = Set::open_foreign(fixture.share.clone(), here, &place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
}

#[test]
fn a_set_under_another_ones_name_is_foreign() {
    let fixture = Fixture::new();
    let own = back_up(&fixture, NYC);
    let renamed: SharePath = format!("{NYC}/20260101T000000Z-00000001").parse().unwrap();
    copy(&fixture.native(&own), &fixture.native(&renamed));
    assert_eq!(words(&list(&fixture.share, "contoso.com/nyc")), ["foreign", "complete"]);
    assert_eq!(Set::open(fixture.share.clone(), renamed).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_copy_outside_of_any_region_folder_opens() {
    let fixture = Fixture::new();
    let set = back_up(&fixture, NYC);
    let name = set.file_name().unwrap().as_str();
    for copied in [format!("usb/{name}"), format!("usb/a/b/c/d/{name}"), "usb/any name".to_owned()] {
        copy(&fixture.native(&set), &fixture.path(&copied));
        let root: Arc<dyn Share> = Arc::new(FolderShare::open(fixture.path(&copied)).unwrap());
        assert!(Set::open(root, SharePath::root()).is_ok());
        let above: Arc<dyn Share> = Arc::new(FolderShare::open(fixture.temp.path()).unwrap());
        assert!(Set::open(above, copied.parse().unwrap()).is_ok(), "{copied}");
    }
}

#[test]
fn a_damaged_clear_file_is_damage_and_not_a_run_that_never_ended() {
    type Harm = fn(&Path);
    let harms: &[(Harm, &str, &str)] = &[
        (|set| fs::write(set.join("backup.json"), "{").unwrap(), "damaged", "index"),
        (|set| fs::write(set.join("backup.json"), "").unwrap(), "damaged", "index"),
        (|set| prepend(&set.join("backup.json"), b"\xEF\xBB\xBF"), "damaged", "index"),
        (|set| fs::write(set.join("backup.json"), vec![b' '; 2 << 20]).unwrap(), "damaged", "index"),
        (|set| fs::remove_file(set.join("SHA256SUMS")).unwrap(), "damaged", "SHA256SUMS"),
        (|set| prepend(&set.join("SHA256SUMS"), b"\r\n"), "damaged", "SHA256SUMS"),
        (|set| fs::remove_file(set.join("backup.json")).unwrap(), "incomplete", "may be whole"),
    ];
    for (harm, state, reason) in harms {
        let fixture = Fixture::new();
        let old = back_up(&fixture, NYC);
        harm(&fixture.native(&old));
        back_up(&fixture, NYC);
        let sets = list(&fixture.share, "contoso.com/nyc");
        let set = sets.iter().find(|set| set.folder == old).unwrap();
        assert!(set.state.reason().unwrap().contains(reason), "{set:?}");
        assert_eq!(serde_json::to_value(set).unwrap()["state"], *state);
        // Years later it is still there, whatever is asked.
        let later = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 1000);
        let plan = RetentionPolicy::new().keep_last(1).make_room(u64::MAX).plan(&sets, later);
        let kept = plan.kept.iter().find(|kept| kept.folder == old).unwrap();
        assert_eq!(kept.reasons, [KeepReason::Damaged]);
    }
}

fn prepend(file: &Path, front: &[u8]) {
    let rest = fs::read(file).unwrap();
    fs::write(file, [front, &rest].concat()).unwrap();
}

#[test]
fn one_file_or_folder_that_cannot_be_read_hides_nothing_else() {
    let fixture = Fixture::new();
    let (bad, good) = (back_up(&fixture, NYC), back_up(&fixture, NYC));
    let name = bad.file_name().unwrap().as_str().to_owned();
    for kind in [ErrorKind::Io, ErrorKind::AccessDenied] {
        for what in [format!("{name}/backup.json"), format!("{name}/SHA256SUMS"), name.clone()] {
            let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, &what, kind));
            let sets = list(&share, "contoso.com/nyc");
            let of = |folder: &SharePath| sets.iter().find(|set| set.folder == *folder).unwrap();
            assert!(matches!(of(&bad).state, SetState::Unreadable { .. }), "{what}: {:?}", of(&bad));
            assert!(of(&good).is_complete());
            let later = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 1000);
            let plan = RetentionPolicy::new().keep_last(1).plan(&sets, later);
            let kept = plan.kept.iter().find(|kept| kept.folder == bad).unwrap();
            assert_eq!(kept.reasons, [KeepReason::Unreadable]);
            let space = space_of(share.clone(), &[bad.clone(), good.clone()]).unwrap();
            assert!(space[0].unknown.is_some() && space[1].unknown.is_none() && space[1].bytes > 0);
        }
        let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, "nyc/HLH", kind));
        fs::create_dir_all(fixture.path("share/contoso.com/nyc/HLH")).unwrap();
        let sets = list(&share, "contoso.com/nyc");
        assert_eq!((sets.len(), sets.unreadable.len()), (2, 1));
        assert_eq!(sets.unreadable[0].folder.to_string(), "contoso.com/nyc/HLH");
        assert!(sets.needs_attention());
    }
}

#[test]
fn a_read_that_takes_too_long_ends_the_work_and_makes_nothing_incomplete() {
    let fixture = Fixture::new();
    let set = back_up(&fixture, NYC);
    let name = set.file_name().unwrap().as_str();
    for kind in [ErrorKind::TimedOut, ErrorKind::Unreachable] {
        for what in [
            format!("{name}/backup.json"),
            name.to_owned(),
            "nyc/Switches".to_owned(),
            "contoso.com/nyc".to_owned(),
        ] {
            let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, &what, kind));
            let error = list_sets(share.clone(), fixture.place.deployment()).run().unwrap_err();
            assert_eq!(error.kind(), kind, "{what}");
        }
        let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, name, kind));
        assert_eq!(space_of(share.clone(), std::slice::from_ref(&set)).unwrap_err().kind(), kind);
    }
}

#[test]
fn a_review_names_what_cannot_be_read_and_ends_with_the_share() {
    let fixture = Fixture::new();
    let set = back_up(&fixture, NYC);
    let sheet = format!("{}/backup.json", set.file_name().unwrap());
    let configuration = r#"{"root": "\\\\fileserver01.contoso.com\\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"}}"#;
    let configuration = Configuration::from_json(configuration.as_bytes()).unwrap();
    let look = |end: &str, kind| {
        let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, end, kind));
        review(&configuration, share, Timestamp::now())
    };
    let found = look(&sheet, ErrorKind::Io).unwrap();
    let named = found.findings.iter().find(|finding| finding.rule.id == "FOLDER_UNREADABLE").unwrap();
    assert!(named.seen.contains(&sheet), "{named:?}");
    for end in [&*sheet, "nyc/Switches"] {
        assert_eq!(look(end, ErrorKind::TimedOut).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn odd_things_where_a_set_should_be_stop_nothing() {
    let fixture = Fixture::new();
    let set = back_up(&fixture, NYC);
    let switches = fixture.path("share/contoso.com/nyc/Switches");
    fs::create_dir_all(switches.join("20200101T000000Z-00000000/backup.json")).unwrap();
    fs::create_dir_all(switches.join("20200101T000000Z-00000001")).unwrap();
    std::os::unix::fs::symlink("/etc/hosts", switches.join("20200101T000000Z-00000001/backup.json")).unwrap();
    let sets = list(&fixture.share, "contoso.com/nyc");
    assert_eq!(words(&sets), ["unreadable", "unreadable", "complete"]);
    assert_eq!(sets[2].folder, set);
}

#[test]
fn folders_that_differ_in_case_alone_are_both_listed() {
    let fixture = Fixture::new();
    let set = back_up(&fixture, NYC);
    let nyc = fixture.path("share/contoso.com/nyc");
    fs::create_dir_all(nyc.join("switches/su1")).unwrap();
    if fs::read_dir(&nyc).unwrap().count() < 3 {
        return; // The file system does not tell them apart.
    }
    assert_eq!(list(&fixture.share, "contoso.com/nyc").len(), 1);
    fs::rename(nyc.join("Switches"), nyc.join("switches2")).unwrap();
    fs::remove_dir_all(nyc.join("switches")).unwrap();
    fs::rename(nyc.join("switches2"), nyc.join("switches")).unwrap();
    let sets = list(&fixture.share, "contoso.com/nyc");
    let folder = format!("contoso.com/nyc/switches/{}", set.file_name().unwrap());
    assert_eq!((words(&sets), sets[0].folder.to_string()), (vec!["complete".to_owned()], folder.clone()));
    // A plan means the folder that is there.
    back_up(&fixture, NYC);
    let sets = list(&fixture.share, "contoso.com/nyc");
    let plan = RetentionPolicy::new().keep_last(1).plan(&sets, Timestamp::now());
    assert_eq!(plan.deletions[0].folder.to_string(), folder);
    let report = plan.apply(fixture.share.clone()).run();
    assert_eq!(report.deleted(), 1);

    fs::rename(&nyc, fixture.path("share/contoso.com/NYC")).unwrap();
    assert_eq!(list(&fixture.share, "contoso.com/nyc").len(), 1);
}

#[test]
fn a_fresh_share_has_no_sets_and_a_share_that_is_not_there_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let share: Arc<dyn Share> = Arc::new(FolderShare::open(temp.path()).unwrap());
    assert!(list(&share, "contoso.com/nyc").is_empty());
    let bad: Arc<dyn Share> = Arc::new(BadShare::new(&share, "", ErrorKind::NotFound));
    let error = list_sets(bad.clone(), &Deployment::new("contoso.com", "nyc").unwrap()).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn sets_of_one_second_are_in_the_order_in_which_they_began() {
    let fixture = Fixture::new();
    let names = ["20261123T020000Z-00000003", "20261123T020000Z-00000001", "20261123T020000Z-00000002"];
    for name in names {
        let mut backup = fixture.builder().set_name(name.parse().unwrap()).start().unwrap();
        backup.add_bytes("x", &b"x"[..]).unwrap();
        backup.commit().unwrap();
    }
    let sets = list_sets(fixture.share.clone(), fixture.place.deployment())
        .component(&Component::Switches)
        .run()
        .unwrap();
    assert_eq!(sets.iter().map(|set| set.name.to_string()).collect::<Vec<_>>(), names);
}

#[test]
fn a_set_that_shrank_is_marked() {
    let fixture = Fixture::new();
    let back_up = |files: usize| {
        let name = format!("20261123T020000Z-0000000{}", files / 3);
        let mut backup = fixture.builder().set_name(name.parse().unwrap()).start().unwrap();
        (0..files).for_each(|n| backup.add_bytes(&format!("f{n}"), &b"content"[..]).unwrap());
        backup.commit().unwrap();
    };
    back_up(0);
    back_up(3);
    assert!(list(&fixture.share, "contoso.com/nyc").iter().all(|set| !set.is_shrunken), "it grew");
    let fixture = Fixture::new();
    for (second, files) in [(0, 8), (1, 4), (2, 3), (3, 0)] {
        let name = format!("20261123T02000{second}Z-00000001");
        let mut backup = fixture.builder().set_name(name.parse().unwrap()).start().unwrap();
        (0..files).for_each(|n| backup.add_bytes(&format!("f{n}"), &b"content"[..]).unwrap());
        backup.commit().unwrap();
    }
    let sets = list(&fixture.share, "contoso.com/nyc");
    let shrunken: Vec<_> = sets.iter().map(|set| set.is_shrunken).collect();
    assert_eq!(shrunken, [false, false, true, true]);
    assert!(sets.needs_attention());
    let plan = RetentionPolicy::new()
        .keep_last(1)
        .plan(&sets, Timestamp::now() + jiff::SignedDuration::from_hours(1));
    let kept: Vec<_> = plan.kept.iter().map(|kept| kept.reasons.clone()).collect();
    assert_eq!(kept[0], [KeepReason::NotDisplaced]);
    assert_eq!(kept[1], [KeepReason::LastFull]);
    assert_eq!(plan.deletions.len(), 1);
}

#[test]
fn of_each_place_the_newest_are_listed_until_so_many_are_complete() {
    let fixture = Fixture::new();
    let sets = |place: &str, sets: &[(&str, bool)]| {
        for (name, is_complete) in sets {
            let builder = Backup::builder(fixture.share.clone(), place.parse().unwrap());
            let builder = builder.certificate(fixture.certificate.encryption()).create(true);
            let mut backup = builder.set_name(name.parse().unwrap()).start().unwrap();
            backup.add_bytes("x", &b"x"[..]).unwrap();
            let folder = backup.commit().unwrap().folder;
            if !is_complete {
                fs::remove_file(fixture.native(&folder).join("backup.json")).unwrap();
            }
        }
    };
    sets(
        NYC,
        &[
            ("20250101T020000Z-00000001", true),
            ("20250102T020000Z-00000001", false),
            ("20250103T020000Z-00000002", true),
            ("20250103T020000Z-00000001", true),
            ("20250104T020000Z-00000001", false),
            ("99980101T020000Z-00000001", true),
        ],
    );
    sets(
        "contoso.com/nyc/HLH/su1",
        &[("20240101T020000Z-00000001", true), ("20240102T020000Z-00000001", true)],
    );
    let newest = |share: &Arc<dyn Share>, complete| {
        let list = list_sets(share.clone(), fixture.place.deployment()).newest(complete).run()?;
        let name = |set: &azs_backup::set::SetSummary| set.name.to_string()[..17].to_owned();
        Ok::<_, azs_backup::Error>(list.iter().map(name).collect::<Vec<_>>())
    };
    let of_hlh = ["20240101T020000Z-", "20240102T020000Z-"];
    let future = "99980101T020000Z-";
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|day| format!("2025010{day}T020000Z-"));
    let (third, fourth): (&str, &str) = (&third, &fourth);
    assert_eq!(newest(&fixture.share, 0).unwrap().len(), 8);
    // Of one second both are listed, because only their cover sheets tell which began first.
    assert_eq!(newest(&fixture.share, 1).unwrap(), [of_hlh[1], third, third, fourth, future]);
    assert_eq!(newest(&fixture.share, 2).unwrap(), [of_hlh[0], of_hlh[1], third, third, fourth, future]);
    let all = [of_hlh[0], of_hlh[1], &first, &second, third, third, fourth, future];
    assert_eq!(newest(&fixture.share, 3).unwrap(), all);
    assert_eq!(newest(&fixture.share, usize::MAX).unwrap(), all);
    // No older one is even looked at.
    let bad = "20250102T020000Z-00000001";
    let share: Arc<dyn Share> = Arc::new(BadShare::new(&fixture.share, bad, ErrorKind::TimedOut));
    assert_eq!(newest(&share, 2).unwrap().len(), 6);
    assert_eq!(newest(&share, 3).unwrap_err().kind(), ErrorKind::TimedOut);
}
