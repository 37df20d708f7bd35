//! Shares for backups.

use std::ffi::c_char;
use std::sync::Arc;

#[cfg(feature = "smb")]
use azs::SmbShare;
use azs::layout::{Component, Deployment};
use azs::set::SetList;
use azs::share::{CheckReport, OpenShare, ShareCheck};
#[cfg(feature = "smb")]
use azs::share::{SmbAccount, SmbBuilder};
use azs::{Error, ErrorKind, FolderShare, Result, Share, list_sets};
use serde::Serialize;

use crate::error::{azs_error, azs_status};
use crate::ffi::{FilePath, Slot, Text, guard, handle, invalid, slot};
use crate::signature::{azs_signer_certificate, demanded};

/// A share for backups. Free it with `azs_share_free`; what you opened on it keeps working.
///
/// Threads: several threads may use it at once.
pub struct azs_share(pub(crate) Arc<dyn Share>, Facts);

/// Something that only an SMB share knows.
type Facts = Option<Box<dyn Fn() -> Result<serde_json::Value> + Send + Sync>>;

/// Opens a folder of this host as a share: a local disk, or a share that the operating system has mounted. `durability`
/// is "flushed", "cached" or NULL for the first.
#[unsafe(no_mangle)]
pub extern "C" fn azs_folder_share_open(
    root: FilePath,
    durability: Text,
    share: Slot<'_, azs_share>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(share, "share")?;
        let mut folder = FolderShare::open(root.get("root")?)?;
        if let Some(durability) = durability.parse_optional("durability")? {
            folder = folder.with_durability(durability);
        }
        out.give(azs_share(Arc::new(folder), None));
        Ok(())
    })
}

/// Opens a share: a folder, a UNC path, or the URL of an object store. With an account, our own client logs on to the
/// server of a UNC path, as `azs_smb_share_connect` does. If `account` is NULL, the system opens the share: any folder,
/// and on Windows a UNC path, as the account that the program runs as; elsewhere a UNC path takes an account. A URL
/// takes no account: credentials come from the environment. `options` is NULL or a JSON object: `durability`, and with
/// an account those of `azs_smb_share_connect`; for a URL those that docs/object-stores.md lists.
///
/// Fails with `AZS_STATUS_UNSUPPORTED` for an account if the library was built without SMB, and for a URL if it was
/// built without the feature `object-store`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_open(
    root: FilePath,
    account: Text,
    password: Text,
    options: Text,
    share: Slot<'_, azs_share>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(share, "share")?;
        let mut opening = azs::share::open(root.get("root")?);
        if let Some(options) = options.optional("options")? {
            opening = opening.options(options);
        }
        if let Some(account) = account.optional("account")? {
            opening = with_account(opening, account, password.get("password")?)?;
        }
        out.give(azs_share(opening.run()?, None));
        Ok(())
    })
}

#[cfg(feature = "smb")]
fn with_account(opening: OpenShare, account: &str, password: &str) -> Result<OpenShare> {
    Ok(opening.account(SmbAccount::new(account, password)?))
}

#[cfg(not(feature = "smb"))]
fn with_account(_: OpenShare, _: &str, _: &str) -> Result<OpenShare> {
    Err(without_smb())
}

/// Connects to a share over SMB 3 by its UNC path, without mounting it, and logs on. `account` is like
/// `CONTOSO\\azsbackup`. `options` is NULL for the defaults, or a JSON object with `port`, `encryption` ("required",
/// "preferred", "off"), `oldest_dialect` ("3.1.1"; with "3.0" and "3.0.2" you give up encryption and protection of the
/// negotiation), `durability`, `connections`, `attempts`, and in seconds `connect_limit`, `silence_limit`,
/// `call_limit`. No message and no output contains account or password.
///
/// Fails with `AZS_STATUS_UNSUPPORTED` if the library was built without SMB.
#[unsafe(no_mangle)]
pub extern "C" fn azs_smb_share_connect(
    root: Text,
    account: Text,
    password: Text,
    options: Text,
    share: Slot<'_, azs_share>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(share, "share")?;
        let (root, account, password) =
            (root.get("root")?, account.get("account")?, password.get("password")?);
        out.give(connect(root, account, password, options.optional("options")?)?);
        Ok(())
    })
}

#[cfg(feature = "smb")]
fn smb(root: &str, account: &str, password: &str, options: Option<&str>) -> Result<SmbBuilder> {
    let builder = SmbShare::builder(root.parse()?, SmbAccount::new(account, password)?);
    options.map_or(Ok(builder.clone()), |options| builder.options(options))
}

#[cfg(feature = "smb")]
fn check_smb(
    check: &ShareCheck,
    root: &str,
    account: &str,
    password: &str,
    options: Option<&str>,
) -> Result<CheckReport> {
    Ok(check.run_smb(&smb(root, account, password, options)?))
}

#[cfg(not(feature = "smb"))]
fn check_smb(_: &ShareCheck, _: &str, _: &str, _: &str, _: Option<&str>) -> Result<CheckReport> {
    Err(without_smb())
}

#[cfg(feature = "smb")]
fn connect(root: &str, account: &str, password: &str, options: Option<&str>) -> Result<azs_share> {
    let share = Arc::new(smb(root, account, password, options)?.connect()?);
    let facts = {
        let share = share.clone();
        move || {
            serde_json::to_value(share.facts()?).map_err(|e| {
                Error::new(ErrorKind::Internal, "a result cannot be written as JSON").with_source(e)
            })
        }
    };
    Ok(azs_share(share, Some(Box::new(facts))))
}

