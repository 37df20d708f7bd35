//! Makes a backup set.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use azs_backup::backup::BackupBuilder;
use azs_backup::{Backup as Making, Result};
use napi::bindgen_prelude::{Function, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::control::Control;
use crate::envelope::EncryptionCertificate;
use crate::ffi::{invalid, json, long, now, streaming};
use crate::share::Share;
use crate::signature::Signer;
use crate::threads;

/// The options of a backup that are plain data.
type Shared = Arc<Mutex<Option<Making>>>;

#[napi]
pub struct Backup(Shared);

impl Drop for Backup {
    fn drop(&mut self) {
        let backup = std::mem::take(&mut self.0);
        if !matches!(backup.try_lock().as_deref(), Ok(None)) {
            threads::let_go(backup);
        }
    }
}

fn builder(
    share: &Share,
    place: &str,
    certificates: Vec<&EncryptionCertificate>,
    signer: Option<&Signer>,
    options: &str,
    control: &Control,
) -> Result<BackupBuilder> {
    let mut builder =
        Making::builder(share.share()?, place.parse()?).options(options)?.observer(control.hook());
    for certificate in certificates {
        builder = builder.certificate(certificate.0.clone());
    }
    if let Some(signer) = signer {
        builder = builder.signer(signer.0.clone());
    }
    Ok(builder)
}

#[napi]
impl Backup {
    #[napi]
    pub fn start<'env>(
        env: &'env Env,
        share: &Share,
        place: String,
        certificates: Vec<&EncryptionCertificate>,
        signer: Option<&Signer>,
        options: String,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let builder = builder(share, &place, certificates, signer, &options, control);
        long(env, move || Ok(Self(Arc::new(Mutex::new(Some(builder?.start()?))))))
    }

    #[napi]
    pub fn start_sync(
        env: Env,
        share: &Share,
        place: String,
        certificates: Vec<&EncryptionCertificate>,
        signer: Option<&Signer>,
        options: String,
        control: &Control,
    ) -> napi::Result<Backup> {
        now(env, || {
            let builder = builder(share, &place, certificates, signer, &options, control)?;
            Ok(Self(Arc::new(Mutex::new(Some(builder.start()?)))))
        })
    }

    #[napi]
    pub fn set(&self, env: Env) -> napi::Result<String> {
        now(env, || work_at_once(&self.0, |backup| Ok(backup.set().to_string())))
    }

    /// Adds a `folder`, a `file`, or either.
    #[napi]
    pub fn add<'env>(
        &self,
        env: &'env Env,
        kind: String,
        source: String,
        name: Option<String>,
    ) -> napi::Result<Object<'env>> {
        let backup = self.0.clone();
        long(env, move || work(&backup, |backup| add(backup, &kind, source.as_ref(), name.as_deref())))
    }

    #[napi]
    pub fn add_sync(
        &self,
        env: Env,
        control: &Control,
        kind: String,
        source: String,
        name: Option<String>,
    ) -> napi::Result<()> {
        let add = |backup: &mut Making| add(backup, &kind, source.as_ref(), name.as_deref());
        control.here(env, || now(env, || work_at_once(&self.0, add)))
    }

    #[napi]
    pub fn add_bytes<'env>(&self, env: &'env Env, name: String, bytes: &[u8]) -> napi::Result<Object<'env>> {
        // On the thread of JavaScript, which may change them meanwhile.
        let (backup, bytes) = (self.0.clone(), Arc::<[u8]>::from(bytes));
        long(env, move || work(&backup, |backup| backup.add_bytes(&name, bytes)))
    }

    #[napi]
    pub fn add_bytes_sync(
        &self,
        env: Env,
        control: &Control,
        name: String,
        bytes: &[u8],
    ) -> napi::Result<()> {
        let add = |backup: &mut Making| backup.add_bytes(&name, bytes);
        control.here(env, || now(env, || work_at_once(&self.0, add)))
    }

    #[napi]
    pub fn add_reader<'env>(
        &self,
        env: &'env Env,
        name: String,
        feed: &mut Feed,
    ) -> napi::Result<Object<'env>> {
        let backup = self.0.clone();
        let reader = feed.reader.take();
        streaming(env, move || {
            let reader = reader.ok_or_else(|| invalid("a stream can be added once".into()))?;
            work(&backup, |backup| backup.add_reader(&name, reader))
        })
    }

    #[napi]
    pub fn add_problem<'env>(
        &self,
        env: &'env Env,
        name: String,
        problem: String,
    ) -> napi::Result<Object<'env>> {
        let backup = self.0.clone();
        long(env, move || work(&backup, |backup| backup.add_problem(&name, problem)))
    }

    #[napi]
    pub fn add_problem_sync(
        &self,
        env: Env,
        control: &Control,
        name: String,
        problem: String,
    ) -> napi::Result<()> {
        let add = |backup: &mut Making| backup.add_problem(&name, problem);
        control.here(env, || now(env, || work_at_once(&self.0, add)))
    }

    #[napi]
    pub fn commit<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let backup = self.0.clone();
        long(env, move || {
            let backup = backup.lock().unwrap_or_else(PoisonError::into_inner).take();
            json(&backup.ok_or_else(ended)?.commit()?)
        })
    }

    #[napi]
    pub fn commit_sync(&self, env: Env, control: &Control) -> napi::Result<String> {
        let take = || {
            let backup = match self.0.try_lock() {
                Ok(mut backup) => backup.take(),
                Err(TryLockError::Poisoned(backup)) => backup.into_inner().take(),
                Err(TryLockError::WouldBlock) => return Err(at_work()),
            };
            json(&backup.ok_or_else(ended)?.commit()?)
        };
        control.here(env, || now(env, take))
    }

    #[napi]
    pub fn abandon<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let backup = self.0.clone();
        long(env, move || {
            drop(backup.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }

    #[napi]
    pub fn abandon_sync(&self, env: Env) -> napi::Result<()> {
        now(env, || match self.0.try_lock() {
            Ok(mut backup) => {
                drop(backup.take());
                Ok(())
            }
            Err(TryLockError::Poisoned(backup)) => {
                drop(backup.into_inner().take());
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(at_work()),
        })
    }
}

fn add(backup: &mut Making, kind: &str, source: &Path, name: Option<&str>) -> Result<()> {
    match (kind, name) {
        ("folder", None) => backup.add_folder(source),
        ("folder", Some(name)) => backup.add_folder_as(name, source),
        ("file", None) => backup.add_file(source),
        ("file", Some(name)) => backup.add_file_as(name, source),
        (_, None) => backup.add(source),
        (_, Some(name)) if source.is_dir() => backup.add_folder_as(name, source),
        (_, Some(name)) => backup.add_file_as(name, source),
    }
}

fn work<T>(backup: &Shared, work: impl FnOnce(&mut Making) -> Result<T>) -> Result<T> {
    work(backup.lock().unwrap_or_else(PoisonError::into_inner).as_mut().ok_or_else(ended)?)
}

fn work_at_once<T>(backup: &Shared, work: impl FnOnce(&mut Making) -> Result<T>) -> Result<T> {
    match backup.try_lock() {
        Ok(mut backup) => work(backup.as_mut().ok_or_else(ended)?),
        Err(TryLockError::Poisoned(backup)) => work(backup.into_inner().as_mut().ok_or_else(ended)?),
        Err(TryLockError::WouldBlock) => Err(at_work()),
    }
}

fn ended() -> azs_backup::Error {
    invalid("the backup was committed or abandoned; start a new one".into())
}

fn at_work() -> azs_backup::Error {
    invalid("another call of this backup is at work; await it first".into())
}

/// Chunks of a stream on their way from JavaScript to the thread that reads them.
#[napi]
pub struct Feed {
    chunks: Sender<io::Result<Vec<u8>>>,
    reader: Option<FeedReader>,
}

type Want = ThreadsafeFunction<(), (), (), Status, false, true>;

struct FeedReader {
    want: Want,
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    is_asked: bool,
    is_at_end: bool,
}

#[napi]
impl Feed {
    /// Each time this needs another chunk it calls `want`, which answers with one `push`, `end` or `fail`.
    #[napi(constructor)]
    pub fn new(want: Function<'_, (), ()>) -> napi::Result<Self> {
        let want = want.build_threadsafe_function().weak::<true>().build()?;
        let (sender, chunks) = channel();
        let reader =
            FeedReader { want, chunks, chunk: io::Cursor::default(), is_asked: false, is_at_end: false };
        Ok(Self { chunks: sender, reader: Some(reader) })
    }

    #[napi]
    pub fn push(&self, chunk: &[u8]) {
        let _ = self.chunks.send(Ok(chunk.to_vec()));
    }

    #[napi]
    pub fn end(&self) {
        let _ = self.chunks.send(Ok(Vec::new()));
    }

    #[napi]
    pub fn fail(&self, message: String) {
        let _ = self.chunks.send(Err(io::Error::other(message)));
    }
}

impl FeedReader {
    fn ask(&mut self) -> io::Result<()> {
        match self.want.call((), ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => {
                self.is_asked = true;
                Ok(())
            }
            _ => Err(io::Error::other("the stream is gone")),
        }
    }
}

impl io::Read for FeedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || self.is_at_end || buffer.is_empty() {
                return Ok(count);
            }
            if !self.is_asked {
                self.ask()?;
            }
            let chunk = self.chunks.recv().map_err(|_| io::Error::other("the stream is gone"))??;
            self.is_asked = false;
            if chunk.is_empty() {
                self.is_at_end = true;
                return Ok(0);
            }
            self.chunk = io::Cursor::new(chunk);
            // While this one is worked on, JavaScript fetches the next.
            self.ask()?;
        }
    }
}
