//! Zips of 64 bits, as .NET writes them for files and archives of 4 GiB and more, and as others write them for any size.

use super::*;

const CONTENT: &[u8] = b"a content that is short, whatever the size of its sizes";

/// Where 64 bits take the place of 32, and a change that makes a zip wrong.
#[derive(Clone, Copy, Default)]
struct Zip {
    wide_local: bool,
    wide_central: bool,
    wide_end: bool,
    /// The checksum and sizes follow the content, with sizes of so many bytes.
    follows: Option<usize>,
    /// Added to a size in the directory.
    other_size: u64,
    /// Added to the place of the directory.
    other_place: u64,
    no_wide_field: bool,
}

impl Zip {
    fn bytes(self) -> Vec<u8> {
        let crc = crc32fast::hash(CONTENT).to_le_bytes();
        let size = CONTENT.len() as u64;
        let mut zip = LOCAL.to_vec();
        let flags: u16 = if self.follows.is_some() { record::FOLLOWS } else { 0 };
        let method: u16 = if self.follows.is_some() { 8 } else { 0 };
        let (stored, stored_size) = if method == 8 { deflated() } else { (CONTENT.to_vec(), size) };
        let known = |value: u64| if self.follows.is_some() { 0 } else { value };
        shorts(&mut zip, &[45, flags, method, 0, 0]);
        zip.extend(if self.follows.is_some() { [0; 4] } else { crc });
        let wide = sizes(&mut zip, self.wide_local, &[known(stored_size), known(size)]);
        self.names(&mut zip, &swapped(&wide), &[]);
        zip.extend(&stored);
        if let Some(width) = self.follows {
            zip.extend(record::DESCRIPTOR);
            zip.extend(crc);
            [stored_size, size].iter().for_each(|value| zip.extend(&value.to_le_bytes()[..width]));
        }
        let directory = zip.len() as u64;
        zip.extend(CENTRAL);
        shorts(&mut zip, &[45, 45, flags, method, 0, 0]);
        zip.extend(crc);
        let mut wide = sizes(&mut zip, self.wide_central, &[stored_size, size + self.other_size]);
        wide = swapped(&wide);
        wide.extend(if self.wide_central { vec![0; 8] } else { vec![] });
        let place = if self.wide_central { [0xFF; 4] } else { [0; 4] };
        self.names(&mut zip, &wide, &[&[0; 10], &place[..]].concat());
        let length = zip.len() as u64 - directory;
        if self.wide_end {
            let at = zip.len() as u64;
            zip.extend(END_64);
            longs(&mut zip, &[44]);
            shorts(&mut zip, &[45, 45, 0, 0, 0, 0]);
            longs(&mut zip, &[1, 1, length, directory + self.other_place]);
            zip.extend(record::LOCATOR_64);
            zip.extend([0; 4]);
            longs(&mut zip, &[at]);
            zip.extend([1, 0, 0, 0]);
        }
        zip.extend(END);
        shorts(&mut zip, &if self.wide_end { [0, 0, 0xFFFF, 0xFFFF] } else { [0, 0, 1, 1] });
        sizes(&mut zip, self.wide_end, &[length, directory + self.other_place]);
        shorts(&mut zip, &[0]);
        zip
    }

    /// The lengths of name, extra field and, in a directory, of what is between them; then these.
    fn names(self, zip: &mut Vec<u8>, wide: &[u8], of_directory: &[u8]) {
        let mut extra = Vec::new();
        if !wide.is_empty() && !self.no_wide_field {
            // A field of another kind comes first.
            shorts(&mut extra, &[0x5455, 1]);
            extra.push(0);
            shorts(&mut extra, &[1, u16::try_from(wide.len()).unwrap()]);
            extra.extend(wide);
        }
        shorts(zip, &[1, u16::try_from(extra.len()).unwrap()]);
        if !of_directory.is_empty() {
            shorts(zip, &[0]);
            zip.extend(&of_directory[..8]);
            zip.extend(&of_directory[10..]);
        }
        zip.push(b'a');
        zip.extend(extra);
    }
}

