//! Names and places, through the public interface.

use std::path::{Path, PathBuf};

use azs_backup::layout::{
    Component, Deployment, Host, HostKind, Name, Place, ScaleUnit, SetName, SharePath, UncPath, is_mas_backup,
};
use azs_backup::{ErrorKind, Result, layout};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "layout/properties.rs"]
mod properties;
use crate::case_count;

fn unc(text: &str) -> UncPath {
    text.parse().unwrap()
}

fn nyc() -> Deployment {
    Deployment::new("contoso.com", "nyc").unwrap()
}

/// The normal form of `input` read as the type that a vector names.
fn normal_form(kind: &str, input: &str) -> Result<String> {
    Ok(match kind {
        "component" => input.parse::<Component>()?.to_string(),
        "deployment" => input.parse::<Deployment>()?.to_string(),
        "host" => input.parse::<Host>()?.to_string(),
        "name" => input.parse::<Name>()?.to_string(),
        "place" => input.parse::<Place>()?.to_string(),
        "scale_unit" => input.parse::<ScaleUnit>()?.to_string(),
        "set_name" => input.parse::<SetName>()?.to_string(),
        "share_path" => input.parse::<SharePath>()?.to_string(),
        "unc_path" => input.parse::<UncPath>()?.to_string(),
        _ => panic!("unknown type {kind}"),
    })
}

