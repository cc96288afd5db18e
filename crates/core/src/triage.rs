//! An incident with what `classify` adds: severity, category, owner, and why.

use crate::Text;
use crate::incident::Incident;
use crate::severity::Severity;
use borsh::{BorshDeserialize, BorshSerialize};

/// A classified incident.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Triaged {
    /// The incident as `correlate` wrote it.
    pub incident: Incident,
    /// How bad it is.
    pub severity: Severity,
    /// The area of its cause.
    pub category: Text,
    /// The team that has to act.
    pub owner: Text,
    /// What to do: the runbook of the cause's signal.
    pub runbook: Text,
    /// Each factor and what it added.
    pub factors: Vec<Factor>,
}

/// One factor of a severity or of an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Factor {
    /// The rule.
    pub rule: Text,
    /// Steps towards P1 (negative: away from it); 0 for what only informs, and for the owner.
    pub steps: i32,
    /// The sentence.
    pub text: Text,
}
