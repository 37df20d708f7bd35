//! The connections to one share: opened on demand, replaced before they wear out, reopened when they break.

use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::connection::Connection;
use super::failure::Failure;
use super::session::Session;
use super::target::{SmbFacts, Target};
use super::transport::Link;
use crate::error::ErrorKind;
use crate::stop;

/// A few connections to one share, used by any number of threads.
pub(super) struct Pool {
    target: Arc<Target>,
    /// The process that opened it: none of its threads survive in a forked child.
    process: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    connections: Vec<Arc<Connection>>,
    /// Those of connections that are worn out, but may still have something to close.
    retired: Vec<Arc<Link>>,
    /// Disconnect when their threads end; waited for on closing.
    threads: Vec<Receiver<()>>,
    /// What was agreed on the connection that was opened last.
    facts: Option<SmbFacts>,
    openings: u64,
    opening: Option<Opening>,
    /// Number of the last opening that failed, and why.
    failed: Option<(u64, Failure)>,
    /// Set once the account was refused: more attempts would lock it out.
    refused: Option<Failure>,
    /// Since when the server has not answered, with all attempts used up.
    down: Option<(Instant, Failure)>,
    /// No further connection is opened beside others before this time.
    pause: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Opening {
    number: u64,
    since: Instant,
}

impl State {
    /// Gives no more work to connections that are worn out; threads still at work on one keep it alive.
    fn retire(&mut self) {
        self.retired.retain(|link| !link.is_lost());
        for worn in self.connections.extract_if(.., |connection| connection.age() > 0) {
            self.retired.push(worn.link().clone());
        }
    }

    /// Whether handles are being closed while nobody waits for it.
    fn is_leaving(&self) -> bool {
        let links = self.connections.iter().map(|connection| connection.link()).chain(&self.retired);
        links.into_iter().any(|link| !link.is_lost() && link.leaving() > 0)
    }
}

/// Which attempt this is.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// How many connections were lost while they were at this call.
    pub(super) losses: u32,
}

impl Attempt {
    /// Whether an earlier attempt may have succeeded, although its answer was lost.
    pub(super) fn may_be_done(self) -> bool {
        self.losses > 0
    }
}

