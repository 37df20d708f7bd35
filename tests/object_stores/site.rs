//! A store behind a proxy, with a folder of its own, and what is to be backed up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azs_backup::backup::BackupBuilder;
use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::share::{ObjectStoreBuilder, ObjectStoreShare};
use azs_backup::{Backup, Opener, Place, Result, Set, Share};

use crate::common::http_proxy::HttpProxy;
use crate::common::store::{BUCKET, Store};
use crate::common::{Certificate, noise};

pub(crate) const STORES: [Store; 2] = [Store::S3, Store::Azure];

pub(crate) fn path(text: &str) -> SharePath {
    text.parse().unwrap()
}

/// The stores whose servers are there.
pub(crate) fn stores() -> impl Iterator<Item = Store> {
    STORES.into_iter().filter(|store| store.is_there())
}

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) proxy: HttpProxy,
    pub(crate) prefix: String,
    certificate: Certificate,
    pub(crate) place: Place,
}

impl Site {
    pub(crate) fn new(store: Store) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("site-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let proxy = HttpProxy::new(store.server().port());
        let site = Self { store, proxy, prefix, certificate: Certificate::new("azs-backup test"), place };
        site.share().create_folder(&path("contoso.com/nyc")).unwrap();
        site
    }

    /// How to open its share by way of the proxy.
    pub(crate) fn builder(&self) -> ObjectStoreBuilder {
        self.store.server().builder_at(self.proxy.port(), BUCKET, &self.prefix)
    }

    /// Its share by way of the proxy.
    pub(crate) fn behind(&self) -> ObjectStoreShare {
        self.builder().connect().unwrap()
    }

    /// Its share, without anything in between.
    pub(crate) fn share(&self) -> ObjectStoreShare {
        self.store.server().builder(&self.prefix).connect().unwrap()
    }

    pub(crate) fn opener(&self) -> Opener {
        Opener::new(self.certificate.decryption())
    }

    /// A backup in segments of 4 MiB.
    pub(crate) fn builder_of(&self, share: Arc<dyn Share>) -> BackupBuilder {
        let builder = Backup::builder(share, self.place.clone());
        builder.certificate(self.certificate.encryption()).segment_size(4 << 20)
    }

    /// Backs up three segments.
    pub(crate) fn back_up(&self, share: Arc<dyn Share>) -> Result<SharePath> {
        let mut backup = self.builder_of(share).start()?;
        backup.add_bytes("large", noise(7, 9_000_000))?;
        Ok(backup.commit()?.folder)
    }

    /// Opens a set, without anything in between, and verifies all of it.
    pub(crate) fn assert_sound(&self, folder: SharePath) {
        let set = Set::open(Arc::new(self.share()), folder).unwrap();
        let report = set.verify_full(&self.opener()).run().unwrap();
        assert!(report.is_sound(), "{report:?}");
    }
}
