//! Who made a set: the certificate with which a host signs, and those that a reader demands.

use azs_backup::signature as core;
use napi::Env;
use napi::bindgen_prelude::{Buffer, Object};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::ffi::{Promise, json, long, now, soon, time};

#[napi]
pub struct SignerCertificate(core::SignerCertificate);

#[napi]
impl SignerCertificate {
    #[napi(factory)]
    pub fn from_cer(env: Env, cer: &[u8]) -> napi::Result<Self> {
        now(env, || core::SignerCertificate::from_cer(cer).map(Self))
    }

    #[napi]
    pub fn load<'env>(env: &'env Env, file: String) -> napi::Result<Object<'env>> {
        long(env, move || core::SignerCertificate::load(file).map(Self))
    }

    #[napi]
    pub fn load_sync(env: Env, file: String) -> napi::Result<SignerCertificate> {
        now(env, || core::SignerCertificate::load(file).map(Self))
    }

    #[napi]
    pub fn facts(&self, env: Env) -> napi::Result<String> {
        now(env, || json(self.0.facts()))
    }

    #[napi]
    pub fn to_der(&self, env: Env) -> napi::Result<Buffer> {
        now(env, || self.0.to_der().map(Buffer::from))
    }
}

#[napi]
pub struct Signer(pub(crate) core::Signer);

#[napi]
impl Signer {
    #[napi]
    pub fn from_pfx(pfx: &[u8], password: Option<String>) -> Promise<Signer> {
        let (pfx, password) = (Zeroizing::new(pfx.to_vec()), password.map(Zeroizing::new));
        soon(move || core::Signer::from_pfx(&pfx, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn from_pfx_sync(env: Env, pfx: &[u8], password: Option<String>) -> napi::Result<Signer> {
        let password = password.map(Zeroizing::new);
        now(env, || core::Signer::from_pfx(pfx, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn from_pem(key: &[u8], passphrase: Option<String>, cer: &[u8]) -> Promise<Signer> {
        let passphrase = passphrase.map(Zeroizing::new);
        let (key, cer) = (Zeroizing::new(key.to_vec()), cer.to_vec());
        soon(move || core::Signer::from_pem(&key, passphrase.as_deref().map(String::as_str), &cer).map(Self))
    }

    #[napi]
    pub fn from_pem_sync(
        env: Env,
        key: &[u8],
        passphrase: Option<String>,
        cer: &[u8],
    ) -> napi::Result<Signer> {
        let passphrase = passphrase.map(Zeroizing::new);
        now(env, || core::Signer::from_pem(key, passphrase.as_deref().map(String::as_str), cer).map(Self))
    }

    #[napi]
    pub fn load<'env>(env: &'env Env, file: String, password: Option<String>) -> napi::Result<Object<'env>> {
        let password = password.map(Zeroizing::new);
        long(env, move || core::Signer::load(file, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn load_sync(env: Env, file: String, password: Option<String>) -> napi::Result<Signer> {
        let password = password.map(Zeroizing::new);
        now(env, || core::Signer::load(file, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn facts(&self, env: Env) -> napi::Result<String> {
        now(env, || json(self.0.facts()))
    }

    #[napi]
    pub fn certificate(&self) -> SignerCertificate {
        SignerCertificate(self.0.certificate())
    }

    #[napi]
    pub fn check_validity(&self, env: Env, at: Option<String>) -> napi::Result<()> {
        now(env, || self.0.check_validity(time(at)?))
    }
}

/// The signers that a call demands, which may go to another thread; none demands nothing.
pub(crate) fn demanded(signers: Vec<&SignerCertificate>) -> Vec<core::SignerCertificate> {
    signers.into_iter().map(|signer| signer.0.clone()).collect()
}
