//! The options of a restore.

use std::ptr::NonNull;

use azs::Result;
use azs::restore::RestoreOptions;
use azs::signature::SignerCertificate;

use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, Slot, Text, alone, guard, slot};
use crate::signature::{azs_signer_certificate, demanded};

/// The options of a restore. Free them with `azs_restore_options_free`.
///
/// Threads: only one at a time.
pub struct azs_restore_options(Alone<Options>);

/// What the core has as options, and the demand.
#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) options: RestoreOptions,
    pub(super) signers: Vec<SignerCertificate>,
}

/// A copy of the options; the defaults for NULL.
pub(super) fn copied(options: Option<NonNull<azs_restore_options>>) -> Result<Options> {
    let copy = |options: &mut Options| Ok(options.clone());
    let copied = options.map(|_| alone(options, "options", |handle| &handle.0, copy)).transpose()?;
    Ok(copied.unwrap_or_default())
}

fn change(
    options: Option<NonNull<azs_restore_options>>,
    change: impl FnOnce(RestoreOptions) -> RestoreOptions,
) -> Result<()> {
    alone(
        options,
        "options",
        |handle| &handle.0,
        |options| {
            options.options = change(std::mem::take(&mut options.options));
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
        slot(options, "options")?.give(azs_restore_options(Alone::new(Options::default())));
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
        let options = RestoreOptions::from_json(json.get("json")?)?;
        out.give(azs_restore_options(Alone::new(Options { options, signers: Vec::new() })));
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

/// Demands that one of these signers signed the set; see `azs_signer_certificate`. You may free them afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_require_signers(
    options: Option<NonNull<azs_restore_options>>,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let signers = demanded(signers, signer_count)?;
        let set = |options: &mut Options| {
            options.signers = signers;
            Ok(())
        };
        alone(options, "options", |handle| &handle.0, set)
    })
}

/// Frees options. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_restore_options_free(options: Option<Box<azs_restore_options>>) {
    drop(options);
}
