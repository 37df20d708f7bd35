//! Finds out whether a set is as it was written: by its digests without a key, by every byte with one.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use super::assembler::{Assembler, LargeFiles, Line};
use super::check_links::Linked;
use super::extract::{Extractor, Job, Jobs, Sink};
use super::written::Written;
use super::{Loss, workers};
use crate::envelope::Opener;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::observer::{Observer, Progress, Ticker};
use crate::set::filter::LineFilter;
use crate::set::index::piece_number;
use crate::set::reader::{Catalog, Set};
use crate::set::record::Record;
use crate::set::{
    Block, Content, Digest, Entry, EntryPath, Part, SIGNATURE_NAME, is_left_of_writing, segment,
};
use crate::signature::{Demand, Signature};
use crate::worker_pool;

/// What a verification found.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Whether the content was decrypted and compared as well.
    pub full: bool,
    /// Stored files that were checked.
    pub stored_files: u64,
    /// Bytes in them.
    pub stored_bytes: u64,
    /// Files whose content was compared (full only).
    pub files: u64,
    /// Bytes in them (full only).
    pub bytes: u64,
    /// Stored files that are not as they were written.
    pub faults: Vec<Fault>,
    /// Files in the set's folder that are not the set's: `Thumbs.db`, `~snapshot`. They do no harm.
    pub foreign: Vec<String>,
    /// Entries that cannot be restored because of the faults (full only).
    pub losses: Vec<Loss>,
    /// Who signed the set.
    pub signature: Signature,
}

impl VerifyReport {
    /// Whether the set is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.losses.is_empty()
    }

    /// Returns the report, or an error that names the first fault.
    ///
    /// # Errors
    /// `DAMAGED`; `NOT_TRUSTED` if only the signature is not as it should be.
    pub fn into_result(self) -> Result<Self> {
        if self.losses.is_empty()
            && let [fault] = &self.faults[..]
            && fault.kind == FaultKind::Signature
        {
            return Err(Error::new(ErrorKind::NotTrusted, fault.to_string()));
        }
        let first = match (self.faults.first(), self.losses.first()) {
            (Some(fault), _) => fault.to_string(),
            (None, Some(loss)) => loss.to_string(),
            (None, None) => return Ok(self),
        };
        let (faults, losses) = (self.faults.len(), self.losses.len());
        Err(Error::new(
            ErrorKind::Damaged,
            format!(
                "the set is damaged: {first} ({faults} faults in all, {losses} entries known to be lost); restore from another set, or go on past damage"
            ),
        ))
    }
}

/// A stored file that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// Its name in the set's folder.
    pub file: String,
    /// What is wrong with it.
    pub kind: FaultKind,
    /// One line for people.
    pub message: String,
}

/// What can be wrong with a stored file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Its digest is not the one in `SHA256SUMS`.
    Digest,
    /// It looks like a stored file of a set, but does not belong to this one.
    Foreign,
    /// Its length is not the one that was written.
    Length,
    /// It is missing.
    Missing,
    /// The share cannot read it: a bad sector, a permission.
    Unreadable,
    /// It cannot be opened, or its content is not what the index lists.
    Content,
    /// The signature is not valid, or not the one demanded.
    Signature,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}

impl Fault {
    fn new(file: &str, kind: FaultKind, message: impl Into<String>) -> Self {
        Self { file: file.into(), kind, message: message.into() }
    }
}

impl VerifyReport {
    /// Adds what the signature is: a fault if it is not valid, or does not meet the demand.
    pub(super) fn signed(mut self, signature: Signature, demand: &Demand) -> Self {
        let unmet = demand.check(&signature).err().map(|e| e.to_string());
        let invalid = matches!(signature, Signature::Invalid { .. }).then(|| signature.to_string());
        if let Some(message) = unmet.or(invalid) {
            self.faults.push(Fault::new(SIGNATURE_NAME, FaultKind::Signature, message));
            self.faults.sort_by(|a, b| a.file.cmp(&b.file));
        }
        self.signature = signature;
        self
    }
}

/// See [`Set::verify`].
pub(super) fn verify(set: &Set, observer: &mut dyn Observer) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let mut ticker = Ticker::new(observer, Some(set.cover().stored.bytes));
    check_digests(set, &mut report, &mut ticker)?;
    Ok(report)
}

