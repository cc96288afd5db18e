//! Chance, from a seed: the same seed gives the same cluster on every machine.

/// A generator of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x5bd1_e995_97f4_a7c5);
        random.next();
        random
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to and without `to`; `from` where the range is empty.
    pub(crate) fn range(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0).max(1);
        from + i64::try_from(self.next() % width).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.range(0, 100) < percent
    }

    /// One of several things.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = usize::try_from(self.next() % of.len() as u64).unwrap_or(0);
        &of[at]
    }

    /// In another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            let with = usize::try_from(self.next() % (at as u64 + 1)).unwrap_or(0);
            things.swap(at, with);
        }
    }

    /// Letters as Kubernetes puts behind generated names.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// Hex digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(b"0123456789abcdef"))).collect()
    }

    /// An RFC 4122 uid.
    pub(crate) fn uid(&mut self) -> String {
        let variant = *self.pick(&['8', '9', 'a', 'b']);
        format!("{}-{}-4{}-{variant}{}-{}", self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12))
    }
}