#[test]
fn the_vectors_hold() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../vectors/layout.json")).unwrap();
    case_count::assert_case_count("layout", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let input = case["input"].as_str().unwrap();
        let got = match normal_form(case["type"].as_str().unwrap(), input) {
            Ok(text) => json!({"type": case["type"], "input": input, "expect": text}),
            Err(error) => json!({"type": case["type"], "input": input, "error": error.code()}),
        };
        if got != *case {
            wrong += &format!("want {case}\n got {got}\n");
        }
        let facts = layout::facts(case["type"].as_str().unwrap(), input);
        match (&facts, case["expect"].as_str()) {
            (Ok(facts), Some(expect)) if facts["text"] == expect => {}
            (Err(error), None) if error.code() == case["error"] => {}
            _ => wrong += &format!("want {case}\n got {facts:?}\n"),
        }
        properties::check(input);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(layout::facts("nonsense", "x").unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_path_tells_its_parts() {
    let path = unc(r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc");
    assert_eq!(path.host().to_string(), "fileserver01.contoso.com");
    assert_eq!(path.share(), "AzSBackups");
    assert_eq!(path.folders().to_string(), "contoso.com/nyc");
    assert_eq!(path.len_utf16(), 53);
    assert_eq!(path.to_verbatim(), r"\\?\UNC\fileserver01.contoso.com\AzSBackups\contoso.com\nyc");
    assert_eq!(path.to_native_path(), PathBuf::from(path.to_string()));
    let root = path.parent().unwrap().parent().unwrap();
    assert_eq!(root, unc(r"\\fileserver01.contoso.com\AzSBackups"));
    assert_eq!(root.parent(), None);
    assert_eq!(root.join(&nyc().region_folder()), path);
    assert_eq!(root.join_name(nyc().external_domain_name()), path.parent().unwrap());
}

#[test]
fn the_form_of_a_host_is_a_fact_to_ask_for() {
    for (text, kind, address) in [
        ("fs.contoso.com", HostKind::Fqdn, "fs.contoso.com"),
        ("fs", HostKind::SingleLabel, "fs"),
        ("10.0.0.2", HostKind::Ipv4, "10.0.0.2"),
        ("2001-db8--1.ipv6-literal.net", HostKind::Ipv6, "2001:db8::1"),
        ("[fe80::1%4]", HostKind::Ipv6, "fe80::1%4"),
    ] {
        let host: Host = text.parse().unwrap();
        assert_eq!(host.kind(), kind);
        assert_eq!(host.to_address(), address);
        assert_eq!(host.ip().is_some(), matches!(kind, HostKind::Ipv4 | HostKind::Ipv6));
        assert_eq!(host.scope_id(), text.contains('%').then_some(4));
    }
    for text in ["localhost", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
        assert!(text.parse::<Host>().unwrap().is_loopback(), "{text}");
    }
    assert!(!"fs".parse::<Host>().unwrap().is_loopback());
}

#[test]
fn an_administrative_share_is_a_fact_to_ask_for() {
    assert!(unc(r"\\fs\C$\backups").is_administrative());
    assert!(!unc(r"\\fs\backups").is_administrative());
}

#[test]
fn letter_case_does_not_make_another_place() {
    let path = unc(r"\\FS.contoso.com\Daten\Äpfel");
    let other = unc(r"\\fs.contoso.com\DATEN\äPFEL");
    assert_ne!(path, other);
    assert!(path.same_place(&other));
    assert!(!path.same_place(&unc(r"\\fs.contoso.com\DATEN")));
    assert!(unc(r"\\2001:DB8::1\a").same_place(&unc(r"\\2001-db8--1.ipv6-literal.net\a")));
}

#[test]
fn a_share_path_is_walked_by_its_names() {
    let path: SharePath = "contoso.com/nyc".parse().unwrap();
    assert_eq!(path.file_name().unwrap().as_str(), "nyc");
    assert_eq!(path.parent().unwrap().to_string(), "contoso.com");
    assert!(path.parent().unwrap().parent().unwrap().is_root());
    assert_eq!(SharePath::root().parent(), None);
    assert_eq!(SharePath::root().file_name(), None);
    assert_eq!(SharePath::root().join(Name::new("contoso.com").unwrap()).join(nyc().region()), path);
    assert_eq!(path.into_iter().count(), 2);
    let long = vec![Name::new("x".repeat(255)).unwrap(); 126];
    assert_eq!(SharePath::from_names(long).unwrap_err().kind(), ErrorKind::InvalidName);
}

#[test]
fn a_native_path_lies_below_its_root() {
    let folder = nyc().region_folder();
    let relative: PathBuf = ["contoso.com", "nyc"].iter().collect();
    assert_eq!(folder.to_relative(), relative);
    assert_eq!(folder.to_native("/mnt/backups").unwrap(), Path::new("/mnt/backups").join(relative));
    assert_eq!(SharePath::root().to_native("").unwrap(), PathBuf::new());
}

#[test]
fn a_native_root_inside_mas_backup_is_refused() {
    for root in [
        "/mnt/nyc/MASBackup",
        "masbackup",
        "/mnt/MASBAC~1/x",
        "/mnt/ＭASBackup",
        "x/MASBackup/..",
        r"\\fs\s\MASBackup",
    ] {
        let error = nyc().region_folder().to_native(root).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReservedPath, "{root}");
    }
}

#[test]
fn a_place_is_the_folder_of_its_sets() {
    let set: SetName = "20261123T020000Z-7f3a91c2".parse().unwrap();
    let place = Place::new(nyc(), Component::Switches);
    assert_eq!(place.to_string(), "contoso.com/nyc/Switches");
    assert_eq!(place.scale_unit(), None);
    let place = place.with_scale_unit(ScaleUnit::new("su1").unwrap());
    assert_eq!(place.folder().to_string(), "contoso.com/nyc/Switches/su1");
    assert_eq!(place.set_folder(&set).to_string(), "contoso.com/nyc/Switches/su1/20261123T020000Z-7f3a91c2");
    assert_eq!(place.deployment().fqdn(), "nyc.contoso.com");
    assert_eq!(place.component(), &Component::Switches);
    assert_eq!(place.scale_unit().unwrap().as_str(), "su1");
}

#[test]
fn json_holds_the_parts_of_a_place() {
    let place = Place::new(nyc(), Component::Hlh);
    let mut value = json!({
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "component": "HLH",
    });
    assert_eq!(serde_json::to_value(&place).unwrap(), value);
    value["component"] = "MASBackup".into();
    let error = serde_json::from_value::<Place>(value.clone()).unwrap_err();
    assert!(error.to_string().contains("MASBackup"), "{error}");
    value["component"] = "HLH".into();
    value["deployment"]["region"] = "masbackup".into();
    assert!(serde_json::from_value::<Place>(value).is_err());
    assert!(serde_json::from_str::<Name>("\"\\u004dASBackup\"").is_err());
}

#[test]
fn a_known_component_is_known_in_any_letter_case() {
    for component in Component::KNOWN {
        let name = component.name();
        assert_eq!(Component::custom(&name.as_str().to_lowercase()).unwrap(), component);
        assert_eq!(Component::custom(&name.as_str().to_uppercase()).unwrap(), component);
    }
    assert!(
        matches!(Component::custom("Firewalls").unwrap(), Component::Custom(name) if name.name().as_str() == "Firewalls")
    );
}

#[test]
fn a_set_name_drops_the_fraction_and_refuses_what_it_cannot_write() {
    let time: Timestamp = "2026-11-23T02:00:00.999Z".parse().unwrap();
    let name = SetName::new(time, 0x7f3a_91c2).unwrap();
    assert_eq!(name.to_string(), "20261123T020000Z-7f3a91c2");
    assert_eq!(name.as_name().as_str(), name.to_string());
    assert!(SetName::new(Timestamp::MAX, u32::MAX).is_ok());
    for time in ["1969-12-31T23:59:59.5Z", "0001-01-01T00:00:00Z"] {
        let error = SetName::new(time.parse().unwrap(), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn an_error_names_the_thing_and_what_to_do() {
    for (error, text) in [
        (
            unc_error(r"\\fs\a|b"),
            "share name \"a|b\" has the character \"|\", which a share name may not have",
        ),
        (
            unc_error(r"\fs\a"),
            r#"UNC path "\fs\a" begins with one backslash: a shell or an escape took the other; write \\host\share in single quotes"#,
        ),
        (
            unc_error(r"\\fs\a\MASBackup"),
            r#"UNC path "\\fs\a\MASBackup" leads into MASBackup, which belongs to Azure Stack Hub; choose a folder beside it"#,
        ),
        (
            Name::new("nul.txt").unwrap_err().to_string(),
            "name \"nul.txt\" is a device to Windows; choose another",
        ),
    ] {
        assert_eq!(error, text);
    }
}

fn unc_error(text: &str) -> String {
    text.parse::<UncPath>().unwrap_err().to_string()
}

/// `MASBackup` with each letter in one of its shapes, what cannot be seen in between, and what is dropped around it.
fn disguise() -> impl Strategy<Value = String> {
    let shapes = [
        "MmＭｍⓂⓜ𝐌ᴹМ",
        "AaＡａⒶªÀ\u{212B}А",
        "SsＳｓſⓢ𝕊ˢЅ",
        "BbＢｂℬⓑᴮВ",
        "AaＡａⓐᵃáа",
        "CcＣｃℂⅭçсⅽ",
        "Kk\u{212A}Ｋｋⓚᵏк",
        "UuＵｕⓤᵘüŪ",
        "PpＰｐℙⓟᵖр",
    ];
    let letters = shapes.map(|shape| prop::sample::select(shape.chars().collect::<Vec<_>>()));
    let unseen = prop::sample::select(vec![
        "",
        "",
        "",
        "",
        "\u{200B}",
        "\u{AD}",
        "\u{202E}",
        "\u{301}",
        "\u{FE0F}",
        "\u{E0041}",
    ]);
    let before =
        prop::sample::select(vec!["", "", " ", "\t", "\u{FEFF}", ".\\", "./", "a\\", "\u{3000}", "\u{2066}"]);
    let after = prop::sample::select(vec![
        "",
        "",
        ".",
        " ",
        ". .",
        "…",
        "::$DATA",
        ":s",
        "：x",
        ":$I30:$INDEX_ALLOCATION",
        "\u{F029}",
        "\\",
        "/x",
        "\u{A0}",
    ]);
    (letters, prop::collection::vec(unseen, 9), before, after).prop_map(|(letters, unseen, before, after)| {
        let middle: String =
            letters.iter().zip(unseen).map(|(letter, unseen)| format!("{letter}{unseen}")).collect();
        format!("{before}{middle}{after}")
    })
}

/// Text that is nearly a name or path more often than not.
fn likely() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9-]{1,9}",
        "\\PC{0,4}",
        prop::sample::select(vec![
            "\\\\",
            "\\",
            "/",
            "\\\\?\\UNC\\",
            "\\\\fs\\share\\",
            ".",
            "..",
            " ",
            ":",
            "$",
            "contoso.com",
            "nyc",
            "nul",
            "COM¹",
            "MASBackup",
            "MASBAC~1",
            "~",
            "::$DATA",
            "[fe80::1]",
            ".ipv6-literal.net",
            "10.0.0.2",
            "\u{0}",
            "Switches",
            "20261123T020000Z-7f3a91c2",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn any_text_parses_to_what_prints_the_same_or_fails(text in any::<String>()) {
        properties::check(&text);
    }

    #[test]
    fn likely_text_parses_to_what_prints_the_same_or_fails(text in likely()) {
        properties::check(&text);
    }

    #[test]
    fn what_is_well_formed_parses(
        host in "[a-z][a-z0-9]{0,9}(\\.[a-z][a-z0-9]{0,9}){0,3}",
        names in prop::collection::vec("[d-k][\\PC&&[^\"\\\\/:|<>*?. ]]{0,20}", 1..6),
    ) {
        let text = format!(r"\\{host}\{}", names.join("\\"));
        // `[`, `]`, `;` and the like are for folders only.
        if !names[0].contains(['[', ']', '+', '=', ';', ',']) {
            prop_assert_eq!(&unc(&text).to_string(), &text);
        }
        let path: SharePath = names.join("\\").parse().unwrap();
        prop_assert_eq!(path.to_string(), names.join("/"));
        properties::check(&text);
    }

    #[test]
    fn no_disguise_of_mas_backup_gets_through(disguise in disguise(), front in "[a-z]{0,5}") {
        prop_assert!(is_mas_backup(&disguise), "{:?}", disguise);
        prop_assert_eq!(Name::new(&disguise[..]).unwrap_err().kind(), ErrorKind::ReservedPath);
        prop_assert_eq!(Component::custom(&disguise).unwrap_err().kind(), ErrorKind::ReservedPath);
        prop_assert_eq!(ScaleUnit::new(&disguise[..]).unwrap_err().kind(), ErrorKind::ReservedPath);
        prop_assert_eq!(Deployment::new("contoso.com", &disguise).unwrap_err().kind(), ErrorKind::ReservedPath);
        for text in [format!("{front}/{disguise}"), format!("{disguise}/{front}"), disguise.clone()] {
            prop_assert_eq!(text.parse::<SharePath>().unwrap_err().kind(), ErrorKind::ReservedPath);
            for root in [r"\\fs\share\", r"\\?\UNC\fs\share\", r"\\fs\", "//fs/"] {
                let text = format!("{root}{text}");
                prop_assert_eq!(text.parse::<UncPath>().unwrap_err().kind(), ErrorKind::ReservedPath, "{:?}", text);
            }
        }
    }

    #[test]
    fn set_names_sort_as_their_times_do(
        one in 0..=Timestamp::MAX.as_second(), other in 0..=Timestamp::MAX.as_second(), suffixes in any::<[u32; 2]>(),
    ) {
        let name = |second, suffix| SetName::new(Timestamp::from_second(second).unwrap(), suffix).unwrap();
        let (first, second) = (name(one, suffixes[0]), name(other, suffixes[1]));
        prop_assert_eq!(first.cmp(&second), (one, suffixes[0]).cmp(&(other, suffixes[1])));
        prop_assert_eq!(first.cmp(&second), first.to_string().cmp(&second.to_string()));
        prop_assert_eq!(first.created().as_second(), one);
        properties::check(&first.to_string());
    }
}
