//! One connection, from the first byte to the log-off: plain operations over paths and bytes.
//!
//! This file and `transport.rs` are the only ones that name the client (the crate `smb`). What is done around its
//! weak points, measured with 0.12.1:
//!
//! - It loses the credits of interim answers: the pool makes a new connection before they run out
//!   ([`Link::interim_answers`]).
//! - A request that is given up loses its credits too: none is timed out by itself, a connection that is silent for too
//!   long is given up as a whole.
//! - It keeps the NTSTATUS of a failed read, write or flush in words only.
//! - It takes a file's length from the time when it was opened: lengths are asked for.
//! - Waits that only end with an answer: always inside a lane, whose callers do not wait for ever.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use smb::connection::{AuthMethodsConfig, EncryptionMode};
use smb::{
    Connection, ConnectionConfig, CreateDisposition, CreateOptions, Dialect, Directory, File, FileAccessMask,
    FileAttributes, FileCreateArgs, FileDispositionInformation, FileFsFullSizeInformation,
    FileIdBothDirectoryInformation, FileInternalInformation, FileLinkInformation, FileRenameInformation,
    FileStandardInformation, GetLen, Guid, ReparseTag, Resource, ResourceHandle, SrvCopychunkCopy,
    SrvCopychunkItem, SrvRequestResumeKeyRequest, Tree, UncPath,
};
use tokio::net::TcpStream;

use super::status::{self, Failure, Stage};
use super::transport::{Link, Transport};
use super::{Encryption, SmbDialect, SmbFacts, Target};
use crate::error::ErrorKind;
use crate::share::{Item, ItemKind, Space};

type Result<T, E = Failure> = std::result::Result<T, E>;

/// A logged-on connection to a share.
///
/// It lives and dies on a lane's thread: the client's types start tasks when they are dropped.
pub(super) struct Session {
    // Dropped in this order.
    tree: Tree,
    session: smb::Session,
    connection: Connection,
    block: u32,
    facts: SmbFacts,
}

impl Session {
    /// Connects to one of the addresses, agrees on a dialect, logs on and opens the share.
    pub(super) async fn open(target: &Target, addresses: &[SocketAddr], link: &Arc<Link>) -> Result<Self> {
        let begun = Instant::now();
        let (first, second) = match target.encryption {
            Encryption::Required => (EncryptionMode::Required, None),
            Encryption::Preferred => (EncryptionMode::Required, Some(EncryptionMode::Allowed)),
            Encryption::Off => (EncryptionMode::Disabled, None),
        };
        let connection = match (Self::negotiate(target, addresses, link, first).await, second) {
            // Only the answer to the negotiation tells what the server offers, and the client fixes its mind before.
            (Err(failure), Some(second)) if failure.kind() == ErrorKind::Unsupported => {
                Self::negotiate(target, addresses, link, second).await
            }
            (connection, _) => connection,
        };
        let connection = connection?;
        let negotiated = Instant::now();
        let at = |stage| move |error| told(link, error).at(stage);
        let identity = sspi::AuthIdentity {
            username: sspi::Username::parse(target.account.name())
                .map_err(|e| Failure::other(ErrorKind::InvalidArgument, format!("account: {e}")))?,
            password: sspi::Secret::from(target.account.password().to_owned()),
        };
        link.enter(Stage::LogOn);
        let session = connection.authenticate(identity).await.map_err(|error| match error {
            // Its answer is not signed: as a guest's is not.
            smb::Error::InvalidMessage(text) if text.contains("igned") => guest().at(Stage::LogOn),
            error => at(Stage::LogOn)(error),
        })?;
        let logged_on = Instant::now();
        let share = UncPath::new(&target.root.host().to_string())
            .and_then(|server| server.with_share(target.root.share()))
            .map_err(at(Stage::OpenShare))?;
        link.enter(Stage::OpenShare);
        let tree = session.tree_connect(&share).await.map_err(at(Stage::OpenShare))?;
        if tree.is_dfs_root().unwrap_or(false) {
            return Err(Failure::other(
                ErrorKind::Unsupported,
                "the share is the root of a DFS namespace; give the path of the file server behind it",
            )
            .at(Stage::OpenShare));
        }
        let agreed = &connection.conn_info().ok_or_else(|| Failure::lost("no dialect was agreed on"))?;
        let negotiation = &agreed.negotiation;
        let block = BLOCK.min(negotiation.max_write_size).min(negotiation.max_read_size).max(1);
        let encrypts = match target.encryption {
            Encryption::Off => false,
            _ => agreed.config.encryption_mode == EncryptionMode::Required,
        };
        let facts = SmbFacts {
            address: agreed.server_address,
            dialect: match negotiation.dialect_rev {
                Dialect::Smb030 => SmbDialect::Smb300,
                Dialect::Smb0302 => SmbDialect::Smb302,
                _ => SmbDialect::Smb311,
            },
            encrypted: encrypts,
            cipher: negotiation.encryption_cipher.filter(|_| encrypts).map(|cipher| format!("{cipher:?}")),
            signing: negotiation.signing_algo.map(|algorithm| format!("{algorithm:?}")),
            block,
            negotiated: negotiated - begun,
            logged_on: logged_on - negotiated,
            opened: logged_on.elapsed(),
        };
        Ok(Self { tree, session, connection, block, facts })
    }

