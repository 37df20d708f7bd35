//! Calls whose caller was stopped before their end.
//!
//! A request that is cut off here may still be done in the store, a minute later. So such calls go on by themselves for a
//! limited time, and whoever asks for the same place next waits for their end: cleaning up finds what there is to clean.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, bounded};
use tokio::runtime::Handle;

use super::failure::Failure;
use crate::stop;

/// What a call changes.
pub(super) struct Change {
    /// Where.
    pub(super) keys: Vec<String>,
    /// The object that is new after it: a call that was left takes it back.
    pub(super) makes: Option<String>,
}

impl Change {
    /// A change that makes an object.
    pub(super) fn making(key: &str, makes: String) -> Self {
        Self { keys: vec![key.to_owned()], makes: Some(makes) }
    }

    /// A change that takes something away, which stays away.
    pub(super) fn removing(keys: &[&str]) -> Self {
        Self { keys: keys.iter().map(|key| (*key).to_owned()).collect(), makes: None }
    }
}

/// The calls that were left.
#[derive(Clone, Default)]
pub(super) struct Left(Arc<Mutex<Vec<LeftCall>>>);

struct LeftCall {
    keys: Vec<String>,
    /// Is closed when the call ends.
    end: Receiver<()>,
}

impl Left {
    /// Lets a call go on.
    pub(super) fn add(
        &self,
        runtime: &Handle,
        change: &Change,
        rest: impl Future<Output = ()> + Send + 'static,
    ) {
        let (ends, end) = bounded(0);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(LeftCall { keys: change.keys.clone(), end });
        runtime.spawn(async move {
            rest.await;
            drop(ends);
        });
    }

    /// Waits for those above, at and below these keys; returns whether all have ended by then.
    pub(super) fn wait(&self, keys: &[&str], until: Instant) -> Result<bool, Failure> {
        let touches = |call: &LeftCall| call.keys.iter().any(|left| keys.iter().any(|key| meet(left, key)));
        let met: Vec<_> = self.calls(touches);
        for end in met {
            while end.recv_timeout(stop::TICK) == Err(RecvTimeoutError::Timeout) {
                if stop::is_set() {
                    return Err(Failure::cancelled());
                }
                if Instant::now() >= until {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Is ready when all have ended.
    pub(super) async fn ended(&self) {
        while !self.calls(|_| true).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The ends of those that still go on.
    fn calls(&self, which: impl Fn(&LeftCall) -> bool) -> Vec<Receiver<()>> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|call| call.end.try_recv() == Err(TryRecvError::Empty));
        calls.iter().filter(|call| which(call)).map(|call| call.end.clone()).collect()
    }
}

/// Whether one key is, or is below, the other; the empty one is above all.
fn meet(one: &str, other: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        outer.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_in(one, other) || is_in(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_meet_where_one_is_in_the_other() {
        for (one, other, wanted) in [
            ("a/b", "a", true),
            ("a/b", "a/b", true),
            ("", "a", true),
            ("a/b", "a/bc", false),
            ("b", "a", false),
        ] {
            assert_eq!((meet(one, other), meet(other, one)), (wanted, wanted), "{one} {other}");
        }
    }

    #[test]
    fn whoever_comes_next_waits_for_what_was_left_there() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (left, (end, ended)) = (Left::default(), tokio::sync::oneshot::channel::<()>());
        left.add(runtime.handle(), &Change::making("a/b", "a/b".into()), async { drop(ended.await) });
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        assert!(left.wait(&["c"], later).unwrap());
        assert!(!left.wait(&["a"], now).unwrap());
        let stopped = stop::Stop::default();
        stopped.set();
        let failure = stopped.run(|| left.wait(&["a"], later)).unwrap_err();
        assert_eq!(failure.kind(), crate::ErrorKind::Cancelled);
        let waits = left.clone();
        let waiting = std::thread::spawn(move || waits.wait(&["a"], later).unwrap());
        drop(end);
        runtime.block_on(left.ended());
        assert!(waiting.join().unwrap());
    }
}
