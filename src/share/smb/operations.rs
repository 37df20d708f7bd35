//! Operations of a session over paths and bytes.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use smb::{
    CreateDisposition, CreateOptions, Directory, File, FileAccessMask, FileAttributes, FileCreateArgs,
    FileDispositionInformation, FileFsFullSizeInformation, FileIdBothDirectoryInformation,
    FileInternalInformation, FileLinkInformation, FileRenameInformation, FileStandardInformation, GetLen,
    ReparseTag, Resource, ResourceHandle, SrvCopychunkCopy, SrvCopychunkItem, SrvRequestResumeKeyRequest,
};

use super::client_errors::{of_client, of_io};
use super::failure::Failure;
use super::log_on::TRANSACTION;
use super::session::Session;
use super::status::OBJECT_NAME_NOT_FOUND;
use super::transfer::{Download, Upload};
use crate::error::ErrorKind;
use crate::share::{Item, ItemKind, Space};

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

    /// Writes what is missing from `done` on, and moves `done` on. Keeps a window of blocks in flight. After the first
    /// failure it sends no more, but waits forevery answer: a dropped request would take its credits with it.
    pub(super) async fn write(&self, file: &File, content: &[u8], done: &mut usize) -> Result<()> {
        let mut failure = None;
        let mut flying = FuturesUnordered::new();
        let from = *done;
        let mut blocks = content.get(from..).unwrap_or_default().chunks(self.blocks.write as usize);
        let mut at = from;
        // Where the first block begins that was not written.
        let mut missing = content.len();
        loop {
            while flying.len() < window(self.blocks.write) && failure.is_none() {
                let Some(block) = blocks.next() else { break };
                let offset = at;
                at += block.len();
                flying.push(async move {
                    let write = async {
                        match file.write_block_zc(block.into(), offset as u64, None).await {
                            Ok(written) if written == block.len() => Ok(()),
                            Ok(_) => {
                                Err(Failure::other(ErrorKind::Io, "the server wrote less than it was sent"))
                            }
                            Err(error) => Err(of_io(&error)),
                        }
                    };
                    self.credits.ask(block.len() as u64, write).await.map_err(|failure| (offset, failure))
                });
            }
            match flying.next().await {
                None => break,
                Some(Ok(())) => {}
                Some(Err((offset, error))) => {
                    missing = missing.min(offset);
                    failure = failure.or(Some(error));
                }
            }
        }
        *done = missing.min(at);
        failure.map_or(Ok(()), Err)
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

    async fn rename_opened(&self, file: &ResourceHandle, path: &str) -> Result<()> {
        let name = FileRenameInformation {
            replace_if_exists: false.into(),
            root_directory: 0,
            file_name: path.into(),
        };
        self.credits.ask(0, async { file.set_info(name).await.map_err(of_client) }).await
    }

    /// Closes a new file; if it did not get its name and no other connection goes on with it, deletes it first.
    async fn finish(&self, file: File, result: Result<()>) -> Result<()> {
        if result.as_ref().is_err_and(is_disposed) {
            let _ = self.dispose(&file).await;
        }
        self.close(&file, result).await
    }

    async fn dispose(&self, file: &ResourceHandle) -> Result<()> {
        let gone = FileDispositionInformation { delete_pending: true.into() };
        self.credits.end(async { file.set_info(gone).await.map_err(of_client) }).await
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
        let mut failure = None;
        let mut flying = FuturesUnordered::new();
        let mut blocks = content[done..].chunks_mut(self.blocks.read as usize);
        let (mut at, mut missing) = (done, size);
        loop {
            while flying.len() < window(self.blocks.read) && failure.is_none() {
                let Some(block) = blocks.next() else { break };
                let offset = at;
                at += block.len();
                flying.push(async move {
                    let read = self.read_block(file, offset as u64, block).await;
                    read.map_err(|failure| (offset, failure))
                });
            }
            match flying.next().await {
                None => break,
                Some(Ok(())) => {}
                Some(Err((offset, error))) => {
                    missing = missing.min(offset);
                    failure = failure.or(Some(error));
                }
            }
        }
        drop(flying);
        match failure {
            None => Ok(Some(content)),
            Some(failure) => {
                download.keep(content, missing.min(at));
                Err(failure)
            }
        }
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

    /// Returns the server's identifier of a file: the same for all its names.
    pub(super) async fn identity(self: &Rc<Self>, path: &str) -> Result<u64> {
        let file = self.open_as(path, CreateDisposition::Open, access_to_look(), Kind::Any).await?;
        let query = async { handle(&file).query_info::<FileInternalInformation>().await.map_err(of_client) };
        let result = self.credits.ask(0, query).await;
        self.leave(async move { handle(&file).close().await });
        result.map(|internal| internal.index_number)
    }

    /// Lists a folder.
    pub(super) async fn list(self: &Rc<Self>, path: &str) -> Result<Vec<Item>> {
        let folder = Arc::new(self.open_folder(path, access_to_read()).await?);
        let result = self.credits.list(list_opened(&folder)).await;
        self.leave(async move { folder.close().await });
        result
    }

    /// Checks that a folder exists; an error if it does not.
    pub(super) async fn stat(self: &Rc<Self>, path: &str) -> Result<()> {
        let folder = self.open_folder(path, access_to_look()).await?;
        self.leave(async move { folder.close().await });
        Ok(())
    }

    /// Creates a folder whose parent exists.
    pub(super) async fn create_folder(self: &Rc<Self>, path: &str) -> Result<()> {
        let new = self.open_as(path, CreateDisposition::Create, access_to_look(), Kind::Folder).await;
        let new = new.map_err(|failure| not_created(path, failure))?;
        self.leave(async move { handle(&new).close().await });
        Ok(())
    }

    /// Gives a file one more name.
    pub(super) async fn link(self: &Rc<Self>, path: &str, name: &str) -> Result<()> {
        let file = self.open_file(path, access_to_look().with_file_write_attributes(true)).await?;
        let link = FileLinkInformation { replace_if_exists: false.into(), file_name: name.into() };
        let result = self.credits.ask(0, async { file.set_info(link).await.map_err(of_client) }).await;
        self.leave(async move { file.close().await });
        result
    }

    /// Gives a file another name.
    pub(super) async fn rename(self: &Rc<Self>, path: &str, name: &str) -> Result<()> {
        let file = self.open_file(path, access_to_look().with_delete(true)).await?;
        let result = self.rename_opened(&file, name).await;
        self.leave(async move { file.close().await });
        result
    }

    /// Deletes a file, or an empty folder.
    pub(super) async fn remove(&self, path: &str, kind: Kind) -> Result<()> {
        let access = access_to_look().with_delete(true);
        let opened = self.open_as(path, CreateDisposition::Open, access, kind).await?;
        let result = self.dispose(handle(&opened)).await;
        self.close(handle(&opened), result).await
    }

    /// Makes the server flush the names in a folder, if it can.
    pub(super) async fn flush_folder(self: &Rc<Self>, path: &str) -> Result<()> {
        let access = access_to_look().with_generic_write(true);
        let folder = self.open_folder(path, access).await?;
        // The client only flushes files, but a folder's handle works as well (MS-SMB2 2.2.17).
        let folder = File::new(folder.handle, 0);
        let result = self.credits.ask(0, async { folder.flush().await.map_err(|e| of_io(&e)) }).await;
        self.leave(async move { folder.close().await });
        result
    }

    /// Returns the room on the volume that contains a folder.
    pub(super) async fn space(self: &Rc<Self>, path: &str) -> Result<Space> {
        let folder = self.open_folder(path, access_to_look()).await?;
        let query = async { folder.query_fs_info::<FileFsFullSizeInformation>().await.map_err(of_client) };
        let result = self.credits.ask(0, query).await;
        self.leave(async move { folder.close().await });
        result.map(|size| {
            let unit =
                u64::from(size.sectors_per_allocation_unit).saturating_mul(u64::from(size.bytes_per_sector));
            let free = size.caller_available_allocation_units.saturating_mul(unit);
            Space::new(size.total_allocation_units.saturating_mul(unit), free)
        })
    }

    async fn open_file(&self, path: &str, access: FileAccessMask) -> Result<File> {
        file(self.open_as(path, CreateDisposition::Open, access, Kind::File).await?)
    }

    async fn open_folder(&self, path: &str, access: FileAccessMask) -> Result<Directory> {
        match self.open_as(path, CreateDisposition::Open, access, Kind::Folder).await? {
            Resource::Directory(folder) => Ok(folder),
            _ => Err(Failure::lost("the server opened a file for a folder")),
        }
    }

    pub(super) async fn open_as(
        &self,
        path: &str,
        disposition: CreateDisposition,
        desired_access: FileAccessMask,
        kind: Kind,
    ) -> Result<Resource> {
        let options = CreateOptions::new()
            .with_directory_file(kind == Kind::Folder)
            .with_non_directory_file(kind == Kind::File);
        let attributes = FileAttributes::new().with_directory(kind == Kind::Folder);
        let arguments = FileCreateArgs { disposition, attributes, options, desired_access };
        self.credits.ask(0, async { self.tree.create(path, &arguments).await.map_err(of_client) }).await
    }

    /// Closes a handle through which nothing was written: the call need not wait for that. What it says is of no use, and
    /// the server closes whatever is open when the connection ends.
    fn leave(self: &Rc<Self>, close: impl Future<Output = smb::Result<()>> + 'static) {
        let session = self.clone();
        session.credits.link().leave();
        tokio::task::spawn_local(async move {
            let _ = session.credits.end(async { close.await.map_err(of_client) }).await;
            session.credits.link().left();
        });
    }

    /// Closes a handle; a failure to do so counts only if nothing failed before.
    pub(super) async fn close<T>(&self, opened: &ResourceHandle, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(Failure::is_lost) {
            return result;
        }
        match self.credits.end(async { opened.close().await.map_err(of_client) }).await {
            // The server closes it when the connection ends.
            Err(failure) if failure.is_exhausted() => result,
            closed => result.and_then(|value| closed.map(|()| value)),
        }
    }

    async fn standard(&self, file: &File) -> Result<FileStandardInformation> {
        self.credits.ask(0, async { file.query_info().await.map_err(of_client) }).await
    }
}

/// What a path is supposed to name.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Any,
}