    async fn negotiate(
        target: &Target,
        addresses: &[SocketAddr],
        link: &Arc<Link>,
        encryption: EncryptionMode,
    ) -> Result<Connection> {
        link.enter(Stage::Connect);
        let failed = |error: std::io::Error| Failure::network(&error).at(Stage::Connect);
        let stream = connect(addresses).await.map_err(failed)?;
        let transport = Transport::new(stream, link.clone(), target.times.silence).map_err(failed)?;
        link.enter(Stage::Negotiate);
        let config = ConnectionConfig {
            // The lane watches for silence; this is the last line, for a request that is never answered while others are.
            timeout: Some(target.times.call),
            min_dialect: Some(match target.dialect {
                SmbDialect::Smb300 => Dialect::Smb030,
                SmbDialect::Smb302 => Dialect::Smb0302,
                SmbDialect::Smb311 => Dialect::Smb0311,
            }),
            encryption_mode: encryption,
            // The other way begins in SMB 1, and waits for its answer without limit.
            smb2_only_negotiate: true,
            auth_methods: AuthMethodsConfig { ntlm: true, kerberos: false },
            credits_backlog: Some(CREDITS),
            disable_notifications: true,
            default_transaction_size: Some(TRANSACTION),
            ..ConnectionConfig::default()
        };
        let server = target.root.host().to_string();
        let negotiated =
            Connection::from_transport(Box::new(transport), &server, Guid::generate(), config).await;
        negotiated.map_err(|error| told(link, error).at(Stage::Negotiate))
    }

    pub(super) fn facts(&self) -> &SmbFacts {
        &self.facts
    }

    /// Writes a new file of these blocks as `part`, and names it `path` when everything is there.
    pub(super) async fn put(
        &self,
        path: &str,
        part: &str,
        blocks: Vec<Arc<[u8]>>,
        flush: bool,
    ) -> Result<()> {
        let file = self.create(part).await?;
        let fill = async {
            let length = self.write(&file, blocks).await?;
            self.publish(&file, path, length, flush).await
        };
        let filled = fill.await;
        self.finish(file, filled).await
    }

    /// Copies a file on the server, under the same rules as [`put`](Self::put).
    pub(super) async fn copy(&self, from: &str, path: &str, part: &str, flush: bool) -> Result<()> {
        let source = self.open_file(from, access_to_read()).await?;
        let result = self.copy_opened(&source, path, part, flush).await;
        close(&source, result).await
    }

    async fn copy_opened(&self, source: &File, path: &str, part: &str, flush: bool) -> Result<()> {
        let length = standard(source).await?.end_of_file;
        let file = self.create(part).await?;
        let fill = async {
            let key = source.fsctl(SrvRequestResumeKeyRequest(())).await.map_err(of_client)?.resume_key;
            let mut offset = 0;
            while offset < length {
                let end = length.min(offset + COPY_CHUNK * COPY_CHUNKS);
                let mut chunks = Vec::new();
                for start in (offset..end).step_by(COPY_CHUNK as usize) {
                    let length = (end - start).min(COPY_CHUNK) as u32;
                    chunks.push(SrvCopychunkItem { source_offset: start, target_offset: start, length });
                }
                let copied = file.fsctl(SrvCopychunkCopy { source_key: key, chunks }).await;
                if u64::from(copied.map_err(of_client)?.total_bytes_written) != end - offset {
                    return Err(Failure::other(ErrorKind::Io, "the server copied less than it was asked to"));
                }
                offset = end;
            }
            self.publish(&file, path, length, flush).await
        };
        let filled = fill.await;
        self.finish(file, filled).await
    }

