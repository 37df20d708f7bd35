//! Gives the shared library its SONAME: before 1.0 every minor version has an interface of its own. cargo-c, which
//! packagers may use, gives the same (`version_suffix_components` in Cargo.toml).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |part: &str| std::env::var(format!("CARGO_PKG_VERSION_{part}")).unwrap_or_default();
    let family = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if ["linux", "freebsd", "netbsd", "openbsd"].contains(&family.as_str()) {
        let version = format!("{}.{}", of("MAJOR"), of("MINOR"));
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libazs_backup.so.{version}");
    }
}
