//! A backup in the making.

use std::sync::{Mutex, MutexGuard, PoisonError};

use azs_backup::{self as core, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::argument::{FilePath, NameInSet, Several, TextOrBytes};
use crate::certificate::EncryptionCertificate;
use crate::detached::Detached;
use crate::error::{Raise, refuse};
use crate::events::{Level, log};
use crate::layout::{Place, SetName};
use crate::options::{Options, named};
use crate::progress::Hook;
use crate::share::Share;
use crate::signature::Signer;
use crate::stream::Reader;
use crate::turns::{Turn, Turns};
use crate::value::value;

/// A backup in the making: start it, add sources, commit.
///
/// As a context manager it commits at the end of the block. If the block ends by an exception, it abandons the
/// backup and leaves nothing that looks like one. A pool of threads may add to it: their calls wait for one another.
/// It does not survive a fork.
///
/// `certificates`: one or several; each of them can open the set. `signer`: signs the set, so that readers can demand
/// sets of this host. `labels`: written on the cover sheet, in clear.
/// `exclude`: patterns in gitignore syntax of what to leave out below each folder; `!` takes something back in.
/// `source_problems`: `"fail"` (the default), or `"report"` to go on past sources that cannot be read or that change, and to name
/// them. `shrunken_sources`: `"warn"` (the default) or `"fail"` if a source is empty or holds less than half of last time.
/// `one_file_system`: leave out what is mounted below a source. `create`: create the region folder, and the folder
/// of a component of your own, if it is missing. `recheck`: read back each stored file that is taken over from an
/// earlier set, at least once in this many runs, 7 by default; 0 means never. `renew_after_days`: store again what was stored more
/// than this many days ago, 180 by default; 0 means never. `level`: the zstd level, -7 to 19. `segment_size`: in bytes, 4 to 64 MiB.
/// `workers`: the number of threads, by default one for each core. `state`: a folder of this host, one for each job,
/// that remembers the last set; with it a set costs only what changed since. `reread_everything`: read every file,
/// whatever its times say, and every stored file that is taken over from an earlier set. `distrust`: stored files
/// that a verification found damaged; their content is stored again. `progress`: called about ten times a second
/// with a `Progress`.
///
/// >>> with Backup(share, place, certificates=certificate, labels={"model": "S4148-ON"}) as backup:
/// ...     backup.add_bytes("tor1/running-config", b"hostname tor1")
/// >>> backup.report.status
/// 'Succeeded'
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Backup {
    backup: Detached<Mutex<Option<core::Backup>>>,
    turns: Turns,
    set: core::layout::SetName,
    hook: Hook,
    process: u32,
    report: PyOnceLock<Py<PyAny>>,
}

/// The backup, as long as it is this call's turn.
struct InUse<'a> {
    backup: MutexGuard<'a, Option<core::Backup>>,
    _turn: Turn<'a>,
}

impl Backup {
    /// Takes the backup, once no other thread has it.
    fn hold(&self, py: Python<'_>) -> PyResult<InUse<'_>> {
        if std::process::id() != self.process {
            let message = "a backup does not go on in a forked process: begin one there";
            return Err(refuse(ErrorKind::InvalidArgument, message));
        }
        let turn = self.turns.wait(py)?;
        Ok(InUse { backup: self.backup.lock().unwrap_or_else(PoisonError::into_inner), _turn: turn })
    }

    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut core::Backup) -> core::Result<T> + Send,
    ) -> PyResult<T> {
        let mut in_use = self.hold(py)?;
        let Some(backup) = in_use.backup.as_mut() else {
            return Err(refuse(ErrorKind::InvalidArgument, "the backup has been committed or abandoned"));
        };
        self.hook.outcome(py.detach(|| work(backup)))
    }
}

#[pymethods]
impl Backup {
    #[new]
    #[pyo3(signature = (
        share, place, *, certificates, signer=None, allow_expired_certificates=None, labels=None, exclude=None,
        source_problems=None, shrunken_sources=None, one_file_system=None, create=None, recheck=None,
        renew_after_days=None, level=None, segment_size=None, workers=None, state=None, reread_everything=None,
        distrust=None, set_name=None, progress=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn new(
        py: Python<'_>,
        share: &Share,
        place: Place,
        certificates: Several<Py<EncryptionCertificate>>,
        signer: Option<&Signer>,
        allow_expired_certificates: Option<&Bound<'_, PyAny>>,
        labels: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        source_problems: Option<&Bound<'_, PyAny>>,
        shrunken_sources: Option<&Bound<'_, PyAny>>,
        one_file_system: Option<&Bound<'_, PyAny>>,
        create: Option<&Bound<'_, PyAny>>,
        recheck: Option<&Bound<'_, PyAny>>,
        renew_after_days: Option<&Bound<'_, PyAny>>,
        level: Option<&Bound<'_, PyAny>>,
        segment_size: Option<&Bound<'_, PyAny>>,
        workers: Option<&Bound<'_, PyAny>>,
        state: Option<&Bound<'_, PyAny>>,
        reread_everything: Option<&Bound<'_, PyAny>>,
        distrust: Option<&Bound<'_, PyAny>>,
        set_name: Option<&Bound<'_, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let hook = Hook::new(progress);
        let inner = hook.clone();
        let options = Options::default()
            .set("allow_expired_certificates", allow_expired_certificates)?
            .set("labels", labels)?
            .list("exclude", exclude)?
            .set("source_problems", source_problems)?
            .set("shrunken_sources", shrunken_sources)?
            .set("one_file_system", one_file_system)?
            .set("create", create)?
            .set("recheck", recheck)?
            .set("renew_after_days", renew_after_days)?
            .set("level", level)?
            .set("segment_size", segment_size)?
            .set("workers", workers)?
            .set("reread_everything", reread_everything)?
            .list("distrust", distrust)?
            .set("set_name", set_name)?;
        let mut builder = core::Backup::builder(share.open()?, place.0.clone())
            .options(options.into_json())
            .raise()?
            .observer(move |progress| inner.call(progress));
        for certificate in &certificates.0 {
            builder = builder.certificate(certificate.get().0.clone());
        }
        if let Some(signer) = signer {
            builder = builder.signer(signer.0.clone());
        }
        if let Some(state) = state {
            // A path, which need not be text.
            let folder: FilePath = state.extract().map_err(|error| named(py, "state", error))?;
            builder = builder.state(folder.0);
        }
        let backup = hook.outcome(py.detach(|| builder.start()))?;
        let set = backup.set();
        log(py, Level::Info, &format!("backup {set} of {} begun", place.0));
        let process = std::process::id();
        Ok(Self {
            backup: Detached::new(Mutex::new(Some(backup))),
            turns: Turns::default(),
            set,
            hook,
            process,
            report: PyOnceLock::new(),
        })
    }

