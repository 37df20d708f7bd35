//! Makes a backup set.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use azs::{Backup, BackupBuilder, Place, Result};

use crate::border::{Data, FilePath, Slot, Text, guard, handle, handle_mut, invalid, quietly, slot};
use crate::callback::{Reader, azs_progress_fn, azs_read_fn, hook};
use crate::certificate::azs_encryption_certificate;
use crate::error::{azs_error, azs_status};
use crate::share::azs_share;

/// How a backup is to be made; `azs_backup_start` begins it. Freed by `azs_backup_builder_free`, begun or not.
///
/// Threads: one at a time.
pub struct azs_backup_builder(Option<BackupBuilder>);

/// A backup in the making. Freed by `azs_backup_free`; not committed, it then leaves nothing that looks like a backup.
///
/// Threads: one at a time, not necessarily the one that began it. It belongs to the process that began it: in a forked one
/// every call fails, and freeing it there leaves the backup to its process.
pub struct azs_backup {
    backup: Option<Backup>,
    process: u32,
}

impl azs_backup_builder {
    fn change(&mut self, change: impl FnOnce(BackupBuilder) -> BackupBuilder) -> Result<()> {
        self.0 = Some(change(self.0.take().ok_or_else(was_started)?));
        Ok(())
    }
}

impl azs_backup {
    fn backup(&mut self) -> Result<&mut Backup> {
        self.check_process()?;
        self.backup.as_mut().ok_or_else(was_committed)
    }

    /// Its threads are not in a forked process, and waiting for them would never end.
    fn check_process(&self) -> Result<()> {
        match self.is_here() {
            true => Ok(()),
            false => Err(invalid("a backup does not work in a forked process: begin one there".into())),
        }
    }

    fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for azs_backup {
    fn drop(&mut self) {
        if !self.is_here() {
            // It is not ours to abandon.
            std::mem::forget(self.backup.take());
        }
    }
}

fn was_started() -> azs::Error {
    invalid("the backup was started already; make a new builder".into())
}

fn was_committed() -> azs::Error {
    invalid("the backup was committed, or has failed to be; begin a new one".into())
}

/// A backup of a place, `contoso.com/nyc/Switches`, to a share, with nothing else said yet.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_new(
    share: Option<&azs_share>,
    place: Text,
    builder: Slot<'_, azs_backup_builder>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(builder, "builder")?;
        let place: Place = place.parse("place")?;
        out.give(azs_backup_builder(Some(BackupBuilder::new(handle(share, "share")?.0.clone(), place))));
        Ok(())
    })
}

/// Adds a certificate that can open the set: at least one is needed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_certificate(
    builder: Option<&mut azs_backup_builder>,
    certificate: Option<&azs_encryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let certificate = handle(certificate, "certificate")?.0.clone();
        handle_mut(builder, "builder")?.change(|builder| builder.certificate(certificate))
    })
}

/// Accepts certificates that are expired or not yet valid, which are refused otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_allow_expired_certificates(
    builder: Option<&mut azs_backup_builder>,
    allow: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        handle_mut(builder, "builder")?.change(|builder| builder.allow_expired_certificates(allow))
    })
}

/// Writes a label on the cover sheet, in clear: vendor, model, serial, firmware.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_label(
    builder: Option<&mut azs_backup_builder>,
    key: Text,
    value: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (key, value) = (key.get("key")?, value.get("value")?);
        handle_mut(builder, "builder")?.change(|builder| builder.label(key, value))
    })
}

/// Leaves out what a pattern in gitignore syntax matches below each folder; `!` takes back in.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_exclude(
    builder: Option<&mut azs_backup_builder>,
    pattern: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let pattern = pattern.get("pattern")?;
        handle_mut(builder, "builder")?.change(|builder| builder.exclude(pattern))
    })
}

/// What to do about sources that cannot be read or that change: "fail", the default, or "report".
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_source_problems(
    builder: Option<&mut azs_backup_builder>,
    policy: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let policy = policy.parse("policy")?;
        handle_mut(builder, "builder")?.change(|builder| builder.source_problems(policy))
    })
}

/// zstd level, -7 to 19; the default is 3. Checked when the backup starts.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_level(
    builder: Option<&mut azs_backup_builder>,
    level: i32,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle_mut(builder, "builder")?.change(|builder| builder.level(level)))
}

/// Most bytes of one stored segment, 4 to 64 MiB; the default is 12 MiB. Checked when the backup starts.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_segment_size(
    builder: Option<&mut azs_backup_builder>,
    bytes: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle_mut(builder, "builder")?.change(|builder| builder.segment_size(bytes)))
}

/// Threads that read and compress; the default is one for each core.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_workers(
    builder: Option<&mut azs_backup_builder>,
    workers: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle_mut(builder, "builder")?.change(|builder| builder.workers(workers)))
}

