//! What the environment and the options give the crate, checked before it sees it: it panics at a newline in a header, and
//! calls a missing variable a malformed answer.

use std::str::FromStr;

use ::object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use ::object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::failure::Failure;
use crate::error::ErrorKind;

/// Refuses a text that no header can carry; the error names it, and never shows it.
pub(super) fn require_plain(name: &str, text: &str) -> Result<(), Failure> {
    if text.chars().any(char::is_control) {
        return Err(refused(name, "a newline or another control character"));
    }
    // The name of a file may be in any script.
    if !text.is_ascii() && !name.ends_with("_FILE") {
        return Err(refused(name, "a character that is not ASCII"));
    }
    Ok(())
}

fn refused(name: &str, what: &str) -> Failure {
    Failure::other(ErrorKind::InvalidArgument, format!("{name} holds {what}"))
}

/// Looks at the variables that the crate reads for S3.
pub(super) fn check_s3() -> Result<(), Failure> {
    check::<AmazonS3ConfigKey>("AWS_", std::env::vars_os())
}

/// Looks at the variables that the crate reads for Azure.
pub(super) fn check_azure() -> Result<(), Failure> {
    check::<AzureConfigKey>("AZURE_", std::env::vars_os())
}

fn check<Key: FromStr>(
    begin: &str,
    variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Result<(), Failure> {
    for (name, value) in variables {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if name.starts_with(begin) && name.to_ascii_lowercase().parse::<Key>().is_ok() {
            require_plain(name, value)?;
        }
    }
    Ok(())
}

/// Refuses one half of an access key.
pub(super) fn require_whole_key(builder: &AmazonS3Builder) -> Result<(), Failure> {
    let is_set = |key| builder.get_config_value(&key).is_some();
    let half = |set, missing| Err(Failure::credentials(format!("{set} is set, and {missing} is not")));
    match (is_set(AmazonS3ConfigKey::AccessKeyId), is_set(AmazonS3ConfigKey::SecretAccessKey)) {
        (true, false) => half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        (false, true) => half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        _ => Ok(()),
    }
}

/// Refuses a key of an account or a signature that is none.
pub(super) fn require_azure_secret(builder: &MicrosoftAzureBuilder) -> Result<(), Failure> {
    let key = builder.get_config_value(&AzureConfigKey::AccessKey);
    if key.is_some_and(|key| BASE64_STANDARD.decode(key).is_err()) {
        return Err(Failure::credentials("the account key (AZURE_STORAGE_ACCOUNT_KEY) is not base64"));
    }
    let token = builder.get_config_value(&AzureConfigKey::SasKey);
    if token.is_some_and(|token| {
        !token.contains("sig=") || token.split('&').any(|pair| !pair.trim().is_empty() && !pair.contains('='))
    }) {
        let text = "the shared access signature (AZURE_STORAGE_SAS_TOKEN) is not like sv=…&sig=…";
        return Err(Failure::credentials(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_refused_and_not_shown() {
        let check = |name: &str, value: &str| {
            check::<AmazonS3ConfigKey>("AWS_", [(name.into(), value.into())].into_iter())
        };
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"];
        for name in names {
            for value in ["hunter2\n", "hunter2\r", "\0hunter2", "hunter2\u{7f}", "hunter2é"] {
                let failure = check(name, value).unwrap_err();
                assert_eq!(failure.kind(), ErrorKind::InvalidArgument);
                let text = failure.to_string();
                assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
            }
            check(name, "AKIA+/=").unwrap();
        }
        check("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/schlüssel").unwrap();
        check("AWS_OF_ANOTHER_PROGRAM", "two\nlines").unwrap();
        check("PATH", "\n").unwrap();
        let azure = ("AZURE_STORAGE_SAS_TOKEN".into(), "hunter2\n".into());
        assert!(super::check::<AzureConfigKey>("AZURE_", [azure].into_iter()).is_err());
    }

    #[test]
    fn half_of_a_key_and_what_is_no_key_are_no_credentials() {
        let s3 = AmazonS3Builder::new;
        let azure = MicrosoftAzureBuilder::new;
        let signed = |token: &str| azure().with_config(AzureConfigKey::SasKey, token);
        for (checked, wanted) in [
            (require_whole_key(&s3().with_access_key_id("AKIA")), "AWS_SECRET_ACCESS_KEY is not"),
            (require_whole_key(&s3().with_secret_access_key("hunter2")), "AWS_ACCESS_KEY_ID is not"),
            (require_azure_secret(&azure().with_access_key("hunter2!")), "AZURE_STORAGE_ACCOUNT_KEY"),
            (require_azure_secret(&signed("hunter2")), "AZURE_STORAGE_SAS_TOKEN"),
            (require_azure_secret(&signed("sig=a&hunter2")), "AZURE_STORAGE_SAS_TOKEN"),
        ] {
            let failure = checked.unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::LogonFailed);
            let text = failure.to_string();
            assert!(text.contains(wanted) && !text.contains("hunter2"), "{text}");
        }
        require_whole_key(&s3()).unwrap();
        require_whole_key(&s3().with_access_key_id("AKIA").with_secret_access_key("a")).unwrap();
        require_azure_secret(&azure().with_access_key("c2VjcmV0")).unwrap();
        require_azure_secret(&signed("?sv=2021-08-06&sig=a%3D")).unwrap();
    }
}
