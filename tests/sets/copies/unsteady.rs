//! A share that fails at random, before or after it did what was asked, and counts what was sent to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use azs_backup::layout::SharePath;
use azs_backup::set::Digest;
use azs_backup::share::Item;
use azs_backup::{Error, ErrorKind, Result, Share};

/// A share that passes calls on, some of which fail.
pub(super) struct Unsteady {
    inner: Arc<dyn Share>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seed: u64,
    /// So many of a thousand calls fail.
    faults: u64,
    /// From this call on nothing works; 0 for never.
    dies_at: u64,
    calls: u64,
    has_failed: bool,
    /// Bytes that arrived, and how often each content did.
    sent: u64,
    contents: HashMap<Digest, u64>,
}

impl Unsteady {
    pub(super) fn new(inner: &Arc<dyn Share>) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), state: Mutex::default() })
    }

    /// From now on so many of a thousand calls fail.
    pub(super) fn faults(&self, of_a_thousand: u64, seed: u64) {
        let mut state = self.state.lock().unwrap();
        (state.seed, state.faults) = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, of_a_thousand);
    }

    /// From its n-th call on from now nothing works.
    pub(super) fn dies_at(&self, call: u64) {
        let mut state = self.state.lock().unwrap();
        (state.calls, state.dies_at, state.has_failed) = (0, call, false);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state.lock().unwrap().has_failed
    }

    pub(super) fn sent(&self) -> u64 {
        self.state.lock().unwrap().sent
    }

    /// How often the content that arrived most often did.
    pub(super) fn most_often(&self) -> u64 {
        self.state.lock().unwrap().contents.values().max().copied().unwrap_or_default()
    }

    fn call<T>(&self, what: &SharePath, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let (fails, is_answer, kind) = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            state.seed ^= state.seed << 13;
            state.seed ^= state.seed >> 7;
            state.seed ^= state.seed << 17;
            let draw = state.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20;
            let is_dead = state.dies_at > 0 && state.calls >= state.dies_at;
            let fails = is_dead || draw % 1000 < state.faults;
            state.has_failed |= fails;
            let kinds = [ErrorKind::Unreachable, ErrorKind::Io, ErrorKind::TimedOut, ErrorKind::AccessDenied];
            let kind = if is_dead { ErrorKind::Unreachable } else { kinds[(draw / 1000 % 4) as usize] };
            (fails, !is_dead && (draw / 4000).is_multiple_of(2), kind)
        };
        if fails && !is_answer {
            return Err(Error::new(kind, format!("{what}: as the test has it")));
        }
        let done = work();
        if fails { Err(Error::new(kind, format!("{what}: the answer is lost"))) } else { done }
    }
}

impl Share for Unsteady {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        self.call(path, || {
            self.inner.put(path, content)?;
            let mut state = self.state.lock().unwrap();
            state.sent += content.len() as u64;
            *state.contents.entry(Digest::of(content)).or_default() += 1;
            Ok(())
        })
    }
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.call(path, || self.inner.read(path, limit, buffer))
    }
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        self.call(folder, || self.inner.list(folder))
    }
    fn flush(&self, folder: &SharePath) -> Result<()> {
        self.call(folder, || self.inner.flush(folder))
    }
    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        self.call(folder, || self.inner.create_folder(folder))
    }
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.call(name, || self.inner.link(object, name))
    }
    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.call(name, || self.inner.copy(object, name))
    }
    fn remove(&self, path: &SharePath) -> Result<()> {
        self.call(path, || self.inner.remove(path))
    }
    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.call(folder, || self.inner.remove_folder(folder))
    }
    fn local_root(&self) -> Option<std::path::PathBuf> {
        self.inner.local_root()
    }
}

impl fmt::Debug for Unsteady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsteady")
    }
}
