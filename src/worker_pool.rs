//! A pool of threads that works on a stream of jobs, and hands its results to the calling thread.
//!
//! It has done all its work when [`run`] returns. The threads of a backup (`backup/pipeline.rs`) cannot be such a pool:
//! they work between the caller's calls, and pass on what they did in order, from stage to stage.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use crossbeam_channel::{TrySendError, bounded};

use crate::error::{Error, ErrorKind, Result};
use crate::stop::{Stop, TICK};

/// Does all jobs on `workers` threads, and takes the results in any order.
///
/// `next` makes the jobs and `take` receives the results, both on the calling thread; `tick` is called there about ten
/// times a second. Each thread has its own `Worker`. There are at most twice as many jobs in progress as threads. The
/// first error ends everything, also a job that waits for a share, and is returned once all threads have ended.
pub(crate) fn run<Job: Send, Done: Send, Worker>(
    workers: usize,
    worker: impl Fn() -> Result<Worker> + Sync,
    work: impl Fn(&mut Worker, Job) -> Result<Done> + Sync,
    mut next: impl FnMut() -> Result<Option<Job>>,
    mut take: impl FnMut(Done) -> Result<()>,
    mut tick: impl FnMut() -> Result<()>,
) -> Result<()> {
    let workers = workers.max(1);
    let stop = Stop::child();
    std::thread::scope(|scope| {
        let (jobs_in, jobs_out) = bounded::<Job>(workers);
        let (done_in, done_out) = bounded::<Result<Done>>(2 * workers);
        for _ in 0..workers {
            let (jobs, done, worker, work, stop) = (jobs_out.clone(), done_in.clone(), &worker, &work, &stop);
            scope.spawn(move || {
                let mut state = worker();
                for job in jobs {
                    if stop.is_set() {
                        break;
                    }
                    // A panic fails one job; this makes the pool end with it instead of waiting forever.
                    let result = match &mut state {
                        Ok(state) => catch_unwind(AssertUnwindSafe(|| stop.run(|| work(state, job))))
                            .unwrap_or_else(|_| Err(panicked())),
                        Err(error) => Err(Error::new(error.kind(), error.to_string())),
                    };
                    if done.send(result).is_err() {
                        break;
                    }
                }
            });
        }
        drop((jobs_out, done_in));

        let mut drive = || -> Result<()> {
            let mut waiting = None;
            let mut exhausted = false;
            let mut under_way = 0;
            loop {
                tick()?;
                if waiting.is_none() && !exhausted && under_way < 2 * workers {
                    waiting = next()?;
                    exhausted = waiting.is_none();
                }
                let full = match waiting.take().map(|job| jobs_in.try_send(job)) {
                    None => true,
                    Some(Ok(())) => {
                        under_way += 1;
                        false
                    }
                    Some(Err(TrySendError::Full(job) | TrySendError::Disconnected(job))) => {
                        waiting = Some(job);
                        true
                    }
                };
                if exhausted && under_way == 0 {
                    return Ok(());
                }
                let wait = if full { TICK } else { Duration::ZERO };
                match done_out.recv_timeout(wait) {
                    Ok(done) => {
                        under_way -= 1;
                        take(done?)?;
                    }
                    Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                    // The threads were told to end.
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected) if stop.is_set() => {
                        return Err(Error::cancelled());
                    }
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                        return Err(panicked());
                    }
                }
            }
        };
        let result = drive();
        stop.set();
        drop((jobs_in, done_out));
        result
    })
}

#[cold]
fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a worker thread panicked; please report it")
}

/// Does two things at once, the first on a thread of its own.
pub(crate) fn join<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    let stop = Stop::child();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| stop.run(one));
        let other = other();
        (joined(one), other)
    })
}

/// Does this for all items at once, each on a thread of its own; the results have the order of the items.
pub(crate) fn all<Item: Send, Done: Send>(
    items: impl IntoIterator<Item = Item>,
    work: impl Fn(Item) -> Done + Sync,
) -> Vec<Done> {
    let (stop, work) = (&Stop::child(), &work);
    std::thread::scope(|scope| {
        let spawn = |item| scope.spawn(move || stop.run(|| work(item)));
        let threads: Vec<_> = items.into_iter().map(spawn).collect();
        threads.into_iter().map(joined).collect()
    })
}

/// Waits for a thread, and returns its result; its panic goes on here.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(jobs: u64, work: impl Fn(u64) -> Result<u64> + Sync) -> Result<u64> {
        let (mut next, mut total) = (0..jobs, 0);
        let take = |done| {
            total += done;
            Ok(())
        };
        run(4, || Ok(()), |(), job| work(job), || Ok(next.next()), take, || Ok(()))?;
        Ok(total)
    }

    #[test]
    fn every_job_is_done_once() {
        assert_eq!(sum(1000, Ok).unwrap(), 499_500);
        assert_eq!(sum(0, Ok).unwrap(), 0);
    }

    #[test]
    fn a_failure_or_a_panic_ends_the_pool() {
        let failing = |job| if job == 500 { Err(Error::new(ErrorKind::Damaged, "job 500")) } else { Ok(job) };
        assert_eq!(sum(1000, failing).unwrap_err().kind(), ErrorKind::Damaged);
        for at in [0, 500, 999] {
            let panicking = |job| if job == at { panic!("on purpose") } else { Ok(job) };
            assert_eq!(sum(1000, panicking).unwrap_err().kind(), ErrorKind::Internal);
        }
    }

    #[test]
    fn the_caller_can_stop_it() {
        let stop = || Err(Error::new(ErrorKind::Cancelled, "stop"));
        let error = run(2, || Ok(()), |(), job: u64| Ok(job), || Ok(Some(1)), |_| Ok(()), stop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}
