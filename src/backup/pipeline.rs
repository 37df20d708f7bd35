//! The threads of a backup: workers read and compress, one packer fills segments in order, storers seal and put.
//!
//! Every queue is bounded, and there are never more work items in progress than tokens, so memory does not grow with
//! the source. The first failure stops everything and is the one that is reported.
//!
//! These threads live as long as the backup, from call to call. Work that one call begins and ends, on results in any
//! order, is for the [`worker_pool`](crate::worker_pool).

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};

use super::packer::{Packer, Recycling};
use super::run::{Settings, Shared, StoredSet, thread};
use super::work_item::{Packed, WorkItem};
use super::worker::Worker;
use crate::error::{Error, ErrorKind, Result};
use crate::set::writer::SetWriter;
use crate::stop::TICK;

pub(super) struct Pipeline {
    work_items: Option<Sender<(u64, WorkItem)>>,
    tokens: Receiver<()>,
    next: u64,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    done: Receiver<StoredSet>,
    process: u32,
}

impl Pipeline {
    pub(super) fn start(settings: Settings, writer: Arc<SetWriter>, shared: Arc<Shared>) -> Self {
        let workers = settings.workers.max(1);
        let in_flight = workers + 2;
        let (items_in, items_out) = bounded::<(u64, WorkItem)>(workers);
        let (tokens_in, tokens_out) = bounded(in_flight);
        for _ in 0..in_flight {
            tokens_in.send(()).expect("the channel has room for all tokens");
        }
        let (packed_in, packed_out) = bounded(in_flight);
        let (spare_in, spare_out) = bounded(in_flight);
        let (done_in, done_out) = bounded(1);
        let mut threads = Vec::new();
        for _ in 0..workers {
            let (work_items, packed, spare) = (items_out.clone(), packed_in.clone(), spare_out.clone());
            let (own, level, key) = (shared.clone(), settings.level, settings.naming_key.clone());
            let body = move || work(level, &key, &work_items, &packed, &spare, &own);
            threads.push(thread("azs-backup-read", &shared, body));
        }
        let returns = Recycling { tokens: tokens_in, spare: spare_in };
        let packer_shared = shared.clone();
        let mut settings = Some(settings);
        threads.push(thread("azs-backup-pack", &shared, move || {
            let settings = settings.take().expect("a thread runs once");
            let stored = Packer::run(settings, &writer, &packer_shared, &packed_out, &returns)?;
            let _ = done_in.send(stored);
            Ok(())
        }));
        Self {
            work_items: Some(items_in),
            tokens: tokens_out,
            next: 0,
            shared,
            threads,
            done: done_out,
            process: std::process::id(),
        }
    }

    /// Passes a work item to the workers; waits for room, calling `tick` about ten times a second.
    pub(super) fn send(&mut self, work_item: WorkItem, tick: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        tick()?;
        while self.tokens.recv_timeout(TICK).is_err() {
            self.check()?;
            tick()?;
        }
        let work_items = self
            .work_items
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a finished backup got a work item"))?;
        let mut job = (self.next, work_item);
        self.next += 1;
        loop {
            self.check()?;
            match work_items.send_timeout(job, TICK) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(self.shared.failure()),
            }
            tick()?;
        }
    }

    /// Returns the failure that stopped the threads, if one did.
    pub(super) fn check(&self) -> Result<()> {
        if self.shared.is_stopped() { Err(self.shared.failure()) } else { Ok(()) }
    }

    /// Waits until everything that was sent is stored.
    pub(super) fn finish(&mut self, tick: &mut dyn FnMut() -> Result<()>) -> Result<StoredSet> {
        self.work_items = None;
        let stored = loop {
            match self.done.recv_timeout(TICK) {
                Ok(stored) => break stored,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => tick()?,
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return Err(self.shared.failure()),
            }
        };
        self.join();
        self.check()?;
        Ok(stored)
    }

    /// Stops all threads, whatever they are doing, and returns them to wait for; `None` in a forked process, which has
    /// none of them.
    pub(super) fn end(&mut self) -> Option<Vec<JoinHandle<()>>> {
        if self.process != std::process::id() {
            self.leave();
            return None;
        }
        self.shared.stop();
        self.work_items = None;
        Some(std::mem::take(&mut self.threads))
    }

    /// A forked process has none of the threads, and what they had locked when it began stays locked in it.
    fn leave(&mut self) {
        std::mem::forget(self.work_items.take());
        std::mem::forget(std::mem::replace(&mut self.tokens, crossbeam_channel::never()));
        std::mem::forget(std::mem::replace(&mut self.done, crossbeam_channel::never()));
        std::mem::forget(std::mem::take(&mut self.threads));
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Pipeline {
    /// No thread outlives the backup that it works for.
    fn drop(&mut self) {
        for thread in self.end().into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

fn work(
    level: i32,
    key: &zeroize::Zeroizing<[u8; 32]>,
    work_items: &Receiver<(u64, WorkItem)>,
    packed: &Sender<(u64, Packed)>,
    spare: &Receiver<Vec<u8>>,
    shared: &Shared,
) -> Result<()> {
    let mut worker = Worker::new(level, key.clone()).map_err(|e| Error::io("compress", e))?;
    for (number, work_item) in work_items {
        if shared.is_stopped() {
            break;
        }
        let frames = spare.try_recv().unwrap_or_default();
        let result = worker.pack(number, work_item, frames, shared)?;
        if packed.send((number, result)).is_err() {
            break;
        }
    }
    Ok(())
}
