//! The bytes of one connection: TCP without delays, and a record of when the last byte moved.
//!
//! The client's own transport sends a message's length apart from the message, with Nagle's algorithm on: every small
//! request then waits some 45 ms for a delayed acknowledgement. This one sends both together.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use smb::transport::{IoVec, SmbTransport, SmbTransportRead, SmbTransportWrite, TransportError};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use super::status::{Failure, Stage};

/// What every user of a connection can see of it from outside.
pub(super) struct Link {
    begun: Instant,
    /// Milliseconds from `begun` until the last byte moved.
    moved: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// The stage that the opening has reached.
    stage: AtomicU8,
    is_lost: AtomicBool,
    why: OnceLock<Failure>,
    lost: Notify,
}

impl Link {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            moved: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            stage: AtomicU8::new(Stage::Connect as u8),
            is_lost: AtomicBool::new(false),
            why: OnceLock::new(),
            lost: Notify::new(),
        })
    }

    /// Records that the opening enters this stage.
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Returns the stage of the opening.
    pub(super) fn stage(&self) -> Stage {
        let stages = [Stage::Negotiate, Stage::LogOn, Stage::OpenShare];
        let now = self.stage.load(Ordering::Relaxed);
        stages.into_iter().find(|stage| *stage as u8 == now).unwrap_or(Stage::Connect)
    }

    /// Records that a byte moved, or that a call starts to wait.
    pub(super) fn touch(&self) {
        let now = self.begun.elapsed().as_millis();
        self.moved.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns for how long no byte has moved either way.
    pub(super) fn silence(&self) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.moved.load(Ordering::Relaxed)))
    }

    /// Returns how many answers only said "later" (`STATUS_PENDING`). This is exact while no request is open: each
    /// request gets one real answer, and the server sends nothing unasked.
    ///
    /// The client loses the credits that come with such an answer, until the server has none left to grant and both
    /// wait for ever.
    pub(super) fn interim_answers(&self) -> u64 {
        self.received.load(Ordering::Relaxed).saturating_sub(self.sent.load(Ordering::Relaxed))
    }

    /// Marks the connection as no longer usable. The first reason stays.
    pub(super) fn lose(&self, why: Failure) {
        let _ = self.why.set(why);
        self.is_lost.store(true, Ordering::Release);
        self.lost.notify_waiters();
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Waits until the connection is lost, and returns the reason.
    pub(super) async fn lost(&self) -> Failure {
        loop {
            // Register before checking, so that nothing in between is missed.
            let told = self.lost.notified();
            if self.is_lost() {
                return self.why();
            }
            told.await;
        }
    }

    /// Returns why it was lost.
    pub(super) fn why(&self) -> Failure {
        self.why.get().cloned().unwrap_or_else(|| Failure::lost("the connection is closed"))
    }

    fn gone(&self, error: io::Error) -> TransportError {
        self.lose(Failure::network(&error));
        TransportError::NotConnected
    }
}

/// A TCP connection as the client's transport.
pub(super) struct Transport {
    read: Option<OwnedReadHalf>,
    write: Option<OwnedWriteHalf>,
    link: Arc<Link>,
}

