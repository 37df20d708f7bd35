//! Operations of a session over paths.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::StreamExt;
use smb::{
    CreateDisposition, Directory, File, FileFsFullSizeInformation, FileIdBothDirectoryInformation,
    FileInternalInformation, FileLinkInformation, ReparseTag,
};

use super::client_errors::{of_client, of_io};
use super::failure::Failure;
use super::handles::{Kind, access_to_look, access_to_read, handle, not_created};
use super::log_on::TRANSACTION;
use super::session::Session;
use crate::share::{Item, ItemKind, Space};

type Result<T, E = Failure> = std::result::Result<T, E>;

impl Session {
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

/// Converts a time since 1601-01-01 (MS-DTYP 2.3.3).
fn time(since_1601: Duration) -> Option<jiff::Timestamp> {
    const TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(since_1601.as_secs()).ok()?.checked_sub(TO_1970)?;
    jiff::Timestamp::new(seconds, since_1601.subsec_nanos().cast_signed()).ok()
}

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
