//! When a set holds so much less than another that something was not there to be backed up.

/// The most files and the most bytes of content that any of some sets has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Largest {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Largest {
    /// The share below which a listing and a review call a set shrunken, in percent.
    pub(crate) const HALF: u32 = 50;

    /// Counts a set with so many files and bytes in.
    pub(crate) fn take(&mut self, (files, bytes): (u64, u64)) {
        self.files = self.files.max(files);
        self.bytes = self.bytes.max(bytes);
    }

    /// Whether a set with so many files and bytes has fewer of one of them than so many percent of the largest.
    pub(crate) fn dwarfs(self, (files, bytes): (u64, u64), percent: u32) -> bool {
        let is_less = |has: u64, most: u64| u128::from(has) * 100 < u128::from(most) * u128::from(percent);
        is_less(files, self.files) || is_less(bytes, self.bytes)
    }
}
