//! What a caller sees of long work, and how it stops it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::error::{Error, Result};
use crate::layout::SharePath;
use crate::stop::{self, Stop};

/// How far a backup, listing, verification or restore is. A verification without a key counts stored files and their
/// bytes, a listing sets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Files finished.
    pub files: u64,
    /// Bytes of file content read from the source, or written to the target.
    pub bytes: u64,
    /// Bytes of the stored form written to the share, or read from it.
    pub stored_bytes: u64,
    /// Bytes of file content expected in all, if known. At the last call they are all there: it is as large as `bytes`.
    pub total_bytes: Option<u64>,
}

impl Progress {
    /// The same at the end: no more is expected than there is.
    pub(crate) fn at_end(self) -> Self {
        Self { total_bytes: Some(self.bytes), ..self }
    }
}

/// Watches long work, and may stop it.
///
/// Each builder of long work takes one by its method `observer`. It is called on the thread that started the work, also
/// while the work waits for a file server. After an answer of [`ControlFlow::Break`] it is never called again; the work
/// ends with [`Cancelled`](crate::ErrorKind::Cancelled) within seconds, whatever the server does, and leaves nothing
/// half-visible.
///
/// A closure that takes [`Progress`] is an observer:
///
/// ```
/// use std::ops::ControlFlow;
///
/// use azs_backup::observer::{Observer, Progress};
///
/// fn takes(_: &mut dyn Observer) {}
/// takes(&mut |progress: Progress| {
///     println!("{} files", progress.files);
///     ControlFlow::Continue(())
/// });
/// ```
pub trait Observer {
    /// Receives how far the work is, about ten times a second, and once more at the end with what the work came to; a
    /// backup calls it before it writes the cover sheet. Answers whether to go on.
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// Receives the folder of a set that is about to be deleted. [`ControlFlow::Break`] keeps it and all that would
    /// have followed; the report names them as stopped.
    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        let _ = set;
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(Progress) -> ControlFlow<()>> Observer for F {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// Shows nothing and never stops: the observer of work that was given none.
pub(crate) struct Unobserved;

impl Observer for Unobserved {}

/// An observer that is never called again once it said stop, and then says so forever.
pub(crate) struct Fused {
    observer: BoxedObserver,
    is_over: bool,
}

/// The observer of work that goes on between the caller's calls.
pub(crate) type BoxedObserver = Box<dyn Observer + Send>;

impl Fused {
    pub(crate) fn new(observer: BoxedObserver) -> Self {
        Self { observer, is_over: false }
    }

    fn ask(&mut self, question: impl FnOnce(&mut dyn Observer) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.is_over {
            return ControlFlow::Break(());
        }
        let answer = question(&mut *self.observer);
        self.is_over = answer.is_break();
        answer
    }
}

impl Observer for Fused {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self.ask(|observer| observer.progress(progress))
    }

    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        self.ask(|observer| observer.deleting(set))
    }
}

/// Does some work that has no observer of its own, like [connecting](crate::share::SmbBuilder::connect) to a share, and
/// watches it.
///
/// The work runs on a thread of its own. The observer is called on this one, and shown nothing; if it says stop, the
/// calls of an [`SmbShare`](crate::SmbShare) that the work makes end with [`Cancelled`](crate::ErrorKind::Cancelled).
///
/// ```no_run
/// # use std::ops::ControlFlow;
/// # use std::sync::atomic::{AtomicBool, Ordering};
/// # fn connect(builder: azs_backup::share::SmbBuilder, is_over: &AtomicBool) -> azs_backup::Result<()> {
/// use azs_backup::observer::{Progress, watch};
///
/// let mut observer = |_: Progress| match is_over.load(Ordering::Relaxed) {
///     true => ControlFlow::Break(()),
///     false => ControlFlow::Continue(()),
/// };
/// let share = watch(&mut observer, || builder.connect())?;
/// # Ok(())
/// # }
/// ```
pub fn watch<T: Send>(observer: &mut dyn Observer, work: impl FnOnce() -> T + Send) -> T {
    watched(observer, Progress::default(), |_| work())
}