/// A folder of this host, one for each job, in which it remembers the last set from run to run: then a set costs what changed
/// since.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_state(
    builder: Option<&mut azs_backup_builder>,
    folder: FilePath,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let folder: PathBuf = folder.get("folder")?.to_owned();
        handle_mut(builder, "builder")?.change(|builder| builder.state(folder))
    })
}

/// Reads every file, whatever its times say, and every stored file that is taken over from an earlier set.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_paranoid(
    builder: Option<&mut azs_backup_builder>,
    paranoid: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle_mut(builder, "builder")?.change(|builder| builder.paranoid(paranoid)))
}

/// Does not take over a stored file from an earlier set, since a verification found it damaged: what it holds is stored
/// again. `file` is that of a fault in the report of `azs_set_verify`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_distrust(
    builder: Option<&mut azs_backup_builder>,
    file: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let file = file.get("file")?;
        handle_mut(builder, "builder")?.change(|builder| builder.distrust([file]))
    })
}

/// Names the set, in place of the clock and a random suffix.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_set_name(
    builder: Option<&mut azs_backup_builder>,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let name = name.parse("name")?;
        handle_mut(builder, "builder")?.change(|builder| builder.set_name(name))
    })
}

/// Sets the progress function, which is called while sources are added and while the backup is committed, on the thread
/// that does so. `user_data` has to live until the backup is freed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_progress(
    builder: Option<&mut azs_backup_builder>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let hook = hook(progress, user_data);
        handle_mut(builder, "builder")?.change(|builder| builder.progress(hook))
    })
}

/// Frees a builder. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_free(builder: Option<Box<azs_backup_builder>>) {
    quietly((), || drop(builder));
}

/// Begins the backup: checks everything that was said and creates the set's folder. A builder starts once; it still has
/// to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_start(
    builder: Option<&mut azs_backup_builder>,
    backup: Slot<'_, azs_backup>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(backup, "backup")?;
        let builder = handle_mut(builder, "builder")?.0.take().ok_or_else(was_started)?;
        out.give(azs_backup { backup: Some(builder.start()?), process: std::process::id() });
        Ok(())
    })
}

/// The name of the set that is being made.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_set(
    backup: Option<&mut azs_backup>,
    name: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(name, "name")?;
        out.text(handle_mut(backup, "backup")?.backup()?.set().to_string());
        Ok(())
    })
}

/// Adds a file or a folder, whichever it is, under a name; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add(
    backup: Option<&mut azs_backup>,
    source: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let backup = handle_mut(backup, "backup")?.backup()?;
        let source = source.get("source")?;
        match name.optional("name")? {
            None => backup.add(source),
            Some(name) if source.is_dir() => backup.add_folder_as(name, source),
            Some(name) => backup.add_file_as(name, source),
        }
    })
}

/// Adds a folder and all below it, under a name; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_folder(
    backup: Option<&mut azs_backup>,
    folder: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let backup = handle_mut(backup, "backup")?.backup()?;
        let folder = folder.get("folder")?;
        match name.optional("name")? {
            None => backup.add_folder(folder),
            Some(name) => backup.add_folder_as(name, folder),
        }
    })
}

/// Adds a file under a name, which may have folders in it: `tor1/running-config`; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_file(
    backup: Option<&mut azs_backup>,
    file: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let backup = handle_mut(backup, "backup")?.backup()?;
        let file = file.get("file")?;
        match name.optional("name")? {
            None => backup.add_file(file),
            Some(name) => backup.add_file_as(name, file),
        }
    })
}

/// Adds bytes under a name: a running-config just fetched from a switch.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_bytes(
    backup: Option<&mut azs_backup>,
    name: Text,
    bytes: Data,
    length: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let backup = handle_mut(backup, "backup")?.backup()?;
        backup.add_bytes(name.get("name")?, bytes.get(length, "bytes")?)
    })
}

/// Adds everything that a function reads, under a name.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_reader(
    backup: Option<&mut azs_backup>,
    name: Text,
    read: azs_read_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let backup = handle_mut(backup, "backup")?.backup()?;
        let function = read.ok_or_else(|| invalid("read is NULL".into()))?;
        backup.add_reader(name.get("name")?, Reader { function, user_data })
    })
}

/// Waits until everything is stored and writes the cover sheet: from then on it is a backup. Gives the report as JSON;
/// `report` may be NULL. The backup still has to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_commit(
    backup: Option<&mut azs_backup>,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = report.map(|report| slot(Some(report), "report")).transpose()?;
        let backup = handle_mut(backup, "backup")?;
        backup.check_process()?;
        let report = backup.backup.take().ok_or_else(was_committed)?.commit()?;
        out.map_or(Ok(()), |out| out.json(&report))
    })
}

/// Frees a backup; one that was not committed is abandoned: what it stored is removed. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_free(backup: Option<Box<azs_backup>>) {
    quietly((), || drop(backup));
}
