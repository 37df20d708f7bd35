//! Whether the work of a thread should go on: asked by whatever may have to wait for long.
//!
//! The one who starts work on a thread says what can stop it; the work need not know. So a share that waits for a server
//! can be stopped, although no method of it takes anything for that.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

thread_local! {
    /// What stops the work of this thread.
    static STOP: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// How often one who waits asks.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Stops work, on any number of threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    since: Arc<OnceLock<Instant>>,
    /// What stops the work that this is part of.
    above: Option<Arc<Stop>>,
    /// For how long this part of the work may go on when that is stopped.
    grace: Duration,
}

impl Stop {
    /// Makes one for a part of this thread's work: what stops all of it stops the part.
    pub(crate) fn child() -> Self {
        Self::child_with_grace(Duration::ZERO)
    }

    /// Makes one for a part of this thread's work that takes back what the rest began: what stops all of it leaves this
    /// part so much time.
    pub(crate) fn child_with_grace(grace: Duration) -> Self {
        Self { since: Arc::default(), above: STOP.with_borrow(|stop| stop.clone().map(Arc::new)), grace }
    }

    /// Says that the work should end.
    pub(crate) fn set(&self) {
        self.since.get_or_init(Instant::now);
    }

    /// Whether the work should end.
    pub(crate) fn is_set(&self) -> bool {
        self.since().is_some()
    }

    /// Since when the work should end.
    fn since(&self) -> Option<Instant> {
        let above = self.above.as_ref().and_then(|above| above.since()).map(|since| since + self.grace);
        self.since.get().copied().or(above.filter(|since| *since <= Instant::now()))
    }

    /// Does work on this thread that this can stop.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Also when the work panics.
        struct Back(Option<Stop>);
        impl Drop for Back {
            fn drop(&mut self) {
                STOP.replace(self.0.take());
            }
        }
        let _back = Back(STOP.replace(Some(self.clone())));
        work()
    }
}

/// Whether this thread's work should end.
pub(crate) fn is_set() -> bool {
    STOP.with_borrow(|stop| stop.as_ref().is_some_and(Stop::is_set))
}

/// Waits on this thread, until its work should end at the most; returns whether it should.
#[cfg(any(feature = "smb", feature = "object-store", test))]
pub(crate) fn sleep(time: Duration) -> bool {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if is_set() || left.is_zero() {
            return is_set();
        }
        std::thread::sleep(left.min(TICK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_all_of_the_work_stops_its_parts() {
        let all = Stop::default();
        let (part, other) = all.run(|| (Stop::child(), Stop::child()));
        other.set();
        part.run(|| {
            assert!(!is_set());
            all.set();
            assert!(is_set());
            assert!(sleep(Duration::from_secs(60)));
        });
        assert!(!is_set());
    }

    #[test]
    fn what_takes_back_what_was_begun_has_some_time_left() {
        let all = Stop::default();
        let (long, short) = all.run(|| {
            (
                Stop::child_with_grace(Duration::from_secs(60)),
                Stop::child_with_grace(Duration::from_millis(20)),
            )
        });
        all.set();
        assert!(short.run(|| sleep(Duration::from_secs(60))));
        assert!(!long.is_set());
        assert!(long.run(|| Stop::child().run(|| !is_set())));
        long.set();
        assert!(long.is_set());
    }
}