    /// A new file that must not be there yet. Its access allows everything that may be done through its handle.
    async fn create(&self, path: &str) -> Result<File> {
        let access = access_to_read().with_generic_write(true).with_delete(true);
        file(self.open_as(path, CreateDisposition::Create, access, Kind::File).await?)
    }

    /// Keeps a window of blocks in flight. After the first failure no more are sent, but every answer is waited for:
    /// a request that is dropped takes its credits along.
    async fn write(&self, file: &File, blocks: Vec<Arc<[u8]>>) -> Result<u64> {
        let mut offset = 0;
        let mut failure = None;
        let mut flying = FuturesUnordered::new();
        let mut blocks = blocks.into_iter();
        loop {
            while flying.len() < WINDOW && failure.is_none() {
                let Some(block) = blocks.next() else { break };
                let (at, length) = (offset, block.len());
                offset += length as u64;
                flying.push(async move {
                    match file.write_block_zc(block, at, None).await {
                        Ok(written) if written == length => Ok(()),
                        Ok(_) => Err(Failure::other(ErrorKind::Io, "the server wrote less than it was sent")),
                        Err(error) => Err(of_io(&error)),
                    }
                });
            }
            match flying.next().await {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(offset), Err)
    }

    /// Makes sure that the file is whole and kept, and gives it its name.
    async fn publish(&self, file: &File, path: &str, length: u64, flush: bool) -> Result<()> {
        let flushed = async {
            match flush {
                true => file.flush().await.map_err(|e| of_io(&e)),
                false => Ok(()),
            }
        };
        let (flushed, standard) = futures::future::join(flushed, standard(file)).await;
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
        file.set_info(name).await.map_err(of_client)
    }

    /// Closes a new file; where it did not get its name, deletes it first.
    async fn finish(&self, file: File, result: Result<()>) -> Result<()> {
        if result.as_ref().is_err_and(|failure| !failure.is_lost()) {
            let _ = file.set_info(FileDispositionInformation { delete_pending: true.into() }).await;
        }
        close(&file, result).await
    }

    /// Reads a whole file of at most `limit` bytes; `None` when it is longer.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let file = self.open_file(path, access_to_read()).await?;
        let result = self.read_opened(&file, limit).await;
        close(&file, result).await
    }

    async fn read_opened(&self, file: &File, limit: u64) -> Result<Option<Vec<u8>>> {
        let length = file.get_len().await.map_err(of_client)?;
        let Some(size) = usize::try_from(length).ok().filter(|_| length <= limit) else { return Ok(None) };
        let mut content = vec![0; size];
        let mut failure = None;
        let mut flying = FuturesUnordered::new();
        let mut blocks = content.chunks_mut(self.block as usize).enumerate();
        loop {
            while flying.len() < WINDOW && failure.is_none() {
                let Some((number, block)) = blocks.next() else { break };
                let at = number as u64 * u64::from(self.block);
                flying.push(read_block(file, at, block));
            }
            match flying.next().await {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => failure = failure.or(Some(error)),
            }
        }
        drop(flying);
        failure.map_or(Ok(Some(content)), Err)
    }

    /// The server's identifier of a file: the same for all its names.
    pub(super) async fn identity(&self, path: &str) -> Result<u64> {
        let file = self.open_as(path, CreateDisposition::Open, access_to_look(), Kind::Any).await?;
        let result = handle(&file).query_info::<FileInternalInformation>().await.map_err(of_client);
        close(handle(&file), result.map(|internal| internal.index_number)).await
    }

