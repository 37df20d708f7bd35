//! Reads the options of a share in an object store from JSON, for the bindings. Credentials are no options.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::builder::ObjectStoreBuilder;
use super::lock::LockMode;
use crate::error::{Error, ErrorKind, Result};
use crate::options::from_json;
use crate::share::limits::with_limit;

/// The options, each with a default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    allow_http: Option<bool>,
    api_version: Option<String>,
    authorities: Option<PathBuf>,
    lock_days: Option<f64>,
    lock_mode: Option<LockMode>,
    connect_limit: Option<f64>,
    silence_limit: Option<f64>,
    call_limit: Option<f64>,
    attempts: Option<u32>,
}

impl ObjectStoreBuilder {
    /// Sets options from JSON: `endpoint`, `region`, `path_style`, `allow_http`, `api_version`, `authorities` (a file),
    /// `lock_days`, `lock_mode` (`compliance`, `governance`), `connect_limit`, `silence_limit` and `call_limit` in seconds,
    /// `attempts`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, for an unknown option, and for a `lock_mode` without `lock_days`.
    pub fn options(mut self, json: impl AsRef<[u8]>) -> Result<Self> {
        let options: Options = from_json("options of an object store", json)?;
        if let Some(endpoint) = options.endpoint {
            self = self.endpoint(endpoint)?;
        }
        if let Some(region) = options.region {
            self = self.region(region);
        }
        if let Some(path_style) = options.path_style {
            self = self.path_style(path_style);
        }
        if let Some(allow) = options.allow_http {
            self = self.allow_http(allow);
        }
        if let Some(version) = options.api_version {
            self = self.api_version(version);
        }
        if let Some(file) = options.authorities {
            self = self.authorities(file);
        }
        match (options.lock_days, options.lock_mode) {
            (Some(days), mode) => {
                let time = Duration::try_from_secs_f64(days * 86_400.0).map_err(|e| {
                    let message = format!("lock_days is not a valid time: {e}");
                    Error::new(ErrorKind::InvalidArgument, message).with_source(e)
                })?;
                self = self.lock(time, mode.unwrap_or_default())?;
            }
            (None, Some(_)) => {
                let message = "options of an object store: lock_mode takes lock_days, too";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            (None, None) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> ObjectStoreBuilder {
        ObjectStoreBuilder::new("s3://backups/azs").unwrap()
    }

    #[test]
    fn options_are_those_of_the_builder() {
        let json = r#"{"endpoint": "https://minio.contoso.com:9000/", "region": "eu-west-1", "path_style": true,
            "allow_http": true, "api_version": "2019-07-07", "authorities": "/etc/ca.pem", "lock_days": 0.5,
            "lock_mode": "governance", "connect_limit": 5, "silence_limit": 6, "call_limit": 7, "attempts": 1}"#;
        let by_calls = builder()
            .endpoint("https://minio.contoso.com:9000")
            .unwrap()
            .region("eu-west-1")
            .path_style(true)
            .allow_http(true)
            .api_version("2019-07-07")
            .authorities("/etc/ca.pem")
            .lock(Duration::from_secs(43_200), LockMode::Governance)
            .unwrap()
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
            r#"{"access_key": "AKIA"}"#,
            r#"{"lock_mode": "compliance"}"#,
            r#"{"lock_days": -1}"#,
            r#"{"lock_days": 0}"#,
            r#"{"lock_days": 30, "lock_mode": "locked"}"#,
            r#"{"endpoint": "minio.contoso.com"}"#,
            r#"{"endpoint": "https://user:hunter2@minio.contoso.com"}"#,
            r#"{"endpoint": "https://minio.contoso.com?sig=hunter2"}"#,
        ] {
            let error = builder().options(json).unwrap_err();
            assert_eq!(error.code(), "INVALID_ARGUMENT", "{json}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
