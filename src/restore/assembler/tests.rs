//! Any file, cut and changed anyhow, comes together from lines in order; lines out of order lose it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::set::{Digest, Position};

/// The lines of a file, and what it looks like.
#[derive(Clone, Debug)]
struct Sample {
    /// Its bytes when it was stored whole, and now.
    whole: Vec<u8>,
    now: Vec<u8>,
    parts: Vec<Part>,
    blocks: Vec<Block>,
}

fn path() -> EntryPath {
    "large".parse().unwrap()
}

fn at() -> Position {
    Position::new(0, 0)
}

impl Sample {
    /// Cuts a file of `whole` bytes, changes it to `size`, and these blocks of it: to zeros where that is true.
    fn new(whole: usize, cuts: &[usize], size: usize, changes: &[(usize, bool)]) -> Self {
        let bytes = |seed: usize, length: usize| (0..length).map(move |i| (i % 251 + seed) as u8);
        let whole: Vec<u8> = bytes(1, whole).collect();
        let mut now: Vec<u8> = whole.iter().copied().chain(std::iter::repeat(0)).take(size).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % whole.len()).chain([0, whole.len()]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let sha256 = Digest::of(b"");
        let part = |pair: &[usize]| {
            let (from, size) = (pair[0] as u64, (pair[1] - pair[0]) as u64);
            Part { path: path(), from, size, sha256, at: at() }
        };
        let parts = cuts.windows(2).map(part).collect();

        let block = Block::SIZE as usize;
        let count = size.div_ceil(block);
        let mut changed: HashMap<usize, bool> = changes.iter().map(|(n, zero)| (n % count, *zero)).collect();
        if size > whole.len() {
            for number in whole.len() / block..count {
                changed.entry(number).or_insert(false);
            }
        }
        let mut blocks = Vec::new();
        for (number, is_zero) in changed {
            let from = number * block;
            let length = block.min(size - from);
            let room = &mut now[from..from + length];
            room.fill(0);
            if !is_zero {
                room.iter_mut().zip(bytes(number + 5, length)).for_each(|(byte, new)| *byte = new);
            }
            let stored = (!is_zero).then_some((sha256, at()));
            blocks.push(Block { path: path(), from: from as u64, size: length as u64, stored });
        }
        Self { whole, now, parts, blocks }
    }

    fn assembler(&self) -> Assembler {
        let changed = self.blocks.iter().map(|block| (block.from / Block::SIZE, block.stored.is_some()));
        Assembler::of(path(), self.whole.len() as u64, self.now.len() as u64, changed.collect())
    }

    fn lines(&self) -> Vec<Record> {
        let parts = self.parts.iter().cloned().map(Record::Part);
        parts.chain(self.blocks.iter().cloned().map(Record::Block)).collect()
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let size = || 1_usize..300_000;
    let cuts = prop::collection::vec(any::<usize>(), 0..6);
    let changes = prop::collection::vec((any::<usize>(), any::<bool>()), 0..4);
    (size(), cuts, prop_oneof![size().prop_map(Some), Just(None)], changes)
        .prop_map(|(whole, cuts, size, changes)| Sample::new(whole, &cuts, size.unwrap_or(whole), &changes))
}

/// Lists these lines; returns what is to arrive.
fn list(assembler: &Assembler, lines: &[Record]) -> Vec<Item> {
    let mut items = Vec::new();
    for line in lines {
        match line {
            Record::Part(part) if assembler.list_part(part) => items.push(Item::Part(part.clone())),
            Record::Block(block) if assembler.list_block(block) && block.stored.is_some() => {
                items.push(Item::Block(block.clone(), at()));
            }
            _ => {}
        }
    }
    items
}

/// The bytes that were put, each at most once; `None` where nothing was.
struct Memory(Vec<Option<u8>>);

impl Output for Memory {
    fn put(&mut self, content: &[u8], from: u64) -> io::Result<()> {
        for (room, byte) in self.0[from as usize..][..content.len()].iter_mut().zip(content) {
            assert_eq!(room.replace(*byte), None, "a byte was put twice");
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_file_comes_together_in_any_order(
        (sample, order) in sample().prop_flat_map(|sample| {
            let lines = sample.parts.len() + sample.blocks.len();
            (Just(sample), Just((0..lines).collect::<Vec<_>>()).prop_shuffle())
        }),
    ) {
        let assembler = sample.assembler();
        let items = list(&assembler, &sample.lines());
        prop_assert!(assembler.is_listed() && assembler.loss().is_none());
        let mut memory = Memory(vec![None; sample.now.len()]);
        for number in order.into_iter().filter(|number| *number < items.len()) {
            prop_assert!(!assembler.has_arrived());
            match &items[number] {
                Item::Part(part) => {
                    let content = &sample.whole[part.from as usize..][..part.size as usize];
                    assembler.put_part(content, part.from, &mut memory).unwrap();
                }
                Item::Block(block, _) => {
                    let content = &sample.now[block.from as usize..][..block.size as usize];
                    assembler.put_block(content, block.from, &mut memory).unwrap();
                }
                Item::Entry(_) => unreachable!(),
            }
            assembler.arrived(&items[number], None);
        }
        prop_assert!(assembler.has_arrived());
        assembler.put_zeros(&mut memory).unwrap();
        prop_assert!(memory.0.into_iter().eq(sample.now.into_iter().map(Some)));
    }

    #[test]
    fn a_line_that_is_missing_or_repeated_or_misplaced_loses_the_file(
        sample in sample(),
        line in any::<Index>(),
        how in 0..4,
    ) {
        let mut lines = sample.lines();
        let at = line.index(lines.len());
        match (how, &mut lines[at]) {
            (0, _) => drop(lines.remove(at)),
            (1, _) => lines.push(lines[at].clone()),
            (2, Record::Part(part)) => part.from += 1,
            (2, Record::Block(block)) => block.from += sample.now.len() as u64 + Block::SIZE,
            (_, Record::Part(part)) => part.size -= 1,
            (_, Record::Block(block)) => match block.stored {
                Some(_) => block.size -= 1,
                None => block.stored = Some((Digest::of(b""), self::at())),
            },
            _ => unreachable!(),
        }
        let assembler = sample.assembler();
        for item in list(&assembler, &lines) {
            prop_assert!(!assembler.has_arrived() || how == 1);
            assembler.arrived(&item, None);
        }
        prop_assert!(assembler.loss().is_some());
    }
}

#[test]
fn a_file_that_grew_needs_all_of_what_it_grew_by() {
    let block = Block::SIZE;
    for (whole, size, changed, is_whole) in [
        (block, block, &[][..], true),
        (block, block - 1, &[], true),
        (block, block + 1, &[], false),
        (block, block + 1, &[1], true),
        (block - 1, block, &[], false),
        (block - 1, block, &[0], true),
        (block, 3 * block, &[1], false),
        (block, 3 * block, &[2], false),
        (block, u64::MAX, &[1], false),
    ] {
        let stored = changed.iter().map(|number| (*number, true)).collect();
        let assembler = Assembler::of(path(), whole, size, stored);
        assert_eq!(assembler.state().loss.is_none(), is_whole, "{whole} {size} {changed:?}");
    }
}
