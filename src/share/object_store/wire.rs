//! The way of each request: what is added to it, how long it may take, and what its answer says that the crate keeps to
//! itself.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ::object_store::ClientOptions;
use ::object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use ::object_store::azure::{AzureAuthorizer, AzureCredential, AzureCredentialProvider};
use ::object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use jiff::Timestamp;

use super::crypto::OpenSsl;
use super::failure::{Failure, Next};
use super::listing::usable;
use super::lock::{self, Lock};

tokio::task_local! {
    /// The call that a request belongs to.
    static CALL: Arc<Call>;
}

/// One call of the crate: what its requests carry, and what came of them.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// What is written is locked so.
    lock: Option<Lock>,
    seen: Mutex<Seen>,
}

/// What the last answer said.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) failure: Option<Failure>,
    /// Until when the store refuses to delete the object.
    pub(super) locked_until: Option<Timestamp>,
    /// Whether a copy is still at work (Azure).
    pub(super) is_pending: bool,
}

impl Call {
    /// A call that locks what it writes.
    pub(super) fn locking(lock: Option<Lock>) -> Self {
        Self { lock, ..Self::default() }
    }

    /// Does what the crate does, as this call.
    pub(super) async fn run<T>(
        self,
        work: impl Future<Output = ::object_store::Result<T>>,
    ) -> Result<(T, Seen), Failure> {
        let call = Arc::new(self);
        let result = CALL.scope(call.clone(), work).await;
        let mut seen = std::mem::take(&mut *call.seen.lock().unwrap_or_else(PoisonError::into_inner));
        match result {
            Ok(value) => Ok((value, seen)),
            Err(error) => Err(seen.failure.take().unwrap_or_else(|| Failure::of_crate(&error))),
        }
    }

    /// If the store has just refused a request because there are too many: how long to wait for the next one. `None` if it asks
    /// for more than that, which is the call's matter.
    fn limited(&self, pause: Duration) -> Option<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = seen.failure.as_ref().filter(|failure| failure.next() == Next::Wait)?;
        let pause = failure.wait().unwrap_or_default().max(pause);
        (pause <= LONGEST_PAUSE).then_some(pause)
    }

    fn saw(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

/// Who signs the requests that get more headers here.
pub(super) enum Signer {
    S3 { credentials: AwsCredentialProvider, region: String },
    Azure { credentials: AzureCredentialProvider, account: String },
}

/// Limits and choices of a connection.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) connect: Duration,
    pub(super) silence: Duration,
    /// Whether requests to the store may go without TLS.
    pub(super) allows_http: bool,
    /// The version of Azure's API to ask for, if not the crate's.
    pub(super) api_version: Option<HeaderValue>,
    /// Certificates in PEM of authorities to trust, besides the system's.
    pub(super) authorities: Option<Vec<u8>>,
}

/// Sends requests.
pub(super) struct Wire {
    client: reqwest::Client,
    /// For the metadata service of an instance: never through a proxy, and not for long.
    metadata: reqwest::Client,
    ways: Ways,
    signer: OnceLock<Signer>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("ways", &self.ways).finish_non_exhaustive()
    }
}

