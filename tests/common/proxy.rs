//! A TCP proxy that does to a connection what a bad night does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{Requests, Stream, Wire};

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// They pass.
    None,
    /// They stay where they are, and the connections stay open: a cable that was pulled.
    Stall,
    /// This many bytes a second pass in each direction.
    Slow(u64),
    /// They pass in pieces of this many bytes, each after a pause.
    Split(usize, Duration),
    /// Everything passes, but so much later: a server that is far away.
    Delay(Duration),
    /// The connection is closed.
    Cut,
    /// The connection is reset, which loses what is under way.
    Reset,
    /// A bit of what the server says is turned around, on connections that are logged on.
    Corrupt,
}

/// A listener on loopback in front of a server.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    server: u16,
    fault: Mutex<Fault>,
    /// Faults to come: each after this many more bytes.
    plan: Mutex<VecDeque<(u64, Fault)>>,
    passed: AtomicU64,
    wire: Mutex<Wire>,
    listening: AtomicBool,
    ended: AtomicBool,
}

impl Proxy {
    pub fn new(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            fault: Mutex::new(Fault::None),
            plan: Mutex::default(),
            passed: AtomicU64::new(0),
            wire: Mutex::default(),
            listening: AtomicBool::new(true),
            ended: AtomicBool::new(false),
        });
        let proxy = Self { port, shared, listener: Mutex::new(None) };
        proxy.listen(listener);
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this happens to all connections, old and new.
    pub fn set(&self, fault: Fault) {
        self.shared.plan.lock().unwrap().clear();
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// After so many more bytes have passed, this happens; [`Fault::Cut`] and [`Fault::Reset`] once.
    pub fn after(&self, bytes: u64, fault: Fault) {
        let at = self.shared.passed.load(Ordering::Relaxed) + bytes;
        self.shared.plan.lock().unwrap().push_back((at, fault));
    }

    /// Whether nothing passes now.
    pub fn is_stalled(&self) -> bool {
        *self.shared.fault.lock().unwrap() == Fault::Stall
    }

    /// Bytes that have passed, both ways.
    pub fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::Relaxed)
    }

    /// The requests that have passed since this was asked last, on connections that are not encrypted.
    pub fn take_requests(&self) -> Requests {
        self.shared.wire.lock().unwrap().take()
    }

    /// Nobody listens any more: connections are refused. Those that are open stay.
    pub fn refuse(&self) {
        self.shared.listening.store(false, Ordering::Relaxed);
        if let Some(thread) = self.listener.lock().unwrap().take() {
            thread.join().unwrap();
        }
    }

    /// Listens again.
    pub fn accept(&self) {
        self.shared.listening.store(true, Ordering::Relaxed);
        self.listen(TcpListener::bind(("127.0.0.1", self.port)).unwrap());
    }

    fn listen(&self, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let shared = self.shared.clone();
        *self.listener.lock().unwrap() = Some(thread::spawn(move || {
            while shared.listening.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((client, _)) => {
                        let shared = shared.clone();
                        thread::spawn(move || serve(&client, &shared));
                    }
                    Err(_) => thread::sleep(TICK),
                }
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.refuse();
    }
}

fn serve(client: &TcpStream, shared: &Arc<Shared>) {
    client.set_nonblocking(false).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], shared.server));
    let Ok(server) = TcpStream::connect(address) else { return };
    for stream in [client, &server] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(TICK)).unwrap();
    }
    thread::scope(|scope| {
        for (from, to, is_answer) in [(client, &server, false), (&server, client, true)] {
            let (late, arrivals) = Late::channel();
            scope.spawn(move || arrivals.deliver(to, shared));
            scope.spawn(move || pump(from, to, is_answer, &late, shared));
        }
    });
}

