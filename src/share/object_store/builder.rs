//! The options of a connection to an object store, and the clients that they make.

use std::path::PathBuf;
use std::time::Duration;

use ::object_store::aws::{
    AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3ConditionalPut, S3CopyIfNotExists,
};
use ::object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use ::object_store::{BackoffConfig, RetryConfig};
use http::HeaderValue;
use url::Url;

use super::client::{Client, Store};
use super::credentials::{Kind, StoreCredentials};
use super::crypto::OpenSsl;
use super::engine::{Engine, Times};
use super::failure::Failure;
use super::location::{Location, Service};
use super::lock::{LockMode, Rule};
use super::wire::{Connector, Signer, Ways, Wire};
use super::{ObjectStoreShare, environment, location};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SharePath;

/// The options of a share in an object store. Only the URL is required.
#[derive(Clone, Debug)]
pub struct ObjectStoreBuilder {
    location: Location,
    credentials: Option<StoreCredentials>,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    allow_http: bool,
    api_version: Option<String>,
    authorities: Option<PathBuf>,
    lock: Option<Rule>,
    connect: Duration,
    times: Times,
}

impl ObjectStoreBuilder {
    pub(super) fn new(url: &str) -> Result<Self> {
        Ok(Self {
            location: Location::parse(url)?,
            credentials: None,
            endpoint: None,
            region: None,
            path_style: None,
            allow_http: false,
            api_version: None,
            authorities: None,
            lock: None,
            connect: Duration::from_secs(10),
            times: Times {
                call: Duration::from_secs(15 * 60),
                silence: Duration::from_secs(30),
                attempts: 7,
            },
        })
    }

    /// Returns the URL of the root, with the endpoint if one is set: buckets of two stores can have the same name.
    #[must_use]
    pub fn url(&self) -> String {
        let endpoint = self.endpoint_of().map(str::to_owned);
        Location { endpoint, ..self.location.clone() }.url()
    }

    /// Sets credentials; without them the environment is asked (docs/object-stores.md).
    #[must_use]
    pub fn credentials(mut self, credentials: StoreCredentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the endpoint, if the URL does not name it: `https://minio.contoso.com:9000`, or for Azure that of the account,
    /// `https://contoso.blob.nyc.azurestack.contoso.com`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but an `https` or `http` URL without query, user and password.
    pub fn endpoint(mut self, endpoint: impl AsRef<str>) -> Result<Self> {
        let endpoint = endpoint.as_ref();
        let shown = location::shown(endpoint);
        let refused = || {
            let message =
                format!("endpoint {shown} is not like https://host:port, without user, password and query");
            Error::new(ErrorKind::InvalidArgument, message)
        };
        let url = Url::parse(endpoint).map_err(|_| refused())?;
        let is_plain =
            url.username().is_empty() && url.password().is_none() && !endpoint.contains(['?', '#']);
        if !is_plain || !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(refused());
        }
        self.endpoint = Some(endpoint.trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// Sets the region of an S3 bucket; the default is that of the environment, or `us-east-1`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Says whether the bucket is in the path of a request instead of the host's name; the default is yes for an endpoint,
    /// and no for Amazon's own.
    #[must_use]
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// Says whether an endpoint without TLS is allowed; the default is no. The sets are encrypted in any case. Names, sizes
    /// and a shared access signature are not.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Sets the version of Azure's API, such as `2019-07-07`; the default is `2023-11-03`. Azure Stack Hub has older ones.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = Some(version.into());
        self
    }

    /// Trusts the certificate authorities in this PEM file, too: those of the operating system count in any case.
    #[must_use]
    pub fn authorities(mut self, file: impl Into<PathBuf>) -> Self {
        self.authorities = Some(file.into());
        self
    }

    /// Locks each object for this long from when it is written: the store then refuses to delete it, whoever asks. The
    /// bucket must allow it (Object Lock of S3, version-level immutability of Azure). The first object that is written is
    /// looked at: a store that ignores the lock is refused with `UNSUPPORTED`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for less than a second, or more than 100 years.
    pub fn lock(mut self, time: Duration, mode: LockMode) -> Result<Self> {
        self.lock = Some(Rule::new(time, mode)?);
        Ok(self)
    }

    /// Limits the time for resolving the name and connecting, TLS included; the default is 10 s, the most a day.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect = limit.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how long a store that owes an answer may be silent before the request counts as lost; the default is 30 s, the
    /// most a day. What is sent gets more: a second for each 64 KiB.
    #[must_use]
    pub fn silence_limit(mut self, limit: Duration) -> Self {
        self.times.silence = limit.clamp(SHORTEST, LONGEST);
        self
    }

    /// Limits the time of one call, all attempts included; the default is 15 minutes, the most a day.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.times.call = limit.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how often to try a call when the connection breaks or the store fails; the default is 7 times. The pauses are
    /// 0, 1, 2, 4, 8 and 15 seconds. A store that limits how much it is asked (429, 503) is asked again until the call's
    /// limit, when it says, or else every 30 s at last.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.times.attempts = attempts.max(1);
        self
    }

