//! How many requests a connection may still send before its server has no credits left to grant.
//!
//! A request costs credits, one for each 64 KiB, and its answer brings them back. A server that needs longer answers
//! "later" first (`STATUS_PENDING`), and brings them back with that. The client ignores the credits of such an answer.
//! So each one costs, until the client waits for credits that the server believes it has: forever.
//!
//! Nothing here waits for that. The server's grant is known from the log-on. From the first "later" on, every request
//! counts as lost, unless so few came that they cannot have cost more. Before the grant is used up, calls move to the
//! next connection, which the pool opens ahead.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::failure::Failure;
use super::transport::Link;
use crate::error::ErrorKind;

tokio::task_local! {
    /// Whether the call that this task does was told to end.
    static CANCELLED: Arc<AtomicBool>;
}

/// Does a call that can be told to end: then it asks for nothing more, and only ends what it began.
pub(super) async fn cancellable<T>(ends: Arc<AtomicBool>, call: impl Future<Output = T>) -> T {
    CANCELLED.scope(ends, call).await
}

/// The credits of one connection. All of them belong to the one thread of that connection.
pub(super) struct Credits {
    link: Arc<Link>,
    /// What the server granted at log-on.
    granted: u64,
    /// Credits of the requests in flight.
    flying: Cell<u64>,
    /// The most that were ever in flight: no answer brings back more.
    peak: Cell<u64>,
    /// Credits of the requests that may have been lost.
    spent: Cell<u64>,
    listings: Cell<u32>,
    landed: Notify,
}

impl Credits {
    /// Begins to count on a connection that has just opened its share.
    pub(super) fn new(link: &Arc<Link>) -> Result<Self, Failure> {
        let granted = link.granted();
        if granted < LEAST {
            let why = format!(
                "the server grants {granted} credits for a connection, but at least {LEAST} are needed (Samba: \"smb2 \
                 max credits\")"
            );
            return Err(Failure::other(ErrorKind::Unsupported, why));
        }
        link.begin_counting();
        Ok(Self {
            link: link.clone(),
            granted,
            flying: Cell::default(),
            peak: Cell::default(),
            spent: Cell::default(),
            listings: Cell::default(),
            landed: Notify::new(),
        })
    }

    /// The connection.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// How many bytes of a file one request should carry: few where credits are few.
    pub(super) fn block(&self) -> u32 {
        (self.granted / 128).clamp(1, 16) as u32 * CREDIT
    }

    /// Sends a request that carries or brings this many bytes. Waits while too many are in flight.
    ///
    /// Fails with [`Failure::exhausted`] and sends nothing if the connection is used up, but for the last requests of a call.
    pub(super) async fn ask<T>(
        &self,
        bytes: u64,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.pay(bytes, self.reserve(), request).await
    }

    /// Sends the request that ends what a call began: to this, what [`ask`](Self::ask) keeps back is open.
    pub(super) async fn end<T>(
        &self,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.pay(0, 0, request).await
    }

    async fn pay<T>(
        &self,
        bytes: u64,
        reserve: u64,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let charge = bytes.div_ceil(u64::from(CREDIT)).max(1);
        while self.flying.get() > 0 && self.flying.get() + charge > self.granted / 4 {
            self.landed.notified().await;
        }
        if reserve > 0 && CANCELLED.try_with(|ends| ends.load(Ordering::Acquire)).unwrap_or(false) {
            return Err(Failure::cancelled());
        }
        if self.left() < charge + reserve {
            return Err(Failure::exhausted());
        }
        self.flying.set(self.flying.get() + charge);
        self.peak.set(self.peak.get().max(self.flying.get()));
        self.spent.set(self.spent.get() + charge);
        self.link.asked();
        let result = request.await;
        self.flying.set(self.flying.get() - charge);
        self.link.answered();
        self.left();
        self.landed.notify_waiters();
        result
    }

    /// Runs a listing, whose requests the client sends by itself.
    pub(super) async fn list<T>(
        &self,
        listing: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.left() < 2 * self.reserve() {
            return Err(Failure::exhausted());
        }
        self.listings.set(self.listings.get() + 1);
        let result = listing.await;
        self.listings.set(self.listings.get() - 1);
        if self.listings.get() == 0 {
            let hidden = self.link.count_hidden();
            self.spent.set(self.spent.get() + hidden);
        }
        result
    }

    /// Returns how many credits the client has, or will have when everything in flight is answered, at the least.
    fn left(&self) -> u64 {
        let late = self.link.late_answers();
        if late == 0 {
            self.spent.set(self.flying.get());
        }
        let lost = self.spent.get().min(late * self.peak.get() + self.flying.get());
        let left = if late == 0 { self.granted } else { self.granted.saturating_sub(lost) };
        self.link.set_age(match left {
            left if left < 2 * self.reserve() => 2,
            left if left < self.granted / 2 => 1,
            _ => 0,
        });
        left
    }

    /// What is kept back so that calls can end what they began.
    fn reserve(&self) -> u64 {
        (self.granted / 16).clamp(LEAST / 2, 64)
    }
}

/// Bytes that one credit pays for (MS-SMB2 3.2.4.1.5).
const CREDIT: u32 = 64 << 10;
/// Fewer credits than this are not enough for a call.
const LEAST: u64 = 16;