impl Pool {
    pub(super) fn new(target: Target) -> Arc<Self> {
        Arc::new(Self {
            target: Arc::new(target),
            process: std::process::id(),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Does some work on one of the connections. Repeats it, within the limits on attempts and time, if the connection
    /// breaks or the work meets a passing obstacle.
    pub(super) fn run<T, F, W>(self: &Arc<Self>, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Rc<Session>, Attempt) -> W + Clone + Send + 'static,
        W: Future<Output = Result<T, Failure>> + 'static,
    {
        if std::process::id() != self.process {
            return Err(Failure::other(
                ErrorKind::InvalidArgument,
                "the connection belongs to the process that this one was forked from; connect anew",
            ));
        }
        if stop::is_set() {
            return Err(Failure::cancelled());
        }
        let until = Instant::now() + self.target.times.call;
        if let Some(failure) = self.down() {
            return Err(failure);
        }
        let mut attempt = Attempt { losses: 0 };
        let mut failures = 0;
        loop {
            let result = match self.connection(until) {
                Ok(connection) => {
                    let work = work.clone();
                    let result = connection.call(until, move |session| work(session, attempt));
                    if let Err(failure) = &result
                        && failure.is_lost()
                    {
                        connection.abandon(failure.clone());
                        attempt.losses += 1;
                    }
                    result
                }
                Err(failure) => Err(failure),
            };
            let failure = match result {
                Ok(value) => {
                    self.lock().down = None;
                    return Ok(value);
                }
                Err(_) if stop::is_set() => return Err(Failure::cancelled()),
                // Used up, not broken: the next connection goes on, and may be open already.
                Err(failure) if failure.is_exhausted() && Instant::now() < until => continue,
                Err(failure) if failure.is_lost() || failure.passes() => failure,
                Err(failure) => return Err(failure),
            };
            failures += 1;
            let pause = backoff(failures, failure.is_lost());
            if failures >= self.target.times.attempts || Instant::now() + pause >= until {
                if failure.is_lost() {
                    self.lock().down = Some((Instant::now(), failure.clone()));
                }
                return Err(failure);
            }
            if stop::sleep(pause) {
                return Err(Failure::cancelled());
            }
        }
    }

    /// Returns what was agreed on the connection that was opened last, if one was.
    pub(super) fn facts(&self) -> Option<SmbFacts> {
        let state = self.lock();
        state.connections.last().map(|connection| connection.facts()).or_else(|| state.facts.clone())
    }

    /// Returns an open connection; opens one if there is none.
    pub(super) fn connection(self: &Arc<Self>, until: Instant) -> Result<Arc<Connection>, Failure> {
        let mut waited_for = None;
        let mut state = self.lock();
        loop {
            state.connections.retain(|connection| !connection.is_lost());
            self.expire(&mut state);
            let young = state
                .connections
                .iter()
                .filter(|connection| connection.age() == 0)
                .min_by_key(|connection| connection.load());
            let usable =
                young.or_else(|| state.connections.iter().find(|connection| connection.age() == 1)).cloned();
            if let Some(connection) = usable {
                let wanted = connection.age() > 0 || connection.load() > 0;
                let young = state.connections.iter().filter(|connection| connection.age() == 0).count();
                let may = state.opening.is_none()
                    && state.refused.is_none()
                    && state.pause.is_none_or(|pause| Instant::now() >= pause);
                if wanted && may && young < self.target.connections {
                    // In the background: nobody waits for a second connection.
                    let _ = self.open(&mut state);
                }
                if connection.age() == 0 {
                    state.retire();
                }
                return Ok(connection);
            }
            if let Some(refused) = &state.refused {
                return Err(refused.clone());
            }
            match (state.opening, waited_for, &state.failed) {
                (None, Some(number), Some((failed, failure))) if number == *failed => {
                    return Err(failure.clone());
                }
                (None, _, _) => waited_for = Some(self.open(&mut state)?),
                (Some(opening), _, _) => {
                    waited_for.get_or_insert(opening.number);
                }
            }
            let now = Instant::now();
            if now >= until {
                return Err(Failure::silence(self.target.times.call));
            }
            if stop::is_set() {
                return Err(Failure::cancelled());
            }
            let wait = (until - now).min(stop::TICK);
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives up on an opening that takes too long: the system's resolver hangs.
    fn expire(&self, state: &mut State) {
        let limit = self.target.times.connect + Duration::from_secs(1);
        if let Some(opening) = state.opening
            && opening.since.elapsed() > limit
        {
            state.opening = None;
            state.failed = Some((opening.number, Failure::silence(opening.since.elapsed())));
        }
    }

    /// Starts opening a connection; returns its number.
    fn open(self: &Arc<Self>, state: &mut State) -> Result<u64, Failure> {
        state.openings += 1;
        let number = state.openings;
        let pool = Arc::downgrade(self);
        let thread =
            Connection::start(self.target.clone(), move |opened| Self::opened(&pool, number, opened))
                .map_err(|e| Failure::other(ErrorKind::Io, format!("start a thread: {e}")))?;
        state.threads.retain(|thread| !is_over(thread));
        state.threads.push(thread);
        state.opening = Some(Opening { number, since: Instant::now() });
        Ok(number)
    }

    /// Receives the outcome of an opening from the connection's thread.
    fn opened(pool: &Weak<Self>, number: u64, opened: Result<Connection, Failure>) {
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.lock();
        if state.opening.is_none_or(|opening| opening.number != number) {
            // It came too late; dropping the connection here logs off.
            return;
        }
        state.opening = None;
        match opened {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.facts = Some(connection.facts());
                state.connections.push(connection);
            }
            Err(failure) => {
                if failure.is_refusal() {
                    state.refused = Some(failure.clone());
                }
                state.pause = Some(Instant::now() + PAUSE);
                state.failed = Some((number, failure));
            }
        }
        drop(state);
        pool.changed.notify_all();
    }

    /// Why the server counts as down. Once all attempts are used up, calls fail at once for a while, so that a run that
    /// ends does not wait at each of its last steps.
    fn down(&self) -> Option<Failure> {
        let state = self.lock();
        let (since, failure) = state.down.as_ref()?;
        (since.elapsed() < DOWN && state.connections.iter().all(|connection| connection.is_lost()))
            .then(|| failure.clone())
    }

    /// Waits a short while until the server has closed what no call needs any more, on any connection.
    pub(super) fn wait_for_closes(&self) {
        let until = Instant::now() + SETTLE;
        while self.lock().is_leaving() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Logs off everywhere, and waits a short while for that.
    pub(super) fn close(&self) {
        if std::process::id() != self.process {
            return;
        }
        let (connections, threads) = {
            let mut state = self.lock();
            state.opening = None;
            (std::mem::take(&mut state.connections), std::mem::take(&mut state.threads))
        };
        // Callers that were told to end have left what they asked for.
        for connection in connections.iter().filter(|connection| connection.load() > 0) {
            connection.abandon(Failure::lost("the connection is closed"));
        }
        drop(connections);
        if stop::is_set() {
            // They end by themselves.
            return;
        }
        let until = Instant::now() + CLOSE;
        for thread in threads {
            let _ = thread.recv_deadline(until);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_over(thread: &Receiver<()>) -> bool {
    matches!(thread.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
}

/// How long to wait after this many failures. The first time a connection is lost, it is reopened at once.
fn backoff(failures: u32, is_lost: bool) -> Duration {
    match (failures, is_lost) {
        (1, true) => Duration::ZERO,
        (n, true) => (Duration::from_secs(1) * (1 << (n - 2).min(4))).min(LONGEST_PAUSE),
        (n, false) => Duration::from_millis(200) * (1 << (n - 1).min(4)),
    }
}

const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_secs(5);
const DOWN: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_secs(1);
const CLOSE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::super::{SmbAccount, SmbBuilder};
    use super::*;

    #[test]
    fn in_a_forked_process_every_call_fails_at_once() {
        let account = SmbAccount::new("user", "password").unwrap();
        let target = SmbBuilder::new(r"\\server\share".parse().unwrap(), account).target;
        let mut pool = Pool::new(target);
        Arc::get_mut(&mut pool).unwrap().process = 0;
        let failure = pool.run(|session, _| async move { session.list("").await }).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidArgument);
        assert!(failure.to_string().contains("forked"), "{failure}");
        pool.close();
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let lost: Vec<_> = (1..9).map(|failures| backoff(failures, true).as_secs()).collect();
        assert_eq!(lost, [0, 1, 2, 4, 8, 15, 15, 15]);
        let passing: u128 = (1..7).map(|failures| backoff(failures, false).as_millis()).sum();
        assert_eq!(passing, 9400);
    }
}
