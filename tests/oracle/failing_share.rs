//! A share on a bad night: it dies, fills up, fails for one object, or changes while a backup writes to it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use azs_backup::layout::{MasBackupFolder, SharePath};
use azs_backup::share::{Item, Space};
use azs_backup::{Error, ErrorKind, Result, Share};

use super::stopper::Stopper;

/// What is wrong with the share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Bad {
    /// From this call on nothing works any more, cleaning up included: as if the process or the network had died.
    DiesAt(u64),
    /// There is room for so many bytes.
    FullAfter(u64),
    /// At this object that is written the process kills itself.
    KilledAt(u64),
    /// This object cannot be read.
    Unreadable(String),
    /// The n-th read takes too long, once.
    TimesOutAt(u64),
    /// The answer to the n-th link is lost, once: it was made, and nobody knows.
    LinkAnswerLost(u64),
    /// During this call somebody stops the work.
    StoppedAt(u64),
    /// Each object can be deleted only at the second try.
    DeletesAtSecondTry,
    /// It is not the share: a source panics, after so many others were added, and the caller goes on.
    SourcePanicsAt(usize),
}

type During = Box<dyn FnMut(u64) + Send>;

/// A share that does what another one does, but for what is wrong.
pub struct FailingShare {
    inner: Arc<dyn Share>,
    bad: Option<Bad>,
    during: Mutex<Option<During>>,
    stopper: Stopper,
    calls: AtomicU64,
    puts: AtomicU64,
    reads: AtomicU64,
    links: AtomicU64,
    room: AtomicU64,
    /// Objects that could not be deleted once.
    tried: Mutex<BTreeSet<String>>,
}

impl FailingShare {
    pub fn new(inner: &Arc<dyn Share>, bad: Option<Bad>) -> Self {
        let room = if let Some(Bad::FullAfter(bytes)) = bad { bytes } else { u64::MAX };
        let zero = AtomicU64::default;
        Self {
            inner: inner.clone(),
            bad,
            during: Mutex::default(),
            stopper: Stopper::default(),
            calls: zero(),
            puts: zero(),
            reads: zero(),
            links: zero(),
            room: room.into(),
            tried: Mutex::default(),
        }
    }

    /// Calls this before each object is written, with its number.
    pub fn during(self, work: impl FnMut(u64) + Send + 'static) -> Self {
        *self.during.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
        self
    }

    /// Before which source another one panics, if that is what is wrong.
    pub fn panics_at(&self) -> Option<usize> {
        if let Some(Bad::SourcePanicsAt(source)) = self.bad { Some(source) } else { None }
    }

    /// Who stops the work, where that is what is wrong.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Whether what is wrong has shown.
    pub fn has_shown(&self) -> bool {
        match self.bad {
            Some(Bad::DiesAt(call)) => self.calls.load(Ordering::SeqCst) >= call,
            Some(Bad::FullAfter(_)) => self.room.load(Ordering::SeqCst) == 0,
            Some(Bad::TimesOutAt(read)) => self.reads.load(Ordering::SeqCst) >= read,
            Some(Bad::StoppedAt(_)) => self.stopper.has_said(),
            Some(Bad::LinkAnswerLost(link)) => self.links.load(Ordering::SeqCst) >= link,
            Some(_) => true,
            None => false,
        }
    }

    fn call(&self) -> Result<&dyn Share> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.bad {
            Some(Bad::DiesAt(call)) if number >= call => {
                Err(Error::new(ErrorKind::Unreachable, "the share is gone"))
            }
            Some(Bad::StoppedAt(call)) if number == call => {
                self.stopper.stop();
                Ok(&*self.inner)
            }
            _ => Ok(&*self.inner),
        }
    }

    fn write(&self, bytes: u64) -> Result<()> {
        let number = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        if self.bad == Some(Bad::KilledAt(number)) {
            super::system::end_process();
        }
        if let Some(during) = &mut *self.during.lock().unwrap_or_else(PoisonError::into_inner) {
            during(number);
        }
        let take = |room: u64| room.checked_sub(bytes);
        if self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
            // Full for good.
            self.room.store(0, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::OutOfCapacity, "the share is full"));
        }
        Ok(())
    }
}

impl Share for FailingShare {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let share = self.call()?;
        self.write(content.len() as u64)?;
        share.put(path, content)
    }

    fn flush(&self, folder: &SharePath) -> Result<()> {
        self.call()?.flush(folder)
    }

    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let share = self.call()?;
        let number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let name = path.file_name().map(|name| name.as_str());
        match &self.bad {
            Some(Bad::Unreadable(object)) if name == Some(object) => {
                Err(Error::io(format_args!("read {path}"), std::io::Error::from_raw_os_error(5)))
            }
            Some(Bad::TimesOutAt(read)) if *read == number => {
                Err(Error::new(ErrorKind::TimedOut, format!("read {path}: no answer for 30 s")))
            }
            _ => share.read(path, limit, buffer),
        }
    }

    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        self.call()?.list(folder)
    }

    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        self.call()?.list_mas_backup(folder)
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        self.call()?.create_folder(folder)
    }

    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let number = self.links.fetch_add(1, Ordering::SeqCst) + 1;
        self.call()?.link(object, name)?;
        if self.bad == Some(Bad::LinkAnswerLost(number)) {
            return Err(Error::new(ErrorKind::TimedOut, format!("link {name}: no answer for 30 s")));
        }
        Ok(())
    }

    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.call()?.copy(object, name)
    }

    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.call()?.rename(object, name)
    }

    fn space(&self) -> Result<Space> {
        self.call()?.space()
    }

    fn remove(&self, path: &SharePath) -> Result<()> {
        let share = self.call()?;
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bad == Some(Bad::DeletesAtSecondTry) && tried.insert(path.to_string()) {
            return Err(Error::io(format_args!("remove {path}"), std::io::Error::from_raw_os_error(5)));
        }
        drop(tried);
        share.remove(path)
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.call()?.remove_folder(folder)
    }
}

impl fmt::Debug for FailingShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingShare")
            .field("inner", &self.inner)
            .field("bad", &self.bad)
            .finish_non_exhaustive()
    }
}
