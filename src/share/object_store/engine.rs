//! Runs calls: on a thread of its own, again when that helps, and for no longer than they may take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::Client;
use super::failure::{Failure, Next};
use super::left::{Change, Left};
use crate::error::{Error, ErrorKind, Result};
use crate::stop;

/// Limits of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) call: Duration,
    pub(super) silence: Duration,
    pub(super) attempts: u32,
}

/// Which try of a call it is.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    may_be_done: bool,
    is_left: Arc<AtomicBool>,
}

impl Attempt {
    /// Whether the store may have done already what an earlier attempt asked for: its answer is missing.
    pub(super) fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// Ends a call that its caller has left, before it changes anything.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        if self.is_left.load(Ordering::Relaxed) { Err(Failure::cancelled()) } else { Ok(()) }
    }
}

/// A client, and the thread that its requests run on.
pub(super) struct Engine {
    client: Arc<Client>,
    times: Times,
    runtime: Handle,
    quit: Option<oneshot::Sender<()>>,
    process: u32,
    left: Left,
    /// When the last call gave up, and why.
    gave_up: Mutex<Option<(Instant, Failure)>>,
}

impl Engine {
    pub(super) fn new(client: Client, times: Times) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::io("start a runtime", e))?;
        let (handle, (quit, end)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let left = Left::default();
        let of_thread = left.clone();
        let work = move || {
            runtime.block_on(async {
                let _ = end.await;
                of_thread.ended().await;
            });
            // The system may still be resolving a name.
            runtime.shutdown_timeout(PATIENCE);
        };
        let thread = std::thread::Builder::new().name("azs-object-store".into()).spawn(work);
        thread.map_err(|e| Error::io("start a thread", e))?;
        Ok(Self {
            client: Arc::new(client),
            times,
            runtime: handle,
            quit: Some(quit),
            process: std::process::id(),
            left,
            gave_up: Mutex::default(),
        })
    }

    /// Does work that changes nothing below this key, and does it again as long as that may help.
    pub(super) fn read<T, F, W>(&self, key: &str, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Arc<Client>, Attempt) -> W,
        W: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        self.run(&[key], None, work)
    }

    /// The same with work that changes something.
    pub(super) fn change<T, F, W>(&self, change: &Change, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Arc<Client>, Attempt) -> W,
        W: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let keys: Vec<&str> = change.keys.iter().map(String::as_str).collect();
        self.run(&keys, Some(change), work)
    }

    fn run<T, F, W>(&self, keys: &[&str], change: Option<&Change>, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Arc<Client>, Attempt) -> W,
        W: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        if std::process::id() != self.process {
            let text = "a share that was opened before a fork cannot be used after it: open it in the child";
            return Err(Failure::other(ErrorKind::InvalidArgument, text));
        }
        if let Some(failure) = self.is_given_up() {
            return Err(failure);
        }
        let until = Instant::now() + self.times.call;
        if !self.left.wait(keys, until)? {
            return Err(Failure::silence(self.times.call));
        }
        let (mut tries, mut pauses, mut may_be_done) = (0, PAUSES.iter().copied(), false);
        let mut earlier: Option<Failure> = None;
        loop {
            let is_left = Arc::new(AtomicBool::new(false));
            let attempt = Attempt { may_be_done, is_left: is_left.clone() };
            let result = self.once(work(self.client.clone(), attempt), until, change, &is_left);
            let failure = match result {
                Ok(value) => {
                    *self.gave_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return Ok(value);
                }
                Err(failure) => match earlier.take().filter(|_| Instant::now() >= until && !stop::is_set()) {
                    // The call's limit says nothing that an answer before it does not say better.
                    Some(earlier) => return Err(earlier),
                    None => failure,
                },
            };
            may_be_done |= failure.may_be_done();
            let next = failure.next();
            tries += u32::from(next == Next::Try);
            let pause = match failure.wait() {
                // A store may say "at once" again and again.
                Some(asked) => asked.clamp(LEAST_WAIT, MOST_WAIT),
                None => pauses.next().unwrap_or(LONGEST),
            };
            let has_time = Instant::now() + pause < until;
            if next == Next::Report || tries >= self.times.attempts || !has_time {
                if failure.is_loss() {
                    let given_up = Some((Instant::now(), failure.clone()));
                    *self.gave_up.lock().unwrap_or_else(PoisonError::into_inner) = given_up;
                }
                return Err(failure);
            }
            earlier = Some(failure);
            if stop::sleep(pause) {
                return Err(Failure::cancelled());
            }
        }
    }

    /// A run that ends does not wait for a dead server at each of its last steps.
    fn is_given_up(&self) -> Option<Failure> {
        let gave_up = self.gave_up.lock().unwrap_or_else(PoisonError::into_inner);
        gave_up.as_ref().filter(|(when, _)| when.elapsed() < GIVEN_UP).map(|(_, failure)| failure.clone())
    }

    fn once<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
        until: Instant,
        change: Option<&Change>,
        is_left: &AtomicBool,
    ) -> Result<T, Failure> {
        let (done, result) = bounded(1);
        let task = self.runtime.spawn(async move { drop(done.send(work.await)) });
        loop {
            let time_left = until.saturating_duration_since(Instant::now());
            match result.recv_timeout(time_left.min(stop::TICK)) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::other(
                        ErrorKind::Internal,
                        "the work for a request ended without a result",
                    ));
                }
                Err(RecvTimeoutError::Timeout) if stop::is_set() => {
                    is_left.store(true, Ordering::Relaxed);
                    let Some(change) = change else {
                        task.abort();
                        return Err(Failure::cancelled());
                    };
                    // Most answers come at once.
                    return result.recv_timeout(time_left.min(PATIENCE)).unwrap_or_else(|_| {
                        self.leave(task, result, change);
                        Err(Failure::cancelled())
                    });
                }
                Err(RecvTimeoutError::Timeout) if time_left.is_zero() => {
                    is_left.store(true, Ordering::Relaxed);
                    match change {
                        Some(change) => self.leave(task, result, change),
                        None => task.abort(),
                    }
                    return Err(Failure::silence(self.times.call));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Leaves a call to itself. What the store has received it does, whether anybody waits or not; so the call comes to its
    /// end, and then takes back what it made.
    fn leave<T: Send + 'static>(
        &self,
        mut task: JoinHandle<()>,
        result: Receiver<Result<T, Failure>>,
        change: &Change,
    ) {
        let (client, limit, made) = (self.client.clone(), self.times.silence, change.makes.clone());
        self.left.add(&self.runtime, change, async move {
            if tokio::time::timeout(limit, &mut task).await.is_err() {
                task.abort();
            }
            if let (Ok(Ok(_)), Some(made)) = (result.try_recv(), made) {
                // What is locked stays.
                let _ = client.remove(&made, None, true).await;
            }
        });
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The thread ends by itself, once what was left to itself has ended; nobody needs to wait for it.
        let _ = self.quit.take().map(|quit| quit.send(()));
    }
}

/// Pauses before further attempts, if the store does not say how long to wait.
const PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];
const LONGEST: Duration = Duration::from_secs(30);
/// The least and the most that a store can make this side wait.
const LEAST_WAIT: Duration = Duration::from_millis(50);
const MOST_WAIT: Duration = Duration::from_secs(60);
const GIVEN_UP: Duration = Duration::from_secs(10);
/// How long a caller that was stopped waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
