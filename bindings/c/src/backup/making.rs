//! A backup in the making: add sources, then commit or abandon it.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;

use azs::backup::BackupBuilder;
use azs::layout::SetName;
use azs::{Backup, Result};

use super::{azs_backup_builder, used_up};
use crate::callback::{Reader, azs_read_fn};
use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, Data, FilePath, Slot, Text, alone, guard, invalid, looked_at, quietly, slot};

/// A backup in the making. Free it with `azs_backup_free`. If you did not commit it, it leaves nothing that looks like
/// a backup.
///
/// Threads: only one at a time, not necessarily the one that began it. While a call is at work, a call from another
/// thread, or from a function that the backup calls, fails. If you free the backup meanwhile, it is abandoned when that
/// call returns. It belongs to the process that began it: in a forked process every call fails, and freeing it there
/// does not end the backup.
pub struct azs_backup {
    backup: Alone<Option<Backup>>,
    set: SetName,
    process: u32,
}

/// Works with a backup, in the process that it belongs to: a forked process has none of its threads.
fn work<T>(
    handle: Option<NonNull<azs_backup>>,
    work: impl FnOnce(&mut Option<Backup>) -> Result<T>,
) -> Result<T> {
    if looked_at(handle, "backup")?.process != std::process::id() {
        return Err(invalid("a backup does not work in a forked process: begin one there".into()));
    }
    alone(handle, "backup", |handle| &handle.backup, work)
}

/// Adds to a backup.
fn add(handle: Option<NonNull<azs_backup>>, add: impl FnOnce(&mut Backup) -> Result<()>) -> Result<()> {
    work(handle, |backup| add(backup.as_mut().ok_or_else(was_committed)?))
}

fn was_committed() -> azs::Error {
    invalid("the backup was committed, or has failed to be; begin a new one".into())
}

/// Begins the backup: checks the options and creates the set's folder. A builder starts only once; you still have to
/// free it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_start(
    builder: Option<NonNull<azs_backup_builder>>,
    backup: Slot<'_, azs_backup>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(backup, "backup")?;
        let take = |builder: &mut Option<BackupBuilder>| builder.take().ok_or_else(used_up);
        let backup = alone(builder, "builder", |handle| &handle.0, take)?.start()?;
        let (set, process) = (backup.set(), std::process::id());
        out.give(azs_backup { backup: Alone::new(Some(backup)), set, process });
        Ok(())
    })
}

/// Returns the name of the set.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_set(
    backup: Option<NonNull<azs_backup>>,
    name: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(name, "name")?;
        out.text(looked_at(backup, "backup")?.set.to_string());
        Ok(())
    })
}

/// Adds a file or a folder under a name; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add(
    backup: Option<NonNull<azs_backup>>,
    source: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (source, name) = (source.get("source")?, name.optional("name")?);
        add(backup, |backup| match name {
            None => backup.add(source),
            Some(name) if source.is_dir() => backup.add_folder_as(name, source),
            Some(name) => backup.add_file_as(name, source),
        })
    })
}

/// Adds a folder and everything below it under a name; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_folder(
    backup: Option<NonNull<azs_backup>>,
    folder: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (folder, name) = (folder.get("folder")?, name.optional("name")?);
        add(backup, |backup| match name {
            None => backup.add_folder(folder),
            Some(name) => backup.add_folder_as(name, folder),
        })
    })
}

/// Adds a file under a name, which may include folders: `tor1/running-config`; NULL for its own.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_file(
    backup: Option<NonNull<azs_backup>>,
    file: FilePath,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (file, name) = (file.get("file")?, name.optional("name")?);
        add(backup, |backup| match name {
            None => backup.add_file(file),
            Some(name) => backup.add_file_as(name, file),
        })
    })
}

/// Adds bytes under a name: a running-config just fetched from a switch.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_bytes(
    backup: Option<NonNull<azs_backup>>,
    name: Text,
    bytes: Data,
    length: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (name, bytes) = (name.get("name")?, bytes.get(length, "bytes")?);
        add(backup, |backup| backup.add_bytes(name, bytes))
    })
}

/// Adds everything that a function reads, under a name.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_reader(
    backup: Option<NonNull<azs_backup>>,
    name: Text,
    read: azs_read_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let function = read.ok_or_else(|| invalid("read is NULL".into()))?;
        let name = name.get("name")?;
        add(backup, |backup| backup.add_reader(name, Reader { function, user_data }))
    })
}

/// Records that something could not be fetched: a switch did not answer. With the policy "fail" the call fails with
/// `AZS_STATUS_SOURCE_UNREADABLE`; with "report" the report names it, and the set is partial. `message` is one line for
/// people.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_add_problem(
    backup: Option<NonNull<azs_backup>>,
    name: Text,
    message: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (name, message) = (name.get("name")?, message.get("message")?);
        add(backup, |backup| backup.add_problem(name, message))
    })
}

/// Waits until everything is stored, then writes the cover sheet, which makes it a backup. Returns the report as JSON;
/// `report` may be NULL. If a source could not be added before, this fails with that error. You still have to free the
/// backup.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_commit(
    backup: Option<NonNull<azs_backup>>,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = report.map(|report| slot(Some(report), "report")).transpose()?;
        let report = work(backup, |backup| backup.take().ok_or_else(was_committed)?.commit())?;
        out.map_or(Ok(()), |out| out.json(&report))
    })
}

/// Frees a backup. If you did not commit it, this abandons it and removes what it stored. If a call is at work with it,
/// that happens when the call returns. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_free(backup: Option<Box<azs_backup>>) {
    quietly((), || drop(backup));
}
