//! When each stored file was written and last read back: which are too old to link again, and which are due to be read.
//!
//! Disks change bytes that nobody looks at, and damage to a file that set after set links would only show on the day it is
//! needed.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::set::record::StoredFile;

/// What is known about stored files, by name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct History(HashMap<String, FileHistory>);

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct FileHistory {
    /// When it was sent to the share.
    stored: Timestamp,
    /// Number of runs that have linked it since it was last read.
    unread: u32,
}

impl History {
    /// Returns the files to read back now, so that each is read at least once in this many runs, and about the same
    /// number of bytes in each run.
    pub(super) fn due<'a>(&self, files: &'a [StoredFile], runs: u32) -> Vec<&'a StoredFile> {
        if runs == 0 {
            return Vec::new();
        }
        let unread = |file: &StoredFile| self.0.get(&file.name).map_or(u32::MAX, |known| known.unread);
        let mut longest_first: Vec<_> = files.iter().collect();
        longest_first.sort_by_key(|file| (std::cmp::Reverse(unread(file)), file.number));
        let share = files.iter().map(|file| file.length).sum::<u64>().div_ceil(runs.into());
        let mut bytes = 0;
        longest_first
            .into_iter()
            .take_while(|file| {
                let is_due = unread(file) >= runs - 1 || bytes < share;
                bytes += file.length;
                is_due
            })
            .collect()
    }

    /// Returns segments older than this to store again: the oldest ones, a few in each run.
    pub(super) fn aged(&self, files: &[StoredFile], age: SignedDuration, now: Timestamp) -> Vec<u32> {
        let stored = |file: &StoredFile| self.0.get(&file.name).map(|known| known.stored);
        let mut old: Vec<_> = files
            .iter()
            .filter_map(|file| Some((stored(file)?, file.number)))
            .filter(|(stored, _)| now.duration_since(*stored) > age)
            .collect();
        old.sort_unstable();
        old.truncate((files.len() / AGED).max(1));
        old.into_iter().map(|(_, number)| number).collect()
    }

    /// Records that one more run has linked the file, and whether it read it.
    pub(super) fn linked(&mut self, name: &str, before: &Self, was_read: bool, now: Timestamp) {
        let known = before.0.get(name);
        let unread = known.map_or(0, |known| known.unread);
        let unread = if was_read { 0 } else { unread.saturating_add(1) };
        let stored = known.map_or(now, |known| known.stored);
        self.0.insert(name.to_owned(), FileHistory { stored, unread });
    }

    /// Returns what is known about the files of a set, including those that its run stored.
    pub(super) fn of(&self, files: &[StoredFile], now: Timestamp) -> Self {
        let new = FileHistory { stored: now, unread: 0 };
        let known = |file: &StoredFile| self.0.get(&file.name).copied().unwrap_or(new);
        Self(files.iter().map(|file| (file.name.clone(), known(file))).collect())
    }
}

/// At most one in this many segments is stored again in one run just because of its age.
const AGED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::Digest;

    fn files(count: u32) -> Vec<StoredFile> {
        let file = |number| StoredFile {
            number,
            name: format!("{number:06}"),
            length: 100 + u64::from(number % 7) * 50,
            sha256: Digest::of(b""),
            tag: [0; 16],
            content_length: 1,
            live_length: 1,
            supersedes: false,
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn each_file_is_read_once_in_so_many_runs_and_no_run_reads_much_more_than_its_share() {
        for (count, runs) in [(1, 7), (3, 7), (50, 7), (50, 1), (200, 30), (5, 0)] {
            let files = files(count);
            let all: u64 = files.iter().map(|file| file.length).sum();
            let mut history = History::default().of(&files, Timestamp::UNIX_EPOCH);
            let mut last = vec![0; files.len()];
            for run in 1..100 {
                let due: Vec<_> = history.due(&files, runs).iter().map(|file| file.number).collect();
                let bytes: u64 = due.iter().map(|number| files[*number as usize].length).sum();
                assert!(runs == 0 || bytes <= 2 * all.div_ceil(runs.into()) + 400, "{bytes} of {all}");
                let mut next = History::default();
                for file in &files {
                    let was_read = due.contains(&file.number);
                    last[file.number as usize] = if was_read { run } else { last[file.number as usize] };
                    assert!(runs == 0 || run - last[file.number as usize] < runs as i32);
                    next.linked(&file.name, &history, was_read, Timestamp::UNIX_EPOCH);
                }
                history = next;
            }
            assert!(runs > 0 || last.iter().all(|run| *run == 0), "0 is never");
        }
    }

    #[test]
    fn what_is_old_is_written_anew_a_few_at_a_time() {
        let files = files(64);
        let history = History::default().of(&files, Timestamp::UNIX_EPOCH);
        let day = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        assert_eq!(history.aged(&files, SignedDuration::from_hours(24 * 180), day(180)), [0_u32; 0]);
        assert_eq!(history.aged(&files, SignedDuration::from_hours(24 * 180), day(181)), [0, 1, 2, 3]);
    }
}
