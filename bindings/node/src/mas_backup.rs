//! Azure Stack Hub's own backups: list, verify, extract.

use std::sync::Arc;

use azs_backup::Result;
use azs_backup::layout::SharePath;
use azs_backup::mas_backup::{self as core, ExtractOptions, Keys};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::control::Control;
use crate::envelope::Opener;
use crate::ffi::{json, long, now, time};
use crate::share::Share;

#[napi]
pub struct MasBackup(Arc<core::MasBackup>);

fn open(share: Result<Arc<dyn azs_backup::Share>>, folder: &str) -> Result<MasBackup> {
    let folder: SharePath = folder.parse()?;
    core::MasBackup::open(share?, &folder).map(|opened| MasBackup(Arc::new(opened)))
}

fn list(
    of: &core::MasBackup,
    at: Option<String>,
    control: &mut impl azs_backup::observer::Observer,
) -> Result<String> {
    json(&of.list().observer(control).run(time(at)?)?)
}

fn verify(
    of: &core::MasBackup,
    keys: &Keys,
    backup: Option<String>,
    at: Option<String>,
    control: &mut impl azs_backup::observer::Observer,
) -> Result<String> {
    let mut verify = of.verify().keys(keys).observer(control);
    if let Some(id) = backup {
        verify = verify.backup(&id);
    }
    json(&verify.run(time(at)?)?)
}

pub(crate) fn keys(opener: Option<&Opener>) -> Keys {
    opener.map(|opener| Keys::from(&*opener.0)).unwrap_or_default()
}

#[napi]
impl MasBackup {
    #[napi]
    pub fn open<'env>(env: &'env Env, share: &Share, folder: String) -> napi::Result<Object<'env>> {
        let share = share.share();
        long(env, move || open(share, &folder))
    }

    #[napi]
    pub fn open_sync(env: Env, share: &Share, folder: String) -> napi::Result<MasBackup> {
        now(env, || open(share.share(), &folder))
    }

    #[napi]
    pub fn folder(&self) -> String {
        self.0.folder().to_string()
    }

    #[napi]
    pub fn list<'env>(
        &self,
        env: &'env Env,
        at: Option<String>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (of, mut hook) = (self.0.clone(), control.hook());
        long(env, move || list(&of, at, &mut hook))
    }

    #[napi]
    pub fn list_sync(&self, env: Env, at: Option<String>, control: &Control) -> napi::Result<String> {
        control.here(env, || now(env, || list(&self.0, at, &mut control.hook())))
    }

    #[napi]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        opener: Option<&Opener>,
        backup: Option<String>,
        at: Option<String>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (of, keys, mut hook) = (self.0.clone(), keys(opener), control.hook());
        long(env, move || verify(&of, &keys, backup, at, &mut hook))
    }

    #[napi]
    pub fn verify_sync(
        &self,
        env: Env,
        opener: Option<&Opener>,
        backup: Option<String>,
        at: Option<String>,
        control: &Control,
    ) -> napi::Result<String> {
        let keys = keys(opener);
        control.here(env, || now(env, || verify(&self.0, &keys, backup, at, &mut control.hook())))
    }

    #[napi]
    pub fn extract<'env>(
        &self,
        env: &'env Env,
        opener: &Opener,
        backup: String,
        target: String,
        options: String,
        at: Option<String>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (of, keys, mut hook) = (self.0.clone(), keys(Some(opener)), control.hook());
        long(env, move || {
            let options = ExtractOptions::from_json(options)?;
            json(&of.extract(&keys, &backup).options(&options).observer(&mut hook).into(target, time(at)?)?)
        })
    }

    #[napi]
    pub fn extract_sync(
        &self,
        env: Env,
        opener: &Opener,
        backup: String,
        target: String,
        options: String,
        at: Option<String>,
        control: &Control,
    ) -> napi::Result<String> {
        let keys = keys(Some(opener));
        let work = || {
            let options = ExtractOptions::from_json(options)?;
            let hook = &mut control.hook();
            json(&self.0.extract(&keys, &backup).options(&options).observer(hook).into(target, time(at)?)?)
        };
        control.here(env, || now(env, work))
    }
}
