//! The next tier of the policy that has somebody who does not know yet.

use crate::state::{Case, Told};
use bellbuoy_core::rules::Policy;
use bellbuoy_core::time::Span;

/// The receiver that stands for the incident's owner.
const OWNER: &str = "owner";

/// A tier that is to be told now.
#[derive(Debug)]
pub(crate) struct Due {
    /// Whom, where, and the number of the tier.
    pub(crate) told: Told,
    /// How long to wait for an acknowledgement.
    pub(crate) ack_timeout: Span,
    /// Tiers passed by on the way, and why.
    pub(crate) passed_by: Vec<String>,
}

/// The next tier from the case's own on. A tier is passed by at once when nobody fills it, or when whoever fills it was
/// told through the same channel already; through another channel it is told again.
pub(crate) fn next_tier(policy: &Policy, case: &Case) -> Option<Due> {
    let mut passed_by = Vec::new();
    let first = usize::try_from(case.next_tier).unwrap_or(usize::MAX);
    for (number, tier) in (1_u32..).zip(&policy.tiers).skip(first) {
        let receiver = if &*tier.receiver == OWNER { &case.owner } else { &tier.receiver };
        if receiver.is_empty() {
            passed_by.push(format!("tier {number} has nobody"));
        } else if case.told.iter().any(|told| told.receiver == *receiver && told.channel == tier.channel) {
            passed_by.push(format!("tier {number}, {receiver}, knows already"));
        } else {
            let told = Told { receiver: receiver.clone(), channel: tier.channel.clone(), tier: number };
            return Some(Due { told, ack_timeout: tier.ack_timeout, passed_by });
        }
    }
    None
}
