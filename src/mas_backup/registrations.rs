//! `registrations.json`: the repositories that a store knows, and which of them a recovery needs.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::name;

/// A repository as its store lists it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Registration {
    /// Role, component, partition and repository, joined by `;`.
    pub repository: String,
    /// Whether a recovery of the cloud needs it; true if the list does not say.
    pub is_essential: bool,
    /// Whether its snapshots may be progressive.
    pub is_progressive: bool,
    /// Minutes between two snapshots.
    pub period_minutes: Option<i64>,
    /// Days for which it is kept.
    pub retention_days: Option<i64>,
}

/// Largest list in bytes.
pub(super) const MAX_REGISTRATIONS: u64 = 4 << 20;

/// Reads the list; names are compared as Newtonsoft's reader does, ignoring letter case.
pub(super) fn parse(json: &[u8]) -> Result<Vec<Registration>, String> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    serde_json::from_slice::<List>(json).map(|List(all)| all).map_err(|e| e.to_string())
}

struct List(Vec<Registration>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of repositories")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
                let mut all = Vec::new();
                while let Some(Row(registration)) = items.next_element()? {
                    if all.len() == MOST {
                        return Err(serde::de::Error::custom("it lists too many repositories"));
                    }
                    all.push(registration);
                }
                Ok(List(all))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

struct Row(Registration);

/// A value of any type: one that is not simple counts as missing, and is passed over.
enum Scalar {
    Truth(bool),
    Number(i64),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
                Ok(Scalar::Truth(truth))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number.try_into().unwrap_or(i64::MAX)))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.chars().take(LONGEST).collect()))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Scalar, A::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a repository")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Row, A::Error> {
                let mut parts = [const { String::new() }; 4];
                let mut row = Registration {
                    repository: String::new(),
                    is_essential: true,
                    is_progressive: false,
                    period_minutes: None,
                    retention_days: None,
                };
                while let Some(field) = fields.next_key::<String>()? {
                    let field = field.to_ascii_lowercase();
                    if let Some(at) = PARTS.iter().position(|part| *part == field) {
                        if let Scalar::Text(text) = fields.next_value()? {
                            parts[at] = text;
                        }
                        continue;
                    }
                    match (&*field, fields.next_value()?) {
                        ("essentialforcloudrecovery", Scalar::Truth(is)) => row.is_essential = is,
                        ("progressivebackuptype", Scalar::Text(kind)) => {
                            row.is_progressive = name::same(&kind, "Progressive");
                        }
                        ("progressivebackuptype", Scalar::Number(kind)) => row.is_progressive = kind == 2,
                        ("backupperiodinminutes", Scalar::Number(minutes)) => {
                            row.period_minutes = Some(minutes)
                        }
                        ("retentionperiodindays", Scalar::Number(days)) => row.retention_days = Some(days),
                        _ => {}
                    }
                }
                let [role, component, partition, repository] = &parts;
                row.repository = name::repository([role, component, partition, repository]);
                Ok(Row(row))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

const PARTS: [&str; 4] = ["rolename", "componentname", "partitionid", "repositoryname"];
const MOST: usize = 10_000;
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whatever_the_letter_case_and_what_else_is_in_it() {
        let json = br#"[{"roleName":"WAS","ComponentName":"WasService","PartitionId":"","REPOSITORYNAME":"R",
            "ProgressiveBackupType":2,"EssentialForCloudRecovery":false,"BackupPriority":[{}],"RetentionPeriodInDays":7}, {}]"#;
        let read = parse(json).unwrap();
        assert_eq!(
            (read[0].repository.as_str(), read[0].is_progressive, read[0].is_essential),
            ("WAS;WasService;-;R", true, false)
        );
        assert_eq!((read[0].retention_days, read[0].period_minutes), (Some(7), None));
        assert_eq!((read[1].repository.as_str(), read[1].is_essential), ("-;-;-;-", true));
    }

    #[test]
    fn what_is_no_list_of_objects_is_refused() {
        let deep = "{\"a\":".repeat(2000);
        let nested = format!("[{{\"a\":{}", "[".repeat(100_000));
        for json in ["", "{}", "[1]", "[{}", "null", &deep, &nested] {
            assert!(parse(json.as_bytes()).is_err());
        }
    }
}