fn check_digests(set: &Set, report: &mut VerifyReport, ticker: &mut Ticker<'_>) -> Result<()> {
    let progress = std::cell::Cell::new(Progress::default());
    let mut files = set.sums().iter();
    worker_pool::run(
        workers(),
        || Ok(Vec::new()),
        |buffer, (name, digest): &(String, Digest)| {
            let fault = digest_fault(set, name, digest, buffer)?;
            Ok((buffer.len() as u64, fault))
        },
        || Ok(files.next()),
        |(length, fault)| {
            report.stored_files += 1;
            report.stored_bytes = report.stored_bytes.saturating_add(length);
            report.faults.extend(fault);
            progress.set(Progress {
                files: report.stored_files,
                bytes: report.stored_bytes,
                stored_bytes: report.stored_bytes,
                total_bytes: None,
            });
            Ok(())
        },
        || ticker.tick(progress.get()),
    )?;
    ticker.end(progress.get())?;
    if report.faults.is_empty() && report.stored_bytes != set.cover().stored.bytes {
        let message =
            format!("says {} bytes are stored, there are {}", set.cover().stored.bytes, report.stored_bytes);
        report.faults.push(Fault::new("backup.json", FaultKind::Length, message));
    }
    take_foreign(set, report);
    report.faults.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(())
}

/// Reads a stored file and compares it with its digest.
fn digest_fault(set: &Set, name: &str, digest: &Digest, buffer: &mut Vec<u8>) -> Result<Option<Fault>> {
    Ok(match set.fetch(name, buffer) {
        Ok(()) if Digest::of(buffer) == *digest => None,
        Ok(()) => Some(Fault::new(
            name,
            FaultKind::Digest,
            "is not what was written: its SHA-256 differs from SHA256SUMS",
        )),
        Err(e) if e.kind() == ErrorKind::Damaged && set.is_missing(name) => {
            Some(Fault::new(name, FaultKind::Missing, "is missing"))
        }
        Err(e) if e.kind() == ErrorKind::Damaged => Some(Fault::new(name, FaultKind::Length, e.to_string())),
        Err(e) if e.scope() == Scope::Object => Some(Fault::new(name, FaultKind::Unreadable, e.to_string())),
        Err(e) => return Err(e),
    })
}

/// Records the files in the folder that no list names: as a fault if one could pass for a stored file.
fn take_foreign(set: &Set, report: &mut VerifyReport) {
    for name in set.foreign().into_iter().filter(|name| name != SIGNATURE_NAME) {
        if segment::is_name(&name) || piece_number(&name).is_some() || is_left_of_writing(&name) {
            report.faults.push(Fault::new(&name, FaultKind::Foreign, "does not belong to this set"));
        } else {
            report.foreign.push(name);
        }
    }
}

