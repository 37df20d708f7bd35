//! Whole files: written under a passing name and renamed, copied on the server, read.

use std::rc::Rc;

use futures::stream::{FuturesUnordered, StreamExt};
use smb::{
    CreateDisposition, File, FileStandardInformation, GetLen, SrvCopychunkCopy, SrvCopychunkItem,
    SrvRequestResumeKeyRequest,
};

use super::client_errors::{of_client, of_io};
use super::failure::Failure;
use super::handles::{Kind, access_to_make, access_to_read, file, not_created};
use super::session::Session;
use super::transfer::{Download, Upload};
use crate::error::ErrorKind;

type Result<T, E = Failure> = std::result::Result<T, E>;

impl Session {
    /// Writes a new file of this content under one of its passing names, and renames it to `path` once it is complete.
    /// On a connection that is used up, goes on where the one before stopped.
    pub(super) async fn put(&self, path: &str, upload: &Upload, content: &[u8], flush: bool) -> Result<()> {
        let (file, mut done) = match upload.begun() {
            Some((part, done)) => (
                file(self.open_as(&part, CreateDisposition::Open, access_to_make(), Kind::File).await?)?,
                done,
            ),
            None => {
                let part = upload.name()?;
                let file = self.create(&part).await?;
                upload.begin(part);
                (file, 0)
            }
        };
        let fill = async {
            let written = self.write(&file, content, &mut done).await;
            upload.reached(done);
            written?;
            self.publish(&file, path, content.len() as u64, flush).await
        };
        let filled = fill.await;
        if filled.as_ref().is_err_and(is_disposed) {
            upload.begin_anew();
        }
        self.finish(file, filled).await
    }

    /// Copies a file on the server, by the same rules as [`put`](Self::put).
    pub(super) async fn copy(self: &Rc<Self>, from: &str, path: &str, part: &str, flush: bool) -> Result<()> {
        let source = self.open_file(from, access_to_read()).await?;
        let result = self.copy_opened(&source, path, part, flush).await;
        self.leave(async move { source.close().await });
        result
    }

    async fn copy_opened(&self, source: &File, path: &str, part: &str, flush: bool) -> Result<()> {
        let length = source.get_len().await.map_err(of_client)?;
        let key = async { source.fsctl(SrvRequestResumeKeyRequest(())).await.map_err(of_client) };
        let (file, key) = futures::future::join(self.create(part), self.credits.ask(0, key)).await;
        let file = file?;
        let fill = async {
            let key = key?.resume_key;
            let mut offset = 0;
            while offset < length {
                let end = length.min(offset + COPY_CHUNK * COPY_CHUNKS);
                let mut chunks = Vec::new();
                for start in (offset..end).step_by(COPY_CHUNK as usize) {
                    let length = (end - start).min(COPY_CHUNK) as u32;
                    chunks.push(SrvCopychunkItem { source_offset: start, target_offset: start, length });
                }
                let copy = file.fsctl(SrvCopychunkCopy { source_key: key, chunks });
                let copied = self.credits.ask(0, async { copy.await.map_err(of_client) }).await?;
                if u64::from(copied.total_bytes_written) != end - offset {
                    return Err(Failure::other(ErrorKind::Io, "the server copied less than it was asked to"));
                }
                offset = end;
            }
            self.publish(&file, path, length, flush).await
        };
        let filled = match fill.await {
            // The next connection begins anew.
            Err(failure) if failure.is_exhausted() => {
                let _ = self.dispose(&file).await;
                Err(failure)
            }
            filled => filled,
        };
        self.finish(file, filled).await
    }

    /// Creates a file that must not exist yet. Its access covers everything that is done through its handle.
    async fn create(&self, path: &str) -> Result<File> {
        let created = self.open_as(path, CreateDisposition::Create, access_to_make(), Kind::File).await;
        file(created.map_err(|failure| not_created(path, failure))?)
    }

    /// Writes what is missing from `done` on, and moves `done` on.
    pub(super) async fn write(&self, file: &File, content: &[u8], done: &mut usize) -> Result<()> {
        let size = self.blocks.write as usize;
        let blocks = content.get(*done..).unwrap_or_default().chunks(size);
        let write = |offset, block| self.write_block(file, offset, block);
        let written = in_flight(window(size), (*done..).step_by(size).zip(blocks), write).await;
        *done = written.as_ref().map_or_else(|(missing, _)| *missing, |()| content.len());
        written.map_err(|(_, failure)| failure)
    }

    async fn write_block(&self, file: &File, at: usize, block: &[u8]) -> Result<()> {
        let write = async {
            match file.write_block_zc(block.into(), at as u64, None).await {
                Ok(written) if written == block.len() => Ok(()),
                Ok(_) => Err(Failure::other(ErrorKind::Io, "the server wrote less than it was sent")),
                Err(error) => Err(of_io(&error)),
            }
        };
        self.credits.ask(block.len() as u64, write).await
    }

