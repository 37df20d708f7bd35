//! The report for a web server: one POST of the JSON document, signed.

use std::time::Duration;

use azs_backup::{Error, ErrorKind, Result};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::http::{client, server};
use crate::secret;
use crate::site::Webhook;

/// Has the signature of the body: `sha256=` and the HMAC-SHA256 in hex, as GitHub's webhooks have it.
const SIGNATURE: &str = "X-AZS-Signature-256";

/// The pauses between attempts, for what may pass.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Posts a document. An error names the server, and no more of the address: it may be a secret.
pub(super) fn post(to: &Webhook, document: &str) -> Result<()> {
    let server = server(&to.url, "the url of [report.webhook]")?;
    let signature = to.secret_file.as_ref().map(|file| signature(&secret::in_file(file)?, document));
    let signature = signature.transpose()?;
    let agent = client(Duration::from_secs(to.time_limit_seconds.clamp(1, 300)));
    let mut pauses = PAUSES.into_iter();
    loop {
        let mut request = agent.post(&to.url).content_type("application/json");
        if let Some(signature) = &signature {
            request = request.header(SIGNATURE, signature);
        }
        let (kind, why) = match request.send(document) {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                let (kind, next) = match status.as_u16() {
                    429 | 500..=u16::MAX => (ErrorKind::Unreachable, ""),
                    401 | 403 => (ErrorKind::AccessDenied, "; it may want another url or secret_file"),
                    300..=399 => (ErrorKind::InvalidArgument, "; make url the address that it leads to"),
                    _ => (ErrorKind::NotFound, "; see that url of [report.webhook] is right"),
                };
                (kind, format!("it answers {status}{next}"))
            }
            Err(ureq::Error::Timeout(_)) => {
                (ErrorKind::TimedOut, format!("no answer within {} s", to.time_limit_seconds))
            }
            Err(ureq::Error::HostNotFound) => (ErrorKind::Unreachable, "its name is not known".into()),
            Err(ureq::Error::Io(error)) => (ErrorKind::Unreachable, error.to_string()),
            Err(ureq::Error::NativeTls(error)) => (ErrorKind::AccessDenied, format!("TLS: {error}")),
            Err(_) => (ErrorKind::Unreachable, "the request fails".into()),
        };
        match pauses.next().filter(|_| kind == ErrorKind::Unreachable) {
            Some(pause) => crate::progress::wait(pause)?,
            None => return Err(Error::new(kind, format!("the webhook at {server} has no report: {why}"))),
        }
    }
}

fn signature(secret: &str, document: &str) -> Result<String> {
    let failed = |e| Error::new(ErrorKind::Internal, "the report cannot be signed").with_source(e);
    let key = PKey::hmac(secret.as_bytes()).map_err(failed)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(failed)?;
    let mac = signer.sign_oneshot_to_vec(document.as_bytes()).map_err(failed)?;
    Ok(mac.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}")))
}
