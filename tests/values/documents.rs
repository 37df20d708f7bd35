//! The documents match the code.

use azs_backup::ErrorKind;

#[test]
fn the_table_of_error_codes_is_whole() {
    let rows: Vec<_> = include_str!("../../bindings/README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"))
        .filter_map(|(kind, rest)| Some((kind.to_owned(), rest.split_once('`')?.0)))
        .collect();
    let kinds: Vec<_> = ErrorKind::ALL.iter().map(|kind| (format!("{kind:?}"), kind.code())).collect();
    assert_eq!(rows, kinds);
}

/// Links between documents lead to files, and the picture of the code shows every module.
#[test]
fn documents_name_files_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "RELEASING.md",
        "SECURITY.md",
        "benches/README.md",
        "benches/peers/README.md",
        "bindings/README.md",
        "bindings/c/README.md",
        "bindings/node/README.md",
        "bindings/python/README.md",
        "docs/shares.md",
        "docs/smb.md",
        "docs/windows.md",
        "docs/format.md",
    ] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let folder = root.join(document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let is_there = file.is_empty() || file.contains("://") || folder.join(file).exists();
            assert!(is_there, "{document} links to {link}");
        }
    }
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for item in std::fs::read_dir(root.join("src")).unwrap() {
        let name = item.unwrap().file_name().into_string().unwrap();
        assert!(architecture.contains(&name), "ARCHITECTURE.md does not show src/{name}");
    }
}
