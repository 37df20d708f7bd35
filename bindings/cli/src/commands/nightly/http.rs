//! An HTTP client for reports.

use std::time::Duration;

use azs_backup::{Error, ErrorKind, Result};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// A client that trusts whom the system trusts, and goes nowhere but to the address that it was given.
pub(super) fn client(time_limit: Duration) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier);
    Agent::config_builder()
        .timeout_global(Some(time_limit))
        .tls_config(tls.build())
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("azs-backup/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// The server of an address, which must be one. More of it is never named: it may be a secret.
pub(super) fn server(url: &str, what: &str) -> Result<String> {
    let address: Option<ureq::http::Uri> = url.parse().ok();
    let address = address.filter(|of| matches!(of.scheme_str(), Some("https" | "http")));
    address.and_then(|of| of.host().map(str::to_owned)).ok_or_else(|| {
        let message = format!("{what} is no address: write it like https://monitor.contoso.com/hook");
        Error::new(ErrorKind::InvalidArgument, message)
    })
}
