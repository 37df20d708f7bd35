//! Sealing and opening: one CMS message each, with at most 64 MiB of content.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use azs::Opener;
use azs::envelope::{Sealer, recipients_of};

use crate::callback::{Reader, Writer, azs_read_fn, azs_write_fn};
use crate::certificate::{azs_decryption_certificate, azs_encryption_certificate};
use crate::error::{azs_error, azs_status};
use crate::ffi::{Data, FilePath, Slot, guard, handle, handles, invalid, lent, slot};
use crate::memory::azs_bytes;

/// Seals messages to certificates. Free it with `azs_sealer_free`, which overwrites its key.
///
/// Threads: several threads may use it at once. It refuses to work in a forked process.
pub struct azs_sealer(Arc<Sealer>);

/// Opens messages with certificates. Free it with `azs_opener_free`, which overwrites the keys.
///
/// Threads: several threads may use it at once.
pub struct azs_opener(pub(crate) Arc<Opener>);

/// Makes a sealer for `count` certificates, 1 to 16. `certificates` points to their handles, which you may free
/// afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sealer_new(
    certificates: *const *const azs_encryption_certificate,
    count: usize,
    sealer: Slot<'_, azs_sealer>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(sealer, "sealer")?;
        let certificates = handles(certificates, count, "certificates")?;
        let certificates: Vec<_> = certificates.into_iter().map(|one| one.0.clone()).collect();
        out.give(azs_sealer(Arc::new(Sealer::new(&certificates)?)));
        Ok(())
    })
}

/// Seals bytes as one message.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sealer_seal(
    sealer: Option<&azs_sealer>,
    content: Data,
    length: usize,
    message: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(message, "message")?;
        let sealer = handle(sealer, "sealer")?;
        out.give(azs_bytes::open(sealer.0.seal(content.get(length, "content")?)?));
        Ok(())
    })
}

/// Seals a file into a new one, which appears only once it is whole.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sealer_seal_file(
    sealer: Option<&azs_sealer>,
    from: FilePath,
    to: FilePath,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle(sealer, "sealer")?.0.seal_file(from.get("from")?, to.get("to")?).map(drop))
}

/// Seals everything that a function reads; another writes the message. Both get `user_data`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sealer_seal_stream(
    sealer: *const azs_sealer,
    read: azs_read_fn,
    write: azs_write_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (reader, writer) = streams(read, write, user_data)?;
        lent(sealer, "sealer", |sealer| &sealer.0)?.seal_stream(reader, writer).map(drop)
    })
}

/// Frees a sealer. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_sealer_free(sealer: Option<Box<azs_sealer>>) {
    drop(sealer);
}

/// Makes an opener of `count` certificates. `certificates` points to their handles, which you may free afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_new(
    certificates: *const *const azs_decryption_certificate,
    count: usize,
    opener: Slot<'_, azs_opener>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(opener, "opener")?;
        let certificates = handles(certificates, count, "certificates")?;
        if certificates.is_empty() {
            return Err(invalid("an opener needs at least one decryption certificate (PFX)".into()));
        }
        let certificates = certificates.into_iter().map(|one| one.0.clone()).collect();
        out.give(azs_opener(Arc::new(Opener::with_certificates(certificates))));
        Ok(())
    })
}

/// Returns what its certificates say about themselves: a JSON array of facts.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_certificates(
    opener: Option<&azs_opener>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&handle(opener, "opener")?.0.certificates().collect::<Vec<_>>())
    })
}

/// Opens a message. Returns no content unless all of it is authentic.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_open(
    opener: Option<&azs_opener>,
    message: Data,
    length: usize,
    content: Slot<'_, azs_bytes>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(content, "content")?;
        let opener = handle(opener, "opener")?;
        out.give(azs_bytes::secret(opener.0.open(message.get(length, "message")?)?));
        Ok(())
    })
}

/// Opens a file with one message into a new file that only its owner can read. The new file appears only once it is
/// whole.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_open_file(
    opener: Option<&azs_opener>,
    from: FilePath,
    to: FilePath,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || handle(opener, "opener")?.0.open_file(from.get("from")?, to.get("to")?).map(drop))
}

/// Opens the message that a function reads; another writes the content, and gets nothing before all of it is authentic.
/// Both get `user_data`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_open_stream(
    opener: *const azs_opener,
    read: azs_read_fn,
    write: azs_write_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let (reader, writer) = streams(read, write, user_data)?;
        lent(opener, "opener", |opener| &opener.0)?.open_stream(reader, writer).map(drop)
    })
}

/// Frees an opener. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_opener_free(opener: Option<Box<azs_opener>>) {
    drop(opener);
}

/// Returns whom a message is sealed to: a JSON array.
#[unsafe(no_mangle)]
pub extern "C" fn azs_message_recipients(
    message: Data,
    length: usize,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&recipients_of(message.get(length, "message")?)?))
}

fn streams(read: azs_read_fn, write: azs_write_fn, user_data: *mut c_void) -> azs::Result<(Reader, Writer)> {
    let read = read.ok_or_else(|| invalid("read is NULL".into()))?;
    let write = write.ok_or_else(|| invalid("write is NULL".into()))?;
    Ok((Reader { function: read, user_data }, Writer { function: write, user_data }))
}
