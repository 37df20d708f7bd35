//! Object stores of our own: moto for S3, Azurite for Azure Blob; and requests to them that the library has no part in.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use azs_backup::share::{ObjectStoreBuilder, ObjectStoreShare, StoreCredentials};
use base64::Engine;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// A kind of server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    S3,
    Azure,
}

impl Store {
    /// The variable with the path of its program; `cargo xtask test` installs it.
    fn variable(self) -> &'static str {
        match self {
            Self::S3 => "AZS_TEST_MOTO",
            Self::Azure => "AZS_TEST_AZURITE",
        }
    }

    /// Whether its program is there; if not, says what is missing.
    pub fn is_there(self) -> bool {
        let there = std::env::var_os(self.variable()).is_some();
        if !there {
            eprintln!(
                "skipped: {} is not set; cargo xtask test object-store installs the server",
                self.variable()
            );
        }
        there
    }

    /// The server of this test program; it ends with the program.
    pub fn server(self) -> &'static Server {
        static S3: OnceLock<Server> = OnceLock::new();
        static AZURE: OnceLock<Server> = OnceLock::new();
        let server = if self == Self::S3 { &S3 } else { &AZURE };
        server.get_or_init(|| Server::start(self))
    }
}

/// A server that runs.
pub struct Server {
    store: Store,
    port: u16,
    _ends_with_the_program: Guard,
}

/// Ends a process with this one, however this one ends: a shell waits for the end of its input.
struct Guard(Child);

impl Server {
    fn start(store: Store) -> Self {
        let program = std::env::var(store.variable()).unwrap_or_else(|_| {
            panic!(
                "{} is not set; cargo xtask test object-store installs the server and sets it",
                store.variable()
            )
        });
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("azs-store-{}-{port}", std::process::id()));
        let arguments = match store {
            Store::S3 => format!("-H 127.0.0.1 -p {port}"),
            Store::Azure => format!(
                "--location {} --disableTelemetry --silent --skipApiVersionCheck --blobHost 127.0.0.1 --blobPort {port}",
                folder.display()
            ),
        };
        let script = format!(
            r#""$0" {arguments} </dev/null >/dev/null 2>&1 & cat >/dev/null; kill $!; wait; rm -rf {}"#,
            folder.display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script, &program]).stdin(Stdio::piped());
        let child = command.spawn().unwrap();
        let server = Self { store, port, _ends_with_the_program: Guard(child) };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{program} does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server.make_bucket(BUCKET, false);
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How to open a folder of the bucket, at this port: the server's own, or that of a proxy before it.
    pub fn builder_at(&self, port: u16, bucket: &str, prefix: &str) -> ObjectStoreBuilder {
        let builder = match self.store {
            Store::S3 => ObjectStoreShare::builder(format!("s3://{bucket}/{prefix}"))
                .unwrap()
                .endpoint(format!("http://127.0.0.1:{port}"))
                .unwrap()
                .region("us-east-1")
                .credentials(StoreCredentials::access_key("AKIATEST", "a secret", None).unwrap()),
            Store::Azure => ObjectStoreShare::builder(format!("az://{ACCOUNT}/{bucket}/{prefix}"))
                .unwrap()
                .endpoint(format!("http://127.0.0.1:{port}/{ACCOUNT}"))
                .unwrap()
                .credentials(StoreCredentials::account_key(KEY).unwrap()),
        };
        builder.allow_http(true)
    }

    /// How to open a folder of the bucket that all tests share.
    pub fn builder(&self, prefix: &str) -> ObjectStoreBuilder {
        self.builder_at(self.port, BUCKET, prefix)
    }

    /// Makes a bucket, with Object Lock if asked for.
    pub fn make_bucket(&self, name: &str, locks: bool) {
        let answer = match self.store {
            Store::S3 => {
                let lock: &[(&str, &str)] =
                    if locks { &[("x-amz-bucket-object-lock-enabled", "true")] } else { &[] };
                self.ask("PUT", &format!("/{name}"), lock, b"")
            }
            Store::Azure => self.ask("PUT", &format!("/{ACCOUNT}/{name}?restype=container"), &[], b""),
        };
        // Another process of the same test may have made it.
        assert!([200, 201, 409].contains(&answer.status), "{answer:?}");
    }

    /// Writes an object over whatever is there.
    pub fn put(&self, bucket: &str, key: &str, content: &[u8]) {
        let blob: &[(&str, &str)] =
            if self.store == Store::Azure { &[("x-ms-blob-type", "BlockBlob")] } else { &[] };
        let answer = self.ask("PUT", &self.path(bucket, key), blob, content);
        assert!(answer.status == 200 || answer.status == 201, "{key}: {answer:?}");
    }

    /// Deletes an object.
    pub fn delete(&self, bucket: &str, key: &str) {
        let answer = self.ask("DELETE", &self.path(bucket, key), &[], b"");
        assert!([200, 202, 204, 404].contains(&answer.status), "{key}: {answer:?}");
    }

    /// Reads an object; `None` if there is none.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let answer = self.ask("GET", &self.path(bucket, key), &[], b"");
        (answer.status == 200).then_some(answer.body)
    }

    /// A shared access signature of the account, for an hour ("Create an account SAS", Azure Storage).
    pub fn shared_access_signature(&self) -> String {
        let until = jiff::Timestamp::now() + Duration::from_secs(3600);
        let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (version, services, kinds, rights) = ("2021-08-06", "b", "sco", "rwdlac");
        let signed =
            format!("{ACCOUNT}\n{rights}\n{services}\n{kinds}\n\n{until}\n\nhttps,http\n{version}\n\n");
        let signature = encoded(&mac(&signed)).replace('/', "%2F");
        let until = encoded(&until);
        format!(
            "sv={version}&ss={services}&srt={kinds}&sp={rights}&se={until}&spr=https,http&sig={signature}"
        )
    }

    /// The path of a request for an object.
    pub fn path(&self, bucket: &str, key: &str) -> String {
        let account = if self.store == Store::Azure { format!("/{ACCOUNT}") } else { String::new() };
        format!("{account}/{bucket}/{}", encoded(key))
    }

    /// Asks the server for something.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        match self.store {
            Store::Azure => sign(method, path, &mut headers, body.len()),
            // moto looks only for who asks.
            Store::S3 => headers.push(("Authorization".into(), SOMEBODY.into())),
        }
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.port,
            body.len()
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(&mut BufReader::new(stream))
    }
}