/// Carries bytes one way until an end closes.
fn pump(from: &TcpStream, to: &TcpStream, is_answer: bool, late: &Late, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    let end = |how: Fault| {
        for stream in [from, to] {
            if how == Fault::Reset {
                let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    };
    let mut carried = 0;
    let mut stream = Stream::default();
    while !shared.ended.load(Ordering::Relaxed) {
        let fault = shared.now();
        if fault == Fault::Stall {
            thread::sleep(TICK);
            continue;
        }
        if matches!(fault, Fault::Cut | Fault::Reset) {
            shared.once(fault);
            return end(fault);
        }
        let most =
            if let Fault::Slow(rate) = fault { (rate / 20).clamp(1, 64 << 10) as usize } else { 64 << 10 };
        let begun = Instant::now();
        let count = match (&*from).read(&mut buffer[..most]) {
            Ok(0) => return end(Fault::Cut),
            Ok(count) => count,
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => continue,
            Err(_) => return end(Fault::Cut),
        };
        // What came meanwhile: a stall holds back what was read already.
        while shared.now() == Fault::Stall && !shared.ended.load(Ordering::Relaxed) {
            thread::sleep(TICK);
        }
        shared.passed.fetch_add(count as u64, Ordering::Relaxed);
        let bytes = &mut buffer[..count];
        carried += count;
        if fault == Fault::Corrupt && is_answer && carried > LOG_ON {
            bytes[count - 1] ^= 1;
        }
        shared.wire.lock().unwrap().pass(&mut stream, bytes, is_answer);
        if !matches!(fault, Fault::Delay(_)) {
            // Nothing overtakes what is under way.
            while late.count.load(Ordering::Acquire) > 0 && !shared.ended.load(Ordering::Relaxed) {
                thread::sleep(TICK);
            }
        }
        let sent = match fault {
            Fault::Split(size, pause) => bytes.chunks(size).try_for_each(|piece| {
                thread::sleep(pause);
                (&*to).write_all(piece)
            }),
            Fault::Delay(time) => late.send(Instant::now() + time, bytes.to_vec()),
            Fault::Slow(rate) => {
                let sent = (&*to).write_all(bytes);
                thread::sleep(
                    Duration::from_secs_f64(count as f64 / rate as f64).saturating_sub(begun.elapsed()),
                );
                sent
            }
            _ => (&*to).write_all(bytes),
        };
        if sent.is_err() {
            return end(Fault::Cut);
        }
    }
    end(Fault::Cut);
}

/// What is under way to somewhere far away. It arrives when it is due, to a fraction of a millisecond.
struct Late {
    arrivals: mpsc::Sender<(Instant, Vec<u8>)>,
    count: Arc<AtomicU64>,
}

struct Arrivals {
    arrivals: mpsc::Receiver<(Instant, Vec<u8>)>,
    count: Arc<AtomicU64>,
}

impl Late {
    fn channel() -> (Self, Arrivals) {
        let ((send, receive), count) = (mpsc::channel(), Arc::<AtomicU64>::default());
        (Self { arrivals: send, count: count.clone() }, Arrivals { arrivals: receive, count })
    }

    fn send(&self, due: Instant, bytes: Vec<u8>) -> io::Result<()> {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.arrivals.send((due, bytes)).map_err(io::Error::other)
    }
}

impl Arrivals {
    fn deliver(self, to: &TcpStream, shared: &Shared) {
        for (due, bytes) in self.arrivals {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            while shared.now() == Fault::Stall && !shared.ended.load(Ordering::Relaxed) {
                thread::sleep(TICK);
            }
            if (&*to).write_all(&bytes).is_err() {
                break;
            }
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        // Nobody waits for what does not arrive.
        self.count.store(0, Ordering::Release);
    }
}

impl Shared {
    fn now(&self) -> Fault {
        let mut plan = self.plan.lock().unwrap();
        if let Some((at, fault)) = plan.front().copied()
            && self.passed.load(Ordering::Relaxed) >= at
        {
            plan.pop_front();
            *self.fault.lock().unwrap() = fault;
        }
        *self.fault.lock().unwrap()
    }

    /// What ends a connection happens to those that are open, and not to the ones made anew.
    fn once(&self, fault: Fault) {
        let mut now = self.fault.lock().unwrap();
        if *now == fault {
            *now = Fault::None;
        }
    }
}

/// What a server says until a share is open, and a little more.
const LOG_ON: usize = 1500;
const TICK: Duration = Duration::from_millis(5);
