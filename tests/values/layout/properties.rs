//! What holds for any text at all; the fuzz target and the property tests both walk this.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use azs_backup::layout::{
    Component, Deployment, Host, Name, Place, ScaleUnit, SetName, SharePath, UncPath, is_mas_backup,
};
use azs_backup::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `text` as each type and checks what must hold for each value that parses.
pub(crate) fn check(text: &str) {
    parses::<Host>(text);
    parses::<SetName>(text);
    if let Some(name) = parses::<Name>(text) {
        outside_mas_backup([name.as_str()]);
    }
    if let Some(component) = parses::<Component>(text) {
        outside_mas_backup([component.name().as_str()]);
        assert!(text.parse::<SetName>().is_err(), "{text:?}");
    }
    if let Some(unit) = parses::<ScaleUnit>(text) {
        outside_mas_backup([unit.as_str()]);
    }
    if let Some(path) = parses::<SharePath>(text) {
        outside_mas_backup(path.names());
        assert_eq!(path.len_utf16(), path.to_string().encode_utf16().count());
        assert_eq!(SharePath::from_names(path.names().to_vec()).unwrap(), path);
        assert!(!path.to_relative().is_absolute());
    }
    if let Some(path) = parses::<UncPath>(text) {
        outside_mas_backup([path.share()]);
        outside_mas_backup(path.folders().names());
        assert_eq!(path.to_verbatim().parse::<UncPath>().unwrap(), path);
        assert!(path.same_place(&path.to_string().to_ascii_uppercase().parse().unwrap()));
    }
    if let Some(deployment) = parses::<Deployment>(text) {
        outside_mas_backup(deployment.region_folder().names());
        assert!(deployment.fqdn().len() <= 253);
    }
    if let Some(place) = parses::<Place>(text) {
        outside_mas_backup(place.folder().names());
    }
}

/// What `text` parses to, if it does: printed and read again, and through JSON, it is the same.
fn parses<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = Error> + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            assert_eq!(printed.parse::<T>().unwrap(), value, "{printed:?}");
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
            Some(value)
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::InvalidName | ErrorKind::ReservedPath));
            assert!(!error.to_string().contains('\n'));
            None
        }
    }
}

fn outside_mas_backup<T: AsRef<str>>(names: impl IntoIterator<Item = T>) {
    for name in names {
        let name = name.as_ref();
        assert!(!is_mas_backup(name), "{name:?}");
        // Said once more without the function under test, for what needs no tables.
        let bare = name.trim_matches(['.', ' ']);
        assert!(!bare.eq_ignore_ascii_case("MASBackup"), "{name:?}");
        assert!(!name.contains(['\\', '/', ':']) && name != "." && name != "..", "{name:?}");
    }
}