/// See [`Set::verify_full`].
pub(super) fn verify_full(set: &Set, opener: &Opener, observer: &mut dyn Observer) -> Result<VerifyReport> {
    let mut report = VerifyReport { full: true, ..VerifyReport::default() };
    let mut ticker = Ticker::new(observer, Some(set.cover().content.bytes));
    let catalog = match set.catalog(opener) {
        Ok(catalog) => catalog,
        Err(error) if error.scope() == Scope::Object => {
            // Without the newest index piece no content can be compared, but the digests still show which files are
            // whole.
            check_digests(set, &mut report, &mut ticker)?;
            report.faults.push(Fault::new("index", FaultKind::Content, error.to_string()));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let mut linked = Linked::find(set, opener, &catalog)?;
    take_foreign(set, &mut report);
    if catalog.cover_fault {
        let message = "is not what was written: the index says something else";
        report.faults.push(Fault::new("backup.json", FaultKind::Content, message));
    }
    let (written, mut is_run_known) = (Written::default(), false);
    for piece in catalog.extents.iter().chain(catalog.all_pieces()) {
        let mut buffer = Vec::new();
        match digest_fault(set, &piece.name, &piece.sha256, &mut buffer)? {
            // No list has the digest of the newest one, but the list of extents, which comes first, is of the same run.
            None if catalog.is_newest(piece) => {
                if is_run_known && !written.has_recipients_of(&buffer) {
                    let message =
                        "is not what was written: other certificates than the one used here may not open it";
                    report.faults.push(Fault::new(&piece.name, FaultKind::Content, message));
                }
            }
            None => {
                is_run_known |= catalog.extents.as_ref() == Some(piece);
                written.add(&buffer);
            }
            fault => report.faults.extend(fault),
        }
        report.stored_files += 1;
        report.stored_bytes = report.stored_bytes.saturating_add(buffer.len() as u64);
    }

    let mut order = Order::new(&catalog);
    let (mut index_faults, index_losses) = (Vec::new(), std::cell::RefCell::new(Vec::new()));
    let mut jobs = Jobs::new(set, opener, &catalog, LineFilter::default());
    let mut seen = HashSet::new();
    let progress = std::cell::Cell::new(Progress::default());
    worker_pool::run(
        workers(),
        || Ok(Extractor::new(Some(&written))),
        |extractor, job: Job| {
            let done = extractor.extract(set, opener, &job, &mut Nowhere)?;
            Ok((job.segment, done))
        },
        || {
            let job = jobs.next(
                |record| {
                    linked.note(&catalog, record);
                    if let Some(loss) = order.check(record) {
                        index_losses.borrow_mut().push(loss);
                    }
                    Ok(true)
                },
                |unread| {
                    match unread.path {
                        Some(path) => index_losses.borrow_mut().push(Loss::new(path, None, &unread.error)),
                        None => index_faults.push(Fault::new(
                            "index",
                            FaultKind::Content,
                            unread.error.to_string(),
                        )),
                    }
                    Ok(())
                },
            )?;
            if let Some(job) = &job {
                seen.insert(job.segment.number);
            }
            Ok(job)
        },
        |(segment, done)| {
            report.stored_files += 1;
            report.stored_bytes = report.stored_bytes.saturating_add(done.stored);
            report.files += done.files;
            report.bytes = report.bytes.saturating_add(done.bytes);
            if let Some(loss) = done.losses.first() {
                let is_damage = loss.kind() == ErrorKind::Damaged;
                let kind = if is_damage { FaultKind::Content } else { FaultKind::Unreadable };
                report.faults.push(Fault::new(&segment.name, kind, loss.message.clone()));
            }
            report.losses.extend(done.losses);
            progress.set(Progress {
                files: report.files,
                bytes: report.bytes,
                stored_bytes: report.stored_bytes,
                total_bytes: None,
            });
            Ok(())
        },
        || ticker.tick(progress.get()),
    )?;
    report.faults.extend(index_faults);
    report.losses.extend(index_losses.into_inner());
    report.files += order.large_files;
    report.losses.extend(order.finish());
    let lost_links = linked.losses(set, opener, &catalog, &report.losses)?;
    report.losses.extend(lost_links);
    let is_all_listed = report.faults.is_empty();
    let mut buffer = Vec::new();
    for segment in catalog.segments.iter().filter(|segment| !seen.contains(&segment.number)) {
        // What lists its content may be lost; check its bytes all the same.
        let fault = digest_fault(set, &segment.name, &segment.sha256, &mut buffer)?;
        report.stored_files += 1;
        report.stored_bytes += buffer.len() as u64;
        let nothing = || Fault::new(&segment.name, FaultKind::Content, "holds nothing that the index lists");
        // One that the share did not let go may hold nothing.
        let is_needed = is_all_listed && segment.live_length > 0;
        report.faults.extend(fault.or_else(|| is_needed.then(nothing)));
        ticker.tick(progress.get())?;
    }
    ticker.end(Progress {
        files: report.files,
        bytes: report.bytes,
        stored_bytes: report.stored_bytes,
        total_bytes: None,
    })?;
    report.faults.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(report)
}

/// Discards content once it is compared.
struct Nowhere;

impl Sink for Nowhere {
    fn entry(&mut self, _: &Entry, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn part(&mut self, _: &Part, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn block(&mut self, _: &Block, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// Checks that the large files are all listed, and that no part or block is listed that belongs to none.
struct Order<'a> {
    catalog: &'a Catalog,
    /// Number of large files listed.
    large_files: u64,
    open: LargeFiles<Assembler>,
    /// The last path of a part or block that belongs to no file.
    stray: Option<EntryPath>,
}

impl<'a> Order<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Self { catalog, large_files: 0, open: LargeFiles::default(), stray: None }
    }

    fn check(&mut self, record: &Record) -> Option<Loss> {
        let line = self.open.list(record);
        let path = match record {
            Record::Entry(entry) => {
                if let Content::LargeFile { .. } = entry.content {
                    self.large_files += 1;
                    // The file of this path that is open reports it.
                    let _ = self.open.begin(Arc::new(Assembler::new(entry, self.catalog)));
                }
                return None;
            }
            Record::Part(part) => &part.path,
            Record::Block(block) => &block.path,
            _ => return None,
        };
        if line == Line::Fits {
            self.open.take_listed(path);
        }
        if line != Line::Stray || self.stray.as_ref() == Some(path) {
            return None;
        }
        self.stray = Some(path.clone());
        Some(Loss::out_of_order(path.clone()))
    }

    fn finish(mut self) -> Vec<Loss> {
        self.open.take(|_| true).iter().filter_map(|file| file.loss()).collect()
    }
}
