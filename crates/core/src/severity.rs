//! How bad something is, in five steps.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// How bad something is. P1 wakes people; P5 is a note that pages nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Severity {
    /// The business stands still.
    P1,
    /// A service is down or a part of the estate is lost.
    P2,
    /// Something is broken, and somebody must act today.
    P3,
    /// Something needs attention.
    P4,
    /// A note.
    #[default]
    P5,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Severity; 5] = [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5];

    /// Raised by `steps` (towards P1), or lowered by negative ones.
    pub fn raised(self, steps: i32) -> Self {
        let at = (self as i32 - steps).clamp(0, 4);
        Self::ALL[usize::try_from(at).unwrap_or(4)]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", *self as u8 + 1)
    }
}
