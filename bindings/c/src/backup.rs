//! The options of a backup, set on a builder. What the builder begins is in `backup/making.rs`.

use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr::NonNull;

use azs::Backup;
use azs::backup::BackupBuilder;
use azs::{Place, Result};

use crate::callback::{azs_progress_fn, hook};
use crate::certificate::azs_encryption_certificate;
use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, FilePath, Slot, Text, alone, guard, handle, invalid, quietly, slot};
use crate::share::azs_share;
use crate::signature::azs_signer;

mod making;

/// The options of a backup; `azs_backup_start` begins it. Free them with `azs_backup_builder_free`, whether it began or
/// not.
///
/// Threads: only one at a time.
pub struct azs_backup_builder(Alone<Option<BackupBuilder>>);

fn change(
    builder: Option<NonNull<azs_backup_builder>>,
    change: impl FnOnce(BackupBuilder) -> BackupBuilder,
) -> Result<()> {
    try_change(builder, |builder| Ok(change(builder)))
}

/// A change that fails consumes the builder.
fn try_change(
    builder: Option<NonNull<azs_backup_builder>>,
    change: impl FnOnce(BackupBuilder) -> Result<BackupBuilder>,
) -> Result<()> {
    alone(
        builder,
        "builder",
        |handle| &handle.0,
        |builder| {
            *builder = Some(change(builder.take().ok_or_else(used_up)?)?);
            Ok(())
        },
    )
}

fn used_up() -> azs::Error {
    invalid(
        "the builder is used up: its backup was started, or its options were refused; make a new one".into(),
    )
}

/// Prepares a backup of a place, `contoso.com/nyc/Switches`, to a share.
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
        out.give(azs_backup_builder(Alone::new(Some(Backup::builder(
            handle(share, "share")?.0.clone(),
            place,
        )))));
        Ok(())
    })
}

/// Adds a certificate that can open the set. At least one is required.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_certificate(
    builder: Option<NonNull<azs_backup_builder>>,
    certificate: Option<&azs_encryption_certificate>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let certificate = handle(certificate, "certificate")?.0.clone();
        change(builder, |builder| builder.certificate(certificate))
    })
}

/// Signs the set, so that readers can demand sets of this host. You may free the signer afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_signer(
    builder: Option<NonNull<azs_backup_builder>>,
    signer: Option<&azs_signer>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let signer = handle(signer, "signer")?.0.clone();
        change(builder, |builder| builder.signer(signer))
    })
}

/// Sets options from a JSON object. Its keys are the names of the functions below, with `labels` (an object), `exclude`
/// and `distrust` (lists of strings). What is missing or null stays as it is. After an error you can only free the
/// builder.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_options(
    builder: Option<NonNull<azs_backup_builder>>,
    options: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let options = options.get("options")?;
        try_change(builder, |builder| builder.options(options))
    })
}

/// Accepts certificates that are expired or not yet valid. By default they are refused.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_allow_expired_certificates(
    builder: Option<NonNull<azs_backup_builder>>,
    allow: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.allow_expired_certificates(allow)))
}

/// Writes a label on the cover sheet, in clear: vendor, model, serial, firmware.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_label(
    builder: Option<NonNull<azs_backup_builder>>,
    key: Text,
    value: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (key, value) = (key.get("key")?, value.get("value")?);
        change(builder, |builder| builder.label(key, value))
    })
}

/// Leaves out what a pattern in gitignore syntax matches below each folder; `!` takes something back in.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_exclude(
    builder: Option<NonNull<azs_backup_builder>>,
    pattern: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let pattern = pattern.get("pattern")?;
        change(builder, |builder| builder.exclude(pattern))
    })
}

/// What to do about sources that cannot be read or that change: "fail", the default, or "report".
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_source_problems(
    builder: Option<NonNull<azs_backup_builder>>,
    policy: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let policy = policy.parse("policy")?;
        change(builder, |builder| builder.source_problems(policy))
    })
}

/// What to do about sources that are empty, or hold less than half of last time: "warn", the default, or "fail".
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_shrunken_sources(
    builder: Option<NonNull<azs_backup_builder>>,
    policy: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let policy = policy.parse("policy")?;
        change(builder, |builder| builder.shrunken_sources(policy))
    })
}

/// Leaves out what is mounted below a source.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_one_file_system(
    builder: Option<NonNull<azs_backup_builder>>,
    one: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.one_file_system(one)))
}

/// Creates the region folder, and the folder of a component of your own, if it is missing. By default that is an error.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_create(
    builder: Option<NonNull<azs_backup_builder>>,
    create: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.create(create)))
}

/// Reads back each stored file that is taken over from an earlier set, at least once in this many runs. The default is
/// 7; 0 means never.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_recheck(
    builder: Option<NonNull<azs_backup_builder>>,
    runs: u32,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.recheck(runs)))
}

/// Stores again what was stored more than this many days ago. The default is 180; 0 means never.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_renew_after_days(
    builder: Option<NonNull<azs_backup_builder>>,
    days: u32,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.renew_after_days(days)))
}

/// Sets the zstd level, -7 to 19; the default is 3. The start of the backup checks it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_level(
    builder: Option<NonNull<azs_backup_builder>>,
    level: i32,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.level(level)))
}

/// Sets the largest size of a stored segment in bytes, 4 to 64 MiB; the default is 12 MiB. The start of the backup
/// checks it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_segment_size(
    builder: Option<NonNull<azs_backup_builder>>,
    bytes: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.segment_size(bytes)))
}

/// Sets the number of threads that read and compress; the default is one for each core.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_workers(
    builder: Option<NonNull<azs_backup_builder>>,
    workers: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.workers(workers)))
}

/// Sets the state folder: a folder of this host, one for each job, that remembers the last set. With it a set costs
/// only what changed since.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_state(
    builder: Option<NonNull<azs_backup_builder>>,
    folder: FilePath,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let folder: PathBuf = folder.get("folder")?.to_owned();
        change(builder, |builder| builder.state(folder))
    })
}

/// Reads every file, whatever its times say, and every stored file that is taken over from an earlier set.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_reread_everything(
    builder: Option<NonNull<azs_backup_builder>>,
    reread_everything: bool,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || change(builder, |builder| builder.reread_everything(reread_everything)))
}

/// Does not take over this stored file from an earlier set, because a verification found it damaged; stores its content
/// again. `file` is that of a fault in the report of `azs_set_verify`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_distrust(
    builder: Option<NonNull<azs_backup_builder>>,
    file: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let file = file.get("file")?;
        change(builder, |builder| builder.distrust([file]))
    })
}

/// Names the set; by default its name has the time and a random suffix.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_set_name(
    builder: Option<NonNull<azs_backup_builder>>,
    name: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let name = name.parse("name")?;
        change(builder, |builder| builder.set_name(name))
    })
}

/// Sets the progress function. It is called while you add sources and during the commit, on the thread that does so.
/// `user_data` must live until you free the backup.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_progress(
    builder: Option<NonNull<azs_backup_builder>>,
    progress: azs_progress_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let hook = hook(progress, user_data);
        change(builder, |builder| builder.observer(hook))
    })
}

/// Frees a builder. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_builder_free(builder: Option<Box<azs_backup_builder>>) {
    quietly((), || drop(builder));
}
