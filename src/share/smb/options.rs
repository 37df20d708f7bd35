//! Reads the options of a connection from JSON, for the bindings.

use serde::Deserialize;

use super::builder::SmbBuilder;
use super::target::{Encryption, SmbDialect};
use crate::error::{Error, ErrorKind, Result};
use crate::options::from_json;
use crate::share::Durability;
use crate::share::limits::with_limit;
use crate::string_enum::string_enum;

string_enum!(Encryption, "encryption": "required" => Required, "preferred" => Preferred, "off" => Off);

/// The options, each with a default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    port: Option<u16>,
    encryption: Option<Encryption>,
    oldest_dialect: Option<String>,
    durability: Option<Durability>,
    connections: Option<usize>,
    connect_limit: Option<f64>,
    silence_limit: Option<f64>,
    call_limit: Option<f64>,
    attempts: Option<u32>,
}

impl SmbBuilder {
    /// Sets options from JSON: `port`, `encryption` (`required`, `preferred`, `off`), `oldest_dialect` (`3.0`, `3.0.2`,
    /// `3.1.1`), `durability` (`flushed`, `cached`), `connections`, `connect_limit`, `silence_limit` and `call_limit`
    /// in seconds, `attempts`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, or for an unknown option.
    pub fn options(mut self, json: impl AsRef<[u8]>) -> Result<Self> {
        let options: Options = from_json("options of a share", json)?;
        if let Some(port) = options.port {
            self = self.port(port);
        }
        if let Some(encryption) = options.encryption {
            self = self.encryption(encryption);
        }
        if let Some(dialect) = options.oldest_dialect {
            self = self.oldest_dialect(dialect_of(&dialect)?);
        }
        if let Some(durability) = options.durability {
            self = self.durability(durability);
        }
        if let Some(connections) = options.connections {
            self = self.connections(connections);
        }
        self = with_limit(self, "connect_limit", options.connect_limit, Self::connect_limit)?;
        self = with_limit(self, "silence_limit", options.silence_limit, Self::silence_limit)?;
        self = with_limit(self, "call_limit", options.call_limit, Self::call_limit)?;
        if let Some(attempts) = options.attempts {
            self = self.attempts(attempts);
        }
        Ok(self)
    }
}

fn dialect_of(text: &str) -> Result<SmbDialect> {
    const ALL: [SmbDialect; 3] = [SmbDialect::Smb300, SmbDialect::Smb302, SmbDialect::Smb311];
    ALL.into_iter()
        .find(|dialect| dialect.to_string() == text)
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "oldest_dialect is none of: 3.0, 3.0.2, 3.1.1"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::SmbAccount;
    use super::*;

    fn builder() -> SmbBuilder {
        let account = SmbAccount::new(r"CONTOSO\azsbackup", "not shown").unwrap();
        SmbBuilder::new(r"\\fs.contoso.com\AzSBackups".parse().unwrap(), account)
    }

    #[test]
    fn options_are_those_of_the_builder() {
        let json = r#"{"port": 4450, "encryption": "required", "oldest_dialect": "3.1.1", "durability": "cached",
            "connections": 2, "connect_limit": 5, "silence_limit": 6, "call_limit": 7, "attempts": 1}"#;
        let by_calls = builder()
            .port(4450)
            .encryption(Encryption::Required)
            .oldest_dialect(SmbDialect::Smb311)
            .durability(crate::share::Durability::Cached)
            .connections(2)
            .connect_limit(Duration::from_secs(5))
            .silence_limit(Duration::from_secs(6))
            .call_limit(Duration::from_secs(7))
            .attempts(1);
        let by_options = builder().options(json).unwrap();
        assert_eq!(format!("{by_options:?}"), format!("{by_calls:?}"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for json in [
            "",
            "[]",
            r#"{"ports": 1}"#,
            r#"{"port": 65536}"#,
            r#"{"encryption": "on"}"#,
            r#"{"oldest_dialect": "2.1"}"#,
            r#"{"call_limit": -1}"#,
        ] {
            assert_eq!(builder().options(json).unwrap_err().code(), "INVALID_ARGUMENT", "{json}");
        }
    }
}
