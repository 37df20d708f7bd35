//! Names and contents that matter: odd ones, and sizes at which the library changes its method.

use super::rng::Rng;
use super::system::ODD_NAMES;
use crate::common::noise;

/// Up to here a file is read whole; from there on it is cut into pieces.
pub const SMALL: u64 = 2 << 20;
pub const BLOCK: u64 = 64 << 10;

/// A name from a small pool, so that names come back.
pub fn name(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(75) {
        return format!("n{}", rng.below(10)).into_bytes();
    }
    rng.pick(ODD_NAMES).expect("not empty").to_vec()
}

/// Content of a size that matters, often one that some other file has.
pub fn content(rng: &mut Rng) -> Vec<u8> {
    let length = match rng.below(60) {
        0 | 1 => 0,
        2..=25 => rng.below(3000),
        26..=30 => 4096 + rng.below(3) * 1000,
        31 | 32 => BLOCK as usize - 1 + rng.below(3),
        33 => (1 << 20) - 1 + rng.below(3),
        34 => SMALL as usize - 1 + rng.below(3),
        35 => 300_000 + rng.below(700_000),
        36 | 37 => return noise(rng.below(2) as u64, SMALL as usize + 70_001),
        38 => SMALL as usize + 1 + rng.below(1 << 20),
        39..=50 => rng.below(300),
        _ => return noise(rng.below(3) as u64, 5000),
    };
    if rng.chance(40) { vec![b'a' + rng.below(3) as u8; length] } else { noise(rng.next(), length) }
}
