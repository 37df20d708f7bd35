//! The tar (pax) headers of a set's entries: what `tar -x` reads, made from the entry alone.
//!
//! POSIX.1-2001 pax interchange format: a ustar header block, preceded by an extended header if ustar has no room. A
//! header follows from its entry, so a reader checks it by making it again.

use std::io::Write;

use tar::{EntryType, Header};

use super::entry::{Content, Entry, EntryPath, Metadata};

/// Tar works in blocks of this many bytes.
pub(crate) const BLOCK: u64 = 512;

/// Largest size and largest ID that a ustar header can hold.
const MAX_OCTAL_SIZE: u64 = 0o77_777_777_777;
const MAX_OCTAL_ID: u32 = 0o7_777_777;

/// Number of zero bytes that follow a content of this size.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK
}

/// The header blocks of an entry.
pub(crate) fn header(entry: &Entry) -> Vec<u8> {
    let Metadata { mode, uid, gid, mtime, xattrs } = &entry.metadata;
    let (kind, default_mode, target) = match &entry.content {
        Content::File { .. } | Content::LargeFile { .. } | Content::Copy { .. } => {
            (EntryType::Regular, 0o644, None)
        }
        Content::Folder => (EntryType::Directory, 0o755, None),
        Content::HardLink { target } => (EntryType::Link, 0o644, Some(target.as_bytes())),
        Content::Symlink { target } => (EntryType::Symlink, 0o777, Some(target.as_bytes())),
    };
    let size = entry.size();
    let mut path = entry.path.as_bytes().to_vec();
    if kind == EntryType::Directory {
        path.push(b'/');
    }

    let mut header = Header::new_ustar();
    let mut records = Vec::new();
    header.set_entry_type(kind);
    header.set_mode(mode.unwrap_or(default_mode) & 0o7777);
    header.set_size(if size > MAX_OCTAL_SIZE { 0 } else { size });
    if size > MAX_OCTAL_SIZE {
        record(&mut records, b"size", size.to_string().as_bytes());
    }
    for (name, id) in [("uid", uid.unwrap_or(0)), ("gid", gid.unwrap_or(0))] {
        let fits = id <= MAX_OCTAL_ID;
        if !fits {
            record(&mut records, name.as_bytes(), id.to_string().as_bytes());
        }
        let id = u64::from(if fits { id } else { 0 });
        if name == "uid" { header.set_uid(id) } else { header.set_gid(id) }
    }
    let mtime = mtime.unwrap_or(super::entry::Mtime::new(0, 0));
    let seconds = u64::try_from(mtime.seconds).ok().filter(|s| *s <= MAX_OCTAL_SIZE);
    header.set_mtime(seconds.unwrap_or(0));
    if seconds.is_none() || mtime.nanoseconds != 0 {
        record(&mut records, b"mtime", mtime.to_string().as_bytes());
    }
    {
        let ustar = header.as_ustar_mut().expect("a header made as ustar is ustar");
        if !fill(&mut ustar.name, &path) {
            record(&mut records, b"path", &path);
        }
        if let Some(target) = target
            && !fill(&mut ustar.linkname, target)
        {
            record(&mut records, b"linkpath", target);
        }
    }
    for (name, value) in xattrs {
        record(&mut records, &[b"SCHILY.xattr.", name.as_bytes()].concat(), value);
    }
    header.set_cksum();

    let mut blocks = Vec::with_capacity(3 * BLOCK as usize);
    if !records.is_empty() {
        let mut extended = Header::new_ustar();
        extended.set_entry_type(EntryType::XHeader);
        extended.set_mode(0o644);
        extended.set_size(records.len() as u64);
        extended.set_mtime(0);
        extended.set_uid(0);
        extended.set_gid(0);
        let name = [b"PaxHeaders/", last_name(&entry.path)].concat();
        fill(&mut extended.as_ustar_mut().expect("as above").name, &name);
        extended.set_cksum();
        blocks.extend_from_slice(extended.as_bytes());
        let pad = padding(records.len() as u64) as usize;
        blocks.append(&mut records);
        blocks.resize(blocks.len() + pad, 0);
    }
    blocks.extend_from_slice(header.as_bytes());
    blocks
}

fn last_name(path: &EntryPath) -> &[u8] {
    path.names().next_back().unwrap_or(b"")
}

/// Copies a name into a header field and returns whether all of it fitted. The beginning of a longer name stays for
/// readers that do not know pax.
fn fill(field: &mut [u8; 100], name: &[u8]) -> bool {
    let fits = name.len() <= field.len();
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name[..length]);
    fits
}

/// Adds a pax record, `<length> <key>=<value>\n`, where the length counts its own digits.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    write!(records, "{length} ").expect("writing to memory");
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::digest::Digest;
    use crate::set::entry::Mtime;

    #[test]
    fn the_tar_crate_reads_back_what_an_entry_says() {
        let long = "folder/".repeat(40) + "Überprüfung";
        let mut metadata = Metadata { mode: Some(0o4751), uid: Some(70_000), ..Metadata::default() };
        metadata.mtime = Some(Mtime::new(1_760_000_000, 5));
        metadata.xattrs = vec![(b"user.note".to_vec().into(), vec![0, 10, 255])];
        let content = Content::File { size: 3, sha256: Digest::of(b"abc"), sparse: false };
        let mut bytes = header(&Entry::new(EntryPath::new(long.clone()).unwrap(), content, metadata));
        assert_eq!(bytes.len() as u64 % BLOCK, 0);
        bytes.extend_from_slice(b"abc");
        bytes.resize(bytes.len() + padding(3) as usize, 0);

        let mut archive = tar::Archive::new(&bytes[..]);
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path_bytes(), long.as_bytes());
        assert_eq!(entry.header().mode().unwrap(), 0o4751);
        assert_eq!(entry.header().uid().unwrap(), 70_000);
        let mtime = entry.pax_extensions().unwrap().unwrap().find_map(|e| {
            let e = e.unwrap();
            (e.key() == Ok("mtime")).then(|| e.value().unwrap().to_owned())
        });
        assert_eq!(mtime.unwrap(), "1760000000.000000005");
    }

    #[test]
    fn a_record_counts_its_own_length() {
        for length in [1, 5, 90, 91, 92, 93, 94, 95, 96, 97, 990, 991, 992, 993] {
            let mut records = Vec::new();
            record(&mut records, b"k", &vec![b'v'; length]);
            let digits = records.split(|b| *b == b' ').next().unwrap();
            assert_eq!(str::from_utf8(digits).unwrap().parse::<usize>().unwrap(), records.len());
        }
    }
}
