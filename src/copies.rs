//! Copies sets to another share, sealed as they are: one share in one building is one fire.
//!
//! No key is needed. Only what is missing travels, each byte is compared with `SHA256SUMS` at both ends, and the cover
//! sheet comes last: so a copy that was cut off is no backup, and the next run completes it. What a set at the other
//! share holds already is linked there. Deletions are not followed: the other share has [retention](crate::schedule) of
//! its own.

use std::sync::Arc;

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Component, Deployment, Place, SetName};
use crate::observer::{Observer, observed};
use crate::schedule::RetentionPolicy;
use crate::share::{Identity, Share};
use crate::signature::SignerCertificate;

mod delivery;
mod donors;
mod replication;
mod report;
mod set_copy;

pub use report::{Amount, CopiedSet, CopyOutcome, CopyReport};

use replication::Replication;

/// Prepares to copy the complete sets of a deployment to another share, those that are not whole there: the newest of
/// each place first, so that a run that is cut off leaves what matters most.
///
/// ```no_run
/// use azs_backup::copies::replicate;
/// # fn shares() -> azs_backup::Result<[std::sync::Arc<dyn azs_backup::Share>; 2]> { unimplemented!() }
///
/// let [share, elsewhere] = shares()?;
/// let report = replicate(share, elsewhere, &"contoso.com/nyc".parse()?).run()?.into_result()?;
/// println!("{} bytes sent", report.sent().bytes);
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub fn replicate<'a>(
    from: Arc<dyn Share>,
    to: Arc<dyn Share>,
    deployment: &'a Deployment,
) -> CopyBuilder<'a> {
    CopyBuilder {
        from,
        to,
        deployment,
        component: None,
        only: None,
        signers: &[],
        retention: None,
        create: false,
        read_back: false,
        dry_run: false,
        observer: None,
    }
}

/// Prepares to copy one set to another share. It is an error if there is no such set, or if it is no backup.
pub fn copy_set<'a>(
    from: Arc<dyn Share>,
    to: Arc<dyn Share>,
    place: &'a Place,
    set: SetName,
) -> CopyBuilder<'a> {
    let of_component = replicate(from, to, place.deployment()).component(place.component());
    CopyBuilder { only: Some((place, set)), ..of_component }
}

/// Copies about to be made; [`run`](Self::run) makes them.
#[must_use = "nothing is copied before `run`"]
pub struct CopyBuilder<'a> {
    from: Arc<dyn Share>,
    to: Arc<dyn Share>,
    deployment: &'a Deployment,
    component: Option<&'a Component>,
    only: Option<(&'a Place, SetName)>,
    signers: &'a [SignerCertificate],
    retention: Option<(&'a RetentionPolicy, Timestamp)>,
    create: bool,
    read_back: bool,
    dry_run: bool,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> CopyBuilder<'a> {
    /// Copies only the sets of this component.
    pub fn component(mut self, component: impl Into<Option<&'a Component>>) -> Self {
        self.component = component.into();
        self
    }

    /// Copies only sets that one of these signers signed. An empty list demands nothing.
    pub fn require_signers(mut self, signers: &'a [SignerCertificate]) -> Self {
        self.signers = signers;
        self
    }

    /// Leaves out what this policy would delete at the other share at this time. Give the one that is carried out there:
    /// without it, each run would send again what retention deleted.
    pub fn retention(mut self, policy: &'a RetentionPolicy, now: Timestamp) -> Self {
        self.retention = Some((policy, now));
        self
    }

    /// Creates the region folder at the other share if it is missing, and whatever is above it. Unasked, that would hide a
    /// typing error, or a share that is not mounted.
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Reads back all that the other share has of these sets, and sends again what is not as it was written. What is sent is
    /// read back in any case.
    pub fn read_back(mut self, read_back: bool) -> Self {
        self.read_back = read_back;
        self
    }

    /// Only finds out which sets are missing.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets the observer. The progress counts stored files and their bytes, also those that are linked.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Copies the sets. One that cannot be copied is in the report, and the others still are. What the other share has of a
    /// set that was not completed stays, for the next run.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when both ends are the same share; `NOT_FOUND` when the other share has no region folder, or when
    /// the set to copy does not exist; the shares' own, when one is not there, is full or refuses the account; `CANCELLED`.
    pub fn run(self) -> Result<CopyReport> {
        let Self { from, to, observer, .. } = self;
        if Identity::of(&*from).overlaps(&Identity::of(&*to)) {
            let message = format!(
                "{} and {} are one share, or one lies in the other: name another share",
                from.describe(),
                to.describe()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let replication = Replication {
            from,
            to,
            deployment: self.deployment,
            component: self.component,
            only: self.only,
            signers: self.signers,
            retention: self.retention,
            create: self.create,
            read_back: self.read_back,
            dry_run: self.dry_run,
        };
        observed(observer, |observer| replication.run(observer))
    }
}
