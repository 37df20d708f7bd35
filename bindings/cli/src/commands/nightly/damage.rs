//! What was found damaged on the share. The next backup stores it again, and no set that has it counts as good: otherwise
//! retention would delete the last intact one for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use azs_backup::layout::{Name, SharePath};
use azs_backup::set::{SetList, SetState, SetSummary};
use azs_backup::{Error, ErrorKind, Place, Result, Share};

use super::run::not_recorded;
use crate::files::{replace, text_of};
use crate::site::Site;

/// The damaged files of each place, as lines of `SHA256SUMS`: sets that have the same line share the file, or had it copied.
type Lines = BTreeMap<String, BTreeSet<String>>;

/// The names of the files that a backup of this place must not take over. Without the record it finds out by itself.
pub(super) fn names(site: &Site, place: &Place) -> Vec<String> {
    let known = read(site).unwrap_or_default();
    let lines = known.get(&place.to_string()).into_iter().flatten();
    lines.filter_map(|line| Some(name_in(line)?.to_owned())).collect()
}

/// Notes files of a set that were found damaged.
pub(super) fn note(
    site: &Site,
    share: &dyn Share,
    place: &Place,
    set: &SharePath,
    names: &[String],
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let Some(sums) = sums(share, set)? else { return Ok(()) };
    let is_damaged = |line: &&str| name_in(line).is_some_and(|name| names.iter().any(|of| of == name));
    let mut known = read(site)?;
    known.entry(place.to_string()).or_default().extend(sums.lines().filter(is_damaged).map(str::to_owned));
    write(site, &known)
}

/// Makes no good sets of those that have such files, and says which; forgets files that no set has any more.
pub(super) fn mark(site: &Site, share: &dyn Share, list: &mut SetList) -> Result<Vec<String>> {
    let before = read(site)?;
    // What cannot be read today may have it, too.
    let is_unread = |set: &SetSummary| matches!(set.state, SetState::Unreadable { .. });
    let all_read = list.unreadable.is_empty() && !list.iter().any(is_unread);
    let mut marked = BTreeMap::<String, Vec<String>>::new();
    let mut still_there = Lines::new();
    for set in list.sets.iter_mut().filter(|set| set.is_complete()) {
        let place = set.place.to_string();
        let Some(lines) = before.get(&place) else { continue };
        let Some(sums) = sums(share, &set.folder)? else { continue };
        let found: Vec<_> = sums.lines().filter(|line| lines.contains(*line)).collect();
        let Some(name) = found.first().and_then(|line| name_in(line)) else { continue };
        set.state = SetState::Damaged { reason: format!("{name} was found damaged") };
        marked.entry(place.clone()).or_default().push(set.name.to_string());
        still_there.entry(place).or_default().extend(found.into_iter().map(str::to_owned));
    }
    let is_of_site = |place: &str| place.starts_with(&format!("{}/", site.deployment));
    if all_read {
        let others = before.iter().filter(|(place, _)| !is_of_site(place));
        still_there.extend(others.map(|(place, lines)| (place.clone(), lines.clone())));
        if still_there != before {
            write(site, &still_there)?;
        }
    }
    let warning = |(place, sets): (&String, &Vec<String>)| {
        format!(
            "{place}: {} have files that were found damaged: they count as no backups, and stay until somebody deletes \
             them; look at the disks of the share",
            sets.join(", ")
        )
    };
    Ok(marked.iter().map(warning).collect())
}

fn read(site: &Site) -> Result<Lines> {
    let file = file(site);
    if !file.exists() {
        return Ok(Lines::new());
    }
    let text = text_of(&file).map_err(|error| not_recorded(site, &error, NOTHING_OLD))?;
    serde_json::from_str(&text).map_err(|e| {
        let message = format!(
            "{}: {e}; it names what is damaged on the share: delete it, and verify each set before you trust the retention \
             again",
            file.display()
        );
        not_recorded(site, &Error::new(ErrorKind::Malformed, message), NOTHING_OLD)
    })
}

fn write(site: &Site, known: &Lines) -> Result<()> {
    let text =
        serde_json::to_string_pretty(known).map_err(|e| Error::new(ErrorKind::Internal, e.to_string()));
    let written = text.and_then(|text| replace(&file(site), &text));
    written.map_err(|error| not_recorded(site, &error, NOTHING_OLD))
}

fn file(site: &Site) -> PathBuf {
    site.state().join("damaged.json")
}

/// The stored files of a set, one in each line: digest, two spaces, name. `None` if somebody deleted it meanwhile.
fn sums(share: &dyn Share, set: &SharePath) -> Result<Option<String>> {
    let mut sums = Vec::new();
    match share.read(&set.join(Name::new("SHA256SUMS")?), MOST_SUMS, &mut sums) {
        Ok(()) => Ok(Some(String::from_utf8_lossy(&sums).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn name_in(line: &str) -> Option<&str> {
    line.split_once("  ").map(|(_, name)| name)
}

const NOTHING_OLD: &str = "nothing old is deleted";
/// Two million stored files.
const MOST_SUMS: u64 = 256 << 20;
