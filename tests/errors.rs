//! What an error knows: its path, its operation, its set, its alert.

use std::sync::Arc;

use azs_backup::alert::AlertKind;
use azs_backup::layout::{SharePath, UncPath};
use azs_backup::{Error, ErrorKind, FolderShare, Set, Share};

const SET: &str = "20261123T020000Z-7f3a91c2";

fn folder() -> SharePath {
    format!("contoso.com/nyc/Switches/{SET}").parse().unwrap()
}

/// A path on the share, as this system writes it.
fn shown(share: &FolderShare, path: &SharePath) -> String {
    let separator = std::path::MAIN_SEPARATOR_STR;
    format!("{}{separator}{}", share.describe(), path.to_string().replace('/', separator))
}

fn concerns(error: &Error) -> (Option<&str>, Option<&str>, Option<&str>) {
    assert!(!error.to_string().contains('\n'), "{error}");
    (error.operation(), error.path(), error.set())
}

#[test]
fn a_share_tells_what_it_did_where_and_in_which_set() {
    let temp = tempfile::tempdir().unwrap();
    let share = FolderShare::open(temp.path()).unwrap();
    let shown = |path: &SharePath| shown(&share, path);
    let object = folder().join("000000.tar.zst.p7m".parse::<azs_backup::layout::Name>().unwrap());
    let mut buffer = Vec::new();
    let (in_set, outside) = (shown(&object), "contoso.com/none".parse::<SharePath>().unwrap());
    for (error, operation) in [
        (share.put(&object, b"x").unwrap_err(), "write"),
        (share.read(&object, 9, &mut buffer).unwrap_err(), "read"),
        (share.remove(&object).unwrap_err(), "delete"),
        (share.link(&folder(), &object).unwrap_err(), "link"),
        (share.copy(&folder(), &object).unwrap_err(), "copy"),
        (share.rename(&folder(), &object).unwrap_err(), "rename"),
    ] {
        let (done, path, set) = concerns(&error);
        assert_eq!((done, set), (Some(operation), Some(SET)), "{error}");
        assert!(path.is_some_and(|path| in_set.starts_with(path)), "{error}: {path:?}");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(error.alert().kind(), AlertKind::Path, "{error}");
    }
    let error = share.list(&outside).unwrap_err();
    assert_eq!(concerns(&error), (Some("list"), Some(&*shown(&outside)), None));
    share.create_folder(&outside).unwrap();
    let error = share.create_folder(&outside).unwrap_err();
    assert_eq!(concerns(&error), (Some("create"), Some(&*shown(&outside)), None));
}

#[test]
fn a_set_that_does_not_open_tells_which_it_is() {
    let temp = tempfile::tempdir().unwrap();
    let share = Arc::new(FolderShare::open(temp.path()).unwrap());
    let shown = shown(&share, &folder());
    // Nothing is there; then a folder without a cover sheet; then a broken one.
    let open = || Set::open(share.clone(), folder()).unwrap_err();
    let error = open();
    assert_eq!(
        (error.kind(), concerns(&error)),
        (ErrorKind::NotFound, (Some("list"), Some(&*shown), Some(SET)))
    );
    share.create_folder(&folder()).unwrap();
    let error = open();
    assert_eq!(
        (error.kind(), concerns(&error)),
        (ErrorKind::Incomplete, (Some("open"), Some(&*shown), Some(SET)))
    );
    std::fs::write(format!("{shown}/backup.json"), "{").unwrap();
    let error = open();
    assert_eq!(concerns(&error), (Some("open"), Some(&*shown), Some(SET)), "{error:?}");
}

#[test]
fn a_file_of_this_host_is_named() {
    let error = azs_backup::EncryptionCertificate::load("/no/such.cer").unwrap_err();
    assert_eq!(concerns(&error), (Some("open"), Some("/no/such.cer"), None));
    let error = "no path".parse::<UncPath>().unwrap_err();
    assert_eq!(concerns(&error), (None, None, None));
}