impl Wire {
    pub(super) fn new(ways: Ways) -> reqwest::Result<Arc<Self>> {
        let client = || {
            let client = reqwest::Client::builder()
                .user_agent(concat!("azs-backup/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .tcp_keepalive(ways.silence / 2);
            // A peer that acknowledges nothing for so long is gone.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let client = client.tcp_user_timeout(ways.silence);
            client
        };
        let mut store = client().connect_timeout(ways.connect);
        if let Some(pem) = &ways.authorities {
            store = store.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        let metadata = client().no_proxy().connect_timeout(METADATA).build()?;
        Ok(Arc::new(Self { client: store.build()?, metadata, ways, signer: OnceLock::new() }))
    }

    pub(super) fn set_signer(&self, signer: Signer) {
        let _ = self.signer.set(signer);
    }

    pub(super) fn silence(&self) -> Duration {
        self.ways.silence
    }

    /// Sends a request. One that reads is sent a few times if the store limits how many it takes: a call of many requests
    /// would else begin anew for each that is refused, and might never come to its end.
    async fn send(&self, request: HttpRequest, call: &Call) -> Result<HttpResponse, Failure> {
        for pause in PAUSES.iter().filter(|_| request.method().is_safe()) {
            let response = self.once(request.clone(), call).await?;
            let Some(pause) = call.limited(*pause) else { return Ok(response) };
            tokio::time::sleep(pause).await;
        }
        self.once(request, call).await
    }

    async fn once(&self, mut request: HttpRequest, call: &Call) -> Result<HttpResponse, Failure> {
        let is_for_store = is_for_store(request.headers());
        if is_for_store {
            if request.uri().scheme_str() == Some("http") && !self.ways.allows_http {
                return Err(Failure::other(
                    crate::ErrorKind::InvalidArgument,
                    "the endpoint has no TLS: names and sizes would cross the network in the clear; to allow it, set \
                     allow_http",
                ));
            }
            self.add(&mut request, call).await?;
        }
        let listing =
            request.uri().query().filter(|query| request.method() == Method::GET && is_listing(query));
        let (listing, is_listing) = (listing.map(str::to_owned), listing.is_some());
        let asks_for_lock = call.lock.is_some() && request.method() == Method::PUT;
        let to_metadata = request.uri().host().is_some_and(|host| host.starts_with("169.254."));
        let client = if to_metadata { &self.metadata } else { &self.client };
        let limit = limit(self.ways.silence, request.body().content_length());
        let answered = tokio::time::timeout(limit, client.call(request)).await;
        let response = answered.map_err(|_| Failure::silence(limit))?.map_err(|e| Failure::network(&e))?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() && !is_listing {
            call.saw(Seen { failure: None, ..seen(&parts.headers) });
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let most = if is_listing { MOST_LISTING } else { MOST_REFUSAL };
        let body = read(body, most, self.ways.silence).await?;
        let body = match listing.filter(|_| parts.status.is_success()) {
            Some(query) => usable(&query, body)?,
            None => body,
        };
        let mut now = seen(&parts.headers);
        if !parts.status.is_success() {
            let code =
                parts.headers.get("x-ms-error-code").and_then(|code| code.to_str().ok().map(str::to_owned));
            let code = code.or_else(|| code_in(&body)).unwrap_or_default();
            let wait = parts.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            let failure = match (parts.status.as_u16(), &*code) {
                (400, "InvalidRequest") if asks_for_lock => Failure::other(
                    crate::ErrorKind::Unsupported,
                    "the bucket keeps no locks: it must be created with Object Lock",
                ),
                (status, _) => Failure::answer(status, code, wait.map(Duration::from_secs)),
            };
            now.failure = Some(if is_for_store { failure } else { Failure::credentials(failure) });
        }
        call.saw(now);
        Ok(HttpResponse::from_parts(parts, body.into()))
    }

    /// Adds the headers that the crate has no way to set, and signs anew.
    async fn add(&self, request: &mut HttpRequest, call: &Call) -> Result<(), Failure> {
        let Some(signer) = self.signer.get() else { return Ok(()) };
        let mut more = HeaderMap::new();
        if let (Signer::Azure { .. }, Some(version)) = (signer, &self.ways.api_version) {
            more.insert(HeaderName::from_static("x-ms-version"), version.clone());
        }
        if let Some(lock) = call.lock.as_ref().filter(|_| request.method() == Method::PUT) {
            lock.add_to(&mut more, matches!(signer, Signer::S3 { .. }))?;
        }
        // Object Lock demands that the algorithm is named, also where only the bucket has a default retention.
        if request.headers().contains_key("x-amz-checksum-sha256") {
            let algorithm = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
            more.insert(algorithm, HeaderValue::from_static("SHA256"));
        } else if matches!(signer, Signer::S3 { .. }) && !more.is_empty() {
            // A copy has no content.
            more.insert(HeaderName::from_static("content-md5"), HeaderValue::from_static(MD5_OF_NOTHING));
        }
        if more.is_empty() {
            return Ok(());
        }
        request.headers_mut().extend(more);
        match signer {
            Signer::S3 { credentials, region } => {
                let credential = credentials.get_credential().await.map_err(Failure::credentials)?;
                let digest =
                    request.headers().get("x-amz-content-sha256").and_then(|digest| bytes(digest.as_bytes()));
                let authorizer = AwsAuthorizer::new(&credential, "s3", region)
                    .with_crypto(&OpenSsl)
                    .with_sign_payload(digest.is_some());
                request.headers_mut().remove(AUTHORIZATION);
                authorizer.try_authorize(request, digest.as_deref()).map_err(|e| Failure::of_crate(&e))
            }
            Signer::Azure { credentials, account } => {
                let credential = credentials.get_credential().await.map_err(Failure::credentials)?;
                // A shared access signature is in the URL, and signs no headers.
                if matches!(&*credential, AzureCredential::SASToken(_)) {
                    return Ok(());
                }
                request.headers_mut().remove(AUTHORIZATION);
                let authorizer = AzureAuthorizer::new(&credential, account).with_crypto(&OpenSsl);
                authorizer.try_authorize(request).map_err(|e| Failure::of_crate(&e))
            }
        }
    }
}

/// The crate's way to a client: always the same one.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) Arc<Wire>);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> ::object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

#[derive(Debug)]
pub(super) struct Service(pub(super) Arc<Wire>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let call = CALL.try_with(Arc::clone).unwrap_or_default();
        let is_for_store = is_for_store(request.headers());
        self.0.send(request, &call).await.map_err(|failure| {
            let text = failure.to_string();
            let failure = if is_for_store { failure } else { Failure::credentials(failure) };
            call.saw(Seen { failure: Some(failure), ..Seen::default() });
            HttpError::new(HttpErrorKind::Unknown, std::io::Error::other(text))
        })
    }
}

/// Whether a request goes to the store, rather than to who gives out credentials.
fn is_for_store(headers: &HeaderMap) -> bool {
    headers.contains_key("x-amz-content-sha256") || headers.contains_key("x-ms-version")
}

/// Whether a request asks for a listing, whose answer the crate reads by itself and without a limit.
fn is_listing(query: &str) -> bool {
    query.split('&').any(|pair| matches!(pair, "list-type=2" | "comp=list"))
}

fn seen(headers: &HeaderMap) -> Seen {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Seen {
        failure: None,
        locked_until: lock::until(text),
        is_pending: text("x-ms-copy-status") == Some("pending"),
    }
}

/// How long a request with so many bytes may take until its answer begins.
fn limit(silence: Duration, bytes: usize) -> Duration {
    silence + Duration::from_millis(bytes as u64 * 1000 / SLOWEST)
}

/// Reads a whole body.
async fn read(body: HttpResponseBody, most: usize, silence: Duration) -> Result<Vec<u8>, Failure> {
    let mut read = Vec::new();
    let too_much = || {
        let text = format!("the store answers with more than {most} bytes");
        Failure::other(crate::ErrorKind::LimitExceeded, text)
    };
    append(&mut read, body.bytes_stream(), most, silence, too_much).await?;
    Ok(read)
}

/// Appends what the store sends, up to `most` bytes in all.
pub(super) async fn append<E: std::error::Error + 'static>(
    read: &mut Vec<u8>,
    mut sent: impl Stream<Item = Result<Bytes, E>> + Unpin,
    most: usize,
    silence: Duration,
    too_much: impl FnOnce() -> Failure,
) -> Result<(), Failure> {
    loop {
        match tokio::time::timeout(silence, sent.next()).await {
            Err(_) => return Err(Failure::silence(silence)),
            Ok(None) => return Ok(()),
            Ok(Some(Err(error))) => return Err(Failure::network(&error)),
            Ok(Some(Ok(bytes))) if read.len() + bytes.len() > most => return Err(too_much()),
            Ok(Some(Ok(bytes))) => read.extend_from_slice(&bytes),
        }
    }
}

/// The error code in an answer: `<Code>SlowDown</Code>`.
fn code_in(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

/// The bytes of a digest in hexadecimal digits.
fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks(2).map(|pair| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8)).collect()
}

/// In base64.
const MD5_OF_NOTHING: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
/// Pauses before a request that the store refused because there were too many.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(100), Duration::from_millis(200)];
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for the metadata service: it is on the same machine, or not at all.
const METADATA: Duration = Duration::from_secs(2);
/// Bytes a second at which a link still counts as working.
const SLOWEST: u64 = 64 << 10;
/// A page of a listing has at most 5,000 names of at most 1,024 characters.
const MOST_LISTING: usize = 32 << 20;
const MOST_REFUSAL: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_refusal_is_found() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>no</Message></Error>";
        assert_eq!(code_in(body).as_deref(), Some("SlowDown"));
        for body in ["", "<Code>", "<Code></Code2>", "<Code>a b</Code>", "\u{fffd}<Code>\n</Code>"] {
            assert_eq!(code_in(body.as_bytes()), None, "{body}");
        }
        assert_eq!(bytes(b"00ff10"), Some(vec![0, 255, 16]));
        assert_eq!(bytes(b"UNSIGNED-PAYLOAD"), None);
        assert_eq!(bytes(b"0"), None);
    }

    #[test]
    fn a_large_request_may_take_longer() {
        let silence = Duration::from_secs(30);
        assert_eq!(limit(silence, 0), silence);
        assert_eq!(limit(silence, 64 << 20), silence + Duration::from_secs(1024));
    }
}
