//! Names and places: facts as JSON.

use azs_backup::Place;
use azs_backup::layout::{self, Component, Deployment, ScaleUnit, SetName, SharePath, UncPath};
use napi::Env;
use napi_derive::napi;

use crate::ffi::{json, now, optional, time};

#[napi]
pub fn facts(env: Env, what: String, text: String) -> napi::Result<String> {
    now(env, || json(&layout::facts(&what, &text)?))
}

#[napi]
pub fn join_unc_path(env: Env, path: String, below: String) -> napi::Result<String> {
    now(env, || {
        let path: UncPath = path.parse()?;
        json(&layout::facts("unc_path", &path.join(&below.parse()?).to_string())?)
    })
}

#[napi]
pub fn join_share_path(env: Env, path: String, below: String) -> napi::Result<String> {
    now(env, || {
        let path: SharePath = path.parse()?;
        json(&layout::facts("share_path", &path.join_path(&below.parse()?).to_string())?)
    })
}

#[napi]
pub fn form_deployment(env: Env, external_domain_name: String, region: String) -> napi::Result<String> {
    now(env, || {
        let deployment = Deployment::new(external_domain_name, region)?;
        json(&layout::facts("deployment", &deployment.to_string())?)
    })
}

#[napi]
pub fn form_place(
    env: Env,
    deployment: String,
    component: String,
    scale_unit: Option<String>,
) -> napi::Result<String> {
    now(env, || {
        let component: Component = component.parse()?;
        let mut place = Place::new(deployment.parse()?, component);
        if let Some(scale_unit) = optional::<ScaleUnit>(scale_unit)? {
            place = place.with_scale_unit(scale_unit);
        }
        json(&layout::facts("place", &place.to_string())?)
    })
}

#[napi]
pub fn form_set_name(env: Env, created: Option<String>, suffix: u32) -> napi::Result<String> {
    now(env, || json(&layout::facts("set_name", &SetName::new(time(created)?, suffix)?.to_string())?))
}

#[napi]
pub fn set_folder(env: Env, place: String, set: String) -> napi::Result<String> {
    now(env, || {
        let place: Place = place.parse()?;
        json(&layout::facts("share_path", &place.set_folder(&set.parse()?).to_string())?)
    })
}

#[napi]
pub fn is_same_place(env: Env, path: String, other: String) -> napi::Result<bool> {
    now(env, || Ok(path.parse::<UncPath>()?.same_place(&other.parse()?)))
}

#[napi]
pub fn is_mas_backup(name: String) -> bool {
    layout::is_mas_backup(&name)
}
