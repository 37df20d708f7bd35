//! Referrals (MS-DFSC 2.2.2 to 2.2.5): where the server of a DFS namespace says that a path leads.
//!
//! The client sends the question, but cannot read the answer of a Samba: it panics. So the answer is read here, as it
//! comes off the wire, and the client's own reading is dropped before it begins. That takes a connection of its own,
//! without encryption, and the answer's signature goes unchecked: it is worth as much as one of DNS.

use std::net::SocketAddr;

use futures::future::{Either, select};

use super::answer::u16_at;
use super::client_errors::connect_failure;
use super::failure::{Failure, Stage};
use super::log_on::log_on;
use super::status::{BUFFER_OVERFLOW, FS_DRIVER_REQUIRED, NOT_FOUND, OBJECT_PATH_NOT_FOUND};
use super::target::{Encryption, Target};
use super::transport::Link;
use crate::error::ErrorKind;
use crate::layout::UncPath;

/// Asks the server of a namespace where the root of a share leads. The answer is a [`Failure::referred`], or another.
pub(super) async fn refer(target: &Target, addresses: &[SocketAddr]) -> Failure {
    let root = &target.root;
    // Requests name a path with one backslash in front (MS-DFSC 3.1.4.2).
    let path = root.to_string()[1..].to_owned();
    // Some servers know where a whole share leads, but not what lies below it.
    let share = format!(r"\{}\{}", root.host(), root.share());
    let is_below = path != share;
    let answer = match ask(target, addresses, [Some(&*path), Some(&*share).filter(|_| is_below)]).await {
        Ok(answer) => answer,
        Err(failure) if is_missing(&failure) => return no_link(),
        Err(failure) => return failure,
    };
    match targets(&path, &answer) {
        Some(targets) if targets.iter().any(|target| target.same_place(root)) => match is_below {
            true => no_link(),
            false => Failure::other(
                ErrorKind::Unsupported,
                "the path is in a DFS namespace itself, which stores nothing; give the path of one of its links",
            ),
        },
        Some(targets) => Failure::referred(targets),
        None => Failure::other(
            ErrorKind::Unsupported,
            "the server of the DFS namespace names no target that can be used; give the path of the file server behind it",
        ),
    }
}

fn no_link() -> Failure {
    Failure::other(ErrorKind::NotFound, "the DFS namespace has no link for this path")
}

fn is_missing(failure: &Failure) -> bool {
    matches!(failure.ntstatus(), Some(NOT_FOUND | OBJECT_PATH_NOT_FOUND | FS_DRIVER_REQUIRED))
}

/// Logs on without encryption, and asks for each path until one is known.
async fn ask(
    target: &Target,
    addresses: &[SocketAddr],
    paths: [Option<&str>; 2],
) -> Result<Vec<u8>, Failure> {
    let link = Link::new();
    let signed = Target { encryption: Encryption::Off, ..target.clone() };
    // Boxed: this is called while another session is being opened.
    let (connection, session, _) = Box::pin(log_on(&signed, addresses, &link)).await?;
    link.enter(Stage::AskNamespace);
    let failed = |error| connect_failure(&link, error).at(Stage::AskNamespace);
    let server = smb::UncPath::ipc_share(&target.root.host().to_string()).map_err(failed)?;
    let tree = session.tree_connect(&server).await.map_err(failed)?;
    let mut answer = Err(no_link());
    for path in paths.into_iter().flatten() {
        let namespace = tree.as_dfs_tree_unchecked();
        // The first is looked at first: what has come in is taken before the client reads it.
        answer = match select(Box::pin(link.referral()), Box::pin(namespace.dfs_get_referrals(path))).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right((Err(error), _)) => Err(match failed(error) {
                failure if failure.ntstatus() == Some(BUFFER_OVERFLOW) => Failure::other(
                    ErrorKind::Unsupported,
                    "the link in the DFS namespace has more targets than the client can read (1,024 bytes); give the path of \
                     one of its file servers",
                ),
                failure => failure,
            }),
            Either::Right((Ok(_), _)) => Err(Failure::other(
                ErrorKind::Unsupported,
                "the server of the DFS namespace demands encryption, with which its answers cannot be read; give the path \
                 of the file server behind it",
            )),
        };
        if !answer.as_ref().is_err_and(is_missing) {
            break;
        }
    }
    let _ = connection.close().await;
    answer
}

