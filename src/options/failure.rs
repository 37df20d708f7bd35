//! What is wrong with options, for people: which one, what it was, what it can be.

use std::fmt::{self, Display};

use serde::de::{Error, Expected, Unexpected};

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The way to the value: `keep_labels[1]`. Empty for the options as a whole.
    path: String,
    wrong: Wrong,
}

#[derive(Debug)]
enum Wrong {
    /// Follows the path: `cannot be 3; it is a string`.
    Value(String),
    /// Follows the path with a dot: `is missing`.
    Missing(&'static str),
    /// A sentence of its own.
    Other(String),
}

impl Failure {
    /// The same, seen from outside of this part: a field, or an item in brackets.
    pub(super) fn within(mut self, part: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{part}{dot}{}", self.path);
        self
    }

    fn new(wrong: Wrong) -> Self {
        Self { path: String::new(), wrong }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.wrong {
            Wrong::Value(what) if path.is_empty() => write!(f, "it {what}"),
            Wrong::Value(what) => write!(f, "{path} {what}"),
            Wrong::Missing(field) if path.is_empty() => write!(f, "{field} is missing"),
            Wrong::Missing(field) => write!(f, "{path}.{field} is missing"),
            // The words of an enumeration name their option.
            Wrong::Other(what) if path.is_empty() || what.starts_with(path) => f.write_str(what),
            Wrong::Other(what) => write!(f, "{path}: {what}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Wrong::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // Text where none belongs may be a secret in the wrong place.
        let is_text = matches!(found, Unexpected::Str(_));
        Self::invalid_value(if is_text { Unexpected::Other("a string") } else { found }, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Value(format!("cannot be {}; it is {}", shown(found), named(&expected.to_string()))))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Wrong::Value(format!("cannot have {length} items; it is {}", named(&expected))))
    }

    fn unknown_variant(word: &str, words: &'static [&'static str]) -> Self {
        let word = shown(Unexpected::Str(word));
        Self::new(Wrong::Value(format!("cannot be {word}; it is one of: {}", words.join(", "))))
    }

    fn unknown_field(name: &str, names: &'static [&'static str]) -> Self {
        Self::new(Wrong::Other(no_option(name, names)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Wrong::Missing(field))
    }
}

fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        // 7.0 is no whole number, and must not look like one.
        Unexpected::Float(number) => format!("{number:?}"),
        Unexpected::Str(text) => format!("{:?}", text.chars().take(MOST_SHOWN).collect::<String>()),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// What Serde expects, in words that all languages share.
fn named(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "f64" => "a number",
        "i32" | "i64" => "a whole number",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "a sequence" => "a list",
        "a tuple of size 2" => "a pair",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// Returns what to say of an option that does not exist: the nearest that does, or all.
#[must_use]
pub fn no_option(unknown: &str, known: &[&str]) -> String {
    // A key may be of any length, and comparing takes the square of it.
    let shown: String = unknown.chars().take(MOST_SHOWN).collect();
    let likeness = |word: &&&str| likeness(&shown, word);
    match known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(nearest) if likeness(&nearest) > 0.7 => {
            format!("there is no option {shown:?}; did you mean {nearest:?}?")
        }
        _ => format!("there is no option {shown:?}; there are: {}", known.join(", ")),
    }
}

/// Characters of foreign text in a message.
const MOST_SHOWN: usize = 40;

/// Of words in any letter case, with or without underscores.
fn likeness(a: &str, b: &str) -> f64 {
    let plain = |word: &str| word.replace('_', "").to_ascii_lowercase();
    strsim::jaro_winkler(&plain(a), &plain(b))
}
