//! What is done to a set: verify it, restore it, or one file of it.

use std::io::Write;
use std::path::Path;

use super::{Compare, Damage, Existing, RestoreOptions, RestoreReport, VerifyReport, single_file, verify};
use crate::envelope::Opener;
use crate::error::Result;
use crate::observer::{Observer, observed};
use crate::set::{Entry, EntryPath, Set};
use crate::signature::{Demand, SignerCertificate};

impl Set {
    /// Prepares a check of every stored file against `SHA256SUMS`, and for files that only look like stored ones. Needs
    /// no key.
    ///
    /// It finds flipped bits, missing, swapped, truncated, repeated and unreadable files, stored files of other sets,
    /// an index or cover sheet of another set, and a signature that is not valid. It detects a whole set that somebody
    /// forged with the certificate only if you [demand signers](VerifyBuilder::require_signers).
    pub fn verify(&self) -> VerifyBuilder<'_> {
        VerifyBuilder { set: self, opener: None, demand: Demand::default(), observer: None }
    }

    /// Prepares a check of everything: the digests, and with the decryption certificate every byte. Content is
    /// authenticated, decompressed and compared with the index, tar headers and padding included. Links and copies must
    /// lead to files of the set.
    pub fn verify_full<'a>(&'a self, opener: &'a Opener) -> VerifyBuilder<'a> {
        VerifyBuilder { set: self, opener: Some(opener), demand: Demand::default(), observer: None }
    }

    /// Prepares a restore; [`into`](RestoreBuilder::into) does it.
    pub fn restore<'a>(&'a self, opener: &'a Opener) -> RestoreBuilder<'a> {
        RestoreBuilder {
            set: self,
            opener,
            options: RestoreOptions::default(),
            demand: Demand::default(),
            observer: None,
        }
    }

    /// Restores one file of at most `limit` bytes into memory; 0 means
    /// [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT).
    ///
    /// # Errors
    /// As [`RestoreStream::to`]; `LIMIT_EXCEEDED` for a longer file, before any of it is read. To demand signers, call
    /// [`Set::require_signers`] first.
    pub fn restore_bytes(&self, opener: &Opener, path: &EntryPath, limit: u64) -> Result<Vec<u8>> {
        single_file::restore_bytes(self, opener, path, limit)
    }

    /// Prepares a restore of one file; [`to`](RestoreStream::to) does it.
    pub fn restore_stream<'a>(&'a self, opener: &'a Opener, path: &'a EntryPath) -> RestoreStream<'a> {
        RestoreStream { set: self, opener, path, demand: Demand::default(), observer: None }
    }
}

/// A verification that [`run`](Self::run) does.
#[must_use = "nothing is verified before `run`"]
pub struct VerifyBuilder<'a> {
    set: &'a Set,
    opener: Option<&'a Opener>,
    demand: Demand,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> VerifyBuilder<'a> {
    /// Demands that the set is signed by one of these signers: anything else is a fault. An empty list demands nothing.
    pub fn require_signers(mut self, signers: &[SignerCertificate]) -> Self {
        self.demand = Demand::new(signers);
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Verifies the set.
    ///
    /// # Errors
    /// Only what prevents the check: `WRONG_CERTIFICATE`; the share's errors; `CANCELLED`. What is wrong with the set
    /// is in the report.
    pub fn run(self) -> Result<VerifyReport> {
        let Self { set, opener, demand, observer } = self;
        observed(observer, |observer| {
            let signature = set.signature()?;
            let report = match opener {
                Some(opener) => verify::verify_full(set, opener, observer),
                None => verify::verify(set, observer),
            }?;
            Ok(report.signed(signature, &demand))
        })
    }
}

