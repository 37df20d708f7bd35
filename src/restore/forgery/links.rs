//! Links and copies that lead nowhere, and those of lost files.

use super::*;

fn hard_link(name: &str, target: &str) -> Entry {
    Entry::new(path(name), Content::HardLink { target: path(target) }, Metadata::default())
}

fn copy(name: &str, target: &str, size: u64) -> Entry {
    Entry::new(path(name), Content::Copy { target: path(target), size }, Metadata::default())
}

#[test]
fn links_and_copies_that_lead_to_no_file_listed_before_are_found() {
    let mut forgery = Forgery::new();
    forgery.add(file("good", b"abc"), b"abc").add_large("large", 5000, &[(0, 5000)]);
    for (name, target, size) in [("link", "good", 3), ("too", "large", 5000)] {
        forgery.add(hard_link(name, target), b"").add(copy(&format!("{name} copied"), target, size), b"");
    }
    let report = forgery.make().verify();
    assert!(report.is_sound(), "{report:#?}");

    for (bad, what) in [
        (hard_link("bad", "nowhere"), "not list before it"),
        (hard_link("bad", "bad"), "not list before it"),
        (hard_link("bad", "folder"), "not list before it"),
        (hard_link("bad", "link"), "not list before it"),
        (hard_link("bad", "later"), "not list before it"),
        (copy("bad", "copied", 3), "not list before it"),
        (copy("bad", "nowhere", 3), "not list before it"),
        (copy("bad", "good", 4), "bad has 4 bytes, and good, whose content it has, has 3"),
        (copy("bad", "large", 0), "bad has 0 bytes, and large, whose content it has, has 5000"),
    ] {
        let mut forgery = Forgery::new();
        forgery.add(Entry::new(path("folder"), Content::Folder, Metadata::default()), b"");
        forgery.add(file("good", b"abc"), b"abc").add_large("large", 5000, &[(0, 5000)]);
        forgery.add(hard_link("link", "good"), b"").add(copy("copied", "good", 3), b"");
        forgery.add(bad, b"").add(file("later", b"abc"), b"abc");
        let report = forgery.make().verify();
        let [loss] = &report.losses[..] else { panic!("{what} {report:#?}") };
        assert_eq!((&loss.path, loss.code), (&Some(path("bad")), "DAMAGED"));
        assert!(loss.message.contains(what), "{loss:?}");
        assert!(report.into_result().is_err());
    }
}

#[test]
fn links_and_copies_of_a_file_that_is_lost_are_lost_with_it() {
    let mut forgery = Forgery::new();
    forgery.add(file("bad", b"abc"), b"abd").add(file("good", b"abc"), b"abc");
    forgery.add(hard_link("bad link", "bad"), b"").add(copy("bad copy", "bad", 3), b"");
    forgery.add(hard_link("link", "good"), b"").add(copy("copy", "good", 3), b"");
    let forged = forgery.make();
    let paths = |losses: Vec<super::super::Loss>| {
        let mut paths: Vec<_> = losses.into_iter().map(|loss| loss.path.unwrap().to_string()).collect();
        paths.sort();
        paths
    };
    let expected = ["bad", "bad copy", "bad link"];
    assert_eq!(paths(forged.verify().losses), expected);
    assert_eq!(paths(forged.restore(Damage::Continue).unwrap().losses), expected);
}
