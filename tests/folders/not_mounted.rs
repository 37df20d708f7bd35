//! A mount point whose share is not mounted is an empty folder on the local disk: no backup goes there unless you ask.

use std::fs;
use std::path::Path;

use crate::common::{Fixture, backend};
use azs_backup::{Backup, ErrorKind, Place, Result};

/// Backs this place up to whatever is at the mount point now; returns whether it built on an earlier set.
fn run(fixture: &Fixture, at: &Path, place: &str, create: bool) -> Result<bool> {
    let place: Place = place.parse().unwrap();
    let builder = Backup::builder(backend::share(at), place).certificate(fixture.certificate.encryption());
    let mut backup = builder.state(fixture.path("state")).create(create).start()?;
    backup.add_bytes("running-config", *b"hostname tor1\n")?;
    Ok(backup.commit()?.reuse.base.is_some())
}

fn assert_refused(fixture: &Fixture, at: &Path, place: &str, missing: &str) {
    let error = run(fixture, at, place, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    for said in [missing, "is the share mounted there", "ask for it to be created"] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    names.collect()
}

const PLACE: &str = "contoso.com/nyc/Switches";

#[test]
fn a_backup_to_a_share_that_is_not_mounted_is_refused_and_makes_nothing() {
    let fixture = Fixture::new();
    let (share, mount_point) = (fixture.path("share"), fixture.path("mnt"));
    // The region folder with its MASBackup identifies the real share: nothing has to be created on request.
    fs::rename(&share, &mount_point).unwrap();
    assert!(!run(&fixture, &mount_point, PLACE, false).unwrap());
    assert!(run(&fixture, &mount_point, PLACE, false).unwrap());

    fs::rename(&mount_point, &share).unwrap();
    fs::create_dir(&mount_point).unwrap();
    for _ in 0..2 {
        assert_refused(&fixture, &mount_point, PLACE, "no region folder contoso.com/nyc");
        assert_eq!(names(&mount_point), [""; 0]);
    }

    // Once it is mounted again, the next night continues from the last one.
    fs::remove_dir(&mount_point).unwrap();
    fs::rename(&share, &mount_point).unwrap();
    assert!(run(&fixture, &mount_point, PLACE, false).unwrap());
    assert_eq!(names(&mount_point.join(PLACE)).len(), 3);
}

#[test]
fn a_region_folder_is_made_by_wish() {
    let fixture = Fixture::new();
    let root = fixture.path("empty");
    fs::create_dir(&root).unwrap();
    assert_refused(&fixture, &root, PLACE, "no region folder contoso.com/nyc");
    run(&fixture, &root, PLACE, true).unwrap();
    assert_eq!(names(&root.join(PLACE)).len(), 1);
    // Once it exists, the request is no longer needed.
    run(&fixture, &root, PLACE, false).unwrap();
}

#[test]
fn a_mistyped_region_or_component_makes_no_folder() {
    let fixture = Fixture::new();
    let share = fixture.path("share");
    for (place, missing) in [
        ("contoso.com/nyk/Switches", "no region folder contoso.com/nyk"),
        ("contoso.org/nyc/Switches", "no region folder contoso.org/nyc"),
        ("contoso.com/nyc/Swithces", "no component folder contoso.com/nyc/Swithces"),
    ] {
        assert_refused(&fixture, &share, place, missing);
    }
    assert_eq!(names(&share), ["contoso.com"]);
    assert_eq!(names(&share.join("contoso.com")), ["nyc"]);
    assert_eq!(names(&share.join("contoso.com/nyc")), ["MASBackup"]);
}
