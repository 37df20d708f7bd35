//! What an account may do, found out with files that the server deletes when they are closed: whatever the account lacks
//! and whenever the connection breaks, nothing stays.

use std::rc::Rc;
use std::sync::Arc;

use futures::future::join;
use smb::{CreateDisposition, CreateOptions, FileAttributes, FileCreateArgs, Resource};

use super::SmbShare;
use super::client_errors::of_client;
use super::failure::Failure;
use super::handles::{Kind, access_to_look, access_to_make, file, handle, not_created};
use super::session::Session;
use super::status::ACCESS_DENIED;
use super::transfer::Download;
use crate::error::{ErrorKind, Result};
use crate::layout::{Name, SharePath};
use crate::share::PROBE;

impl SmbShare {
    pub(super) fn rights_in(&self, folder: &SharePath) -> Result<Option<bool>> {
        let probe = self.upload("write", &folder.join(Name::new(PROBE)?))?;
        let may = self.run("write", folder, move |session: Rc<Session>, _| {
            let probe = probe.clone();
            async move {
                let (file, folder) = (probe.name()?, probe.name()?);
                let of = |path, kind| session.may_delete_new(path, kind);
                let (file, folder) = join(of(&file, Kind::File), of(&folder, Kind::Folder)).await;
                Ok(file? && folder?)
            }
        });
        may.map(Some)
    }

    pub(super) fn write_and_discard_in(&self, folder: &SharePath, content: &[u8]) -> Result<()> {
        let (probe, flush) = (self.upload("write", &folder.join(Name::new(PROBE)?))?, self.flushes());
        let content: Arc<[u8]> = content.into();
        self.run("write", folder, move |session, _| {
            let (probe, content) = (probe.clone(), content.clone());
            async move { session.write_and_discard(&probe.name()?, &probe.name()?, &content, flush).await }
        })
    }
}

impl Session {
    /// Whether the account may delete a file or folder that it creates.
    ///
    /// Its creator gets all access through the handle that creates it. What the rights in the folder allow shows when it
    /// is opened once more.
    async fn may_delete_new(&self, path: &str, kind: Kind) -> Result<bool, Failure> {
        let new = self.create_delete_on_close(path, kind).await?;
        let access = access_to_look().with_delete(true);
        let may = match self.open_as(path, CreateDisposition::Open, access, kind).await {
            Ok(again) => self.close(handle(&again), Ok(true)).await,
            Err(failure) if failure.ntstatus() == Some(ACCESS_DENIED) => Ok(false),
            Err(failure) => Err(failure),
        };
        self.close(handle(&new), may).await
    }

    /// Does what [`put`](Self::put) does, and reads the file back.
    async fn write_and_discard(
        self: &Rc<Self>,
        part: &str,
        path: &str,
        content: &[u8],
        flush: bool,
    ) -> Result<(), Failure> {
        let new = file(self.create_delete_on_close(part, Kind::File).await?)?;
        let tried = async {
            self.write(&new, content, &mut 0).await?;
            self.publish(&new, path, content.len() as u64, flush).await?;
            match self.read(path, content.len() as u64, &Download::default()).await? {
                Some(read) if read == content => Ok(()),
                _ => Err(Failure::other(ErrorKind::Damaged, "what was read is not what was written")),
            }
        };
        let tried = tried.await;
        self.close(&new, tried).await
    }

    /// Creates a file or folder that the server deletes when it is closed.
    async fn create_delete_on_close(&self, path: &str, kind: Kind) -> Result<Resource, Failure> {
        let arguments = FileCreateArgs {
            disposition: CreateDisposition::Create,
            attributes: FileAttributes::new().with_directory(kind == Kind::Folder),
            options: CreateOptions::new()
                .with_directory_file(kind == Kind::Folder)
                .with_non_directory_file(kind == Kind::File)
                .with_delete_on_close(true),
            desired_access: access_to_make(),
        };
        let create = async { self.tree.create(path, &arguments).await.map_err(of_client) };
        self.credits.ask(0, create).await.map_err(|failure| not_created(path, failure))
    }
}
