//! Lists, verifies and restores sets.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use azs::layout::SharePath;
use azs::restore::RestoreOptions;
use azs::set::Entries;
use azs::{Opener, Place, Result, Set};

use crate::callback::{Writer, azs_progress_fn, azs_write_fn, hook};
use crate::envelope::azs_opener;
use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, FilePath, Slot, Text, alone, guard, handle, invalid, lent, quietly, slot};
use crate::memory::azs_bytes;
use crate::share::azs_share;

/// A backup set on a share, complete by its cover sheet. Free it with `azs_set_free`.
///
/// Threads: several threads may use it at once.
pub struct azs_set(Arc<Set>);

/// Opens the set in a folder of the share, as a listing or `azs_place_set_folder` returns it. Fails with
/// `AZS_STATUS_CONFLICT` if the set belongs elsewhere.
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

/// Opens a set of `place` that was copied to a folder of the share where another belongs.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_open_foreign(
    share: Option<&azs_share>,
    folder: Text,
    place: Text,
    set: Slot<'_, azs_set>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(set, "set")?;
        let (folder, place): (SharePath, Place) = (folder.parse("folder")?, place.parse("place")?);
        let share = handle(share, "share")?.0.clone();
        out.give(azs_set(Arc::new(Set::open_foreign(share, folder, &place)?)));
        Ok(())
    })
}

/// Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the data is
/// there.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_open_by_index(
    share: Option<&azs_share>,
    folder: Text,
    opener: *const azs_opener,
    set: Slot<'_, azs_set>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(set, "set")?;
        let folder: SharePath = folder.parse("folder")?;
        let share = handle(share, "share")?.0.clone();
        let opener = lent(opener, "opener", |opener| &opener.0)?;
        out.give(azs_set(Arc::new(Set::open_by_index(share, folder, &opener)?)));
        Ok(())
    })
}

/// Returns its cover sheet as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_cover(
    set: Option<&azs_set>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(handle(set, "set")?.0.cover()))
}

/// Returns its folder on the share.
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

/// The entries of a set, one by one. Free them with `azs_entries_free`.
///
/// Threads: only one at a time.
pub struct azs_entries(Alone<Entries>);

/// Begins to list the entries of a set. You may free set and opener before the entries.
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
        out.give(azs_entries(Alone::new(set.0.entries(&opener.0)?)));
        Ok(())
    })
}

/// Returns the next entry as JSON: `kind`, `path`, `size` and more; NULL after the last. After an error, the next call
/// goes on behind the damage.
#[unsafe(no_mangle)]
pub extern "C" fn azs_entries_next(
    entries: Option<NonNull<azs_entries>>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        match alone(entries, "entries", |handle| &handle.0, |entries| entries.next().transpose())? {
            Some(entry) => out.json(&entry),
            None => Ok(()),
        }
    })
}

/// Frees entries. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_entries_free(entries: Option<Box<azs_entries>>) {
    quietly((), || drop(entries));
}

/// A set and an opener, which the caller's functions may free meanwhile.
fn both(set: *const azs_set, opener: *const azs_opener) -> Result<(Arc<Set>, Arc<Opener>)> {
    Ok((lent(set, "set", |set| &set.0)?, lent(opener, "opener", |opener| &opener.0)?))
}

/// Checks every stored file against SHA256SUMS. Needs no key. Returns the report as JSON: the set is sound if `faults`
/// and `losses` are empty.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify(
    set: *const azs_set,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        out.json(&lent(set, "set", |set| &set.0)?.verify().observer(&mut hook(progress, user_data)).run()?)
    })
}

/// Checks every byte with the decryption certificate. The report is as above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify_full(
    set: *const azs_set,
    opener: *const azs_opener,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, opener) = both(set, opener)?;
        out.json(&set.verify_full(&opener).observer(&mut hook(progress, user_data)).run()?)
    })
}

/// The options of a restore. Free them with `azs_restore_options_free`.
///
/// Threads: only one at a time.
pub struct azs_restore_options(Alone<RestoreOptions>);

