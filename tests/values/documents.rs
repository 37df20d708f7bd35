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

/// The links of the documents are followed by `cargo xtask book`.
#[test]
fn the_picture_of_the_code_shows_every_module() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for item in std::fs::read_dir(root.join("src")).unwrap() {
        let name = item.unwrap().file_name().into_string().unwrap();
        assert!(architecture.contains(&name), "ARCHITECTURE.md does not show src/{name}");
    }
}