#[cfg(not(feature = "smb"))]
fn connect(_: &str, _: &str, _: &str, _: Option<&str>) -> Result<azs_share> {
    Err(without_smb())
}

#[cfg(not(feature = "smb"))]
fn without_smb() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "this library was built without SMB; mount the share and open its folder",
    )
}

/// Returns what client and server agreed on, as JSON: `address`, `target` (behind a DFS path), `dialect`, `encrypted`,
/// `cipher`, `signing`, `block`. Fails with `AZS_STATUS_INVALID_ARGUMENT` for a share of another kind.
#[unsafe(no_mangle)]
pub extern "C" fn azs_smb_share_facts(
    share: Option<&azs_share>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let facts = handle(share, "share")?.1.as_ref();
        out.json(&facts.ok_or_else(|| invalid("share is no SMB share".into()))?()?)
    })
}

/// Returns where it is, for people.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_describe(
    share: Option<&azs_share>,
    text: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(text, "text")?;
        out.text(handle(share, "share")?.0.describe());
        Ok(())
    })
}

/// Returns its room in bytes, as JSON: `total` and `free`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_space(
    share: Option<&azs_share>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(share, "share")?.0.space()?))
}

/// Frees a share. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_free(share: Option<Box<azs_share>>) {
    drop(share);
}

/// Checks step by step whether an open share can take the backups of a deployment. It writes a few objects with random
/// names, and removes them. `options` is NULL, or a JSON object with `components`, each like "Switches" or
/// "Switches/su1", and `create_folders` (false). Returns the report as JSON: `is_sound`, and `steps` with `outcome`
/// ("passed", "warned", "failed", "skipped"), what was `seen`, and the `alert` of a failure. The call succeeds even if
/// a step fails.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_check(
    share: Option<&azs_share>,
    deployment: Text,
    options: Text,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let share = handle(share, "share")?;
        out.json(&Checked::from(check(&deployment, &options)?.run(&*share.0)))
    })
}

/// Checks the way to a share over SMB, beginning with the server's name. The first step that fails shows where the
/// fault is. It tries to log on once. `connection` is what `azs_smb_share_connect` calls `options`; the rest is as
/// above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_smb_share_check(
    root: Text,
    account: Text,
    password: Text,
    connection: Text,
    deployment: Text,
    options: Text,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (root, account, password) =
            (root.get("root")?, account.get("account")?, password.get("password")?);
        let check = check(&deployment, &options)?;
        out.json(&Checked::from(check_smb(
            &check,
            root,
            account,
            password,
            connection.optional("connection")?,
        )?))
    })
}

fn check(deployment: &Text, options: &Text) -> Result<ShareCheck> {
    let check = ShareCheck::new(deployment.parse("deployment")?);
    options.optional("options")?.map_or(Ok(check.clone()), |options| check.options(options))
}

/// A report, and what callers ask first: whether it is sound.
#[derive(Serialize)]
struct Checked {
    is_sound: bool,
    #[serde(flatten)]
    report: CheckReport,
}

impl From<CheckReport> for Checked {
    fn from(report: CheckReport) -> Self {
        Self { is_sound: report.is_sound(), report }
    }
}

/// A listing of the sets of a deployment. Free it with `azs_sets_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_sets(pub(crate) SetList);

/// Lists the sets of a deployment, or of one component; NULL for all. Needs no key. With a demand for `signers`, a set that
/// none of them signed is "untrusted": retention deletes no such set, and counts none as good. NULL and 0 demand nothing.
///
/// With `newest`, it lists only the newest sets of each place, from the newest back until so many are complete, and reads no
/// older one; 0 lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set
/// is shrunken.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_list_sets(
    share: Option<&azs_share>,
    deployment: Text,
    component: Text,
    newest: usize,
    signers: *const *const azs_signer_certificate,
    signer_count: usize,
    sets: Slot<'_, azs_sets>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(sets, "sets")?;
        let share = handle(share, "share")?;
        let deployment: Deployment = deployment.parse("deployment")?;
        let component: Option<Component> = component.parse_optional("component")?;
        let signers = demanded(signers, signer_count)?;
        let list = list_sets(share.0.clone(), &deployment).component(component.as_ref()).newest(newest);
        out.give(azs_sets(list.require_signers(&signers).run()?));
        Ok(())
    })
}

/// Returns how many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_count(sets: Option<&azs_sets>) -> usize {
    sets.map_or(0, |sets| sets.0.len())
}

/// Returns all of them: a JSON array, by place and then from old to new. Each has `place`, `name`, `folder`,
/// `has_cover_sheet`, `is_shrunken`, `state` ("complete", "damaged", "foreign", "incomplete", "unreadable",
/// "unsupported", "untrusted"), `signature`, and `cover` or `reason`; a foreign one also has `belongs_to`, the folder where it belongs.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_json(
    sets: Option<&azs_sets>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(sets, "sets")?.0.sets))
}

/// Returns one of them as JSON: an object of the array that `azs_sets_json` returns. The first is number 0.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_item(
    sets: Option<&azs_sets>,
    number: usize,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let sets = &handle(sets, "sets")?.0;
        let missing = || invalid(format!("there is no set number {number}: the listing has {}", sets.len()));
        out.json(sets.get(number).ok_or_else(missing)?)
    })
}

/// Returns the folders of components and scale units that cannot be listed, a JSON array of `folder`, `code` and
/// `reason`. Their sets are missing from the listing.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_unreadable(
    sets: Option<&azs_sets>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(sets, "sets")?.0.unreadable))
}

/// Frees a listing. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_free(sets: Option<Box<azs_sets>>) {
    drop(sets);
}
