//! A proxy before an object store that does to requests and answers what a bad night does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It passes.
    None,
    /// The store never sees it; the proxy answers with this status, code and header.
    Refuse(u16, &'static str, &'static str),
    /// The store never sees it; the proxy answers that all is well, with this body.
    Answer(String),
    /// The connection is closed before the store sees it.
    Drop,
    /// The store does it, and its answer is lost.
    LoseAnswer,
    /// Half of its answer arrives.
    HalfAnswer,
    /// A bit of what the store sends is turned around.
    Corrupt,
    /// The store does not get to see `If-None-Match`.
    WithoutCondition,
    /// What the store says of its version of the object is not true.
    LyingETag,
    /// A listing lacks the objects whose names end so.
    Hide(&'static str),
    /// The store does not say that an object is locked.
    HideLock,
    /// Nothing comes back, and the connection stays open.
    Silence,
    /// The store gets to it only after so long, whether anybody still waits or not.
    Late(Duration),
}

/// A request that passed: its first line, and its headers in lower case.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    /// Bytes of content.
    pub length: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    pub fn is(&self, method: &str) -> bool {
        self.line.starts_with(&format!("{method} "))
    }

    pub fn is_listing(&self) -> bool {
        self.is("GET") && (self.line.contains("list-type=2") || self.line.contains("comp=list"))
    }
}

/// Decides what happens to a request; the number counts the requests.
type Plan = Box<dyn FnMut(usize, &Request) -> Fault + Send>;

pub struct HttpProxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    plan: Mutex<Plan>,
    seen: Mutex<Vec<Request>>,
}

impl HttpProxy {
    /// Listens before the server at this port.
    pub fn new(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan: Plan = Box::new(|_, _| Fault::None);
        let shared = Arc::new(Shared { server, plan: Mutex::new(plan), seen: Mutex::default() });
        let serving = shared.clone();
        // It ends with the test program.
        thread::spawn(move || {
            for client in listener.incoming() {
                let shared = serving.clone();
                thread::spawn(move || drop(serve(&client.unwrap(), &shared)));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this decides; requests are counted from 0 again.
    pub fn plan(&self, plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) {
        *self.shared.plan.lock().unwrap() = Box::new(plan);
        self.shared.seen.lock().unwrap().clear();
    }

    /// What passed since the plan was made.
    pub fn seen(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }
}

/// Serves one request, and closes the connection.
fn serve(client: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut from = BufReader::new(client);
    let mut line = String::new();
    from.read_line(&mut line)?;
    let (mut headers, mut raw) = (Vec::new(), String::new());
    loop {
        let mut header = String::new();
        from.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if !name.eq_ignore_ascii_case("connection") {
            raw += &header;
        }
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    if line.is_empty() {
        return Ok(());
    }
    let mut request = Request { line: line.trim_end().to_owned(), headers, length: 0 };
    request.length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; request.length];
    from.read_exact(&mut body)?;
    let fault = {
        let mut seen = shared.seen.lock().unwrap();
        seen.push(request.clone());
        (shared.plan.lock().unwrap())(seen.len() - 1, &request)
    };
    let mut client = client;
    match &fault {
        Fault::Drop => return Ok(()),
        Fault::Silence => {
            thread::park();
            return Ok(());
        }
        Fault::Refuse(status, code, header) => {
            let body =
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
            let body = if request.is("HEAD") { String::new() } else { body };
            let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
            let head = format!("HTTP/1.1 {status} No\r\n{header}Connection: close\r\n");
            return write!(client, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
        Fault::Answer(body) => {
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
            return write!(client, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
        _ => {}
    }
    if let Fault::Late(time) = fault {
        thread::sleep(time);
    }
    if fault == Fault::WithoutCondition {
        let is_condition = |header: &&str| !header.to_lowercase().starts_with("if-none-match");
        raw = raw.split_inclusive("\r\n").filter(is_condition).collect();
    }
    let mut server = TcpStream::connect(("127.0.0.1", shared.server))?;
    write!(server, "{line}{raw}Connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    match fault {
        Fault::LoseAnswer => return Ok(()),
        Fault::HalfAnswer => answer.truncate(head + (answer.len() - head) / 2),
        Fault::Corrupt if request.is("GET") && !request.is_listing() && answer.len() > head => {
            let at = head + (answer.len() - head) / 2;
            answer[at] ^= 1;
        }
        Fault::LyingETag => {
            let text = String::from_utf8_lossy(&answer[..head]).into_owned();
            let number = shared.seen.lock().unwrap().len();
            let lie = |line: &str| match line.to_lowercase().starts_with("etag:") {
                true => format!("ETag: \"{number:032x}\"\r\n"),
                false => line.to_owned(),
            };
            let text: String = text.split_inclusive("\r\n").map(lie).collect();
            answer = [text.as_bytes(), &answer[head..]].concat();
        }
        Fault::HideLock => {
            let text = String::from_utf8_lossy(&answer[..head]).into_owned();
            let is_shown = |line: &&str| !line.to_lowercase().starts_with("x-amz-object-lock");
            let text: String = text.split_inclusive("\r\n").filter(is_shown).collect();
            answer = [text.as_bytes(), &answer[head..]].concat();
        }
        Fault::Hide(end) if request.is_listing() => {
            let body = String::from_utf8(answer[head..].to_vec()).unwrap();
            let is_shown = |part: &&str| !part.contains(&format!("{end}</Key>"));
            let kept: Vec<&str> = body.split_inclusive("</Contents>").filter(is_shown).collect();
            let body = kept.concat();
            answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into();
        }
        _ => {}
    }
    client.write_all(&answer)
}
