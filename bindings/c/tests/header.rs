//! The committed header is the one that the sources make: `cargo xtask header` writes it anew.

use std::path::Path;

#[test]
fn the_header_is_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/azs_backup.h");
    let made = header();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(made.lines()).position(|(a, b)| a != b);
    assert!(committed == made, "line {differs:?} of {} is old: run `cargo xtask header`", path.display());
}

#[test]
fn the_header_has_the_version_of_the_library() {
    let [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(|part| {
        let line = format!("#define AZS_BACKUP_VERSION_{part} ");
        let header = include_str!("../include/azs_backup.h");
        header.lines().find_map(|l| l.strip_prefix(&line)).unwrap_or_default().to_owned()
    });
    assert_eq!(format!("{major}.{minor}.{patch}"), env!("CARGO_PKG_VERSION"));
}

/// The header, made of the sources by cbindgen.
fn header() -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut config = cbindgen::Config::from_file(Path::new(folder).join("cbindgen.toml")).unwrap();
    config.after_includes = Some(version_macros());
    let mut header = Vec::new();
    cbindgen::Builder::new().with_crate(folder).with_config(config).generate().unwrap().write(&mut header);
    plain(&String::from_utf8(header).unwrap())
}

fn version_macros() -> String {
    let mut parts = env!("CARGO_PKG_VERSION").split('.');
    ["MAJOR", "MINOR", "PATCH"]
        .map(|part| format!("\n#define AZS_BACKUP_VERSION_{part} {}", parts.next().unwrap()))
        .concat()
}

/// Writes the types of `ffi.rs` as what they are in C: `Slot_azs_bytes` is `azs_bytes **`.
fn plain(header: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in header.lines() {
        if line.starts_with("typedef ") && line.contains(" **Slot_") {
            // With the comment above it and the empty line before that.
            while lines.last().is_some_and(|last| last.starts_with("/**") || last.starts_with(" *")) {
                lines.pop();
            }
            if lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            continue;
        }
        lines.push(without_slots(line).replace("char * ", "char *").replace("uint8_t * ", "uint8_t *"));
    }
    lines.join("\n") + "\n"
}

fn without_slots(line: &str) -> String {
    let mut parts = line.split("Slot_");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (of, after) = part.split_once(' ').unwrap_or((part, ""));
        plain += &format!("{} **{after}", if of == "c_char" { "char" } else { of });
    }
    plain
}
