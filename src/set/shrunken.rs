//! Detects a set that holds so much less than another that a source was probably missing.

/// The largest number of files and of bytes of content in any of some sets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Largest {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Largest {
    /// The percentage below which a listing and a review call a set shrunken.
    pub(crate) const HALF: u32 = 50;

    /// Takes a set with this many files and bytes into account.
    pub(crate) fn take(&mut self, (files, bytes): (u64, u64)) {
        self.files = self.files.max(files);
        self.bytes = self.bytes.max(bytes);
    }

    /// Whether a set with this many files and bytes has less than `percent` of the largest number of either.
    pub(crate) fn dwarfs(self, (files, bytes): (u64, u64), percent: u32) -> bool {
        let is_less = |has: u64, most: u64| u128::from(has) * 100 < u128::from(most) * u128::from(percent);
        is_less(files, self.files) || is_less(bytes, self.bytes)
    }
}
