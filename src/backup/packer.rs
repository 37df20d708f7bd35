//! Fills segments with finished units in their order and writes the index beside them; the storer seals and puts both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::pipeline::{Settings, Shared, Stored, thread};
use super::unit::Packed;
use crate::error::{Error, ErrorKind, Result};
use crate::set::index::{IndexWriter, Piece, piece_name};
use crate::set::record::{Record, StoredFile};
use crate::set::segment;
use crate::set::writer::SetWriter;
use crate::set::{Content, Counts};

/// A segment is closed when it holds this much tar, however little that is compressed: what a restore lists in memory
/// for one segment stays small.
const MAX_CONTENT: u64 = 64 << 20;

/// What the packer gives back for each unit that it took.
pub(super) struct Returns {
    pub(super) tokens: Sender<()>,
    pub(super) spare: Sender<Vec<u8>>,
}

/// Fills segments with finished units in their order, and writes the index beside.
pub(super) struct Packer<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    index: IndexWriter,
    jobs: Sender<Job>,
    buffers: Receiver<Vec<u8>>,
    head_room: usize,
    buffer: Vec<u8>,
    content: u64,
    identity: Vec<u8>,
    number: u32,
    stored: Stored,
}

enum Job {
    Segment { name: String, number: u32, content: u64, buffer: Vec<u8> },
    Index(Piece),
}

impl<'a> Packer<'a> {
    pub(super) fn run(
        settings: &'a Settings,
        writer: &Arc<SetWriter>,
        shared: &'a Arc<Shared>,
        packed: &Receiver<(u64, Packed)>,
        returns: &Returns,
    ) -> Result<Stored> {
        let (jobs, jobs_out) = bounded(1);
        let (buffers_in, buffers) = bounded(2);
        let (stored_in, stored_out) = bounded(1);
        let head_room = writer.head_room();
        let _ = buffers_in.send(Vec::new());
        let storer = {
            let (writer, shared) = (writer.clone(), shared.clone());
            thread("azs-backup-store", &shared.clone(), move || {
                let _ = stored_in.send(store(&writer, &shared, &jobs_out, &buffers_in)?);
                Ok(())
            })
        };
        let mut packer = Packer {
            settings,
            shared,
            index: IndexWriter::new(writer.set(), writer.place().clone(), head_room),
            jobs,
            buffers,
            head_room,
            buffer: vec![0; head_room],
            content: 0,
            identity: Vec::new(),
            number: 0,
            stored: Stored::default(),
        };
        let packing = packer.take_all(packed, returns);
        let Packer { jobs, buffers, index, mut stored, .. } = packer;
        // The storer ends when it has stored what is queued.
        drop((jobs, buffers));
        let files = stored_out.recv();
        let _ = storer.join();
        packing?;
        let Ok((segments, pieces)) = files else {
            return Err(shared.failure());
        };
        stored.segments = segments;
        stored.pieces = pieces;
        let segments = stored.segments.iter().cloned().map(Record::Segment);
        let pieces = stored.pieces.iter().cloned().map(Record::Index);
        let newest = index.finish(segments.chain(pieces))?;
        let newest = store_piece(writer, shared, newest)?;
        stored.pieces.push(newest);
        Ok(stored)
    }

