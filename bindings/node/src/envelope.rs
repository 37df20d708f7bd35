//! Certificates, sealing and opening.
//!
//! Bytes for another thread are copied first, on JavaScript's thread: JavaScript may change them meanwhile, or transfer
//! their memory.

use std::sync::Arc;

use azs_backup::envelope::{self, recipients_of as recipients};
use azs_backup::{DecryptionCertificate as Pfx, EncryptionCertificate as Cer};
use napi::Env;
use napi::bindgen_prelude::{Buffer, Object};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::ffi::{Promise, json, long, now, soon, time};

#[napi]
pub struct EncryptionCertificate(pub(crate) Cer);

#[napi]
impl EncryptionCertificate {
    #[napi(factory)]
    pub fn from_cer(env: Env, cer: &[u8]) -> napi::Result<Self> {
        now(env, || Cer::from_cer(cer).map(Self))
    }

    #[napi]
    pub fn load<'env>(env: &'env Env, file: String) -> napi::Result<Object<'env>> {
        long(env, move || Cer::load(file).map(Self))
    }

    #[napi]
    pub fn load_sync(env: Env, file: String) -> napi::Result<EncryptionCertificate> {
        now(env, || Cer::load(file).map(Self))
    }

    #[napi]
    pub fn facts(&self, env: Env) -> napi::Result<String> {
        now(env, || json(self.0.facts()))
    }

    #[napi]
    pub fn check_validity(&self, env: Env, at: Option<String>) -> napi::Result<()> {
        now(env, || self.0.check_validity(time(at)?))
    }

    #[napi]
    pub fn to_der(&self, env: Env) -> napi::Result<Buffer> {
        now(env, || self.0.to_der().map(Buffer::from))
    }
}

#[napi]
pub struct DecryptionCertificate(Pfx);

#[napi]
impl DecryptionCertificate {
    #[napi]
    pub fn from_pfx(pfx: &[u8], password: Option<String>) -> Promise<DecryptionCertificate> {
        let (pfx, password) = (Zeroizing::new(pfx.to_vec()), password.map(Zeroizing::new));
        soon(move || Pfx::from_pfx(&pfx, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn from_pfx_sync(
        env: Env,
        pfx: &[u8],
        password: Option<String>,
    ) -> napi::Result<DecryptionCertificate> {
        let password = password.map(Zeroizing::new);
        now(env, || Pfx::from_pfx(pfx, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn from_pem(key: &[u8], passphrase: Option<String>, cer: &[u8]) -> Promise<DecryptionCertificate> {
        let passphrase = passphrase.map(Zeroizing::new);
        let (key, cer) = (Zeroizing::new(key.to_vec()), cer.to_vec());
        soon(move || Pfx::from_pem(&key, passphrase.as_deref().map(String::as_str), &cer).map(Self))
    }

    #[napi]
    pub fn from_pem_sync(
        env: Env,
        key: &[u8],
        passphrase: Option<String>,
        cer: &[u8],
    ) -> napi::Result<DecryptionCertificate> {
        let passphrase = passphrase.map(Zeroizing::new);
        now(env, || Pfx::from_pem(key, passphrase.as_deref().map(String::as_str), cer).map(Self))
    }

    #[napi]
    pub fn load<'env>(env: &'env Env, file: String, password: Option<String>) -> napi::Result<Object<'env>> {
        let password = password.map(Zeroizing::new);
        long(env, move || Pfx::load(file, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn load_sync(
        env: Env,
        file: String,
        password: Option<String>,
    ) -> napi::Result<DecryptionCertificate> {
        let password = password.map(Zeroizing::new);
        now(env, || Pfx::load(file, password.as_deref().map(String::as_str)).map(Self))
    }

    #[napi]
    pub fn facts(&self, env: Env) -> napi::Result<String> {
        now(env, || json(self.0.facts()))
    }

    #[napi]
    pub fn encryption_certificate(&self) -> EncryptionCertificate {
        EncryptionCertificate(self.0.encryption_certificate())
    }
}

#[napi]
pub struct Sealer(Arc<envelope::Sealer>);

#[napi]
impl Sealer {
    #[napi(constructor)]
    pub fn new(env: Env, certificates: Vec<&EncryptionCertificate>) -> napi::Result<Self> {
        now(env, || {
            let certificates: Vec<_> = certificates.into_iter().map(|one| one.0.clone()).collect();
            Ok(Self(Arc::new(envelope::Sealer::new(&certificates)?)))
        })
    }

    #[napi]
    pub fn seal(&self, content: &[u8]) -> Promise<Buffer> {
        let (sealer, content) = (self.0.clone(), content.to_vec());
        soon(move || sealer.seal(&content).map(Buffer::from))
    }

    #[napi]
    pub fn seal_sync(&self, env: Env, content: &[u8]) -> napi::Result<Buffer> {
        now(env, || self.0.seal(content).map(Buffer::from))
    }

    #[napi]
    pub fn seal_file<'env>(&self, env: &'env Env, from: String, to: String) -> napi::Result<Object<'env>> {
        let sealer = self.0.clone();
        long(env, move || sealer.seal_file(from, to).map(|length| length as f64))
    }

    #[napi]
    pub fn seal_file_sync(&self, env: Env, from: String, to: String) -> napi::Result<f64> {
        now(env, || self.0.seal_file(from, to).map(|length| length as f64))
    }
}

#[napi]
pub struct Opener(pub(crate) Arc<envelope::Opener>);

#[napi]
impl Opener {
    #[napi(constructor)]
    pub fn new(certificates: Vec<&DecryptionCertificate>) -> Self {
        let certificates = certificates.into_iter().map(|one| one.0.clone()).collect();
        Self(Arc::new(envelope::Opener::with_certificates(certificates)))
    }

    #[napi]
    pub fn certificates(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0.certificates().collect::<Vec<_>>()))
    }

    #[napi]
    pub fn open(&self, message: &[u8]) -> Promise<Buffer> {
        let (opener, message) = (self.0.clone(), message.to_vec());
        soon(move || opener.open(&message).map(Buffer::from))
    }

    #[napi]
    pub fn open_sync(&self, env: Env, message: &[u8]) -> napi::Result<Buffer> {
        now(env, || self.0.open(message).map(Buffer::from))
    }

    #[napi]
    pub fn open_file<'env>(&self, env: &'env Env, from: String, to: String) -> napi::Result<Object<'env>> {
        let opener = self.0.clone();
        long(env, move || opener.open_file(from, to).map(|length| length as f64))
    }

    #[napi]
    pub fn open_file_sync(&self, env: Env, from: String, to: String) -> napi::Result<f64> {
        now(env, || self.0.open_file(from, to).map(|length| length as f64))
    }
}

#[napi]
pub fn recipients_of(env: Env, message: &[u8]) -> napi::Result<String> {
    now(env, || json(&recipients(message)?))
}

#[napi]
pub const MAX_CONTENT: u32 = envelope::MAX_CONTENT as u32;