    /// Opens the share: finds credentials, and checks that the bucket or container exists. The folder in it need not.
    ///
    /// # Errors
    /// `UNREACHABLE` and `TIMED_OUT`; `LOGON_FAILED` for credentials that are missing or refused; `ACCESS_DENIED`;
    /// `NOT_FOUND` for a missing bucket or container; `INVALID_ARGUMENT` for an endpoint without TLS that nobody allowed, and
    /// for options that do not go together.
    pub fn connect(self) -> Result<ObjectStoreShare> {
        let opening = |failure: Failure| {
            let url = self.url();
            failure.into_error(format_args!("open {url}")).doing("open", url)
        };
        let wire = Wire::new(self.ways()?).map_err(|e| opening(Failure::network(&e)))?;
        let store = match self.location.service {
            Service::S3 => self.s3(&wire),
            Service::Azure => self.azure(&wire),
        };
        let client = Client { store: store.map_err(opening)?, wire };
        let share = ObjectStoreShare {
            root: self.url(),
            prefix: self.location.prefix.clone(),
            lock: self.lock,
            holds_locks: std::sync::atomic::AtomicBool::new(false),
            engine: Engine::new(client, self.times)?,
        };
        let root = share.key(&SharePath::root());
        let found = share.engine.read(&share.key(&SharePath::root()), move |client, _| {
            let root = root.clone();
            async move { client.list(&root).await.map(drop) }
        });
        found.map_err(opening)?;
        Ok(share)
    }

    fn ways(&self) -> Result<Ways> {
        let authorities = self
            .authorities
            .as_ref()
            .map(|file| std::fs::read(file).map_err(|e| Error::at("read authorities", file.display(), e)));
        let api_version = self.api_version.as_deref().map(|version| {
            let is_version = version.len() == 10 && version.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            let value = HeaderValue::from_str(version).ok().filter(|_| is_version);
            value.ok_or_else(|| {
                let message =
                    format!("api_version {:?} is not like 2019-07-07", version.escape_debug().to_string());
                Error::new(ErrorKind::InvalidArgument, message)
            })
        });
        Ok(Ways {
            connect: self.connect,
            silence: self.times.silence,
            allows_http: self.allow_http,
            api_version: api_version.transpose()?,
            authorities: authorities.transpose()?,
        })
    }

    fn endpoint_of(&self) -> Option<&str> {
        self.endpoint.as_deref().or(self.location.endpoint.as_deref())
    }

    /// Refuses options that no request can carry.
    fn require_plain(&self) -> Result<(), Failure> {
        let Location { account, container, .. } = &self.location;
        for (name, text) in [
            ("the option region", self.region.as_deref()),
            ("the endpoint", self.endpoint_of()),
            ("the name of the account", Some(&**account)),
            ("the name of the bucket or container", Some(&**container)),
        ] {
            environment::require_plain(name, text.unwrap_or_default())?;
        }
        Ok(())
    }