    /// Checks that the file is whole, flushes it, and gives it its name.
    pub(super) async fn publish(&self, file: &File, path: &str, length: u64, flush: bool) -> Result<()> {
        let flushed = async {
            match flush {
                true => self.credits.ask(0, async { file.flush().await.map_err(|e| of_io(&e)) }).await,
                false => Ok(()),
            }
        };
        let (flushed, standard) = futures::future::join(flushed, self.standard(file)).await;
        flushed?;
        if standard?.end_of_file != length {
            return Err(Failure::other(ErrorKind::Io, "the server kept another length than was written"));
        }
        self.rename_opened(file, path).await
    }

    /// Closes a new file; if it did not get its name and no other connection goes on with it, deletes it first.
    async fn finish(&self, file: File, result: Result<()>) -> Result<()> {
        if result.as_ref().is_err_and(is_disposed) {
            let _ = self.dispose(&file).await;
        }
        self.close(&file, result).await
    }

    /// Reads a whole file of at most `limit` bytes; `None` if it is longer. On a connection that is used up, goes on where
    /// the one before stopped.
    pub(super) async fn read(
        self: &Rc<Self>,
        path: &str,
        limit: u64,
        download: &Download,
    ) -> Result<Option<Vec<u8>>> {
        let file = self.open_file(path, access_to_read()).await?;
        let result = self.read_opened(&file, limit, download).await;
        self.leave(async move { file.close().await });
        result
    }

    async fn read_opened(&self, file: &File, limit: u64, download: &Download) -> Result<Option<Vec<u8>>> {
        let length = file.get_len().await.map_err(of_client)?;
        let Some(size) = usize::try_from(length).ok().filter(|_| length <= limit) else { return Ok(None) };
        let (mut content, done) = download.take(size);
        let block = self.blocks.read as usize;
        let blocks = (done..).step_by(block).zip(content[done..].chunks_mut(block));
        let read = in_flight(window(block), blocks, |at, buffer| self.read_block(file, at as u64, buffer));
        match read.await {
            Ok(()) => Ok(Some(content)),
            Err((missing, failure)) => {
                download.keep(content, missing);
                Err(failure)
            }
        }
    }

    /// Reads at most `room` bytes from this offset on: fewer only at the end of the file.
    pub(super) async fn read_range(self: &Rc<Self>, path: &str, from: u64, room: usize) -> Result<Vec<u8>> {
        let file = self.open_file(path, access_to_read()).await?;
        let read = async {
            let left = file.get_len().await.map_err(of_client)?.saturating_sub(from);
            let mut content = vec![0; usize::try_from(left).map_or(room, |left| left.min(room))];
            let block = self.blocks.read as usize;
            let blocks = (0..).step_by(block).zip(content.chunks_mut(block));
            let read = |at: usize, buffer| self.read_block(&file, from + at as u64, buffer);
            in_flight(window(block), blocks, read).await.map_err(|(_, failure)| failure)?;
            Ok(content)
        };
        let result = read.await;
        self.leave(async move { file.close().await });
        result
    }

    async fn read_block(&self, file: &File, mut at: u64, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            let length = buffer.len() as u64;
            let read =
                async { file.read_block(buffer, at, None, false).await.map_err(|error| of_io(&error)) };
            match self.credits.ask(length, read).await? {
                0 => return Err(Failure::other(ErrorKind::Io, "the file was cut short while it was read")),
                count => {
                    buffer = &mut buffer[count..];
                    at += count as u64;
                }
            }
        }
        Ok(())
    }

    async fn standard(&self, file: &File) -> Result<FileStandardInformation> {
        self.credits.ask(0, async { file.query_info().await.map_err(of_client) }).await
    }
}

/// Whether a file is deleted after this failure: it cannot be resumed on another connection.
fn is_disposed(failure: &Failure) -> bool {
    !failure.is_lost() && !failure.is_exhausted()
}

/// Does this work for each block and its offset, with at most `window` of them in flight. After the first failure it
/// begins no more, but waits for every answer: a dropped request would take its credits with it. Returns the first
/// failure, and where the first block begins that has failed.
async fn in_flight<Block, Work: Future<Output = Result<()>>>(
    window: usize,
    mut blocks: impl Iterator<Item = (usize, Block)>,
    work: impl Fn(usize, Block) -> Work,
) -> Result<(), (usize, Failure)> {
    let mut failed: Option<(usize, Failure)> = None;
    let mut flying = FuturesUnordered::new();
    loop {
        while failed.is_none() && flying.len() < window {
            let Some((offset, block)) = blocks.next() else { break };
            let work = work(offset, block);
            flying.push(async move { work.await.map_err(|failure| (offset, failure)) });
        }
        match flying.next().await {
            None => return failed.map_or(Ok(()), Err),
            Some(Ok(())) => {}
            Some(Err((offset, failure))) => {
                failed = Some(match failed {
                    None => (offset, failure),
                    Some((missing, first)) => (missing.min(offset), first),
                });
            }
        }
    }
}

/// How many blocks of this size are in flight for one file.
fn window(block: usize) -> usize {
    (WINDOW / block).max(8)
}

/// Bytes in flight for one file: enough for some 400 MB/s at a round trip of 20 ms.
const WINDOW: usize = 8 << 20;
/// Windows and Samba copy at most 16 chunks of 1 MiB in one request (MS-SMB2 3.3.3).
const COPY_CHUNK: u64 = 1 << 20;
const COPY_CHUNKS: u64 = 16;