/// Calls `work` with an observer that asks this one, or with one that shows nothing.
pub(crate) fn observed<T: Send>(
    observer: Option<&mut (dyn Observer + '_)>,
    work: impl FnOnce(&mut dyn Observer) -> T + Send,
) -> T {
    match observer {
        Some(observer) => watched(observer, Progress::default(), work),
        None => work(&mut Unobserved),
    }
}

/// Does work on a thread of its own, so that this one can call the observer whatever the work waits for. `progress` is how
/// far it is at the beginning.
pub(crate) fn watched<T: Send>(
    observer: &mut dyn Observer,
    mut progress: Progress,
    work: impl FnOnce(&mut dyn Observer) -> T + Send,
) -> T {
    /// Also when the observer panics.
    struct Ending(Stop);
    impl Drop for Ending {
        fn drop(&mut self) {
            self.0.set();
        }
    }
    let stop = Stop::child();
    let (questions, asked) = bounded(0);
    std::thread::scope(|scope| {
        // What is asked then gets no answer.
        let (asked, _ending) = (asked, Ending(stop.clone()));
        let worker = scope.spawn(|| stop.run(|| work(&mut Asking(questions))));
        let mut begun = Instant::now();
        loop {
            let next = asked.recv_timeout(OFTEN.saturating_sub(begun.elapsed()));
            let (answer, reply) = match next {
                Err(RecvTimeoutError::Disconnected) => break,
                _ if stop.is_set() => (ControlFlow::Break(()), next.ok().map(Question::reply)),
                Err(RecvTimeoutError::Timeout) => (observer.progress(progress), None),
                Ok(Question::Progress(now, reply)) => {
                    progress = now;
                    (observer.progress(progress), Some(reply))
                }
                Ok(Question::Deleting(set, reply)) => (observer.deleting(&set), Some(reply)),
            };
            if answer.is_break() {
                stop.set();
            }
            if let Some(reply) = reply {
                let _ = reply.send(answer);
            }
            begun = Instant::now();
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What work asks the observer's thread.
enum Question {
    Progress(Progress, Sender<ControlFlow<()>>),
    Deleting(SharePath, Sender<ControlFlow<()>>),
}

impl Question {
    fn reply(self) -> Sender<ControlFlow<()>> {
        match self {
            Self::Progress(_, reply) | Self::Deleting(_, reply) => reply,
        }
    }
}

/// The observer of work on a thread of its own.
struct Asking(Sender<Question>);

impl Asking {
    fn ask(&self, question: impl FnOnce(Sender<ControlFlow<()>>) -> Question) -> ControlFlow<()> {
        let (reply, answer) = bounded(1);
        // Nobody answers if the observer has panicked.
        match self.0.send(question(reply)) {
            Ok(()) => answer.recv().unwrap_or(ControlFlow::Break(())),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Observer for Asking {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self.ask(|reply| Question::Progress(progress, reply))
    }

    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        self.ask(|reply| Question::Deleting(set.clone(), reply))
    }
}

/// How often an observer is called at the least.
const OFTEN: Duration = Duration::from_millis(200);

/// Calls an observer; returns an error if it asks to stop, or if this thread's work should end.
pub(crate) fn tell(observer: &mut dyn Observer, progress: Progress) -> Result<()> {
    if stop::is_set() {
        return Err(Error::cancelled());
    }
    match observer.progress(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::cancelled()),
    }
}

/// Calls an observer a last time.
pub(crate) fn end(observer: &mut dyn Observer, progress: Progress) -> Result<()> {
    tell(observer, progress.at_end())
}

/// Calls an observer at most ten times a second.
pub(crate) struct Ticker<'a> {
    observer: &'a mut dyn Observer,
    total: Option<u64>,
    last: Instant,
}

impl<'a> Ticker<'a> {
    pub(crate) fn new(observer: &'a mut dyn Observer, total: Option<u64>) -> Self {
        Self { observer, total, last: Instant::now() }
    }

    /// Calls the observer if it is time to; returns an error if it asks to stop.
    pub(crate) fn tick(&mut self, progress: Progress) -> Result<()> {
        if self.last.elapsed() < Duration::from_millis(100) {
            return Ok(());
        }
        self.last = Instant::now();
        tell(self.observer, Progress { total_bytes: self.total, ..progress })
    }

    /// Calls the observer a last time, with what the work came to; returns an error if it asks to stop.
    pub(crate) fn end(&mut self, progress: Progress) -> Result<()> {
        end(self.observer, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_hangs_is_watched_and_stopped_and_the_observer_stays_on_its_thread() {
        let (here, mut calls) = (std::thread::current().id(), 0);
        let mut observer = |progress: Progress| {
            assert_eq!((std::thread::current().id(), progress.files), (here, 7));
            calls += 1;
            if calls < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let begun = Instant::now();
        let stopped = watched(&mut observer, Progress { files: 7, ..Progress::default() }, |observer| {
            assert!(crate::stop::sleep(Duration::from_secs(60)));
            observer.progress(Progress::default())
        });
        assert_eq!((stopped, calls), (ControlFlow::Break(()), 3));
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_panic_of_either_side_comes_out() {
        let panics = |work: fn(), observer: fn()| {
            let mut observer = |_: Progress| {
                observer();
                ControlFlow::Continue(())
            };
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch(&mut observer, work))).is_err()
        };
        let waits = || assert!(!crate::stop::sleep(Duration::from_millis(500)));
        assert!(panics(|| panic!("on purpose"), || ()));
        assert!(panics(waits, || panic!("on purpose")));
        assert!(!panics(waits, || ()));
    }
}
