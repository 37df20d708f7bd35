//! Options as plain data, the same in every language: JSON objects.

use crate::error::{Error, ErrorKind, Result};

/// Reads options from a JSON object; null is as if the option were missing. Serde would also accept an array, with values by position instead of by name.
///
/// # Errors
/// `INVALID_ARGUMENT`, naming `what`, for anything else and for an unknown option, with the nearest that there is.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(what: &str, json: &[u8]) -> Result<T> {
    let refused = |e: serde_json::Error| {
        let message = e.to_string();
        let message = unknown_option(&message).unwrap_or(message);
        // It quotes the value that is wrong, however long that is.
        let message: String = message.chars().take(MOST_SAID).collect();
        Error::new(ErrorKind::InvalidArgument, format!("{what}: {message}")).with_source(e)
    };
    let mut object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(json).map_err(refused)?;
    object.retain(|_, value| !value.is_null());
    serde_json::from_value(object.into()).map_err(refused)
}

/// Longest message about options, in characters.
const MOST_SAID: usize = 400;

/// What to say of an option that does not exist, from Serde's message: ``unknown field `a`, expected one of `b`, `c` ``.
fn unknown_option(message: &str) -> Option<String> {
    let (unknown, known) = message.strip_prefix("unknown field `")?.split_once("`, expected ")?;
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let nearest = known.iter().max_by(|a, b| likeness(unknown, a).total_cmp(&likeness(unknown, b)))?;
    let unknown: String = unknown.chars().take(40).collect();
    Some(if likeness(&unknown, nearest) > 0.7 {
        format!("there is no option {unknown:?}; did you mean {nearest:?}?")
    } else {
        format!("there is no option {unknown:?}; there are: {}", known.join(", "))
    })
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_ascii_lowercase(), b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Options {
        patterns: Vec<String>,
        existing: String,
    }

    fn refusal(json: &str) -> String {
        let error = from_json::<Options>("options of a test", json.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        error.to_string()
    }

    #[test]
    fn an_unknown_option_is_answered_with_the_nearest() {
        let read: Options =
            from_json("options of a test", br#"{"patterns": ["a"], "existing": "keep"}"#).unwrap();
        assert_eq!((read.patterns.len(), read.existing.as_str()), (1, "keep"));
        let message = refusal(r#"{"pattern": ["a"]}"#);
        assert!(message.ends_with(r#"there is no option "pattern"; did you mean "patterns"?"#), "{message}");
        let message = refusal(r#"{"colour": 1}"#);
        assert!(
            message.ends_with(r#"there is no option "colour"; there are: patterns, existing"#),
            "{message}"
        );
        let message = refusal(&format!(r#"{{"patterns": "{}"}}"#, "x".repeat(1_000_000)));
        assert!(message.len() < 500, "{} bytes", message.len());
        for wrong in ["", "[]", "null", r#"{"patterns": 1}"#] {
            assert!(refusal(wrong).contains("options of a test: "), "{wrong}");
        }
    }
}
