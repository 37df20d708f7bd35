//! Lists, verifies and restores sets.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use azs::layout::SharePath;
use azs::set::Entries;
use azs::{Opener, Place, Result, Set};

use crate::callback::{Writer, azs_progress_fn, azs_write_fn, hook};
use crate::envelope::azs_opener;
use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, FilePath, Slot, Text, alone, guard, handle, invalid, lent, quietly, slot};
use crate::memory::azs_bytes;
use crate::share::azs_share;
use crate::signature::{azs_signer_certificate, demanded};

mod restore_options;

use restore_options::{azs_restore_options, copied};

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

/// Reads who signed the set. Returns JSON: its `state` is "unsigned", "signed", with `signer` and `signed_at`, or
/// "invalid", with a `reason`. Only a demand says whether that is one of your hosts.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_signature(
    set: Option<&azs_set>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(set, "set")?.0.signature()?))
}

/// Fails with `AZS_STATUS_NOT_TRUSTED` unless one of these signers signed the set; see `azs_signer_certificate`. Returns
/// the signature as JSON; `json` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_require_signers(
    set: Option<&azs_set>,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = json.map(|json| slot(Some(json), "json")).transpose()?;
        let signature = handle(set, "set")?.0.require_signers(&demanded(signers, signer_count)?)?;
        out.map_or(Ok(()), |out| out.json(&signature))
    })
}

/// Checks every stored file against SHA256SUMS. Needs no key. Returns the report as JSON: the set is sound if `faults`
/// and `losses` are empty. A demand for `signers` that is not met is a fault; NULL and 0 demand nothing.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify(
    set: *const azs_set,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, signers) = (lent(set, "set", |set| &set.0)?, demanded(signers, signer_count)?);
        let work = set.verify().require_signers(&signers);
        out.json(&work.observer(&mut hook(progress, user_data)).run()?)
    })
}

/// Checks every byte with the decryption certificate. The demand and the report are as above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_verify_full(
    set: *const azs_set,
    opener: *const azs_opener,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (set, opener) = both(set, opener)?;
        let signers = demanded(signers, signer_count)?;
        let work = set.verify_full(&opener).require_signers(&signers);
        out.json(&work.observer(&mut hook(progress, user_data)).run()?)
    })
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
        let (options, target) = (copied(options)?, target.get("target")?);
        let work = set.restore(&opener).options(&options.options).require_signers(&options.signers);
        out.json(&work.observer(&mut hook(progress, user_data)).into(target)?)
    })
}

/// Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB. `signers` are demanded; NULL and 0
/// demand nothing.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_bytes(
    set: *const azs_set,
    opener: *const azs_opener,
    path: Text,
    limit: u64,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    content: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(content, "content")?;
        let (set, opener) = both(set, opener)?;
        let signers = demanded(signers, signer_count)?;
        // Without a demand nobody need read the signature.
        if !signers.is_empty() {
            set.require_signers(&signers)?;
        }
        out.give(azs_bytes::secret(set.restore_bytes(&opener, &path.parse("path")?, limit)?));
        Ok(())
    })
}

/// Restores one file to a function, which gets nothing before the whole file is verified. Both functions get
/// `user_data`; `progress` may be NULL. `signers` are demanded; NULL and 0 demand nothing. Returns the entry as JSON;
/// `entry` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_restore_stream(
    set: *const azs_set,
    opener: *const azs_opener,
    path: Text,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
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
        let (path, signers) = (path.parse("path")?, demanded(signers, signer_count)?);
        let work = set.restore_stream(&opener, &path).require_signers(&signers);
        let entry = work.observer(&mut hook(progress, user_data)).to(writer)?;
        out.map_or(Ok(()), |out| out.json(&entry))
    })
}

/// Frees a set. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_free(set: Option<Box<azs_set>>) {
    quietly((), || drop(set));
}