/// Puts the rest of the path behind each target that can be one of ours; a path into `MASBackup`, or a server without a
/// share, cannot. `None` if there is none.
fn targets(path: &str, answer: &[u8]) -> Option<Vec<UncPath>> {
    let units: Vec<u16> = path.encode_utf16().collect();
    let rest = String::from_utf16(units.get(usize::from(u16_at(answer, 0)?) / 2..)?).ok()?;
    if !rest.is_empty() && !rest.starts_with('\\') {
        return None;
    }
    let mut targets = Vec::new();
    let mut at = 8;
    for _ in 0..u16_at(answer, 2)?.min(MOST_TARGETS) {
        let entry = answer.get(at..)?;
        let target = address(entry).and_then(|address| {
            let share = format!(r"\\{}", address.trim_matches('\\'));
            let _: UncPath = share.parse().ok()?;
            format!("{share}{rest}").parse().ok()
        });
        targets.extend(target.filter(|target| !targets.contains(target)));
        at += usize::from(u16_at(entry, 2).filter(|size| *size >= LEAST_ENTRY)?);
    }
    Some(targets).filter(|targets| !targets.is_empty())
}

/// The target in an entry (MS-DFSC 2.2.5).
fn address(entry: &[u8]) -> Option<String> {
    let at = match u16_at(entry, 0)? {
        1 => 8,
        2 => u16_at(entry, 20)?.into(),
        // A list of domain controllers instead of targets has a flag.
        3 | 4 if u16_at(entry, 6)? & 2 == 0 => u16_at(entry, 16)?.into(),
        _ => return None,
    };
    let units = entry.get(at..)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    String::from_utf16(&units.take_while(|unit| *unit != 0).collect::<Vec<_>>()).ok()
}

/// What follows is not looked at: an answer says nothing of who wrote it.
const MOST_TARGETS: u16 = 32;
/// The head that entries of all versions have in common.
const LEAST_ENTRY: u16 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as a server of this version gives it, which covers so many characters of the question.
    fn answer(version: u16, covered: u16, addresses: &[&str]) -> Vec<u8> {
        let head: u16 = if version == 2 { 22 } else { 34 };
        let mut answer = Vec::new();
        let mut names = Vec::new();
        for number in [2 * covered, addresses.len() as u16, 2, 0] {
            answer.extend(number.to_le_bytes());
        }
        for (number, address) in addresses.iter().enumerate() {
            let mut entry = vec![0; usize::from(head)];
            entry[..2].copy_from_slice(&version.to_le_bytes());
            entry[2..4].copy_from_slice(&head.to_le_bytes());
            let offset = head as usize * (addresses.len() - number) + names.len();
            let at = if version == 2 { 20 } else { 16 };
            entry[at..at + 2].copy_from_slice(&(offset as u16).to_le_bytes());
            answer.extend(entry);
            names.extend(address.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        }
        answer.extend(names);
        answer
    }

    #[test]
    fn the_rest_of_the_path_follows_each_target() {
        for version in [2, 3, 4] {
            let answer = answer(version, 12, &[r"\fs1\backups", r"\fs2\AzS$\below"]);
            let all = targets(r"\fs\dfs\link\a", &answer).unwrap();
            let all: Vec<_> = all.iter().map(UncPath::to_string).collect();
            assert_eq!(all, [r"\\fs1\backups\a", r"\\fs2\AzS$\below\a"], "{version}");
        }
        let path = r"\fs\dfs\link\a";
        assert_eq!(targets(path, &answer(4, 11, &[r"\fs1\b"])), None, "within a name");
        assert_eq!(targets(path, &answer(4, 99, &[r"\fs1\b"])), None, "more than was asked");
        assert_eq!(targets(path, &answer(4, 12, &[])), None);
        assert_eq!(targets(path, &answer(5, 12, &[r"\fs1\b"])), None);
        assert_eq!(targets(path, &answer(4, 12, &[r"\fs1\b\MASBackup"])), None, "not ours");
        // What cannot be a target does not stand in the way of what can.
        let mixed =
            targets(path, &answer(4, 12, &[r"\fs1\b\MASBackup", r"\fs1", r"\fs2\b", r"\fs2\b"])).unwrap();
        assert_eq!(mixed.iter().map(UncPath::to_string).collect::<Vec<_>>(), [r"\\fs2\b\a"]);
    }

    #[test]
    fn an_answer_that_says_too_much_costs_nothing() {
        let many: Vec<_> = (0..100).map(|number| format!(r"\fs{number}\b")).collect();
        let many = answer(4, 12, &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(targets(r"\fs\dfs\link", &many).unwrap().len(), usize::from(MOST_TARGETS));
        let mut still = answer(4, 12, &[r"\fs1\b"]);
        still[2..4].copy_from_slice(&u16::MAX.to_le_bytes());
        still[10..12].copy_from_slice(&0_u16.to_le_bytes());
        assert_eq!(targets(r"\fs\dfs\link", &still), None, "entries of no size");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = answer(3, 12, &[r"\fs1\backups", r"\fs2\backups"]);
        for length in 0..whole.len() {
            targets(r"\fs\dfs\link", &whole[..length]);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7F, 0xFF] {
                let mut broken = whole.clone();
                broken[at] = byte;
                targets(r"\fs\dfs\link", &broken);
            }
        }
    }
}
