//! Seals finished segments and index pieces, and puts them on the share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};

use super::run::Shared;
use super::state::journal::Journal;
use super::state::{IndexPiece, State};
use crate::error::Result;
use crate::layout::{Name, SetName};
use crate::set::index::{Piece, PieceKind, piece_name};
use crate::set::record::StoredFile;
use crate::set::segment;
use crate::set::writer::SetWriter;
use crate::set::{Digest, Stored};

/// What to store.
pub(super) enum Job {
    Segment { name: String, number: u32, content: u64, buffer: Vec<u8> },
    Index(Piece),
}

/// What the storers have done, in any order.
#[derive(Default)]
pub(super) struct Done {
    pub(super) segments: Vec<StoredFile>,
    pub(super) pieces: Vec<(PieceKind, IndexPiece)>,
    pub(super) stored: Stored,
    pub(super) taken_over: Stored,
}

/// A thread that seals and puts.
pub(super) struct Storer {
    pub(super) writer: Arc<SetWriter>,
    pub(super) shared: Arc<Shared>,
    pub(super) state: Option<Arc<State>>,
    pub(super) interrupted: Arc<Option<Journal>>,
    pub(super) done: Arc<Mutex<Done>>,
}

impl Storer {
    pub(super) fn run(&self, jobs: &Receiver<Job>, buffers: &Sender<Vec<u8>>) -> Result<()> {
        let mut read = Vec::new();
        for job in jobs {
            if self.shared.is_stopped() {
                break;
            }
            match job {
                Job::Segment { name, number, content, mut buffer } => {
                    if let Some(file) = self.take_over(&name, number, content, &mut read) {
                        self.shared.stored.fetch_add(file.length, Ordering::Relaxed);
                        let mut done = self.done();
                        done.taken_over.add(file.length);
                        done.segments.push(file);
                    } else {
                        let file = self.writer.store(name, number, content, &mut buffer)?;
                        self.shared.stored.fetch_add(file.length, Ordering::Relaxed);
                        if let Some(state) = &self.state {
                            state.note(&file);
                        }
                        let mut done = self.done();
                        done.stored.add(file.length);
                        done.segments.push(file);
                    }
                    let _ = buffers.try_send(buffer);
                }
                Job::Index(piece) => {
                    let kind = piece.kind;
                    let piece = store_piece(&self.writer, self.state.as_deref(), piece)?;
                    self.shared.stored.fetch_add(piece.file.length, Ordering::Relaxed);
                    let mut done = self.done();
                    done.stored.add(piece.file.length);
                    done.pieces.push((kind, piece));
                }
            }
        }
        Ok(())
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Links what an interrupted run stored, if it is the same and still whole. Reads it back, because a power cut may
    /// have interrupted that run.
    fn take_over(&self, name: &str, number: u32, content: u64, buffer: &mut Vec<u8>) -> Option<StoredFile> {
        let journal = (*self.interrupted).as_ref()?;
        let bring = |set: &SetName, previous: &StoredFile, buffer: &mut Vec<u8>| {
            let from = self.writer.place().set_folder(set).join(Name::new(previous.name.as_str()).ok()?);
            self.writer.take_over(&from, name, previous, buffer).ok()
        };
        let segments = journal.segments.get(segment::keyed_digest(name)?)?;
        let (_, previous) = segments
            .iter()
            .filter(|(_, previous)| previous.content_length == content)
            .rfind(|(set, previous)| bring(set, previous, buffer).is_some())?;
        let file = StoredFile { number, name: name.to_owned(), live_length: content, ..previous.clone() };
        if let Some(state) = &self.state {
            state.note(&file);
        }
        Some(file)
    }
}

/// Stores an index piece; the state keeps its text.
pub(super) fn store_piece(writer: &SetWriter, state: Option<&State>, mut piece: Piece) -> Result<IndexPiece> {
    let text = &piece.buffer[writer.head_room()..];
    let text = state.map_or_else(|| Digest::of(&[]), |state| state.keep_piece(piece.number, text));
    let (name, number) = (piece_name(piece.number), piece.number);
    let file = writer.store(name, number, piece.content_length, &mut piece.buffer)?;
    Ok(IndexPiece { file, records: piece.records, text })
}
