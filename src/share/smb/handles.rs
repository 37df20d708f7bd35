//! Opening, renaming, deleting and closing by a handle.

use std::future::Future;
use std::rc::Rc;

use smb::{
    CreateDisposition, CreateOptions, Directory, File, FileAccessMask, FileAttributes, FileCreateArgs,
    FileDispositionInformation, FileRenameInformation, Resource, ResourceHandle,
};

use super::client_errors::of_client;
use super::failure::Failure;
use super::session::Session;
use super::status::OBJECT_NAME_NOT_FOUND;
use crate::error::ErrorKind;

type Result<T, E = Failure> = std::result::Result<T, E>;

impl Session {
    pub(super) async fn open_file(&self, path: &str, access: FileAccessMask) -> Result<File> {
        file(self.open_as(path, CreateDisposition::Open, access, Kind::File).await?)
    }

    pub(super) async fn open_folder(&self, path: &str, access: FileAccessMask) -> Result<Directory> {
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
    pub(super) fn leave(self: &Rc<Self>, close: impl Future<Output = smb::Result<()>> + 'static) {
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

    pub(super) async fn rename_opened(&self, file: &ResourceHandle, path: &str) -> Result<()> {
        let name = FileRenameInformation {
            replace_if_exists: false.into(),
            root_directory: 0,
            file_name: path.into(),
        };
        self.credits.ask(0, async { file.set_info(name).await.map_err(of_client) }).await
    }

    pub(super) async fn dispose(&self, file: &ResourceHandle) -> Result<()> {
        let gone = FileDispositionInformation { delete_pending: true.into() };
        self.credits.end(async { file.set_info(gone).await.map_err(of_client) }).await
    }
}

/// What a path is supposed to name.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Any,
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

pub(super) fn access_to_read() -> FileAccessMask {
    FileAccessMask::new().with_generic_read(true)
}
