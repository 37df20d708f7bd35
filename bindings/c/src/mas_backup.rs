//! Azure Stack Hub's own backups: list, verify, extract.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use azs::layout::SharePath;
use azs::mas_backup::{ExtractOptions, Keys, MasBackup};
use azs::{Opener, Result};

use crate::callback::{azs_progress_fn, hook};
use crate::envelope::azs_opener;
use crate::error::{azs_error, azs_status};
use crate::ffi::{FilePath, Slot, Text, guard, handle, lent, slot};
use crate::share::azs_share;

/// The `MASBackup` in one folder of a share, which is read and never written. Free it with `azs_mas_backup_free`.
///
/// Threads: several threads may use it at once.
pub struct azs_mas_backup(Arc<MasBackup>);

/// Finds `MASBackup`, in any letter case, in a folder of the share: that of a region, or with "" the root.
#[unsafe(no_mangle)]
pub extern "C" fn azs_mas_backup_open(
    share: Option<&azs_share>,
    folder: Text,
    mas_backup: Slot<'_, azs_mas_backup>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(mas_backup, "mas_backup")?;
        let folder: SharePath = folder.parse("folder")?;
        let opened = MasBackup::open(handle(share, "share")?.0.clone(), &folder)?;
        out.give(azs_mas_backup(Arc::new(opened)));
        Ok(())
    })
}

/// Lists what lies there, by clear metadata alone. `now` may be NULL for the present. Returns JSON: `stores`, `backups`
/// with their `readiness`, `certificates`, `findings`, `prunable`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_mas_backup_list(
    mas_backup: *const azs_mas_backup,
    now: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    catalog: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(catalog, "catalog")?;
        let theirs = lent(mas_backup, "mas_backup", |of| &of.0)?;
        out.json(&theirs.list().observer(&mut hook(progress, user_data)).run(now.time("now")?)?)
    })
}

/// Verifies the snapshots that the backup of this id needs, or all of them if `backup_id` is NULL. Without an `opener`,
/// which may be NULL, only what can be seen without a key is compared. Returns the report as JSON: all is well if `state`
/// is `verified`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_mas_backup_verify(
    mas_backup: *const azs_mas_backup,
    opener: *const azs_opener,
    backup_id: Text,
    now: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let theirs = lent(mas_backup, "mas_backup", |of| &of.0)?;
        let keys = keys(opener)?;
        let hook = &mut hook(progress, user_data);
        let mut verify = theirs.verify().keys(&keys).observer(hook);
        if let Some(id) = backup_id.optional("backup_id")? {
            verify = verify.backup(id);
        }
        out.json(&verify.run(now.time("now")?)?)
    })
}

/// Extracts the snapshots that the backup of this id needs, each into the folder `<repository>/<snapshot>` of `target`.
/// `options` is JSON, or NULL for the defaults: `repository` for only this one; `existing`, which is `refuse`, `keep` or
/// `replace`; `open_inner` to write zips inside as folders and to decrypt what is encrypted once more. Returns the report
/// as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn azs_mas_backup_extract(
    mas_backup: *const azs_mas_backup,
    opener: *const azs_opener,
    backup_id: Text,
    target: FilePath,
    options: Text,
    now: Text,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let theirs = lent(mas_backup, "mas_backup", |of| &of.0)?;
        let keys = keys(opener)?;
        let id = backup_id.get("backup_id")?;
        let options =
            options.optional("options")?.map(ExtractOptions::from_json).transpose()?.unwrap_or_default();
        let hook = &mut hook(progress, user_data);
        let extract = theirs.extract(&keys, id).options(&options).observer(hook);
        out.json(&extract.into(target.get("target")?, now.time("now")?)?)
    })
}

/// Frees it. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_mas_backup_free(mas_backup: Option<Box<azs_mas_backup>>) {
    drop(mas_backup);
}

pub(crate) fn keys(opener: *const azs_opener) -> Result<Keys> {
    if opener.is_null() {
        return Ok(Keys::default());
    }
    let opener: Arc<Opener> = lent(opener, "opener", |opener| &opener.0)?;
    Ok(Keys::from(&*opener))
}
