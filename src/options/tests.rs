use std::collections::BTreeMap;

use super::*;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    patterns: Vec<String>,
    existing: String,
    port: Option<u16>,
    labels: BTreeMap<String, String>,
    pairs: Vec<(String, Option<String>)>,
    place: Option<Place>,
}

#[derive(Debug, serde::Deserialize)]
struct Place {
    #[expect(dead_code, reason = "only read")]
    region: String,
}

fn refusal(json: &str) -> String {
    let error = from_json::<Options>("options of a test", json.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    error.to_string().strip_prefix("options of a test: ").unwrap().to_owned()
}

#[test]
fn what_is_right_is_read() {
    let json = br#"{"patterns": ["a"], "existing": "keep", "port": null, "labels": {"": "b"}, "pairs": [["c", null]],
        "place": {"region": "nyc", "altitude": null}}"#;
    let read: Options = from_json("options of a test", json).unwrap();
    assert_eq!((read.patterns.len(), read.existing.as_str(), read.port), (1, "keep", None));
    assert_eq!((&*read.labels[""], &read.pairs[0]), ("b", &("c".to_owned(), None)));
    assert!(read.place.is_some());
    from_json::<Options>("options of a test", br#"{"patterns": null, "labels": null}"#).unwrap();
}

#[test]
fn an_unknown_option_is_answered_with_the_nearest() {
    for json in [r#"{"pattern": ["a"]}"#, r#"{"pattern": null}"#] {
        assert_eq!(refusal(json), r#"there is no option "pattern"; did you mean "patterns"?"#);
    }
    assert_eq!(
        refusal(r#"{"colour": 1}"#),
        r#"there is no option "colour"; there are: patterns, existing, port, labels, pairs, place"#
    );
}

#[test]
fn a_wrong_value_is_refused_with_its_name_and_what_it_can_be() {
    for (json, says) in [
        ("[]", "it cannot be a list; it is an object"),
        ("null", "it cannot be null; it is an object"),
        (r#"{"patterns": 1}"#, "patterns cannot be 1; it is a list"),
        (r#"{"patterns": ["a", true]}"#, "patterns[1] cannot be true; it is a string"),
        (r#"{"existing": {}}"#, "existing cannot be an object; it is a string"),
        (r#"{"port": "445"}"#, "port cannot be a string; it is a whole number from 0 to 65535"),
        (r#"{"port": 445.0}"#, "port cannot be 445.0; it is a whole number from 0 to 65535"),
        (r#"{"port": 1e300}"#, "port cannot be 1e300; it is a whole number from 0 to 65535"),
        (r#"{"port": -1}"#, "port cannot be -1; it is a whole number from 0 to 65535"),
        (r#"{"port": 1.5}"#, "port cannot be 1.5; it is a whole number from 0 to 65535"),
        (r#"{"labels": []}"#, "labels cannot be a list; it is an object"),
        (r#"{"labels": {"a\n": null}}"#, r#"labels["a\n"] cannot be null; it is a string"#),
        (r#"{"pairs": [["a", null], ["b", 2]]}"#, "pairs[1][1] cannot be 2; it is a string"),
        (r#"{"pairs": [["a"]]}"#, "pairs[0] cannot have 1 items; it is a pair"),
        (r#"{"pairs": [["a", "b", "c"]]}"#, "pairs[0] cannot have 3 items; it is a list of 2"),
        (r#"{"place": {}}"#, "place.region is missing"),
        (r#"{"place": {"region": []}}"#, "place.region cannot be a list; it is a string"),
        (r#"{"place": "nyc"}"#, "place cannot be a string; it is an object"),
    ] {
        assert_eq!(refusal(json), says, "{json}");
    }
}

#[test]
fn an_option_that_is_given_twice_is_refused() {
    for json in [r#"{"port": 1, "port": 1}"#, r#"{"labels": {"port": "a", "port": "b"}}"#] {
        let message = refusal(json);
        assert!(message.starts_with(r#""port" is given twice at line 1"#), "{message}");
    }
}

#[test]
fn a_message_is_one_short_line() {
    let long = "x".repeat(1_000_000);
    for json in [
        String::new(),
        format!(r#"{{"patterns": "{long}"}}"#),
        format!(r#"{{"{long}": 1}}"#),
        format!(r#"{{"labels": {{"{long}": 1}}}}"#),
        format!(r#"{{"{long}": 1, "{long}": 1}}"#),
        r#"{"a\nb": 1}"#.to_owned(),
    ] {
        let message = refusal(&json);
        assert!(message.len() < 450 && !message.contains('\n'), "{message}");
    }
}