    /// Lists a folder.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Item>> {
        let folder = Arc::new(self.open_folder(path, access_to_read()).await?);
        let result = list_opened(&folder).await;
        close(&folder, result).await
    }

    /// Whether there is such a folder, with an error where there is none.
    pub(super) async fn look(&self, path: &str) -> Result<()> {
        let folder = self.open_folder(path, access_to_look()).await?;
        close(&folder, Ok(())).await
    }

    /// Creates a folder whose parent is there.
    pub(super) async fn create_folder(&self, path: &str) -> Result<()> {
        let new = self.open_as(path, CreateDisposition::Create, access_to_look(), Kind::Folder).await?;
        close(handle(&new), Ok(())).await
    }

    /// Gives a file one more name.
    pub(super) async fn link(&self, path: &str, name: &str) -> Result<()> {
        let file = self.open_file(path, access_to_look().with_file_write_attributes(true)).await?;
        let link = FileLinkInformation { replace_if_exists: false.into(), file_name: name.into() };
        let result = file.set_info(link).await.map_err(of_client);
        close(&file, result).await
    }

    /// Gives a file another name.
    pub(super) async fn rename(&self, path: &str, name: &str) -> Result<()> {
        let file = self.open_file(path, access_to_look().with_delete(true)).await?;
        let result = self.rename_opened(&file, name).await;
        close(&file, result).await
    }

    /// Deletes a file, or an empty folder.
    pub(super) async fn remove(&self, path: &str, kind: Kind) -> Result<()> {
        let access = access_to_look().with_delete(true);
        let opened = self.open_as(path, CreateDisposition::Open, access, kind).await?;
        let gone = FileDispositionInformation { delete_pending: true.into() };
        let result = handle(&opened).set_info(gone).await.map_err(of_client);
        close(handle(&opened), result).await
    }

    /// Makes the server keep the names in a folder, where it has a way to.
    pub(super) async fn flush_folder(&self, path: &str) -> Result<()> {
        let access = access_to_look().with_generic_write(true);
        let folder = self.open_folder(path, access).await?;
        // The client flushes files only; a handle is a handle (MS-SMB2 2.2.17).
        let folder = File::new(folder.handle, 0);
        let result = folder.flush().await.map_err(|e| of_io(&e));
        close(&folder, result).await
    }

    /// The room on the volume that holds a folder.
    pub(super) async fn space(&self, path: &str) -> Result<Space> {
        let folder = self.open_folder(path, access_to_look()).await?;
        let result = folder.query_fs_info::<FileFsFullSizeInformation>().await.map_err(of_client);
        let result = result.map(|size| {
            let unit =
                u64::from(size.sectors_per_allocation_unit).saturating_mul(u64::from(size.bytes_per_sector));
            let free = size.caller_available_allocation_units.saturating_mul(unit);
            Space::new(size.total_allocation_units.saturating_mul(unit), free)
        });
        close(&folder, result).await
    }

    /// Logs off and closes the connection.
    pub(super) async fn close(self) {
        let _ = self.tree.disconnect().await;
        let _ = self.session.logoff().await;
        let _ = self.connection.close().await;
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

    async fn open_as(
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
        self.tree.create(path, &arguments).await.map_err(of_client)
    }
}

/// What a path is meant to name.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Any,
}

/// Connects to the first address that answers: each is given a head start over the next.
async fn connect(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let mut attempts: FuturesUnordered<_> = (0_u32..)
        .zip(addresses)
        .map(|(number, address)| async move {
            tokio::time::sleep(HEAD_START * number).await;
            TcpStream::connect(address).await
        })
        .collect();
    let mut first_error = None;
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
}

async fn read_block(file: &File, mut at: u64, mut buffer: &mut [u8]) -> Result<()> {
    while !buffer.is_empty() {
        match file.read_block(buffer, at, None, false).await {
            Ok(0) => return Err(Failure::other(ErrorKind::Io, "the file was cut short while it was read")),
            Ok(count) => {
                buffer = &mut buffer[count..];
                at += count as u64;
            }
            Err(error) => return Err(of_io(&error)),
        }
    }
    Ok(())
}

async fn list_opened(folder: &Arc<Directory>) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    // The client's stream can miss a wake-up between threads. A lane has only one.
    let query = Directory::query_with_options::<FileIdBothDirectoryInformation>(folder, "*", TRANSACTION);
    let mut entries = pin!(query.await.map_err(of_client)?);
    while let Some(entry) = entries.next().await {
        // The client's task waits for ever behind an error, with the folder open: so the connection goes.
        let entry = entry.map_err(|e| Failure::lost(format!("the listing broke off: {e}")))?;
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
            // Deduplicated and archived files are reparse points, and files all the same.
            (ItemKind::File, entry.end_of_file)
        };
        let modified = time(entry.last_write_time.since_epoch());
        items.push(Item::new(name, kind, length).with_modified(modified));
    }
    Ok(items)
}

/// A time since the first day of 1601 (MS-DTYP 2.3.3).
fn time(since_1601: Duration) -> Option<jiff::Timestamp> {
    const TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(since_1601.as_secs()).ok()?.checked_sub(TO_1970)?;
    jiff::Timestamp::new(seconds, since_1601.subsec_nanos().cast_signed()).ok()
}

