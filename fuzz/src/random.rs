//! Numbers that look random and come back.

use std::hash::{DefaultHasher, Hash, Hasher};

/// xorshift64*, which is enough for choosing what to break.
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of one case of one target.
    pub(crate) fn new(seed: u64, target: &str, case: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, target, case).hash(&mut hasher);
        Random(hasher.finish() | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`; 0 if there is none below.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        match limit {
            0 => 0,
            _ => (self.next() >> 11) as usize % limit,
        }
    }

    /// One of them.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Any byte.
    pub(crate) fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}
