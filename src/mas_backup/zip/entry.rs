//! The content of one entry: inflated, counted, and compared with its checksum as it passes by.

use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;

use super::record::{Counted, FOLLOWS, Header, descriptor};
use super::{Budget, Fault, ZipResult};
use crate::mas_backup::finding::FindingKind;

/// The content of an entry, as a stream. It ends with an error unless it is what the zip says.
pub(in crate::mas_backup) struct Content<'a, 'i> {
    source: Source<'a, 'i>,
    budget: &'a mut Budget,
    header: &'a Header,
    begun_at: u64,
    crc: crc32fast::Hasher,
    size: u64,
    state: State,
}

enum Source<'a, 'i> {
    Deflated(DeflateDecoder<&'a mut Counted<'i>>),
    Stored { input: &'a mut Counted<'i>, left: u64 },
}

enum State {
    Open,
    /// It ended as it should.
    Whole,
    /// It did not; the fault may have been taken already.
    Faulty(Option<Fault>),
}

/// How an entry ended.
pub(super) struct Ended {
    pub(super) crc: u32,
    pub(super) stored: u64,
    pub(super) size: u64,
}

impl<'a, 'i> Content<'a, 'i> {
    pub(super) fn new(
        input: &'a mut Counted<'i>,
        header: &'a Header,
        budget: &'a mut Budget,
    ) -> ZipResult<Self> {
        let begun_at = input.at;
        let source = match header.method {
            8 => Source::Deflated(DeflateDecoder::new(input)),
            0 if header.flags & FOLLOWS == 0 => Source::Stored { input, left: header.stored },
            method => {
                let seen = format!("it is compressed by method {method}, or its length is not stated");
                return Err(Fault::new(FindingKind::ZipUnsupported, seen));
            }
        };
        let crc = crc32fast::Hasher::new();
        Ok(Self { source, budget, header, begun_at, crc, size: 0, state: State::Open })
    }

    pub(super) fn budget(&mut self) -> &mut Budget {
        self.budget
    }

    pub(super) fn is_faulty(&self) -> bool {
        matches!(self.state, State::Faulty(_))
    }

    /// The size that is stated before the content.
    pub(in crate::mas_backup) fn stated_size(&self) -> Option<u64> {
        (self.header.flags & FOLLOWS == 0).then_some(self.header.size)
    }

    /// Takes in what nobody read, and returns how the entry ended.
    pub(super) fn finish(mut self) -> ZipResult<Ended> {
        let mut buffer = vec![0; BUFFER];
        let drained = loop {
            match self.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if let State::Faulty(fault) = self.state {
            return Err(
                fault.unwrap_or_else(|| Fault::new(FindingKind::ZipDamaged, "its content is damaged"))
            );
        }
        drained.map_err(Fault::Io)?;
        let stored = self.position() - self.begun_at;
        Ok(Ended { crc: self.crc.clone().finalize(), stored, size: self.size })
    }

    fn position(&self) -> u64 {
        match &self.source {
            Source::Deflated(decoder) => decoder.get_ref().at,
            Source::Stored { input, .. } => input.at,
        }
    }

    fn fail(&mut self, fault: Fault) -> io::Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, fault.to_string());
        self.state = State::Faulty(Some(fault));
        error
    }

    /// Compares the whole content with what the zip says before it or behind it.
    fn end(&mut self) -> io::Result<()> {
        let (crc, stored) = (self.crc.clone().finalize(), self.position() - self.begun_at);
        let (size, header) = (self.size, self.header);
        let mut is_same = true;
        if header.flags & FOLLOWS == 0 {
            if (stored, size) != (header.stored, header.size) {
                let seen =
                    format!("{size} bytes came out of {stored}, not {} of {}", header.size, header.stored);
                return Err(self.fail(Fault::new(FindingKind::ZipSizeWrong, seen)));
            }
            is_same = crc == header.crc;
        }
        if !is_same {
            return Err(
                self.fail(Fault::new(FindingKind::ZipChecksumWrong, "its content has another checksum"))
            );
        }
        self.state = State::Whole;
        Ok(())
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.state {
            State::Open => {}
            State::Whole => return Ok(0),
            State::Faulty(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        if into.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.source {
            Source::Deflated(decoder) => decoder.read(into),
            Source::Stored { input, left } => {
                let room = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                match room {
                    0 => Ok(0),
                    _ => match input.read(&mut into[..room]) {
                        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                        read => read.inspect(|count| *left -= *count as u64),
                    },
                }
            }
        };
        let count = match read {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            // What ended the stream below is not a fault of the zip.
            Err(error) => {
                let own = error.get_ref().and_then(|inner| inner.downcast_ref::<crate::Error>());
                if let Some(own) = own {
                    self.state = State::Faulty(Some(Fault::Io(own.clone().into())));
                    return Err(error);
                }
                let fault = Fault::new(FindingKind::ZipDamaged, format!("its content is damaged: {error}"));
                return Err(self.fail(fault));
            }
        };
        if count == 0 {
            self.end()?;
            return Ok(0);
        }
        self.crc.update(&into[..count]);
        self.size += count as u64;
        if self.stated_size().is_some_and(|stated| self.size > stated) {
            let seen = format!("more than the {} bytes come out that it states", self.header.size);
            return Err(self.fail(Fault::new(FindingKind::ZipSizeWrong, seen)));
        }
        let stored = self.position() - self.begun_at;
        if let Err(fault) = self.budget.take(count as u64, self.size, stored) {
            return Err(self.fail(fault));
        }
        Ok(count)
    }
}

const BUFFER: usize = 128 << 10;

/// Reads the record behind a content, if there is one. Returns whether the checksum fits.
pub(super) fn behind(input: &mut Counted<'_>, header: &Header, ended: &Ended) -> ZipResult<bool> {
    match header.flags & FOLLOWS {
        0 => Ok(true),
        _ => descriptor(input, ended.crc, ended.stored, ended.size),
    }
}