fn deflated() -> (Vec<u8>, u64) {
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    io::Write::write_all(&mut deflater, CONTENT).unwrap();
    let deflated = deflater.finish().unwrap();
    let length = deflated.len() as u64;
    (deflated, length)
}

fn shorts(zip: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| zip.extend(value.to_le_bytes()));
}

fn longs(zip: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| zip.extend(value.to_le_bytes()));
}

/// Writes sizes of 32 bits; if they are to be wide, says so there, and returns them in 64 bits.
fn sizes(zip: &mut Vec<u8>, are_wide: bool, values: &[u64]) -> Vec<u8> {
    let mut wide = Vec::new();
    for value in values {
        if are_wide {
            zip.extend([0xFF; 4]);
            wide.extend(value.to_le_bytes());
        } else {
            zip.extend(u32::try_from(*value).unwrap().to_le_bytes());
        }
    }
    wide
}

/// A header has the stored size first, and a wide field the size.
fn swapped(wide: &[u8]) -> Vec<u8> {
    wide.split_at(wide.len() / 2).1.iter().chain(wide.split_at(wide.len() / 2).0).copied().collect()
}

#[derive(Default)]
struct Seen {
    contents: Vec<Vec<u8>>,
    found: Vec<FindingKind>,
}

impl Visitor for Seen {
    fn file(&mut self, path: &str, _: [u16; 2], content: &mut Content<'_, '_>) -> io::Result<()> {
        assert_eq!(path, "a");
        let mut bytes = Vec::new();
        io::Read::read_to_end(content, &mut bytes)?;
        self.contents.push(bytes);
        Ok(())
    }

    fn folder(&mut self, path: &str) {
        panic!("{path} is no folder");
    }

    fn found(&mut self, kind: FindingKind, _: &str, _: &str) {
        self.found.push(kind);
    }

    fn looks_into(&self) -> bool {
        true
    }
}

/// Reads a zip, and returns what it holds and what was found, or what ended the reading.
fn outcome(zip: Zip) -> Result<Seen, FindingKind> {
    let bytes = zip.bytes();
    let mut seen = Seen::default();
    match read(&mut &*bytes, &mut Budget::new(bytes.len() as u64), &mut seen) {
        Ok(()) => Ok(seen),
        Err(Fault::Zip(kind, _)) => Err(kind),
        Err(Fault::Io(error)) => panic!("{error}"),
    }
}

#[test]
fn sizes_of_64_bits_are_read_wherever_they_stand() {
    for bits in 0..8 {
        for follows in [None, Some(4), Some(8)] {
            let [wide_local, wide_central, wide_end] = [1, 2, 4].map(|bit| bits & bit != 0);
            let zip = Zip { wide_local, wide_central, wide_end, follows, ..Zip::default() };
            let seen = outcome(zip).unwrap_or_else(|kind| panic!("{bits} {follows:?}: {kind:?}"));
            assert_eq!(seen.contents, [CONTENT], "{bits} {follows:?}");
            assert!(seen.found.is_empty(), "{bits} {follows:?}: {:?}", seen.found);
        }
    }
}

#[test]
fn a_wide_size_that_is_another_is_found() {
    let wide = Zip { wide_local: true, wide_central: true, wide_end: true, ..Zip::default() };
    for other_size in [1, 1 << 32, 1 << 63] {
        let seen = outcome(Zip { other_size, ..wide }).unwrap();
        assert_eq!(seen.found, [FindingKind::ZipHeadersDisagree], "{other_size}");
    }
    for other_place in [1, 1 << 32] {
        let seen = outcome(Zip { other_place, ..wide });
        assert_eq!(seen.err(), Some(FindingKind::ZipHeadersDisagree), "{other_place}");
    }
    assert_eq!(outcome(Zip { no_wide_field: true, ..wide }).err(), Some(FindingKind::ZipDamaged));
}