fn change(
    options: Option<NonNull<azs_restore_options>>,
    change: impl FnOnce(RestoreOptions) -> RestoreOptions,
) -> Result<()> {
    alone(
        options,
        "options",
        |handle| &handle.0,
        |options| {
            *options = change(std::mem::take(options));
            Ok(())
        },
    )
}

/// Makes the default options: restore everything into an empty folder, and stop at damage.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_new(
    options: Slot<'_, azs_restore_options>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        slot(options, "options")?.give(azs_restore_options(Alone::new(RestoreOptions::default())));
        Ok(())
    })
}

/// Reads options from a JSON object with `patterns` (a list), `existing`, `compare` and `damage`. What is missing or
/// null has its default.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_from_json(
    json: Text,
    options: Slot<'_, azs_restore_options>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(options, "options")?;
        out.give(azs_restore_options(Alone::new(RestoreOptions::from_json(json.get("json")?)?)));
        Ok(())
    })
}

/// Restores only what a pattern in gitignore syntax matches. Several patterns add up; `!` leaves something out again.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_pattern(
    options: Option<NonNull<azs_restore_options>>,
    pattern: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let pattern = pattern.get("pattern")?;
        change(options, |options| options.pattern(pattern))
    })
}

/// What to do about existing things: "refuse", the default, "keep" or "replace".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_existing(
    options: Option<NonNull<azs_restore_options>>,
    existing: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let existing = existing.parse("existing")?;
        change(options, |options| options.existing(existing))
    })
}

/// How to compare existing files that are kept with the set: by "metadata", the default, or by "content".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_compare(
    options: Option<NonNull<azs_restore_options>>,
    compare: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let compare = compare.parse("compare")?;
        change(options, |options| options.compare(compare))
    })
}

/// What to do about damage: "stop", the default, or "continue".
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_damage(
    options: Option<NonNull<azs_restore_options>>,
    damage: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let damage = damage.parse("damage")?;
        change(options, |options| options.damage(damage))
    })
}

/// Frees options. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_free(options: Option<Box<azs_restore_options>>) {
    drop(options);
}

/// Restores the set into a folder. `options` may be NULL for the defaults. Returns the report as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore(
    set: *const azs_set,
    opener: *const azs_opener,
    target: FilePath,
    options: Option<NonNull<azs_restore_options>>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, opener) = both(set, opener)?;
        let copy = |options: &mut RestoreOptions| Ok(options.clone());
        let copied = options.map(|_| alone(options, "options", |handle| &handle.0, copy)).transpose()?;
        let options = copied.unwrap_or_default();
        let target = target.get("target")?;
        out.json(
            &set.restore(&opener).options(&options).observer(&mut hook(progress, user_data)).into(target)?,
        )
    })
}

/// Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_bytes(
    set: *const azs_set,
    opener: *const azs_opener,
    path: Text,
    limit: u64,
    content: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(content, "content")?;
        let (set, opener) = both(set, opener)?;
        out.give(azs_bytes::secret(set.restore_bytes(&opener, &path.parse("path")?, limit)?));
        Ok(())
    })
}

/// Restores one file to a function, which gets nothing before the whole file is verified. Both functions get
/// `user_data`; `progress` may be NULL. Returns the entry as JSON; `entry` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_stream(
    set: *const azs_set,
    opener: *const azs_opener,
    path: Text,
    write: azs_write_fn,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    entry: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = entry.map(|entry| slot(Some(entry), "entry")).transpose()?;
        let (set, opener) = both(set, opener)?;
        let function = write.ok_or_else(|| invalid("write is NULL".into()))?;
        let writer = Writer { function, user_data };
        let hook = &mut hook(progress, user_data);
        let entry = set.restore_stream(&opener, &path.parse("path")?).observer(hook).to(writer)?;
        out.map_or(Ok(()), |out| out.json(&entry))
    })
}

/// Frees a set. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_free(set: Option<Box<azs_set>>) {
    quietly((), || drop(set));
}
