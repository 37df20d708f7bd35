//! Damage to stored sets: disks, operators, viruses, copies.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::check::Record;
use super::rng::Rng;
use super::system;

/// Does something bad to one of these sets; says what. A set that is deleted is taken off the list.
pub fn harm(records: &mut Vec<Record>, rng: &mut Rng) -> Option<String> {
    if records.is_empty() {
        return None;
    }
    let last = records.len() - 1;
    let at = if rng.chance(60) { last } else { rng.below(records.len()) };
    let folder = records[at].native.clone();
    let done = match rng.below(11) {
        0 => {
            fs::remove_dir_all(&folder).expect("a set can be deleted");
            let record = records.remove(at);
            return Some(format!("delete set {}", record.folder));
        }
        1 | 2 => one(&folder, ".tar.zst.p7m", rng).map(|file| lose(&file)),
        3..=5 => one(&folder, ".tar.zst.p7m", rng).map(|file| rot(&file, rng)),
        6 => one(&folder, ".jsonl.zst.p7m", rng).map(|file| rot(&file, rng)),
        7 => one(&folder, ".jsonl.zst.p7m", rng).map(|file| lose(&file)),
        8 => one(&folder, ".tar.zst.p7m", rng).map(|file| cut(&file, rng)),
        9 => one(&folder, "extents.txt.zst.p7m", rng).map(|file| rot(&file, rng)),
        _ => Some(lose(&folder.join(if rng.chance(50) { "backup.json" } else { "SHA256SUMS" }))),
    };
    // A stored file may be one of several sets.
    records.iter_mut().for_each(Record::look);
    done
}

/// A stored file of this kind.
fn one(folder: &Path, ending: &str, rng: &mut Rng) -> Option<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|file| file.path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    rng.pick(&files).cloned()
}

fn lose(file: &Path) -> String {
    let _ = fs::remove_file(file);
    format!("lose {}", file.display())
}

/// Two bytes of a file change where it lies, in every set that has it; nothing else shows.
pub fn rot(file: &Path, rng: &mut Rng) -> String {
    let m = fs::metadata(file).expect("it is there");
    let open = File::options().read(true).write(true).open(file).expect("it can be opened");
    for _ in 0..2 {
        let at = rng.below(m.len() as usize) as u64;
        let mut byte = [0];
        system::read_exact_at(&open, &mut byte, at).expect("a byte is there");
        system::write_all_at(&open, &[byte[0] ^ (1 << rng.below(8))], at).expect("a byte is written");
    }
    open.set_modified(m.modified().expect("it has a time")).expect("its time can be set");
    format!("rot {}", file.display())
}

/// A file ends too early: in this set alone.
fn cut(file: &Path, rng: &mut Rng) -> String {
    let bytes = fs::read(file).expect("it is there");
    fs::remove_file(file).expect("it can be deleted");
    fs::write(file, &bytes[..rng.below(bytes.len())]).expect("it can be written");
    format!("cut {}", file.display())
}
