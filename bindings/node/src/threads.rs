//! This library's own threads, so that none of Node's few has to wait for a share that hangs.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::ops::Deref;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi_derive::napi;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// How many threads run at once. A share that hangs may block all of them; then the next work waits.
const MOST: usize = 64;

#[derive(Default)]
struct Pool {
    waiting: VecDeque<Job>,
    running: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { waiting: VecDeque::new(), running: 0 });

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a job on a thread of its own.
pub(crate) fn now(job: Job) -> io::Result<()> {
    std::thread::Builder::new().name("azs-backup".into()).spawn(job).map(drop)
}

/// Runs a job on one of the threads, once one is free.
pub(crate) fn soon(job: Job) -> io::Result<()> {
    let mut pool = pool();
    pool.waiting.push_back(job);
    if pool.running == MOST {
        return Ok(());
    }
    match now(Box::new(work)) {
        Ok(()) => pool.running += 1,
        // Those that run take it in their turn.
        Err(_) if pool.running > 0 => {}
        Err(error) => {
            let job = pool.waiting.pop_back();
            // It may take its time to go.
            drop(pool);
            drop(job);
            return Err(error);
        }
    }
    Ok(())
}

thread_local! {
    /// Until when this thread waits at the end of its JavaScript; `None` before that.
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long the process waits for shares when it ends.
const LAST: Duration = Duration::from_secs(5);

/// Drops what may have to talk to a share. JavaScript collects garbage on its own thread, which must not wait for a
/// share. Only when it ends it waits, and not for long, so that nothing unfinished stays on a share that answers.
pub(crate) fn let_go(value: impl Send + 'static) {
    let (done, wait) = channel();
    let job = move || {
        drop(value);
        let _ = done.send(());
    };
    // Where there is no thread, the job and what it holds are dropped here.
    if soon(Box::new(job)).is_ok()
        && let Some(end) = ENDS.get()
    {
        let _ = wait.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// What a JavaScript object holds that may be the last to use a share.
pub(crate) struct Detached<T: Send + Sync + 'static>(Option<Arc<T>>);

impl<T: Send + Sync> Detached<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(Arc::new(value)))
    }
}

impl<T: Send + Sync> Deref for Detached<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send + Sync> Drop for Detached<T> {
    fn drop(&mut self) {
        let_go(self.0.take());
    }
}

/// The JavaScript of this thread ends. From now on it waits for what it drops.
#[napi]
pub fn end() {
    ENDS.set(Some(Instant::now() + LAST));
}

/// Works until no job waits.
fn work() {
    loop {
        let job = {
            let mut pool = pool();
            match pool.waiting.pop_front() {
                Some(job) => job,
                None => {
                    pool.running -= 1;
                    return;
                }
            }
        };
        job();
    }
}
