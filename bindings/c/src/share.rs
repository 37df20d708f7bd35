//! Shares: where backups lie.

use std::ffi::c_char;
use std::sync::Arc;

#[cfg(feature = "smb")]
use azs::SmbShare;
use azs::layout::{Component, Deployment};
use azs::set::SetList;
use azs::share::{CheckReport, ShareCheck};
#[cfg(feature = "smb")]
use azs::share::{SmbAccount, SmbBuilder};
use azs::{Error, ErrorKind, FolderShare, Result, Share, list_sets};
use serde::Serialize;

use crate::error::{azs_error, azs_status};
use crate::ffi::{FilePath, Slot, Text, guard, handle, invalid, slot};

/// A share that backups lie on. Freed by `azs_share_free`; what was made of it before goes on working.
///
/// Threads: may be used by several threads at once.
pub struct azs_share(pub(crate) Arc<dyn Share>, Facts);

/// What only an SMB share can tell.
type Facts = Option<Box<dyn Fn() -> Result<serde_json::Value> + Send + Sync>>;

/// Opens a folder of this host as a share: a local disk, or a share that the system has mounted. `durability` is
/// "flushed", "cached" or NULL for the first.
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

/// Connects to a share over SMB 3 by its UNC path, with no mount, and logs on. `account` is like `CONTOSO\\azsbackup`.
/// `options` is NULL for the defaults, or a JSON object with `port`, `encryption` ("required", "preferred", "off"),
/// `oldest_dialect` ("3.1.1"; "3.0" and "3.0.2" give up encryption and protection of the negotiation), `durability`,
/// `connections`, `attempts`, and in seconds `connect_limit`, `silence_limit`, `call_limit`. Account and password are in
/// no message and no output.
///
/// `AZS_STATUS_UNSUPPORTED` where the library was built without SMB.
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

/// What the connection of an SMB share came to, as JSON: `address`, `target` (behind a DFS path),
/// `dialect`, `encrypted`, `cipher`, `signing`, `block`. `AZS_STATUS_INVALID_ARGUMENT` for a share of another kind.
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

/// Where it is, for people.
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

/// Its room in bytes, as JSON: `total` and `free`.
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

/// Checks an open share for the backups of a deployment, step by step: it writes a few objects with random names, and
/// removes them. `options` is NULL, or a JSON object with `components`, each like "Switches" or "Switches/su1", and
/// `create_folders` (false). Gives the report as JSON: `is_sound`, and `steps` with `outcome` ("passed", "warned",
/// "failed", "skipped"), what was `seen`, and the `alert` of a failure. A step that fails does not make the call fail.
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

/// Checks the way to a share over SMB, from the name of the server on: the first step that fails is where the fault is.
/// One attempt to log on is made. `connection` is what `azs_smb_share_connect` calls `options`, else as above.
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

/// A report, and what is asked first.
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

/// The sets of a deployment, as a listing shows them. Freed by `azs_sets_free`.
///
/// Threads: never changes, may be used by several threads at once.
pub struct azs_sets(pub(crate) SetList);

/// Lists the sets of a deployment, or of one component of it; NULL for all. Needs no key.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_list_sets(
    share: Option<&azs_share>,
    deployment: Text,
    component: Text,
    sets: Slot<'_, azs_sets>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(sets, "sets")?;
        let share = handle(share, "share")?;
        let deployment: Deployment = deployment.parse("deployment")?;
        let component: Option<Component> = component.parse_optional("component")?;
        out.give(azs_sets(list_sets(&share.0, &deployment).component(component.as_ref()).run()?));
        Ok(())
    })
}

/// How many there are. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_count(sets: Option<&azs_sets>) -> usize {
    sets.map_or(0, |sets| sets.0.len())
}

/// All of them: a JSON array, by place and then from old to new. Of each `place`, `name`, `folder`, `has_cover_sheet`,
/// `is_shrunken`, `state` ("complete", "damaged", "foreign", "incomplete", "unreadable", "unsupported"), and `cover` or
/// `reason`; of a foreign one `belongs_to`, the folder where it belongs.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_json(
    sets: Option<&azs_sets>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(sets, "sets")?.0.sets))
}

/// One of them, as JSON: an object of the array that `azs_sets_json` gives. The first is number 0.
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

/// Folders of components and scale units that cannot be listed, so that sets in them are not named: a JSON array of
/// `folder`, `code` and `reason`.
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
