//! Credentials that a program has from somewhere else than the environment.

use std::fmt;

use zeroize::Zeroizing;

use super::environment::require_plain;
use crate::error::{Error, ErrorKind, Result};

/// Credentials for an object store, for programs that get them from a vault. Without them, the environment is asked:
/// variables, workload identity, the role of an instance.
///
/// They appear in no output, and are overwritten in memory when the last copy is dropped. The crates that sign requests
/// and send them make copies, which they do not overwrite.
#[derive(Clone)]
pub struct StoreCredentials(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    AccessKey { id: String, secret: Zeroizing<String>, token: Option<Zeroizing<String>> },
    AccountKey(Zeroizing<String>),
    Signature(Zeroizing<String>),
    Bearer(Zeroizing<String>),
}

impl StoreCredentials {
    /// An access key of S3, with the token of a session if it is temporary.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a part that is empty, or holds a newline or anything but ASCII.
    pub fn access_key(
        id: impl Into<String>,
        secret: impl Into<String>,
        token: Option<String>,
    ) -> Result<Self> {
        let secret = filled("secret access key", secret.into())?;
        let id = filled("access key ID", id.into())?.to_string();
        let token = token.map(|token| filled("session token", token)).transpose()?;
        Ok(Self(Kind::AccessKey { id, secret, token }))
    }

    /// A key of an Azure storage account, in base64.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for one that is empty, or holds a newline or anything but ASCII.
    pub fn account_key(key: impl Into<String>) -> Result<Self> {
        filled("account key", key.into()).map(|key| Self(Kind::AccountKey(key)))
    }

    /// A shared access signature of Azure: `sv=…&sig=…`, with or without a question mark.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for one that is empty, or holds a newline or anything but ASCII.
    pub fn shared_access_signature(token: impl Into<String>) -> Result<Self> {
        filled("shared access signature", token.into()).map(|token| Self(Kind::Signature(token)))
    }

    /// An access token of Microsoft Entra ID or AD FS, for as long as it is valid.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for one that is empty, or holds a newline or anything but ASCII.
    pub fn bearer_token(token: impl Into<String>) -> Result<Self> {
        filled("access token", token.into()).map(|token| Self(Kind::Bearer(token)))
    }

    /// What they are, in words.
    fn what(&self) -> &'static str {
        match self.0 {
            Kind::AccessKey { .. } => "access key",
            Kind::AccountKey(_) => "account key",
            Kind::Signature(_) => "shared access signature",
            Kind::Bearer(_) => "access token",
        }
    }
}

impl fmt::Debug for StoreCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreCredentials").field(&self.what()).finish()
    }
}

fn filled(what: &str, secret: String) -> Result<Zeroizing<String>> {
    let secret = Zeroizing::new(secret);
    if secret.trim().is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("the {what} is empty")));
    }
    require_plain(what, &secret).map_err(|failure| failure.into_error("credentials"))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let all = [
            StoreCredentials::access_key("AKIA", "hunter2", Some("hunter2".into())),
            StoreCredentials::account_key("hunter2"),
            StoreCredentials::shared_access_signature("?sig=hunter2"),
            StoreCredentials::bearer_token("hunter2"),
        ];
        for credentials in all {
            let shown = format!("{:?}", credentials.unwrap());
            assert!(shown.starts_with("StoreCredentials") && !shown.contains("hunter2"), "{shown}");
        }
        for refused in [
            StoreCredentials::access_key("", "hunter2", None),
            StoreCredentials::access_key("AKIA\n", "hunter2", None),
            StoreCredentials::access_key("AKIA", "hunter2\n", None),
            StoreCredentials::access_key("AKIA", "a", Some("hunter2\r".into())),
            StoreCredentials::bearer_token("hunter2é"),
            StoreCredentials::access_key("AKIA", "", None),
            StoreCredentials::account_key(" "),
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
