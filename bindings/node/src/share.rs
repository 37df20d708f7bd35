//! Shares, and what is on them.

use std::sync::Arc;

use azs_backup::observer::{Observer, watch};
use azs_backup::set::SetList;
use azs_backup::share::{CheckReport, OpenShare, ShareCheck};
use azs_backup::{Error, FolderShare, Result, list_sets};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::control::Control;
use crate::ffi::{invalid, json, long, now, optional};
use crate::signature::{SignerCertificate, demanded};
use crate::threads;

#[napi]
pub struct Share(Option<Arc<dyn azs_backup::Share>>, Facts);

/// What only an SMB share can tell.
type Facts = Option<Arc<dyn Fn() -> Result<String> + Send + Sync>>;

impl Share {
    pub(crate) fn share(&self) -> Result<Arc<dyn azs_backup::Share>> {
        self.0.clone().ok_or_else(closed)
    }
}

#[napi]
impl Share {
    #[napi]
    pub fn open_folder<'env>(
        env: &'env Env,
        root: String,
        durability: Option<String>,
    ) -> napi::Result<Object<'env>> {
        long(env, move || open_folder(root, durability))
    }

    #[napi]
    pub fn open_folder_sync(env: Env, root: String, durability: Option<String>) -> napi::Result<Share> {
        now(env, || open_folder(root, durability))
    }

    #[napi]
    pub fn connect_smb<'env>(
        env: &'env Env,
        root: String,
        account: String,
        password: String,
        options: String,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (password, mut hook) = (Zeroizing::new(password), control.hook());
        long(env, move || watch(&mut hook, || connect_smb(&root, account, password, &options)))
    }

    #[napi]
    pub fn connect_smb_sync(
        env: Env,
        root: String,
        account: String,
        password: String,
        options: String,
    ) -> napi::Result<Share> {
        let password = Zeroizing::new(password);
        now(env, || connect_smb(&root, account, password, &options))
    }

    #[napi]
    pub fn open<'env>(
        env: &'env Env,
        root: String,
        account: Option<String>,
        password: Option<String>,
        options: String,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (account, mut hook) = (account.map(|name| (name, secret(password))), control.hook());
        long(env, move || watch(&mut hook, || open(&root, account, &options)))
    }

    #[napi]
    pub fn open_sync(
        env: Env,
        root: String,
        account: Option<String>,
        password: Option<String>,
        options: String,
    ) -> napi::Result<Share> {
        let account = account.map(|name| (name, secret(password)));
        now(env, || open(&root, account, &options))
    }

    #[napi]
    pub fn facts<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let facts = self.1.clone();
        long(env, move || facts.ok_or_else(closed)?())
    }

    #[napi]
    pub fn facts_sync(&self, env: Env) -> napi::Result<String> {
        now(env, || self.1.as_ref().ok_or_else(closed)?())
    }

    #[napi]
    pub fn describe(&self, env: Env) -> napi::Result<String> {
        now(env, || Ok(self.share()?.describe()))
    }

    #[napi]
    pub fn space<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let share = self.share();
        long(env, move || json(&share?.space()?))
    }

    #[napi]
    pub fn space_sync(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.share()?.space()?))
    }

    #[napi]
    pub fn check<'env>(
        &self,
        env: &'env Env,
        deployment: String,
        options: String,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (share, mut hook) = (self.share(), control.hook());
        long(env, move || {
            let (check, share) = (check(&deployment, &options)?, share?);
            checked(watch(&mut hook, || check.run(&*share)))
        })
    }

    #[napi]
    pub fn check_sync(&self, env: Env, deployment: String, options: String) -> napi::Result<String> {
        now(env, || checked(check(&deployment, &options)?.run(&*self.share()?)))
    }

    #[napi]
    pub fn check_smb<'env>(
        env: &'env Env,
        root: String,
        account: String,
        password: String,
        connection: String,
        deployment: String,
        options: String,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (password, mut hook) = (Zeroizing::new(password), control.hook());
        long(env, move || {
            let check = check(&deployment, &options)?;
            watch(&mut hook, || check_smb(&check, &root, account, password, &connection))
        })
    }

    #[napi]
    pub fn check_smb_sync(
        env: Env,
        root: String,
        account: String,
        password: String,
        connection: String,
        deployment: String,
        options: String,
    ) -> napi::Result<String> {
        let password = Zeroizing::new(password);
        now(env, || check_smb(&check(&deployment, &options)?, &root, account, password, &connection))
    }

    #[napi]
    pub fn list_sets<'env>(
        &self,
        env: &'env Env,
        deployment: String,
        component: Option<String>,
        newest: u32,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<Object<'env>> {
        let (share, signers, mut hook) = (self.share(), demanded(signers), control.hook());
        long(env, move || list(share?, &deployment, component, newest as usize, &signers, &mut hook))
    }

    #[napi]
    pub fn list_sets_sync(
        &self,
        env: Env,
        deployment: String,
        component: Option<String>,
        newest: u32,
        signers: Vec<&SignerCertificate>,
        control: &Control,
    ) -> napi::Result<Sets> {
        let signers = demanded(signers);
        let list =
            || list(self.share()?, &deployment, component, newest as usize, &signers, &mut control.hook());
        control.here(env, || now(env, list))
    }

    #[napi]
    pub fn close(&mut self) {
        if let Some(share) = self.0.take() {
            threads::let_go((share, self.1.take()));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> Error {
    invalid("the share is closed".into())
}

/// A listing.
#[napi]
pub struct Sets(pub(crate) SetList);

#[napi]
impl Sets {
    #[napi]
    pub fn json(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0))
    }
}

