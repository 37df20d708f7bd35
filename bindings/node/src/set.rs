//! Lists, verifies and restores sets.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use azs_backup::layout::SharePath;
use azs_backup::restore::RestoreOptions;
use azs_backup::set::Entries as Iter;
use azs_backup::{Place, Result, Set};
use napi::bindgen_prelude::{Buffer, Function, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::control::Control;
use crate::envelope::Opener;
use crate::ffi::{json, long, now, optional, streaming};
use crate::share::Share;
use crate::signature::{SignerCertificate, demanded};
use crate::threads::Detached;

/// Opens the set in this folder: a set of the folder's own place, or of the place that is named.
fn open(share: Arc<dyn azs_backup::Share>, folder: &str, place: Option<String>) -> Result<BackupSet> {
    let folder: SharePath = folder.parse()?;
    let set = match optional::<Place>(place)? {
        Some(place) => Set::open_foreign(share, folder, &place)?,
        None => Set::open(share, folder)?,
    };
    Ok(BackupSet(Detached::new(set)))
}

#[napi]
pub struct BackupSet(Detached<Set>);

#[napi]
impl BackupSet {
    #[napi]
    pub fn open<'env>(
        env: &'env Env,
        share: &Share,
        folder: String,
        place: Option<String>,
    ) -> napi::Result<Object<'env>> {
        let share = share.share();
        long(env, move || open(share?, &folder, place))
    }

    #[napi]
    pub fn open_sync(
        env: Env,
        share: &Share,
        folder: String,
        place: Option<String>,
    ) -> napi::Result<BackupSet> {
        now(env, || open(share.share()?, &folder, place))
    }

    #[napi]
    pub fn cover(&self, env: Env) -> napi::Result<String> {
        now(env, || json(self.0.cover()))
    }

    #[napi]
    pub fn folder(&self) -> String {
        self.0.folder().to_string()
    }

    #[napi]
    pub fn open_by_index<'env>(
        env: &'env Env,
        share: &Share,
        folder: String,
        opener: &Opener,
    ) -> napi::Result<Object<'env>> {
        let (share, opener) = (share.share(), opener.0.clone());
        long(env, move || {
            let folder: SharePath = folder.parse()?;
            Ok(Self(Detached::new(Set::open_by_index(share?, folder, &opener)?)))
        })
    }

    #[napi]
    pub fn entries<'env>(&self, env: &'env Env, opener: &Opener) -> napi::Result<Object<'env>> {
        let (set, opener) = (self.0.clone(), opener.0.clone());
        long(env, move || Ok(Entries(Detached::new(Mutex::new(set.entries(&opener)?)))))
    }

    #[napi]
    pub fn entries_sync(&self, env: Env, opener: &Opener) -> napi::Result<Entries> {
        now(env, || Ok(Entries(Detached::new(Mutex::new(self.0.entries(&opener.0)?)))))
    }

    #[napi]
    pub fn signature<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let set = self.0.clone();
        long(env, move || json(&set.signature()?))
    }

    #[napi]
    pub fn signature_sync(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0.signature()?))
    }

    #[napi]
    pub fn require_signers<'env>(
        &self,
        env: &'env Env,
        signers: Vec<&SignerCertificate>,
    ) -> napi::Result<Object<'env>> {
        let (set, signers) = (self.0.clone(), demanded(signers));
        long(env, move || json(&set.require_signers(&signers)?))
    }

    #[napi]
    pub fn require_signers_sync(&self, env: Env, signers: Vec<&SignerCertificate>) -> napi::Result<String> {
        now(env, || json(&self.0.require_signers(&demanded(signers))?))
    }

    #[napi]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (set, signers, mut hook) = (self.0.clone(), demanded(signers), control.hook());
        long(env, move || json(&set.verify().require_signers(&signers).observer(&mut hook).run()?))
    }

    #[napi]
    pub fn verify_sync(
        &self,
        env: Env,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<String> {
        let (signers, mut hook) = (demanded(signers), control.hook());
        let verify = || json(&self.0.verify().require_signers(&signers).observer(&mut hook).run()?);
        control.here(env, || now(env, verify))
    }

    #[napi]
    pub fn verify_full<'env>(
        &self,
        env: &'env Env,
        opener: &Opener,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (set, opener, mut hook) = (self.0.clone(), opener.0.clone(), control.hook());
        let signers = demanded(signers);
        long(env, move || {
            json(&set.verify_full(&opener).require_signers(&signers).observer(&mut hook).run()?)
        })
    }

    #[napi]
    pub fn verify_full_sync(
        &self,
        env: Env,
        opener: &Opener,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<String> {
        let (signers, mut hook) = (demanded(signers), control.hook());
        let verify =
            || json(&self.0.verify_full(&opener.0).require_signers(&signers).observer(&mut hook).run()?);
        control.here(env, || now(env, verify))
    }

    #[napi]
    pub fn restore<'env>(
        &self,
        env: &'env Env,
        opener: &Opener,
        target: String,
        options: String,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (set, opener, mut hook) = (self.0.clone(), opener.0.clone(), control.hook());
        let signers = demanded(signers);
        long(env, move || {
            json(
                &set.restore(&opener)
                    .options(&RestoreOptions::from_json(options)?)
                    .require_signers(&signers)
                    .observer(&mut hook)
                    .into(target)?,
            )
        })
    }

    #[napi]
    pub fn restore_sync(
        &self,
        env: Env,
        opener: &Opener,
        target: String,
        options: String,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<String> {
        let (signers, mut hook) = (demanded(signers), control.hook());
        let work = || {
            let options = RestoreOptions::from_json(options)?;
            let work = self.0.restore(&opener.0).options(&options).require_signers(&signers);
            json(&work.observer(&mut hook).into(target)?)
        };
        control.here(env, || now(env, work))
    }

    #[napi]
    pub fn restore_bytes<'env>(
        &self,
        env: &'env Env,
        opener: &Opener,
        path: String,
        limit: f64,
        signers: Vec<&SignerCertificate>,
    ) -> napi::Result<Object<'env>> {
        let (set, opener, signers) = (self.0.clone(), opener.0.clone(), demanded(signers));
        long(env, move || bytes_of(&set, &opener, &path, limit, &signers))
    }

    #[napi]
    pub fn restore_bytes_sync(
        &self,
        env: Env,
        opener: &Opener,
        path: String,
        limit: f64,
        signers: Vec<&SignerCertificate>,
    ) -> napi::Result<Buffer> {
        now(env, || bytes_of(&self.0, &opener.0, &path, limit, &demanded(signers)))
    }

    #[napi]
    pub fn restore_stream<'env>(
        &self,
        env: &'env Env,
        opener: &Opener,
        path: String,
        signers: Vec<&SignerCertificate>,
        drain: &Drain,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (set, opener, mut hook) = (self.0.clone(), opener.0.clone(), control.hook());
        let signers = demanded(signers);
        let writer = DrainWriter { demand: drain.demand.clone(), chunk: drain.chunk.clone() };
        streaming(env, move || {
            let path = path.parse()?;
            let work = set.restore_stream(&opener, &path).require_signers(&signers);
            json(&work.observer(&mut hook).to(writer)?)
        })
    }
}

