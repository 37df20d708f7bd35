//! Sets: looked into, verified, restored.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use azs::set::Entries;
use azs::{RestoreOptions, Set, SharePath, restore, restore_bytes, restore_stream, verify, verify_full};

use crate::border::{FilePath, Slot, Text, guard, handle, handle_mut, invalid, quietly, slot};
use crate::callback::{Writer, azs_progress_fn, azs_write_fn, hook};
use crate::envelope::azs_opener;
use crate::error::{azs_error, azs_status};
use crate::memory::azs_bytes;
use crate::share::azs_share;

/// A set that is complete by its cover sheet. Freed by `azs_set_free`.
///
/// Threads: may be used by several threads at once.
pub struct azs_set(Arc<Set>);

/// Opens the set in a folder of the share, as a listing or `azs_place_set_folder` gives it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_open(
    share: Option<&azs_share>,
    folder: Text,
    set: Slot<'_, azs_set>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(set, "set")?;
        let folder: SharePath = folder.parse("folder")?;
        out.give(azs_set(Arc::new(Set::open(handle(share, "share")?.0.clone(), folder)?)));
        Ok(())
    })
}

/// Its cover sheet as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_cover(
    set: Option<&azs_set>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(set, "set")?.0.cover()))
}

/// Its folder on the share.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_folder(
    set: Option<&azs_set>,
    folder: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(folder, "folder")?;
        out.text(handle(set, "set")?.0.folder().to_string());
        Ok(())
    })
}

/// What a set holds, entry by entry. Freed by `azs_entries_free`.
///
/// Threads: one at a time.
pub struct azs_entries(Entries);

/// Begins to list what the set holds. Set and opener may be freed before the entries.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_entries(
    set: Option<&azs_set>,
    opener: Option<&azs_opener>,
    entries: Slot<'_, azs_entries>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(entries, "entries")?;
        let (set, opener) = (handle(set, "set")?, handle(opener, "opener")?);
        out.give(azs_entries(set.0.entries(&opener.0)?));
        Ok(())
    })
}

/// The next entry as JSON: `kind`, `path`, `size` and more; NULL after the last. After an error the next call goes on with
/// what follows the damage.
#[unsafe(no_mangle)]
pub extern "C" fn azs_entries_next(
    entries: Option<&mut azs_entries>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        match handle_mut(entries, "entries")?.0.next() {
            Some(entry) => out.json(&entry?),
            None => Ok(()),
        }
    })
}

/// Frees entries. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_entries_free(entries: Option<Box<azs_entries>>) {
    quietly((), || drop(entries));
}

/// Checks every stored file against SHA256SUMS; needs no key. Gives the report as JSON: the set is sound where `faults` and
/// `losses` are empty.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify(
    set: Option<&azs_set>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        out.json(&verify(&handle(set, "set")?.0, &mut hook(progress, user_data))?)
    })
}

/// Checks every byte with the decryption certificate. The report is as above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify_full(
    set: Option<&azs_set>,
    opener: Option<&azs_opener>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, opener) = (handle(set, "set")?, handle(opener, "opener")?);
        out.json(&verify_full(&set.0, &opener.0, &mut hook(progress, user_data))?)
    })
}

/// How a restore is to be done. Freed by `azs_restore_options_free`.
///
/// Threads: one at a time.
pub struct azs_restore_options(RestoreOptions);

/// All of the set, into an empty folder, and not past damage.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_new(
    options: Slot<'_, azs_restore_options>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        slot(options, "options")?.give(azs_restore_options(RestoreOptions::default()));
        Ok(())
    })
}

/// Restores only what a pattern in gitignore syntax matches; several add up, `!` takes away.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_pattern(
    options: Option<&mut azs_restore_options>,
    pattern: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let pattern = pattern.get("pattern")?;
        let options = handle_mut(options, "options")?;
        options.0 = std::mem::take(&mut options.0).pattern(pattern);
        Ok(())
    })
}

/// What to do about what is there: "refuse", the default, "keep" or "replace".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_existing(
    options: Option<&mut azs_restore_options>,
    existing: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let existing = existing.parse("existing")?;
        let options = handle_mut(options, "options")?;
        options.0 = std::mem::take(&mut options.0).existing(existing);
        Ok(())
    })
}

/// By what that which is kept is compared with the set: "metadata", the default, or "content".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_compare(
    options: Option<&mut azs_restore_options>,
    compare: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let compare = compare.parse("compare")?;
        let options = handle_mut(options, "options")?;
        options.0 = std::mem::take(&mut options.0).compare(compare);
        Ok(())
    })
}

/// What to do about damage: "stop", the default, or "continue".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_damage(
    options: Option<&mut azs_restore_options>,
    damage: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let damage = damage.parse("damage")?;
        let options = handle_mut(options, "options")?;
        options.0 = std::mem::take(&mut options.0).damage(damage);
        Ok(())
    })
}

/// Frees options. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_free(options: Option<Box<azs_restore_options>>) {
    drop(options);
}

/// Restores the set into a folder. `options` may be NULL for the defaults. Gives the report as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore(
    set: Option<&azs_set>,
    opener: Option<&azs_opener>,
    target: FilePath,
    options: Option<&azs_restore_options>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, opener) = (handle(set, "set")?, handle(opener, "opener")?);
        let options = options.map(|options| options.0.clone()).unwrap_or_default();
        let target = target.get("target")?;
        out.json(&restore(&set.0, &opener.0, target, &options, &mut hook(progress, user_data))?)
    })
}

/// Restores one file of at most `limit` bytes into memory.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_bytes(
    set: Option<&azs_set>,
    opener: Option<&azs_opener>,
    path: Text,
    limit: u64,
    content: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(content, "content")?;
        let (set, opener) = (handle(set, "set")?, handle(opener, "opener")?);
        out.give(azs_bytes::secret(restore_bytes(&set.0, &opener.0, &path.parse("path")?, limit)?));
        Ok(())
    })
}

/// Restores one file to a function, which gets nothing before all of the file was found right. Both functions get
/// `user_data`; `progress` may be NULL. Gives the entry as JSON; `entry` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_stream(
    set: Option<&azs_set>,
    opener: Option<&azs_opener>,
    path: Text,
    write: azs_write_fn,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    entry: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = entry.map(|entry| slot(Some(entry), "entry")).transpose()?;
        let (set, opener) = (handle(set, "set")?, handle(opener, "opener")?);
        let function = write.ok_or_else(|| invalid("write is NULL".into()))?;
        let writer = Writer { function, user_data };
        let hook = &mut hook(progress, user_data);
        let entry = restore_stream(&set.0, &opener.0, &path.parse("path")?, writer, hook)?;
        out.map_or(Ok(()), |out| out.json(&entry))
    })
}

/// Frees a set. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_free(set: Option<Box<azs_set>>) {
    quietly((), || drop(set));
}
