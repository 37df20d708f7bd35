//! The header is what the sources say.
#[test]
fn t() {
    let mut out = Vec::new();
    let dir = env!("CARGO_MANIFEST_DIR");
    cbindgen::Builder::new().with_crate(dir).with_config(cbindgen::Config::from_root_or_default(dir)).generate().unwrap().write(&mut out);
    println!("{}", String::from_utf8(out).unwrap());
}
