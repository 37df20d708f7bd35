//! Entry points for property tests and fuzz targets: every parser of the state folder.

use super::state::Manifest;
use super::state::journal::Journal;
use super::state::node::Node;

/// Passes any bytes to every parser. None may panic, and what one accepts must print and parse again.
pub fn take_any(bytes: &[u8]) {
    let mut node = Node::default();
    if let Some(taken) = node.parse(bytes) {
        assert!(taken <= bytes.len());
        let mut printed = Vec::new();
        node.print(&mut printed);
        let mut again = Node::default();
        assert_eq!(again.parse(&printed), Some(printed.len()));
        assert_eq!(again, node);
    }
    let _ = Journal::parse(bytes);
    let _ = Manifest::parse(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::state::node::{Changed, Large, Node, NodeContent, Stamp};
    use super::super::state::table::TableFile;
    use super::take_any;
    use crate::set::extents::Extent;

    fn nodes() -> Vec<Vec<u8>> {
        let extent = Extent { segment: 70_000, offset: 1 << 35, length: 1 << 40 };
        let stamp = Stamp { size: 5, modified: (-1, 999_999_999), changed: (1 << 33, 1), inode: u64::MAX };
        let plain = Node { depth: 3, name: b"name".to_vec(), stamp, at: extent, ..Node::default() };
        let target = b"to".to_vec();
        [
            NodeContent::Folder,
            NodeContent::File { digest: [7; 16] },
            NodeContent::HardLink { target: target.clone() },
            NodeContent::Copy { target, content: vec![extent; 2] },
            NodeContent::Large(Large {
                parts: vec![extent; 3],
                changed: Some(Changed { base: extent, patches: vec![extent] }),
                table: Some(TableFile { number: 9, digest: [7; 16] }),
            }),
        ]
        .into_iter()
        .map(|content| {
            let mut printed = Vec::new();
            Node { content, ..plain.clone() }.print(&mut printed);
            printed
        })
        .collect()
    }

    #[test]
    fn nodes_print_and_parse_back() {
        for printed in nodes() {
            take_any(&printed);
            assert_eq!(Node::default().parse(&printed), Some(printed.len()));
            for cut in 0..printed.len() {
                assert_eq!(Node::default().parse(&printed[..cut]), None);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            take_any(&bytes);
        }

        #[test]
        fn changed_nodes_are_taken_or_refused(
            node in 0..5_usize,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = nodes().swap_remove(node);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            take_any(&bytes);
        }
    }
}