/// Whether a file is deleted after this failure: it cannot be resumed on another connection.
fn is_disposed(failure: &Failure) -> bool {
    !failure.is_lost() && !failure.is_exhausted()
}

async fn list_opened(folder: &Arc<Directory>) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    // The client's stream can miss a wake-up between threads; a connection has only one thread.
    let query = Directory::query_with_options::<FileIdBothDirectoryInformation>(folder, "*", TRANSACTION);
    let mut entries = pin!(query.await.map_err(of_client)?);
    while let Some(entry) = entries.next().await {
        // After an error the client's task waits forever, with the folder open: so give up the connection.
        let entry = entry.map_err(|e| match of_client(e) {
            failure if failure.is_lost() => failure,
            failure => Failure::lost(format!("the listing broke off: {failure}")),
        })?;
        let name = entry.file_name.to_string();
        if name == "." || name == ".." {
            continue;
        }
        let links = [ReparseTag::Symlink, ReparseTag::MountPoint];
        let (kind, length) = if entry.reparse_tag.is_some_and(|tag| links.contains(&tag)) {
            (ItemKind::Other, 0)
        } else if entry.file_attributes.directory() {
            (ItemKind::Folder, 0)
        } else {
            // Deduplicated and archived files are reparse points, but still files.
            (ItemKind::File, entry.end_of_file)
        };
        let modified = time(entry.last_write_time.since_epoch());
        items.push(Item::new(name, kind, length).with_modified(modified));
    }
    Ok(items)
}