impl Transport {
    /// Takes over a connected socket. A peer that acknowledges nothing for `silence` counts as gone.
    pub(super) fn new(stream: TcpStream, link: Arc<Link>, silence: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        // Whole seconds, at least one.
        let second = Duration::from_secs(1);
        let keepalive =
            TcpKeepalive::new().with_time((silence / 2).max(second)).with_interval((silence / 8).max(second));
        socket.set_tcp_keepalive(&keepalive)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            socket.set_tcp_user_timeout(Some(silence))?;
            // On a slow link, a full buffer of megabytes would not move for many seconds and look like silence.
            socket.set_tcp_notsent_lowat(UNSENT)?;
        }
        let (read, write) = stream.into_split();
        Ok(Self { read: Some(read), write: Some(write), link })
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), TransportError> {
        let read = self.read.as_mut().ok_or(TransportError::NotConnected)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match read.read(&mut buffer[filled..]).await {
                Ok(0) => return Err(self.link.gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => filled += count,
                Err(error) => return Err(self.link.gone(error)),
            }
            self.link.touch();
        }
        Ok(())
    }

    async fn message(&mut self) -> Result<Vec<u8>, TransportError> {
        // A zero byte and the length in three bytes (MS-SMB2 2.1).
        let mut header = [0; 4];
        self.fill(&mut header).await?;
        let length = u32::from_be_bytes(header);
        if length > MOST_MESSAGE {
            return Err(self
                .link
                .gone(io::Error::new(io::ErrorKind::InvalidData, "the server sent what is no SMB message")));
        }
        let mut message = Vec::with_capacity(length as usize);
        let read = self.read.as_mut().ok_or(TransportError::NotConnected)?;
        let mut rest = read.take(u64::from(length));
        while rest.limit() > 0 {
            match rest.read_buf(&mut message).await {
                Ok(0) => return Err(self.link.gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => self.link.touch(),
                Err(error) => return Err(self.link.gone(error)),
            }
        }
        self.link.received.fetch_add(1, Ordering::Relaxed);
        Ok(message)
    }

    async fn write_all(&mut self, mut parts: &mut [IoSlice<'_>]) -> Result<(), TransportError> {
        let write = self.write.as_mut().ok_or(TransportError::NotConnected)?;
        while !parts.is_empty() {
            match write.write_vectored(parts).await {
                Ok(0) => return Err(self.link.gone(io::ErrorKind::WriteZero.into())),
                Ok(count) => IoSlice::advance_slices(&mut parts, count),
                Err(error) => return Err(self.link.gone(error)),
            }
            self.link.touch();
        }
        Ok(())
    }
}

impl SmbTransport for Transport {
    fn connect<'a>(&'a mut self, _: &'a str, _: SocketAddr) -> BoxFuture<'a, Result<(), TransportError>> {
        // The transport starts out connected.
        async { Ok(()) }.boxed()
    }

    fn default_port(&self) -> u16 {
        super::PORT
    }

    fn split(
        self: Box<Self>,
    ) -> Result<(Box<dyn SmbTransportRead>, Box<dyn SmbTransportWrite>), TransportError> {
        let Self { read, write, link } = *self;
        Ok((
            Box::new(Self { read, write: None, link: link.clone() }),
            Box::new(Self { read: None, write, link }),
        ))
    }

    fn remote_address(&self) -> Result<SocketAddr, TransportError> {
        Ok(self.read.as_ref().ok_or(TransportError::NotConnected)?.peer_addr()?)
    }
}

impl SmbTransportRead for Transport {
    fn receive_exact<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.fill(buffer).boxed()
    }

    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        self.message().boxed()
    }
}

impl SmbTransportWrite for Transport {
    fn send_raw<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        async move { self.write_all(&mut [IoSlice::new(bytes)]).await }.boxed()
    }

    fn send<'a>(&'a mut self, message: &'a IoVec) -> BoxFuture<'a, Result<(), TransportError>> {
        async move {
            let length = u32::try_from(message.total_size()).map_err(|_| TransportError::InvalidMessage)?;
            let header = length.to_be_bytes();
            let mut parts = Vec::with_capacity(1 + message.len());
            parts.push(IoSlice::new(&header));
            parts.extend(message.iter().map(|part| IoSlice::new(part)));
            self.link.sent.fetch_add(1, Ordering::Relaxed);
            self.write_all(&mut parts).await
        }
        .boxed()
    }
}

/// Bytes that may wait in the operating system's buffer.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 << 10;
/// Longest message to accept: the most that a three-byte length can say.
const MOST_MESSAGE: u32 = 0x00FF_FFFF;