    fn take_all(&mut self, packed: &Receiver<(u64, Packed)>, returns: &Returns) -> Result<()> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, unit) in packed {
            waiting.insert(number, unit);
            while let Some(unit) = waiting.remove(&next) {
                next += 1;
                let frames = self.take(unit)?;
                let _ = returns.spare.try_send(frames);
                let _ = returns.tokens.try_send(());
            }
        }
        if !waiting.is_empty() || self.shared.is_stopped() {
            return Err(self.shared.failure());
        }
        if self.content > 0 { self.close() } else { Ok(()) }
    }

    fn take(&mut self, unit: Packed) -> Result<Vec<u8>> {
        for (problem, error) in unit.problems {
            if self.settings.fail_on_problem {
                return Err(error);
            }
            self.stored.counts.problems += 1;
            self.line(&Record::Problem(problem.clone()))?;
            self.stored.problems.push(problem);
        }
        let room = self.settings.segment_size - crate::envelope::Sealer::TAIL_ROOM;
        let full = self.buffer.len() + unit.frames.len() > room || self.content + unit.length > MAX_CONTENT;
        if full && self.content > 0 {
            self.close()?;
        }
        for mut record in unit.records {
            match &mut record {
                Record::Entry(entry) => {
                    entry.at.segment = self.number;
                    entry.at.offset += self.content;
                    count(&mut self.stored.counts, &entry.content);
                }
                Record::Part(part) => {
                    part.at.segment = self.number;
                    part.at.offset += self.content;
                }
                _ => {}
            }
            self.line(&record)?;
        }
        self.buffer.extend_from_slice(&unit.frames);
        self.content += unit.length;
        self.identity.extend_from_slice(&unit.identity);
        self.shared.files.fetch_add(unit.files, Ordering::Relaxed);
        Ok(unit.frames)
    }

    fn line(&mut self, record: &Record) -> Result<()> {
        match self.index.write(record)? {
            Some(piece) => self.send(Job::Index(piece)),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<()> {
        if self.number > 999_999 {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has more than 1,000,000 segments; use larger ones",
            ));
        }
        let name = segment::name(self.number, &keyed_digest(&self.settings.naming_key, &self.identity)?);
        let mut next = self.buffers.recv().map_err(|_| self.shared.failure())?;
        next.clear();
        next.resize(self.head_room, 0);
        let buffer = std::mem::replace(&mut self.buffer, next);
        self.send(Job::Segment { name, number: self.number, content: self.content, buffer })?;
        self.number += 1;
        self.content = 0;
        self.identity.clear();
        Ok(())
    }

    fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| self.shared.failure())
    }
}

fn count(counts: &mut Counts, content: &Content) {
    match content {
        Content::Folder => counts.folders += 1,
        Content::HardLink { .. } | Content::Symlink { .. } => counts.links += 1,
        Content::File { size, .. } | Content::LargeFile { size, .. } => {
            counts.files += 1;
            counts.bytes += size;
        }
    }
}

/// HMAC-SHA-256 (RFC 2104), its first half.
fn keyed_digest(key: &[u8; 32], content: &[u8]) -> Result<[u8; 16]> {
    let failed = |e| Error::new(ErrorKind::Internal, "HMAC-SHA-256 failed").with_source(e);
    let key = openssl::pkey::PKey::hmac(key).map_err(failed)?;
    let mut signer =
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).map_err(failed)?;
    let digest = signer.sign_oneshot_to_vec(content).map_err(failed)?;
    Ok(digest[..16].try_into().expect("SHA-256 has 32 bytes"))
}

fn store(
    writer: &SetWriter,
    shared: &Shared,
    jobs: &Receiver<Job>,
    buffers: &Sender<Vec<u8>>,
) -> Result<(Vec<StoredFile>, Vec<StoredFile>)> {
    let (mut segments, mut pieces) = (Vec::new(), Vec::new());
    for job in jobs {
        if shared.is_stopped() {
            break;
        }
        match job {
            Job::Segment { name, number, content, mut buffer } => {
                let file = writer.store(name, number, content, &mut buffer)?;
                shared.stored.fetch_add(file.length, Ordering::Relaxed);
                segments.push(file);
                let _ = buffers.try_send(buffer);
            }
            Job::Index(piece) => pieces.push(store_piece(writer, shared, piece)?),
        }
    }
    Ok((segments, pieces))
}

fn store_piece(writer: &SetWriter, shared: &Shared, mut piece: Piece) -> Result<StoredFile> {
    let file =
        writer.store(piece_name(piece.number), piece.number, piece.content_length, &mut piece.buffer)?;
    shared.stored.fetch_add(file.length, Ordering::Relaxed);
    Ok(file)
}