fn bytes_of(
    set: &Set,
    opener: &azs_backup::Opener,
    path: &str,
    limit: f64,
    signers: &[azs_backup::signature::SignerCertificate],
) -> Result<Buffer> {
    // Without a demand nobody need read the signature.
    if !signers.is_empty() {
        set.require_signers(signers)?;
    }
    set.restore_bytes(opener, &path.parse()?, limit as u64).map(Buffer::from)
}

/// The entries of a set, some at a time.
#[napi]
pub struct Entries(Detached<Mutex<Iter>>);

#[napi]
impl Entries {
    /// Returns at most this many entries as a JSON array; empty after the last.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env, most: u32) -> napi::Result<Object<'env>> {
        let entries = self.0.clone();
        long(env, move || some(&entries, most))
    }

    #[napi]
    pub fn next_sync(&self, env: Env, most: u32) -> napi::Result<String> {
        now(env, || some(&self.0, most))
    }
}

fn some(entries: &Mutex<Iter>, most: u32) -> Result<String> {
    let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    json(&entries.by_ref().take(most as usize).collect::<Result<Vec<_>>>()?)
}

type Chunk = ThreadsafeFunction<Buffer, (), Buffer, Status, false, true>;

/// Chunks of a file on their way from the thread that restores it to JavaScript, each sent when asked for.
#[napi]
pub struct Drain {
    demand: Arc<Demand>,
    chunk: Arc<Chunk>,
}

#[derive(Default)]
struct Demand {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: u32,
    is_closed: bool,
}

impl Demand {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

#[napi]
impl Drain {
    #[napi(constructor)]
    pub fn new(chunk: Function<'_, Buffer, ()>) -> napi::Result<Self> {
        let chunk = chunk.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self { demand: Arc::default(), chunk: Arc::new(chunk) })
    }

    /// Asks for one more chunk.
    #[napi]
    pub fn want(&self) {
        self.demand.change(|state| state.wanted += 1);
    }

    /// Asks for no more.
    #[napi]
    pub fn close(&self) {
        self.demand.change(|state| state.is_closed = true);
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.close();
    }
}

struct DrainWriter {
    demand: Arc<Demand>,
    chunk: Arc<Chunk>,
}

impl io::Write for DrainWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(CHUNK)];
        let mut state = self.demand.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.wanted == 0 && !state.is_closed {
            state = self.demand.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.wanted -= 1;
        drop(state);
        match self.chunk.call(Buffer::from(bytes), ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => Ok(bytes.len()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most that JavaScript gets at once.
const CHUNK: usize = 64 << 10;
