//! The bytes of one connection: TCP without delays, and a record of when the last byte moved.
//!
//! The client's own transport sends a message's length apart from the message, with Nagle's algorithm on: every small
//! request then waits some 45 ms for a delayed acknowledgement. This one sends both together.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use smb::transport::{IoVec, SmbTransport, SmbTransportRead, SmbTransportWrite, TransportError};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use super::answer::{Answer, ENCRYPTED};
use super::failure::{Failure, Stage};
use crate::error::ErrorKind;

/// What every user of a connection can see of it from outside.
pub(super) struct Link {
    begun: Instant,
    /// Milliseconds from `begun` until the last byte moved.
    moved: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// Requests that calls have asked for, and those that were answered for good.
    asked: AtomicU64,
    answered: AtomicU64,
    /// Handles that are being closed while nobody waits for it.
    leaving: AtomicUsize,
    /// Credits that the server granted at log-on.
    granted: AtomicU64,
    /// Whether a message went out encrypted.
    is_encrypted: AtomicBool,
    /// How much of the connection's life is used up.
    age: AtomicU8,
    /// The stage that the opening has reached.
    stage: AtomicU8,
    /// What the server of a DFS namespace answered.
    referral: Mutex<Option<Vec<u8>>>,
    referred: Notify,
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
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            leaving: AtomicUsize::new(0),
            granted: AtomicU64::new(0),
            is_encrypted: AtomicBool::new(false),
            age: AtomicU8::new(0),
            stage: AtomicU8::new(Stage::Connect as u8),
            referral: Mutex::default(),
            referred: Notify::new(),
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
        let stages = [Stage::Negotiate, Stage::LogOn, Stage::AskNamespace, Stage::OpenShare];
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

    /// Takes everything up to now for answered: the connection is open.
    pub(super) fn begin_counting(&self) {
        let sent = self.sent.load(Ordering::Relaxed);
        self.asked.store(sent, Ordering::Relaxed);
        self.answered.store(sent, Ordering::Relaxed);
    }

    /// Records that a call sends a request.
    pub(super) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that it has its answer.
    pub(super) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the client sends no more requests of its own; returns how many it sent.
    pub(super) fn count_hidden(&self) -> u64 {
        let hidden = self.sent.load(Ordering::Relaxed).saturating_sub(self.asked.load(Ordering::Relaxed));
        self.asked.fetch_add(hidden, Ordering::Relaxed);
        self.answered.fetch_add(hidden, Ordering::Relaxed);
        hidden
    }

    /// Returns how many answers only said "later" (`STATUS_PENDING`), at the most: each request gets one real answer, and
    /// the server sends nothing unasked.
    pub(super) fn late_answers(&self) -> u64 {
        self.received.load(Ordering::Relaxed).saturating_sub(self.answered.load(Ordering::Relaxed))
    }

    /// Whether calls wait although nothing is on its way: the client has no credits left, and will get none.
    pub(super) fn is_dry(&self) -> bool {
        let answered = self.answered.load(Ordering::Relaxed);
        self.asked.load(Ordering::Relaxed) > answered && self.sent.load(Ordering::Relaxed) == answered
    }

    /// Records that a handle is about to be closed while nobody waits for it.
    pub(super) fn leave(&self) {
        self.leaving.fetch_add(1, Ordering::AcqRel);
    }

    /// Records that it is closed.
    pub(super) fn left(&self) {
        self.leaving.fetch_sub(1, Ordering::AcqRel);
    }

    /// How many handles are being closed while nobody waits for it.
    pub(super) fn leaving(&self) -> usize {
        self.leaving.load(Ordering::Acquire)
    }

    pub(super) fn granted(&self) -> u64 {
        self.granted.load(Ordering::Relaxed)
    }

    /// Whether a message went out encrypted, because this side or the server wants that.
    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted.load(Ordering::Relaxed)
    }

    /// Waits for the answer of the server of a DFS namespace, which arrives unencrypted or not at all.
    pub(super) async fn referral(&self) -> Vec<u8> {
        loop {
            let told = self.referred.notified();
            if let Some(answer) = self.referral.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return answer;
            }
            told.await;
        }
    }

    pub(super) fn set_age(&self, age: u8) {
        self.age.store(age, Ordering::Relaxed);
    }

    pub(super) fn age(&self) -> u8 {
        self.age.load(Ordering::Relaxed)
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
        // Whole seconds; Linux takes no more than 15 bits of them.
        let seconds = |time: Duration| time.clamp(Duration::from_secs(1), Duration::from_secs(32_767));
        let keepalive =
            TcpKeepalive::new().with_time(seconds(silence / 2)).with_interval(seconds(silence / 8));
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

    fn stream(&self) -> Option<&TcpStream> {
        let read = self.read.as_ref().map(AsRef::as_ref);
        read.or_else(|| self.write.as_ref().map(AsRef::as_ref))
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
            return Err(self.link.gone(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sent something that is not an SMB message",
            )));
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
        self.look(&message)?;
        Ok(message)
    }

    /// Reads what the client does not tell of an answer that is not encrypted: the first few of a connection.
    fn look(&self, message: &[u8]) -> Result<(), TransportError> {
        if self.link.stage() > Stage::AskNamespace {
            return Ok(());
        }
        match Answer::of(message) {
            Answer::LoggedOn { credits } => self.link.granted.store(credits.into(), Ordering::Relaxed),
            Answer::NoCipher => return Err(self.refuse(NO_CIPHER)),
            Answer::Smb1 => return Err(self.refuse(SMB1)),
            Answer::Referral(answer) => {
                *self.link.referral.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                self.link.referred.notify_waiters();
            }
            Answer::Other => {}
        }
        Ok(())
    }

    fn refuse(&self, why: &str) -> TransportError {
        self.link.lose(Failure::other(ErrorKind::Unsupported, why).at(self.link.stage()));
        TransportError::NotConnected
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
        super::target::PORT
    }

    fn split(
        mut self: Box<Self>,
    ) -> Result<(Box<dyn SmbTransportRead>, Box<dyn SmbTransportWrite>), TransportError> {
        let (read, write, link) = (self.read.take(), self.write.take(), &self.link);
        Ok((
            Box::new(Self { read, write: None, link: link.clone() }),
            Box::new(Self { read: None, write, link: link.clone() }),
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
            if message.first().is_some_and(|part| part.starts_with(&ENCRYPTED)) {
                self.link.is_encrypted.store(true, Ordering::Relaxed);
            }
            self.write_all(&mut parts).await
        }
        .boxed()
    }
}

impl Drop for Transport {
    /// Throws away what the system has not sent yet on a connection that was given up: another one has done that work
    /// since. Sent later, it would leave an object in a set that is complete.
    fn drop(&mut self) {
        if let Some(stream) = self.stream().filter(|_| self.link.is_lost()) {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Why a server that encrypts with AES-256 alone is of no use.
const NO_CIPHER: &str = "the server accepts none of the ciphers offered, as one does that allows only AES-256 or AES-128-CCM; let it \
    accept AES-128-GCM as well (Windows: Set-SmbServerConfiguration -EncryptionCiphers \"AES_128_GCM, AES_256_GCM\"; Samba: \
    \"server smb3 encryption algorithms\"), or, unless it requires encryption, set the option encryption to off: the sets are \
    encrypted themselves";
/// Why an SMB 1 server is of no use.
const SMB1: &str = "the server speaks SMB 1 alone; SMB 3.0 or later is needed";
/// Bytes that may wait in the operating system's buffer.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 << 10;
/// Longest message to accept: the most that a three-byte length can say.
const MOST_MESSAGE: u32 = 0x00FF_FFFF;
