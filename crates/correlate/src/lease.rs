//! What is remembered of a Lease.

use bellbuoy_core::incident::Evidence;
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// A Lease, by its latest renewal.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Lease {
    /// When its holder renewed it.
    pub renewed_at: Time,
    /// How long it holds.
    pub duration_secs: u32,
    /// The fact that told so.
    pub evidence: Evidence,
}
