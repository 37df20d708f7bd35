//! What recovery by hand has to do behind `tar`: a list of what to remove, to move and to patch.
//!
//! `docs/format.md` describes it. It is empty where `tar` alone gives back the set.

use super::state::node::{Node, NodeKind};
use crate::set::{Mtime, RESERVED};

#[derive(Default)]
pub(super) struct ByHand {
    /// Steps, in the order in which they have to be done: what is gone first.
    gone: Vec<u8>,
    moved: Vec<u8>,
    copies: Vec<u8>,
    patches: Vec<u8>,
    /// At last the times of folders into which the steps before reached.
    times: Vec<u8>,
    /// The nodes on the way down to the last one.
    above: Vec<Above>,
    /// Something is missing from it.
    pub(super) is_incomplete: bool,
}

struct Above {
    name: Vec<u8>,
    kind: NodeKind,
    modified: (i64, u32),
    is_touched: bool,
}

impl ByHand {
    /// Takes in the next node of the tree; `blocks` are those of a large file that tar has apart from it.
    pub(super) fn node(&mut self, node: &Node, blocks: &[(u64, bool)]) {
        self.above.truncate(node.depth as usize);
        let parent = self.above.last().map(|above| above.kind);
        match node.kind {
            NodeKind::Gone => match parent {
                None => {
                    let path = self.path(node);
                    step(&mut self.gone, "gone", &path, b"");
                    if let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
                        step(&mut self.gone, "empty", &path[..slash], b"");
                    }
                }
                Some(NodeKind::Folder) => {
                    let path = self.path(node);
                    step(&mut self.gone, "gone", &path, b"");
                    self.touch();
                }
                // It goes with what is above it.
                Some(_) => {}
            },
            NodeKind::Copy => {
                let path = self.path(node);
                step(&mut self.copies, "copy", &path, &node.target);
                step(&mut self.copies, "time", &path, time(node.stamp.modified).as_bytes());
                self.touch();
            }
            _ => {}
        }
        if !node.stored_as.is_empty() {
            let path = self.path(node);
            step(&mut self.gone, "gone", &path, b"");
            step(&mut self.moved, "move", &path, &node.stored_as);
            self.touch();
        }
        if let Some(large) = node.large.as_ref().filter(|large| large.is_changed) {
            let path = self.path(node);
            let base = format!("{RESERVED}/{:06}-{}", large.base.segment, large.base.offset);
            for (number, is_zero) in blocks {
                if *is_zero {
                    step(&mut self.patches, "zero", &path, number.to_string().as_bytes());
                } else {
                    step(&mut self.patches, "block", &path, format!("{base}/{number}").as_bytes());
                }
            }
            step(&mut self.patches, "size", &path, node.stamp.size.to_string().as_bytes());
            if let (Some(uid), Some(gid)) = (large.uid, large.gid) {
                step(&mut self.patches, "owner", &path, format!("{uid}:{gid}").as_bytes());
            }
            if let Some(mode) = large.mode {
                step(&mut self.patches, "mode", &path, format!("{mode:04o}").as_bytes());
            }
            step(&mut self.patches, "time", &path, time(node.stamp.modified).as_bytes());
        }
        self.above.push(Above {
            name: node.name.clone(),
            kind: node.kind,
            modified: node.stamp.modified,
            is_touched: false,
        });
    }

    fn path(&self, node: &Node) -> Vec<u8> {
        let mut path = Vec::new();
        for above in &self.above {
            path.extend_from_slice(&above.name);
            path.push(b'/');
        }
        path.extend_from_slice(&node.name);
        path
    }

    /// A step reaches into the folder that the last node is in.
    fn touch(&mut self) {
        let path = self.above.iter().map(|above| &above.name[..]).collect::<Vec<_>>().join(&b'/');
        if let Some(folder) = self.above.last_mut()
            && !folder.is_touched
        {
            folder.is_touched = true;
            step(&mut self.times, "time", &path, time(folder.modified).as_bytes());
        }
    }

    /// The list; nothing where there is nothing to do.
    pub(super) fn list(&self) -> Vec<u8> {
        [&self.gone[..], &self.moved, &self.copies, &self.patches, &self.times].concat()
    }
}

fn step(list: &mut Vec<u8>, what: &str, path: &[u8], value: &[u8]) {
    for field in [what.as_bytes(), path, value] {
        list.extend_from_slice(field);
        list.push(0);
    }
}

fn time((seconds, nanoseconds): (i64, u32)) -> String {
    Mtime::new(seconds, nanoseconds).to_string()
}
