//! Shares: where backups lie.

use std::ffi::c_char;
use std::sync::Arc;

use azs::{Component, Deployment, FolderShare, Result, SetSummary, Share, list_sets};
#[cfg(not(feature = "smb"))]
use azs::{Error, ErrorKind};
#[cfg(feature = "smb")]
use azs::{SmbAccount, SmbBuilder};

use crate::border::{FilePath, Slot, Text, guard, handle, slot};
use crate::error::{azs_error, azs_status};

/// A share that backups lie on. Freed by `azs_share_free`; what was made of it before goes on working.
///
/// Threads: may be used by several threads at once.
pub struct azs_share(pub(crate) Arc<dyn Share>);

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
        out.give(azs_share(Arc::new(folder)));
        Ok(())
    })
}

/// Connects to a share over SMB 3 by its UNC path, with no mount, and logs on. `account` is like `CONTOSO\\azsbackup`.
/// `options` is NULL for the defaults, or a JSON object with `port`, `encryption` ("required", "preferred", "off"),
/// `oldest_dialect` ("3.0", "3.0.2", "3.1.1"), `durability`, `connections`, `connect_limit`, `silence_limit` and
/// `call_limit` in seconds, `attempts`. Account and password are in no message and no output.
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
        out.give(azs_share(connect(root, account, password, options.optional("options")?)?));
        Ok(())
    })
}

#[cfg(feature = "smb")]
fn connect(root: &str, account: &str, password: &str, options: Option<&str>) -> Result<Arc<dyn Share>> {
    let mut builder = SmbBuilder::new(root.parse()?, SmbAccount::new(account, password)?);
    if let Some(options) = options {
        builder = builder.options(options)?;
    }
    Ok(Arc::new(builder.connect()?))
}

#[cfg(not(feature = "smb"))]
fn connect(_: &str, _: &str, _: &str, _: Option<&str>) -> Result<Arc<dyn Share>> {
    Err(Error::new(
        ErrorKind::Unsupported,
        "this library was built without SMB; mount the share and open its folder",
    ))
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

/// The sets of a deployment, as a listing shows them. Freed by `azs_sets_free`.
///
/// Threads: never changes, may be used by several threads at once.
pub struct azs_sets(pub(crate) Vec<SetSummary>);

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
        out.give(azs_sets(list_sets(&share.0, &deployment, component.as_ref())?));
        Ok(())
    })
}

/// How many there are. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_count(sets: Option<&azs_sets>) -> usize {
    sets.map_or(0, |sets| sets.0.len())
}

/// All of them: a JSON array, by place and then from old to new. Of each `place`, `name`, `folder`, `has_cover_sheet`,
/// `state` ("complete", "incomplete", "unsupported"), and `cover` or `reason`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_json(
    sets: Option<&azs_sets>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(sets, "sets")?.0))
}

/// Frees a listing. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sets_free(sets: Option<Box<azs_sets>>) {
    drop(sets);
}