    fn s3(&self, wire: &std::sync::Arc<Wire>) -> Result<Store, Failure> {
        environment::check_s3()?;
        self.require_plain()?;
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&self.location.container)
            .with_http_connector(Connector(wire.clone()))
            .with_crypto_provider(std::sync::Arc::new(OpenSsl))
            .with_retry(no_retries())
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_copy_if_not_exists(S3CopyIfNotExists::Header("if-none-match".into(), "*".into()))
            // Object Lock demands one.
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        match &self.credentials {
            Some(StoreCredentials(Kind::AccessKey { id, secret, token })) => {
                builder = builder.with_access_key_id(id).with_secret_access_key(secret.as_str());
                if let Some(token) = token {
                    builder = builder.with_token(token.as_str());
                }
            }
            Some(_) => return Err(Failure::other(ErrorKind::InvalidArgument, "S3 takes an access key")),
            None => environment::require_whole_key(&builder)?,
        }
        let configured = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let endpoint = self.endpoint_of().map(str::to_owned).or(configured);
        // A certificate for *.s3.amazonaws.com does not cover a name with dots.
        let has_dots = self.location.container.contains('.');
        let is_path_style = self.path_style.unwrap_or(endpoint.is_some() || has_dots);
        builder = builder.with_virtual_hosted_style_request(!is_path_style);
        if let Some(endpoint) = endpoint {
            let container = &self.location.container;
            let endpoint = match endpoint.split_once("://") {
                Some((scheme, host)) if !is_path_style => format!("{scheme}://{container}.{host}"),
                _ => endpoint,
            };
            builder = builder.with_endpoint(endpoint);
        }
        let region =
            builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".into());
        let store = builder.build().map_err(|e| Failure::of_crate(&e))?;
        wire.set_signer(Signer::S3 { credentials: store.credentials().clone(), region });
        Ok(Store::S3(store))
    }

    fn azure(&self, wire: &std::sync::Arc<Wire>) -> Result<Store, Failure> {
        environment::check_azure()?;
        self.require_plain()?;
        let (account, container) = (&self.location.account, &self.location.container);
        let mut builder = MicrosoftAzureBuilder::from_env()
            .with_account(account)
            .with_container_name(container)
            .with_use_emulator(false)
            .with_http_connector(Connector(wire.clone()))
            .with_crypto_provider(std::sync::Arc::new(OpenSsl))
            .with_retry(no_retries());
        match &self.credentials {
            Some(StoreCredentials(Kind::AccountKey(key))) => builder = builder.with_access_key(key.as_str()),
            Some(StoreCredentials(Kind::Signature(token))) => {
                builder = builder.with_config(AzureConfigKey::SasKey, token.trim_start_matches('?'));
            }
            Some(StoreCredentials(Kind::Bearer(token))) => {
                builder = builder.with_bearer_token_authorization(token.as_str());
            }
            Some(_) => {
                let text = "Azure takes an account key, a shared access signature or an access token";
                return Err(Failure::other(ErrorKind::InvalidArgument, text));
            }
            None => {}
        }
        environment::require_azure_secret(&builder)?;
        let configured = builder.get_config_value(&AzureConfigKey::Endpoint);
        let endpoint = self.endpoint_of().map(str::to_owned).or(configured);
        let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
        let invalid = |why: String| Failure::other(ErrorKind::InvalidArgument, why);
        let mut url = Url::parse(&endpoint).map_err(|e| invalid(format!("endpoint: {e}")))?;
        url.path_segments_mut()
            .map_err(|()| invalid("endpoint: it has no path".into()))?
            .pop_if_empty()
            .push(container);
        let store = builder.with_endpoint(endpoint).build().map_err(|e| Failure::of_crate(&e))?;
        wire.set_signer(Signer::Azure { credentials: store.credentials().clone(), account: account.clone() });
        Ok(Store::Azure(store, url, account.clone()))
    }
}

/// Ours know what a second attempt must check first, and when to stop.
fn no_retries() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, retry_timeout: Duration::ZERO }
}

/// Limits of time: what is shorter is no time to the system, what is longer no limit.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