/// Says what is meant if the server does not let a file or folder of this name be created.
pub(super) fn not_created(path: &str, failure: Failure) -> Failure {
    match failure.ntstatus() {
        // A missing folder has another status.
        Some(OBJECT_NAME_NOT_FOUND) => {
            let name = path.rsplit('\\').next().unwrap_or(path);
            let why = "the server forbids the name; let it allow names like this one (Samba: \"veto files\", Windows: file \
                       screens)";
            Failure::other(ErrorKind::AccessDenied, format!("{name}: {why}"))
        }
        _ => failure,
    }
}

/// Converts a time since 1601-01-01 (MS-DTYP 2.3.3).
fn time(since_1601: Duration) -> Option<jiff::Timestamp> {
    const TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(since_1601.as_secs()).ok()?.checked_sub(TO_1970)?;
    jiff::Timestamp::new(seconds, since_1601.subsec_nanos().cast_signed()).ok()
}

pub(super) fn file(resource: Resource) -> Result<File> {
    match resource {
        Resource::File(file) => Ok(file),
        _ => Err(Failure::lost("the server opened a folder for a file")),
    }
}

pub(super) fn handle(resource: &Resource) -> &ResourceHandle {
    match resource {
        Resource::File(file) => file.handle(),
        Resource::Directory(folder) => folder.handle(),
        Resource::Pipe(pipe) => pipe.handle(),
    }
}

pub(super) fn access_to_look() -> FileAccessMask {
    FileAccessMask::new().with_file_read_attributes(true).with_synchronize(true)
}

/// Access for everything that is done through the handle of a new file.
pub(super) fn access_to_make() -> FileAccessMask {
    access_to_read().with_generic_write(true).with_delete(true)
}

fn access_to_read() -> FileAccessMask {
    FileAccessMask::new().with_generic_read(true)
}

/// How many blocks of this size are in flight for one file.
fn window(block: u32) -> usize {
    (WINDOW / block).max(8) as usize
}

/// Bytes in flight for one file: enough for some 400 MB/s at a round trip of 20 ms.
const WINDOW: u32 = 8 << 20;
/// Windows and Samba copy at most 16 chunks of 1 MiB in one request (MS-SMB2 3.3.3).
const COPY_CHUNK: u64 = 1 << 20;
const COPY_CHUNKS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_server() {
        let new_year = Duration::from_secs(11_644_473_600 + 1_767_225_600) + Duration::from_nanos(100);
        assert_eq!(time(new_year).unwrap().to_string(), "2026-01-01T00:00:00.0000001Z");
        assert!(time(Duration::from_secs(u64::MAX)).is_none());
    }
}
