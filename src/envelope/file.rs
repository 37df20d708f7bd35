//! Certificates and single messages as files and streams.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use zeroize::{Zeroize, Zeroizing};

use super::{DecryptionCertificate, EncryptionCertificate, MAX_CONTENT, MAX_MESSAGE, Opener, Sealer, store};
use crate::{Error, ErrorKind, Result};

impl EncryptionCertificate {
    /// Reads a CER file, like [`from_cer`](Self::from_cer). On Windows, `Cert:\LocalMachine\My\` and a thumbprint is the
    /// certificate in that store, without its key; `CurrentUser` is the other place for stores.
    ///
    /// # Errors
    /// `NOT_FOUND`, `ACCESS_DENIED` and the like; `LIMIT_EXCEEDED` above 1 MiB; as `from_cer`, naming the file.
    pub fn load(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        if let Some(stored) = store::find(file) {
            return stored.and_then(|stored| Self::from_stored(stored).map_err(|e| named(file, e)));
        }
        read_certificate(file, Self::from_cer)
    }
}

impl DecryptionCertificate {
    /// Reads a PFX file, like [`from_pfx`](Self::from_pfx). On Windows, the name of a certificate in a store, as
    /// [`EncryptionCertificate::load`] takes it, gives the right to use its key, which stays there: Windows decrypts, also
    /// with a key that may not be exported. The password does not count then.
    ///
    /// # Errors
    /// As [`EncryptionCertificate::load`] and `from_pfx`.
    pub fn load(file: impl AsRef<Path>, password: Option<&str>) -> Result<Self> {
        let file = file.as_ref();
        if let Some(stored) = store::find(file) {
            return stored.and_then(|stored| Self::from_stored(stored).map_err(|e| named(file, e)));
        }
        read_certificate(file, |bytes| Self::from_pfx(bytes, password))
    }
}

impl Sealer {
    /// Seals everything that a reader returns, at most 64 MiB, as one message; returns how many bytes it read.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for more, and then nothing is written: make a backup instead. The reader's and the writer's
    /// own.
    pub fn seal_stream(&self, reader: impl Read, mut writer: impl Write) -> Result<u64> {
        let mut buffer = vec![0; self.head_room()];
        let length = read_up_to(reader, MAX_CONTENT, &mut buffer).inspect_err(|_| buffer.zeroize())?;
        let sealed = self.seal_in_place(&mut buffer)?;
        write(&mut writer, &buffer[sealed.range])?;
        Ok(length)
    }

    /// Seals a file of at most 64 MiB into a new file, which `openssl cms -decrypt` opens; returns how many bytes it
    /// read.
    ///
    /// The new file appears only once it is whole.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; as [`seal_stream`](Self::seal_stream).
    pub fn seal_file(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<u64> {
        let from = from.as_ref();
        create(to.as_ref(), |file| self.seal_stream(open(from)?, file).map_err(|e| named(from, e)))
    }
}

impl Opener {
    /// Opens the single message that a reader returns; returns the length of its content in bytes. Writes nothing
    /// before all of it is authenticated.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place); the reader's and the writer's own.
    pub fn open_stream(&self, reader: impl Read, mut writer: impl Write) -> Result<u64> {
        let mut buffer = Zeroizing::new(Vec::new());
        read_up_to(reader, MAX_MESSAGE, &mut buffer)?;
        let content = self.open_in_place(&mut buffer)?.content;
        write(&mut writer, &buffer[content.clone()])?;
        Ok(content.len() as u64)
    }

    /// Opens a file with one message into a new file that only its owner can read; returns the length of its content in
    /// bytes.
    ///
    /// The new file appears only once it is whole.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; as [`open_stream`](Self::open_stream).
    pub fn open_file(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<u64> {
        let from = from.as_ref();
        create(to.as_ref(), |file| self.open_stream(open(from)?, file).map_err(|e| named(from, e)))
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::at("open", path.display(), e))
}

fn named(path: &Path, error: Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
        .with_source(error)
        .doing("read", path.display())
}

/// Reads a file of at most 1 MiB that holds a certificate; an error names it.
pub(crate) fn read_certificate<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    read(&certificate_file(path)?).map_err(|e| named(path, e))
}

fn certificate_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    read_up_to(open(path)?, MAX_CERTIFICATE, &mut bytes).map_err(|e| named(path, e))?;
    Ok(bytes)
}

fn read_up_to(mut reader: impl Read, most: usize, buffer: &mut Vec<u8>) -> Result<u64> {
    let limit = most as u64;
    let length = (&mut reader).take(limit + 1).read_to_end(buffer).map_err(|e| Error::io("read", e))? as u64;
    if length > limit {
        let message = format!("there are more than {limit} bytes, the most that is read here");
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(length)
}

fn write(writer: &mut impl Write, bytes: &[u8]) -> Result<()> {
    writer.write_all(bytes).and_then(|()| writer.flush()).map_err(|e| Error::io("write", e))
}

/// Creates a new file, which appears only once it is whole.
fn create(path: &Path, fill: impl FnOnce(&mut File) -> Result<u64>) -> Result<u64> {
    let failed = |e| Error::at("write", path.display(), e);
    if path.symlink_metadata().is_ok() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    let length = fill(file.as_file_mut())?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|e| failed(e.error))?;
    Ok(length)
}

/// A PFX with a long chain has some 20 KiB.
const MAX_CERTIFICATE: usize = 1 << 20;
