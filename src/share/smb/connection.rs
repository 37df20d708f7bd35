//! One connection on a thread of its own: work arrives by a channel, and callers wait for it with a limit.
//!
//! The client is asynchronous and can hang. So it lives where nobody has to wait for it: on a thread with its own small
//! runtime, which is abandoned if it does not answer in time. The runtime is single-threaded, because the client's
//! listings can hang in any other.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use futures::future::{Either, select};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::credits::cancellable;
use super::failure::{Failure, Stage};
use super::session::Session;
use super::target::{SmbFacts, Target};
use super::transport::Link;
use crate::error::ErrorKind;
use crate::layout::Host;
use crate::stop;

/// A connection that takes work from many threads at once.
pub(super) struct Connection {
    jobs: UnboundedSender<Job>,
    link: Arc<Link>,
    busy: Arc<AtomicUsize>,
    facts: SmbFacts,
}

type Job = Box<dyn FnOnce(Rc<Session>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

impl Connection {
    /// Starts a thread that connects. The thread calls `opened` once it has connected or failed, and closes the channel
    /// when it ends.
    pub(super) fn start(
        target: Arc<Target>,
        opened: impl FnOnce(Result<Self, Failure>) + Send + 'static,
    ) -> io::Result<Receiver<()>> {
        let (ended, ending) = bounded(0);
        let thread = std::thread::Builder::new().name("azs-backup-smb".into());
        thread.spawn(move || {
            run(&target, opened);
            drop(ended);
        })?;
        Ok(ending)
    }

    pub(super) fn facts(&self) -> SmbFacts {
        // That a share demands encryption shows in the first request to it.
        let encrypted = self.link.is_encrypted();
        let is_fallback = self.facts.is_fallback && !encrypted;
        let cipher = self.facts.cipher.clone().filter(|_| encrypted);
        SmbFacts { encrypted, cipher, is_fallback, ..self.facts.clone() }
    }

    /// Number of calls in progress.
    pub(super) fn load(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn is_lost(&self) -> bool {
        self.link.is_lost()
    }

    /// How much of its life is used up: at 1 it should be replaced, at 2 it must no longer be used.
    pub(super) fn age(&self) -> u8 {
        self.link.age()
    }

    /// Gives the connection up, whatever it is doing.
    pub(super) fn abandon(&self, why: Failure) {
        self.link.lose(why);
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Does some work on the connection, and waits for it until `until`. Gives up a connection that does not answer. If the
    /// caller's own work should end, tells this work to, and waits a moment.
    pub(super) fn call<T, F, W>(&self, until: Instant, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(Rc<Session>) -> W + Send + 'static,
        W: Future<Output = Result<T, Failure>> + 'static,
    {
        let begun = Instant::now();
        let (reply, answer) = bounded(1);
        let (link, busy) = (self.link.clone(), Busy::new(&self.busy));
        let ends = Arc::new(AtomicBool::new(false));
        let told = ends.clone();
        if busy.is_first() {
            link.touch();
        }
        let job: Job = Box::new(move |session| {
            Box::pin(async move {
                let _busy = busy;
                let work = Box::pin(cancellable(told, work(session)));
                let result = match select(work, Box::pin(link.lost())).await {
                    Either::Left((result, _)) => result,
                    Either::Right((why, _)) => Err(why),
                };
                // The caller may no longer be waiting.
                let _ = reply.send(result);
            })
        });
        if self.jobs.send(job).is_err() {
            return Err(self.link.why());
        }
        let mut until = until;
        loop {
            match answer.recv_deadline(until.min(Instant::now() + stop::TICK)) {
                Ok(result) => return result,
                // The client panicked, or the thread has ended.
                Err(RecvTimeoutError::Disconnected) => {
                    self.abandon(Failure::lost("the SMB client failed"));
                    return Err(self.link.why());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let (now, is_told) = (Instant::now(), ends.load(Ordering::Acquire));
            if now >= until {
                let why = Failure::silence(begun.elapsed());
                if !is_told {
                    self.abandon(why.clone());
                    return Err(why);
                }
                // Others may have the patience that this caller has not.
                if self.load() <= 1 && self.link.silence() >= GRACE / 2 {
                    self.abandon(why);
                }
                return Err(Failure::cancelled());
            }
            if !is_told && stop::is_set() {
                ends.store(true, Ordering::Release);
                until = until.min(now + GRACE);
            }
        }
    }
}

/// Counts one call for as long as this lives.
struct Busy {
    count: Arc<AtomicUsize>,
    before: usize,
}

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        Self { before: count.fetch_add(1, Ordering::Relaxed), count: count.clone() }
    }

    fn is_first(&self) -> bool {
        self.before == 0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a connection's thread.
fn run(target: &Arc<Target>, opened: impl FnOnce(Result<Connection, Failure>)) {
    let addresses = match resolve(target.root.host(), target.port) {
        Ok(addresses) => addresses,
        Err(failure) => return opened(Err(failure)),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return opened(Err(Failure::other(ErrorKind::Io, format!("no runtime: {error}")))),
    };
    let local = LocalSet::new();
    local.block_on(&runtime, live(target, &addresses, opened));
    // Stay inside the runtime: the client starts tasks when its values are dropped. Nothing waits for them.
    let inside = runtime.enter();
    drop(local);
    drop(inside);
    runtime.shutdown_background();
}

async fn live(
    target: &Arc<Target>,
    addresses: &[SocketAddr],
    opened: impl FnOnce(Result<Connection, Failure>),
) {
    let link = Link::new();
    let limit = target.times.connect;
    let session = match tokio::time::timeout(limit, Session::open(target, addresses, &link)).await {
        Ok(Ok(session)) => session,
        Ok(Err(failure)) => return opened(Err(failure)),
        Err(_) => return opened(Err(Failure::silence(limit).at(link.stage()))),
    };
    let (jobs, work) = unbounded_channel();
    let busy = Arc::new(AtomicUsize::new(0));
    opened(Ok(Connection { jobs, link: link.clone(), busy: busy.clone(), facts: session.facts().clone() }));
    let working = Box::pin(take_jobs(session, work, &busy));
    let watching = Box::pin(watch(&link, &busy, target.times.silence));
    if let Either::Left((Some(session), _)) = select(working, watching).await {
        // Nobody waits longer than the pool does, and a server that does not answer must not keep a thread of ours.
        let _ = tokio::time::timeout(CLOSE, session.log_off()).await;
    }
    link.lose(Failure::lost("the connection is closed"));
}

/// Starts each job as it arrives. Ends when no sender is left and all jobs are done, and returns the session.
async fn take_jobs(
    session: Session,
    mut work: UnboundedReceiver<Job>,
    busy: &AtomicUsize,
) -> Option<Session> {
    let session = Rc::new(session);
    while let Some(job) = work.recv().await {
        tokio::task::spawn_local(job(session.clone()));
    }
    while busy.load(Ordering::Relaxed) > 0 || Rc::strong_count(&session) > 1 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Rc::into_inner(session)
}

/// Ends when the connection is lost, or is silent for too long while a call waits.
async fn watch(link: &Link, busy: &AtomicUsize, limit: Duration) {
    let lost = std::pin::pin!(link.lost());
    let silent = std::pin::pin!(async {
        loop {
            tokio::time::sleep((limit / 16).min(DRY / 4)).await;
            let waits = busy.load(Ordering::Relaxed) > 0 || link.leaving() > 0;
            if waits && link.silence() >= limit {
                return link.lose(Failure::silence(link.silence()));
            }
            if link.is_dry() && link.silence() >= DRY {
                return link.lose(Failure::lost("the server's credits ran out"));
            }
        }
    });
    select(lost, silent).await;
    // Let each job answer its caller first.
    tokio::task::yield_now().await;
}

/// Resolves a host. This takes as long as the system's resolver does, but only a connection's thread waits for it.
pub(super) fn resolve(host: &Host, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    if let Some(ip) = host.ip() {
        let mut address = SocketAddr::new(ip, port);
        if let (SocketAddr::V6(v6), Some(scope)) = (&mut address, host.scope_id()) {
            v6.set_scope_id(scope);
        }
        return Ok(vec![address]);
    }
    match (host.to_address().as_str(), port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(Failure::resolver(host, &error).at(Stage::Resolve)),
    }
}

/// How long calls wait while nothing is on its way, until their connection counts as dry. Nothing can end that wait.
const DRY: Duration = Duration::from_secs(1);
/// How long a call that was told to end may take to take back what it began.
const GRACE: Duration = Duration::from_secs(1);
/// How long logging off may take.
const CLOSE: Duration = Duration::from_secs(2);