/// An answer of a server.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(from: &mut impl BufRead) -> Self {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            line.clear();
            from.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut body = Vec::new();
        from.read_to_end(&mut body).unwrap();
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }
}

/// Signs a request by the shared key of Azurite ("Authorize with Shared Key", Azure Storage).
fn sign(method: &str, path: &str, headers: &mut Vec<(String, String)>, length: usize) {
    let now = jiff::fmt::rfc2822::DateTimePrinter::new();
    let now = now.timestamp_to_rfc9110_string(&jiff::Timestamp::now()).unwrap();
    headers.extend([("x-ms-date".to_owned(), now), ("x-ms-version".to_owned(), "2021-08-06".to_owned())]);
    headers.sort();
    let length = if length == 0 { String::new() } else { length.to_string() };
    let mut signed = format!("{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n");
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        signed += &format!("{name}:{value}\n");
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    signed += &format!("/{ACCOUNT}{path}");
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        signed += &format!("\n{name}:{value}");
    }
    headers.push(("Authorization".into(), format!("SharedKey {ACCOUNT}:{}", mac(&signed))));
}

fn mac(signed: &str) -> String {
    let base64 = base64::engine::general_purpose::STANDARD;
    let key = PKey::hmac(&base64.decode(KEY).unwrap()).unwrap();
    let mac = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(signed.as_bytes());
    base64.encode(mac.unwrap())
}

fn encoded(key: &str) -> String {
    let mut path = String::new();
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                path.push(byte.into())
            }
            _ => path += &format!("%{byte:02X}"),
        }
    }
    path
}

const SOMEBODY: &str = "AWS4-HMAC-SHA256 Credential=AKIATEST/20261130/us-east-1/s3/aws4_request, SignedHeaders=host, \
                        Signature=0000";
/// The bucket of all tests; each uses a folder of its own.
pub const BUCKET: &str = "azs-tests";
/// The account of Azurite and its key, which are in its documentation.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