    /// The name of the set.
    #[getter]
    fn set(&self) -> SetName {
        SetName(self.set)
    }

    /// What the backup did; `None` until it is committed.
    #[getter]
    fn report(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.report.get(py).map(|report| report.clone_ref(py))
    }

    /// Adds a folder and everything below it, under this name or its own.
    #[pyo3(signature = (folder, *, name=None))]
    fn add_folder(&self, py: Python<'_>, folder: FilePath, name: Option<NameInSet>) -> PyResult<()> {
        self.work(py, |backup| match name {
            Some(name) => backup.add_folder_as(&name, folder.0),
            None => backup.add_folder(folder.0),
        })
    }

    /// Adds one file under this name, which may include folders, or under its own.
    #[pyo3(signature = (file, *, name=None))]
    fn add_file(&self, py: Python<'_>, file: FilePath, name: Option<NameInSet>) -> PyResult<()> {
        self.work(py, |backup| match name {
            Some(name) => backup.add_file_as(&name, file.0),
            None => backup.add_file(file.0),
        })
    }

    /// Adds a file or a folder under its own name.
    fn add(&self, py: Python<'_>, source: FilePath) -> PyResult<()> {
        self.work(py, |backup| backup.add(source.0))
    }

    /// Adds bytes under this name: a running-config just fetched from a switch. Text is stored as UTF-8.
    fn add_bytes(&self, py: Python<'_>, name: NameInSet, data: TextOrBytes) -> PyResult<()> {
        self.work(py, |backup| backup.add_bytes(&name, &*data.0))
    }

    /// Adds everything that a binary stream returns, under this name. If the stream raises an exception, so does
    /// this call; with `source_problems="report"` the report names an `Exception` instead, and the set is partial.
    fn add_reader(&self, py: Python<'_>, name: NameInSet, reader: &Bound<'_, PyAny>) -> PyResult<()> {
        let reader = Reader::new(reader, self.hook.clone())?;
        self.work(py, |backup| backup.add_reader(&name, reader))
    }

    /// Records that something could not be fetched: a switch did not answer.
    ///
    /// `error` is an exception or text. With `source_problems="report"` the report names it, and the set is partial;
    /// otherwise this raises `SourceUnreadableError`.
    fn add_problem(&self, py: Python<'_>, name: NameInSet, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut said = error.str()?.to_string();
        if said.is_empty() {
            said = error.get_type().name()?.to_string();
        }
        self.work(py, |backup| backup.add_problem(&name, said))
    }

    /// Waits until everything is stored, then writes the cover sheet, which makes it a backup. Returns the report. If a
    /// source could not be added before, this fails with that error.
    fn commit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(backup) = self.hold(py)?.backup.take() else {
            return Err(refuse(ErrorKind::InvalidArgument, "the backup has been committed or abandoned"));
        };
        let committed = py.detach(|| backup.commit());
        let report = |done: &azs_backup::backup::BackupReport| {
            self.report.get_or_try_init(py, || value(py, "BackupReport", done).map(Bound::unbind))
        };
        // The set is complete, even if the callback raises in the end.
        if let Ok(done) = &committed {
            report(done)?;
        }
        let done = self.hook.outcome(committed).inspect_err(|error| {
            log(py, Level::Warning, &format!("backup {} failed: {}", self.set, error.value(py)));
        })?;
        let (content, stored) = (&done.cover.content, &done.cover.stored);
        let line = format!(
            "backup {} committed: {} files with {} bytes, {} bytes stored, {} problems, {:.1} s",
            self.set, content.files, content.bytes, stored.bytes, content.problems, done.seconds
        );
        log(py, Level::Info, &line);
        Ok(report(&done)?.bind(py).clone())
    }

    /// Gives up, and removes what was stored. Does nothing if called again, or after `commit`.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(backup) = self.hold(py)?.backup.take() {
            py.detach(|| backup.abandon());
            log(py, Level::Warning, &format!("backup {} abandoned", self.set));
        }
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if !kind.is_none() {
            return self.abandon(py);
        }
        let is_open = self.hold(py)?.backup.is_some();
        if is_open { self.commit(py).map(drop) } else { Ok(()) }
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let state = match self.backup.try_lock() {
            Err(_) => "at work",
            Ok(guard) if guard.is_some() => "open",
            Ok(_) if self.report.get(py).is_some() => "committed",
            Ok(_) => "abandoned",
        };
        format!("<Backup {} {state}>", self.set)
    }
}