/// Closes a handle; a failure to counts where nothing failed before.
async fn close<T>(opened: &ResourceHandle, result: Result<T>) -> Result<T> {
    if result.as_ref().is_err_and(Failure::is_lost) {
        return result;
    }
    let closed = opened.close().await.map_err(of_client);
    result.and_then(|value| closed.map(|()| value))
}

async fn standard(file: &File) -> Result<FileStandardInformation> {
    file.query_info().await.map_err(of_client)
}

fn file(resource: Resource) -> Result<File> {
    match resource {
        Resource::File(file) => Ok(file),
        _ => Err(Failure::lost("the server opened a folder for a file")),
    }
}

fn handle(resource: &Resource) -> &ResourceHandle {
    match resource {
        Resource::File(file) => file.handle(),
        Resource::Directory(folder) => folder.handle(),
        Resource::Pipe(pipe) => pipe.handle(),
    }
}

fn access_to_look() -> FileAccessMask {
    FileAccessMask::new().with_file_read_attributes(true).with_synchronize(true)
}

fn access_to_read() -> FileAccessMask {
    FileAccessMask::new().with_generic_read(true)
}

/// A failure to connect or log on; where the transport knows why, its reason.
fn told(link: &Link, error: smb::Error) -> Failure {
    match of_client(error) {
        failure if failure.is_lost() && link.is_lost() && failure.ntstatus().is_none() => link.why(),
        failure => failure,
    }
}

fn of_client(error: smb::Error) -> Failure {
    use smb::Error as E;
    match error {
        E::ReceivedErrorMessage(status, _) | E::UnexpectedMessageStatus(status) => Failure::status(status),
        E::IoError(error) => Failure::network(&error),
        E::TransportError(smb::transport::TransportError::IoError(error)) => Failure::network(&error),
        E::OperationTimeout(_, time) => Failure::silence(time),
        E::SignatureVerificationFailed | E::TranformFailed(_) => Failure::status(status::INVALID_SIGNATURE),
        E::NegotiationError(text) => {
            Failure::other(ErrorKind::Unsupported, format!("no agreement with the server: {text}"))
        }
        E::SspiError(error) => match error.error_type {
            sspi::ErrorKind::LogonDenied | sspi::ErrorKind::NoCredentials => {
                Failure::other(ErrorKind::LogonFailed, format!("log-on: {}", error.description))
            }
            _ => Failure::lost(format!("log-on: {}", error.description)),
        },
        E::InvalidMessage(text) if text.contains("guest or anonymous") => guest(),
        E::InvalidState(text) if text.contains("before SSPI authentication completed") => guest(),
        E::InvalidMessage(text) if text.contains("signed") => Failure::status(status::INVALID_SIGNATURE),
        E::InvalidMessage(text) if text.contains("ncryption") => {
            Failure::other(ErrorKind::Unsupported, format!("encryption: {text}"))
        }
        E::MissingPermissions(_) => Failure::status(status::ACCESS_DENIED),
        other => Failure::lost(other.to_string()),
    }
}

fn guest() -> Failure {
    Failure::other(
        ErrorKind::LogonFailed,
        "the server let the account in as a guest only, without signing: it does not know the account",
    )
}

/// A failed read, write or flush, of which the client keeps words only.
fn of_io(error: &std::io::Error) -> Failure {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<smb::Error>()) {
        return Failure::lost(inner.to_string());
    }
    let text = error.to_string();
    match status::in_text(&text) {
        Some(status) => Failure::status(status),
        None if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Failure::status(status::ACCESS_DENIED)
        }
        None => Failure::lost(text),
    }
}

/// Bytes in a request. Larger ones gain nothing, and hold more memory.
pub(super) const BLOCK: u32 = 1 << 20;
/// Blocks in flight for one file: enough for some 400 MB/s at a round trip of 20 ms.
const WINDOW: usize = 8;
/// What a server of Windows or Samba grants at most.
const CREDITS: u16 = 8192;
const TRANSACTION: u32 = 64 << 10;
/// Windows and Samba copy at most 16 chunks of 1 MiB in one request (MS-SMB2 3.3.3).
const COPY_CHUNK: u64 = 1 << 20;
const COPY_CHUNKS: u64 = 16;
const HEAD_START: Duration = Duration::from_millis(500);
