//! Parses and forms names and places, or refuses them. Facts are JSON with `text`, the normal form, and the parts.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use azs::Place;
use azs::layout::{Component, Deployment, ScaleUnit, SetName, SharePath, UncPath, facts, is_mas_backup};

use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, invalid, slot};

/// Reads a UNC path: `\\fileserver01.contoso.com\AzSBackups`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_unc_path_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("unc_path", &text, json, error)
}

/// Reads a path on the share: `contoso.com/nyc`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_path_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("share_path", &text, json, error)
}

/// Reads a name on the share.
#[unsafe(no_mangle)]
pub extern "C" fn azs_name_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("name", &text, json, error)
}

/// Reads a host: its name or address.
#[unsafe(no_mangle)]
pub extern "C" fn azs_host_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("host", &text, json, error)
}

/// Reads a component: `Switches`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_component_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("component", &text, json, error)
}

/// Reads a scale unit: `su1`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_scale_unit_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("scale_unit", &text, json, error)
}

/// Reads a deployment: `contoso.com/nyc`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_deployment_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("deployment", &text, json, error)
}

/// Reads a place: `contoso.com/nyc/Switches`, `contoso.com/nyc/Switches/su1`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_place_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("place", &text, json, error)
}

/// Reads a set's name: `20261123T020000Z-7f3a91c2`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_name_parse(
    text: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    read("set_name", &text, json, error)
}

/// Continues a UNC path by a path on the share.
#[unsafe(no_mangle)]
pub extern "C" fn azs_unc_path_join(
    path: Text,
    below: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let path: UncPath = path.parse("path")?;
        out.json(&facts("unc_path", &path.join(&below.parse("below")?).to_string())?)
    })
}

/// Continues a path on the share by another.
#[unsafe(no_mangle)]
pub extern "C" fn azs_share_path_join(
    path: Text,
    below: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let path: SharePath = path.parse("path")?;
        out.json(&facts("share_path", &path.join_path(&below.parse("below")?).to_string())?)
    })
}

/// Forms a deployment from its external domain name and region.
#[unsafe(no_mangle)]
pub extern "C" fn azs_deployment_form(
    external_domain_name: Text,
    region: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let deployment =
            Deployment::new(external_domain_name.get("external_domain_name")?, region.get("region")?)?;
        out.json(&facts("deployment", &deployment.to_string())?)
    })
}

/// Forms a place from a deployment, a component and a scale unit; NULL for no scale unit.
#[unsafe(no_mangle)]
pub extern "C" fn azs_place_form(
    deployment: Text,
    component: Text,
    scale_unit: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let component: Component = component.parse("component")?;
        let mut place = Place::new(deployment.parse("deployment")?, component);
        if let Some(scale_unit) = scale_unit.parse_optional::<ScaleUnit>("scale_unit")? {
            place = place.with_scale_unit(scale_unit);
        }
        out.json(&facts("place", &place.to_string())?)
    })
}

/// Forms a set's name from the time at which it begins, NULL for now, and a number that distinguishes sets of the same
/// second.
#[unsafe(no_mangle)]
pub extern "C" fn azs_set_name_form(
    created: Text,
    suffix: u32,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&facts("set_name", &SetName::new(created.time("created")?, suffix)?.to_string())?)
    })
}

/// Returns the folder of a set below the root of the share: facts of a path on the share.
#[unsafe(no_mangle)]
pub extern "C" fn azs_place_set_folder(
    place: Text,
    set: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let place: Place = place.parse("place")?;
        out.json(&facts("share_path", &place.set_folder(&set.parse("set")?).to_string())?)
    })
}

/// Whether two UNC paths are the same place, ignoring letter case.
#[unsafe(no_mangle)]
pub extern "C" fn azs_unc_path_is_same_place(
    path: Text,
    other: Text,
    is_same: Option<&mut MaybeUninit<bool>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = is_same.ok_or_else(|| invalid("is_same is NULL".into()))?;
        out.write(false);
        let path: UncPath = path.parse("path")?;
        out.write(path.same_place(&other.parse("other")?));
        Ok(())
    })
}

/// Whether a name is `MASBackup`, in any letter case or disguise. False for NULL and for what is not UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn azs_is_mas_backup(name: Text) -> bool {
    name.optional("name").ok().flatten().is_some_and(is_mas_backup)
}

fn read(what: &str, text: &Text, json: Slot<'_, c_char>, error: Slot<'_, azs_error>) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&facts(what, text.get("text")?)?)
    })
}
