//! What comes out of snapshots, and where it goes.

use std::path::Path;

use azs_backup::mas_backup::{Keys, Readiness, SnapshotState};
use azs_backup::restore::Existing;

use super::tree::{Tree, VECTORS, certificate, codes};

fn digest(path: &Path) -> String {
    let digest = openssl::sha::sha256(&std::fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder, from there.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() && !path.is_symlink() {
                true => folders.push(path),
                false => {
                    let names = path.strip_prefix(folder).unwrap().iter().map(|name| name.to_str().unwrap());
                    found.push(names.collect::<Vec<_>>().join("/"));
                }
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_backup_comes_out_to_the_byte() {
    let tree = Tree::healthy();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let mut compared = 0;
    for backup in catalog.backups.iter().filter(|backup| backup.paths().next().is_some()) {
        let (_temp, target) = tree.target();
        let report = theirs.extract(&tree.keys(), &backup.id).into(&target, tree.now()).unwrap();
        assert_eq!((report.state, report.refused.len()), (SnapshotState::Verified, 0));
        for check in &report.snapshots {
            let files = VECTORS["contents"][format!("{}.zip", check.path)].as_object().unwrap();
            let mut names = check.path.rsplit('/');
            let name = names.next().unwrap();
            let folder = names.next().unwrap();
            let repository = if backup.is_legacy { name } else { folder };
            for (file, is) in files {
                assert_eq!(
                    digest(&target.join(repository).join(name).join(file)),
                    is.as_str().unwrap(),
                    "{file}"
                );
                compared += 1;
            }
        }
        assert_eq!(below(&target).len() as u64, report.files);
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn zips_inside_and_what_is_encrypted_once_more_are_opened_on_request() {
    let tree = Tree::healthy();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let newest = catalog.backups.iter().find(|backup| backup.readiness == Readiness::Ready).unwrap();
    let (_temp, target) = tree.target();
    let report = theirs.extract(&tree.keys(), &newest.id).open_inner().into(&target, tree.now()).unwrap();
    assert_eq!(report.state, SnapshotState::Verified);
    let files = below(&target);
    let of = |name: &str| files.iter().find(|path| path.ends_with(name)).unwrap();
    let quotas = std::fs::read(target.join(of("SRP-Microsoft.Storage.Admin.json"))).unwrap();
    assert!(String::from_utf8(quotas).unwrap().contains("capacityInGb"));
    assert_eq!(std::fs::read(target.join(of("ServiceFabricCssBackup.dat"))).unwrap(), b"synthetic secrets");
}

#[test]
fn one_repository_comes_out_alone_and_a_target_that_is_not_empty_is_refused() {
    let tree = Tree::healthy();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let newest = catalog.backups.iter().find(|backup| backup.readiness == Readiness::Ready).unwrap();
    let (_temp, target) = tree.target();
    let keys = tree.keys();
    let crp = || theirs.extract(&keys, &newest.id).repository("crp;microsoft.compute.admin;-;quota");
    assert_eq!(crp().into(&target, tree.now()).unwrap().files, 1);
    assert_eq!(crp().into(&target, tree.now()).unwrap_err().code(), "ALREADY_EXISTS");
    let kept = crp().existing(Existing::Keep).into(&target, tree.now()).unwrap();
    assert_eq!((kept.files, kept.kept), (0, 1));
    std::fs::write(target.join(&below(&target)[0]), b"changed").unwrap();
    let kept = crp().existing(Existing::Keep).into(&target, tree.now()).unwrap();
    assert_eq!((kept.files, kept.kept, kept.kept_differing.len()), (0, 0, 1));
    let replaced = crp().existing(Existing::Replace).into(&target, tree.now()).unwrap();
    assert_eq!(replaced.files, 1);
    let none = theirs.extract(&keys, &newest.id).repository("none").into(&target, tree.now());
    assert_eq!(none.unwrap_err().code(), "NOT_FOUND");
}

#[test]
fn nothing_comes_out_without_the_certificate_and_the_error_names_it() {
    let tree = Tree::healthy();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let newest = catalog.backups.iter().find(|backup| backup.readiness == Readiness::Ready).unwrap();
    let (_temp, target) = tree.target();
    let keys = Keys::new(vec![certificate("old")]);
    let error = theirs.extract(&keys, &newest.id).into(&target, tree.now()).unwrap_err();
    assert_eq!(error.code(), "WRONG_CERTIFICATE");
    assert!(error.to_string().contains(super::tree::thumbprint("new")), "{error}");
    assert_eq!(below(&target), Vec::<String>::new());
}

/// Extracts everything of a broken tree that the first snapshot of a repository's backup needs.
fn extract_broken(
    name: &str,
    repository: &str,
) -> (tempfile::TempDir, std::path::PathBuf, azs_backup::mas_backup::ExtractReport) {
    let tree = Tree::broken(name).unwrap();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let store = catalog.stores.iter().find(|store| store.name == "1.2301.2.58").unwrap();
    let id =
        &store.repositories.iter().find(|of| of.name.starts_with(repository)).unwrap().snapshots[0].backup_id;
    let (temp, target) = tree.target();
    let name = store.repositories.iter().find(|of| of.name.starts_with(repository)).unwrap().name.clone();
    let report =
        theirs.extract(&tree.keys(), id).repository(&name).open_inner().into(&target, tree.now()).unwrap();
    (temp, target, report)
}

#[test]
fn names_that_lead_out_are_not_written_and_the_rest_is() {
    let (temp, target, report) = extract_broken("zip-traversal", "CRP;");
    assert_eq!(report.state, SnapshotState::Damaged);
    let files: Vec<_> =
        below(&target).iter().map(|path| path.splitn(3, '/').nth(2).unwrap().to_owned()).collect();
    assert_eq!(files, ["CRP-Microsoft.Compute.Admin.json", "Case.json", "dir/inner.json", "same"]);
    let found = codes(&report.findings);
    assert_eq!((found["ZIP_NAME_UNSAFE"], found["ZIP_DUPLICATE"]), (13, 2), "{:?}", report.findings);
    // Nothing beside the target.
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
}

#[test]
fn a_link_is_written_as_a_file_and_nothing_goes_through_it() {
    let (_temp, target, report) = extract_broken("zip-symlink", "CRP;");
    let files = below(&target);
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::read(target.join(&files[0])).unwrap(), b"/etc");
    // What would be below it has nowhere to go.
    let found = codes(&report.findings);
    assert_eq!((found["ZIP_LINK"], found["ZIP_DUPLICATE"], report.refused.len()), (1, 1, 0));
}

#[test]
fn damage_leaves_no_file_behind() {
    for (name, repository) in [
        ("flip-data", "WAS;"),
        ("flip-iv", "WAS;"),
        ("bad-padding", "CRP;"),
        ("not-zip", "CRP;"),
        ("zip-bomb", "CRP;"),
        ("zip-liar", "CRP;"),
        ("zip-nested-bomb", "SRP;"),
    ] {
        let (_temp, target, report) = extract_broken(name, repository);
        assert_eq!((report.state, below(&target)), (SnapshotState::Damaged, Vec::new()), "{name}");
    }
}

#[test]
fn a_backup_that_lacks_something_says_so_when_it_is_extracted() {
    let tree = Tree::broken("missing-essential").unwrap();
    let theirs = tree.theirs();
    let catalog = theirs.list().run(tree.now()).unwrap();
    let lacking = catalog.backups.iter().find(|of| !of.is_legacy && !of.thumbprints.is_empty()).unwrap();
    assert_eq!(lacking.readiness, Readiness::NotReady);
    let (_temp, target) = tree.target();
    let keys = tree.keys();
    let report = theirs.extract(&keys, &lacking.id).into(&target, tree.now()).unwrap();
    assert_eq!(report.state, SnapshotState::Verified, "what is there is sound");
    assert!(report.missing.iter().any(|path| path.contains("CRP;")), "{:?}", report.missing);
    assert!(codes(&report.findings).contains_key("REPOSITORY_MISSING"), "{:?}", report.findings);
    let (_temp, target) = tree.target();
    let of_nrp = theirs.extract(&keys, &lacking.id).repository("NRP;Microsoft.Network.Admin;-;Quota");
    assert_eq!(of_nrp.into(&target, tree.now()).unwrap().missing, Vec::<String>::new());
}

#[test]
fn nothing_is_extracted_onto_the_share() {
    let tree = Tree::healthy();
    let (theirs, keys) = (tree.theirs(), tree.keys());
    let id = &theirs.list().run(tree.now()).unwrap().backups[0].id;
    let before = tree.files();
    let refused = |target: std::path::PathBuf| {
        let extract = theirs.extract(&keys, id).existing(Existing::Replace);
        extract.into(target, tree.now()).unwrap_err().code()
    };
    assert_eq!(refused(tree.root().join("MASBackup/new/folder")), "RESERVED_PATH");
    #[cfg(unix)]
    {
        let (temp, _) = tree.target();
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(tree.root().join("MASBackup"), &link).unwrap();
        assert_eq!(refused(link), "RESERVED_PATH");
    }
    if !crate::common::backend::is_remote() {
        assert_eq!(refused(tree.root().join("out")), "INVALID_ARGUMENT");
    }
    assert_eq!(tree.files(), before);
}
