//! Enumerations that are strings in options and in other languages.

/// Parses an option from its word, and prints it as that word.
macro_rules! string_enum {
    ($type:ident, $option:literal: $($word:literal => $variant:ident),+) => {
        impl $type {
            /// Returns its word in options and in other languages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::Error;

            /// # Errors
            /// `INVALID_ARGUMENT`, listing the valid words.
            fn from_str(word: &str) -> $crate::Result<Self> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::Error::new(
                        $crate::ErrorKind::InvalidArgument,
                        format!(
                            concat!($option, " cannot be {:?}; it is one of: {}"),
                            word.chars().take(40).collect::<String>(),
                            [$($word),+].join(", ")
                        ),
                    )),
                }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use string_enum;

#[cfg(test)]
mod tests {
    use crate::backup::SourceProblems;
    use crate::restore::{Damage, Existing};
    use crate::share::Durability;

    #[test]
    fn words_are_read_back_and_others_are_named() {
        for word in ["refuse", "keep", "replace"] {
            assert_eq!(word.parse::<Existing>().unwrap().to_string(), word);
        }
        for word in ["stop", "continue"] {
            assert_eq!(word.parse::<Damage>().unwrap().to_string(), word);
        }
        for word in ["fail", "report"] {
            assert_eq!(word.parse::<SourceProblems>().unwrap().to_string(), word);
        }
        for word in ["flushed", "cached"] {
            assert_eq!(word.parse::<Durability>().unwrap().to_string(), word);
        }
        let error = "Replace".parse::<Existing>().unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        assert!(error.to_string().contains("refuse, keep, replace"), "{error}");
    }
}