fn open_folder(root: String, durability: Option<String>) -> Result<Share> {
    let mut share = FolderShare::open(root)?;
    if let Some(durability) = optional(durability)? {
        share = share.with_durability(durability);
    }
    Ok(Share(Some(Arc::new(share)), None))
}

fn secret(password: Option<String>) -> Zeroizing<String> {
    Zeroizing::new(password.unwrap_or_default())
}

/// Opens a share of any kind; an account is a name and a password.
fn open(root: &str, account: Option<(String, Zeroizing<String>)>, options: &str) -> Result<Share> {
    let share = azs_backup::share::open(root).options(options);
    let share = match account {
        Some((name, password)) => with_account(share, name, &password)?,
        None => share,
    };
    Ok(Share(Some(share.run()?), None))
}

#[cfg(feature = "smb")]
fn with_account(share: OpenShare, name: String, password: &str) -> Result<OpenShare> {
    Ok(share.account(azs_backup::share::SmbAccount::new(name, password)?))
}

#[cfg(not(feature = "smb"))]
fn with_account(_: OpenShare, _: String, _: &str) -> Result<OpenShare> {
    Err(without_smb())
}

fn check(deployment: &str, options: &str) -> Result<ShareCheck> {
    ShareCheck::new(deployment.parse()?).options(options)
}

/// A report, and what callers ask first: whether it is sound.
fn checked(report: CheckReport) -> Result<String> {
    #[derive(Serialize)]
    struct Checked {
        is_sound: bool,
        #[serde(flatten)]
        report: CheckReport,
    }
    json(&Checked { is_sound: report.is_sound(), report })
}

#[cfg(feature = "smb")]
fn smb(root: &str, account: String, password: &str, options: &str) -> Result<azs_backup::share::SmbBuilder> {
    let account = azs_backup::share::SmbAccount::new(account, password)?;
    azs_backup::SmbShare::builder(root.parse()?, account).options(options)
}

#[cfg(feature = "smb")]
fn check_smb(
    check: &ShareCheck,
    root: &str,
    account: String,
    password: Zeroizing<String>,
    options: &str,
) -> Result<String> {
    checked(check.run_smb(&smb(root, account, &password, options)?))
}

#[cfg(not(feature = "smb"))]
fn check_smb(_: &ShareCheck, _: &str, _: String, _: Zeroizing<String>, _: &str) -> Result<String> {
    Err(without_smb())
}

#[cfg(feature = "smb")]
fn connect_smb(root: &str, account: String, password: Zeroizing<String>, options: &str) -> Result<Share> {
    let share = Arc::new(smb(root, account, &password, options)?.connect()?);
    let facts = {
        let share = share.clone();
        move || json(&share.facts()?)
    };
    Ok(Share(Some(share), Some(Arc::new(facts))))
}

#[cfg(not(feature = "smb"))]
fn connect_smb(_: &str, _: String, _: Zeroizing<String>, _: &str) -> Result<Share> {
    Err(without_smb())
}

#[cfg(not(feature = "smb"))]
fn without_smb() -> Error {
    Error::new(
        azs_backup::ErrorKind::Unsupported,
        "this package was built without SMB; mount the share and open its folder",
    )
}

fn list(
    share: Arc<dyn azs_backup::Share>,
    deployment: &str,
    component: Option<String>,
    newest: usize,
    signers: &[azs_backup::signature::SignerCertificate],
    observer: &mut dyn Observer,
) -> Result<Sets> {
    let component = optional(component)?;
    let deployment = deployment.parse()?;
    let list = list_sets(share, &deployment).component(component.as_ref()).newest(newest);
    Ok(Sets(list.require_signers(signers).observer(observer).run()?))
}