/// A restore that [`into`](Self::into) does.
#[must_use = "nothing is restored before `into`"]
pub struct RestoreBuilder<'a> {
    set: &'a Set,
    opener: &'a Opener,
    options: RestoreOptions,
    demand: Demand,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> RestoreBuilder<'a> {
    /// Restores only what this pattern matches: `tor1/`, `*.cfg`, `/hlh/etc/**`. Add as many as you like.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.options = self.options.pattern(pattern);
        self
    }

    /// Says what to do about things that already exist.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.options = self.options.existing(existing);
        self
    }

    /// Says how to compare existing files that are kept with the set.
    pub fn compare(mut self, compare: Compare) -> Self {
        self.options = self.options.compare(compare);
        self
    }

    /// Says what to do about damage.
    pub fn damage(mut self, damage: Damage) -> Self {
        self.options = self.options.damage(damage);
        self
    }

    /// Demands that the set is signed by one of these signers: anything else restores nothing. An empty list demands
    /// nothing.
    pub fn require_signers(mut self, signers: &[SignerCertificate]) -> Self {
        self.demand = Demand::new(signers);
        self
    }

    /// Sets all options at once; the signers demanded are not among them.
    pub fn options(mut self, options: &RestoreOptions) -> Self {
        self.options = options.clone();
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Restores the set into a folder.
    ///
    /// A file gets its name once it is whole, and success is reported once the target's disk has everything. If one
    /// entry fails, because the target refuses its name or a folder may not be changed, only that entry is lost: the
    /// report names it, and the rest goes on. Never run two restores into the same folder at the same time: each
    /// removes the temporary files (`.azs-restore-…`) that others left in the folders that it writes into.
    ///
    /// # Errors
    /// `NOT_TRUSTED` when a demand for signers is not met; `ALREADY_EXISTS` when the folder is not empty and [`Existing`]
    /// does not allow that; `WRONG_CERTIFICATE`, naming the thumbprint that is needed; `DAMAGED`, or the share's error,
    /// under [`Damage::Stop`]; `NOT_FOUND` when no entry matches the patterns; `OUT_OF_CAPACITY`; `UNREACHABLE` and
    /// `TIMED_OUT` when the share is lost; `CANCELLED`; the target's error on writing everything to its disk. What was
    /// restored until then stays.
    pub fn into(self, folder: impl AsRef<Path>) -> Result<RestoreReport> {
        let Self { set, opener, options, demand, observer } = self;
        let folder = folder.as_ref();
        observed(observer, |observer| {
            let signature = set.require(&demand)?;
            let report = super::restore(set, opener, folder, &options, observer)?;
            Ok(RestoreReport { signature, ..report })
        })
    }
}

/// A restore of one file that [`to`](Self::to) does.
#[must_use = "nothing is restored before `to`"]
pub struct RestoreStream<'a> {
    set: &'a Set,
    opener: &'a Opener,
    path: &'a EntryPath,
    demand: Demand,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> RestoreStream<'a> {
    /// Demands that the set is signed by one of these signers: anything else restores nothing. An empty list demands
    /// nothing.
    pub fn require_signers(mut self, signers: &[SignerCertificate]) -> Self {
        self.demand = Demand::new(signers);
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Restores the file to a writer, and returns its entry.
    ///
    /// The writer gets nothing before the whole file is authenticated and compared with the index. Until then up to
    /// 16 MiB are held in memory, and more in an unnamed temporary file of this host. The path of a hard link restores
    /// the file that it leads to.
    ///
    /// # Errors
    /// `NOT_TRUSTED` when a demand for signers is not met; `NOT_FOUND` when the set has no entry of this path;
    /// `INVALID_ARGUMENT` when it is not a file; `DAMAGED`; `WRONG_CERTIFICATE`; `CANCELLED`; the writer's own.
    pub fn to(self, writer: impl Write) -> Result<Entry> {
        let Self { set, opener, path, demand, observer } = self;
        let observer = observer.map(|observer| observer as &mut dyn Observer);
        single_file::restore_stream(set, opener, path, &demand, writer, observer)
    }
}
