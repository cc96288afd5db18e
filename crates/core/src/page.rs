//! A page: who is to be told what, through which channel, and why now.

use crate::Text;
use crate::incident::IncidentId;
use crate::severity::Severity;
use crate::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// The identity of a page. A second send of the same page carries the same key, so that the receiver folds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct PageKey {
    /// The incident.
    pub incident: IncidentId,
    /// The team or person.
    pub receiver: Text,
    /// Counts what the incident has said to anybody: `notify` drops unsent pages of an older epoch.
    pub epoch: u32,
}

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.incident, self.receiver, self.epoch)
    }
}

/// Who is to be told what.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Page {
    /// Its identity.
    pub key: PageKey,
    /// When it was decided.
    pub at: Time,
    /// Trigger, escalate, update or resolve.
    pub kind: PageKind,
    /// Through which channel.
    pub channel: Text,
    /// The tier of the policy, from 1.
    pub tier: u32,
    /// How bad the incident is.
    pub severity: Severity,
    /// One line: what is wrong with what.
    pub summary: Text,
    /// Why now: the rule that decided, in a sentence.
    pub reason: Text,
    /// The rule that decided.
    pub rule: Text,
}

/// What a page is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum PageKind {
    /// The first word about an incident.
    #[default]
    Trigger,
    /// Nobody took it in time: the next tier.
    Escalate,
    /// It has become worse.
    Worse,
    /// It is over, or part of another incident: close it.
    Resolve,
}
