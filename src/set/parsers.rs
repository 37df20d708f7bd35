//! Entry points for property tests and fuzz targets: every parser of stored bytes, and printing what it accepted.

use super::cover::CoverSheet;
use super::entry::{EntryPath, Mtime};
use super::record::Record;
use super::segment::Frames;
use super::{archive, index, segment, sums};

/// Passes any bytes to every parser. None may panic, and what one accepts must print and parse again.
pub fn take_any(bytes: &[u8]) {
    if let Ok(record) = Record::parse(bytes) {
        let print = |record: &Record| {
            let mut line = Vec::new();
            record.print(&mut line).expect("what was parsed can be printed");
            line
        };
        let line = print(&record);
        let again = Record::parse(line.strip_suffix(b"\n").expect("a line ends")).expect("it parses again");
        assert_eq!(print(&again), line);
        if let Record::Entry(entry) = &record {
            assert_eq!(archive::header(entry).len() as u64 % archive::BLOCK, 0);
        }
    }
    if let Ok(sheet) = CoverSheet::parse(bytes) {
        let printed = sheet.print().expect("what was parsed can be printed");
        assert_eq!(CoverSheet::parse(&printed).expect("it parses again"), sheet);
    }
    if let Ok(files) = sums::parse(bytes) {
        let printed = sums::print(files.iter().map(|(name, digest)| (name.as_str(), digest)));
        assert_eq!(sums::parse(printed.as_bytes()).expect("it parses again"), files);
    }
    if let Ok(path) = EntryPath::new(bytes) {
        assert!(path.names().all(|name| !matches!(name, b"" | b"." | b"..") && !name.contains(&0)));
    }
    if let Ok(text) = str::from_utf8(bytes) {
        if let Ok(time) = text.parse::<Mtime>() {
            assert_eq!(time.to_string().parse::<Mtime>().expect("it parses again"), time);
        }
        if segment::is_name(text) {
            assert!(crate::layout::Name::new(text).is_ok());
        }
        if let Some(number) = index::piece_number(text) {
            assert_eq!(index::piece_name(number), text);
        }
    }
    if let Ok(mut frames) = Frames::new(bytes) {
        let mut at = 0;
        while let Ok(Some(content)) = frames.at(at) {
            at += content.len() as u64;
        }
    }
    if let Ok(mut lines) = index::PieceReader::new("fuzz", bytes.to_vec(), 0..bytes.len()) {
        while let Ok(Some(_)) = lines.next() {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::take_any;

    /// Valid lines and sheets as seeds for mutation.
    const SEEDS: [&str; 20] = [
        r#"{"kind":"file","path":"a/b","size":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","mode":"0644","uid":0,"gid":70000,"mtime":"1760000000.5","xattrs":[["user.a","AAEC"]],"segment":0,"offset":1024,"sparse":true}"#,
        r#"{"kind":"large_file","path":{"base64":"YS///g=="},"size":5000000000000,"segment":1,"offset":0}"#,
        r#"{"kind":"symlink","path":"l","target":"../x","segment":0,"offset":0,"mtime":"-1.5"}"#,
        r#"{"kind":"hard_link","path":"l","target":"a/b","segment":0,"offset":0}"#,
        r#"{"kind":"folder","path":"a","mode":"4755","segment":0,"offset":512}"#,
        r#"{"kind":"part","path":"a","from":0,"size":10,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","segment":0,"offset":0}"#,
        r#"{"kind":"problem","path":"a","code":"SOURCE_CHANGED","message":"m"}"#,
        r#"{"kind":"segment","number":0,"name":"000000-00112233445566778899aabbccddeeff.tar.zst.p7m","length":10,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","tag":"00112233445566778899aabbccddeeff","content_length":5}"#,
        r#"{"kind":"piece","number":0,"set":"20261123T020000Z-7f3a91c2","place":{"deployment":{"external_domain_name":"contoso.com","region":"nyc"},"component":"HLH","scale_unit":"su1"}}"#,
        r#"{"kind":"end","records":12}"#,
        r#"{"kind":"gone","path":"a/b"}"#,
        r#"{"kind":"copy","path":"a","target":"b","size":5000,"mode":"0644","segment":3,"offset":512}"#,
        r#"{"kind":"change","path":"a","size":70000,"sparse":true,"mtime":"5.5","segment":2,"offset":0}"#,
        r#"{"kind":"cover","text":"{\n  \"format_version\": 1"}"#,
        r#"{"kind":"extents","number":0,"name":"extents.txt.zst.p7m","length":10,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","tag":"00112233445566778899aabbccddeeff","content_length":5}"#,
        r#"{"kind":"block","path":"a","from":65536,"size":4464,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","segment":1,"offset":0}"#,
        r#"{"kind":"block","path":"a","from":0,"size":65536,"zero":true}"#,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  000000-x.p7m\n",
        "index-000001.jsonl.zst.p7m",
        "000000-00112233445566778899aabbccddeeff.tar.zst.p7m",
    ];

    #[test]
    fn the_seeds_are_taken() {
        for seed in SEEDS {
            take_any(seed.as_bytes());
            assert!(!seed.starts_with('{') || super::Record::parse(seed.as_bytes()).is_ok(), "{seed}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            take_any(&bytes);
        }

        #[test]
        fn changed_seeds_are_taken_or_refused(
            seed in 0..SEEDS.len(),
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3), 1..6),
        ) {
            let mut bytes = SEEDS[seed].as_bytes().to_vec();
            for (at, byte, how) in changes {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            take_any(&bytes);
        }

        #[test]
        fn compressed_lines_that_are_changed_are_taken_or_refused(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = zstd::bulk::compress(SEEDS[..17].join("\n").as_bytes(), 3).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            take_any(&bytes);
        }
    }
}
