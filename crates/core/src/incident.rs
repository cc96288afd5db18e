//! An incident: one failure with everything that it explains.

use crate::Text;
use crate::fact::FactId;
use crate::object::{Entity, Scope};
use crate::severity::Severity;
use crate::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// The name of an incident, fixed at its opening and kept through merges of others into it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inc-{:016x}", self.0)
    }
}

impl fmt::Debug for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for IncidentId {
    type Err = ();

    /// Reads `inc-` and 16 hex digits.
    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.strip_prefix("inc-").filter(|hex| hex.len() == 16).ok_or(())?;
        u64::from_str_radix(hex, 16).map(Self).map_err(|_| ())
    }
}

/// The rule that makes an object a cause because a message names it as missing or exhausted.
pub const NAMED: &str = "named-in-message";

/// Where an incident stands. The stages of an incident process that a pipeline can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Status {
    /// Open, nobody has it.
    #[default]
    Open,
    /// Somebody has it.
    Acknowledged,
    /// Over.
    Resolved,
    /// Turned out to be part of another one, which goes on.
    Merged,
}

/// An incident after a change: true counts, at most [`crate::rules::Limits::members_shown`] members, what changed.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// Counts the records of this incident from 1; a reader that sees a number twice has seen a duplicate.
    pub revision: u32,
    /// Where it stands.
    pub status: Status,
    /// When the failure began, as far as the facts tell.
    pub began_at: Time,
    /// When Bellbuoy opened it.
    pub opened_at: Time,
    /// When the last fact of it was observed.
    pub last_seen_at: Time,
    /// When somebody took it.
    pub acknowledged_at: Option<Time>,
    /// Who took it.
    pub acknowledged_by: Text,
    /// When it ended.
    pub resolved_at: Option<Time>,
    /// The incident that this one is part of, when [`Status::Merged`].
    pub merged_into: Option<IncidentId>,
    /// Probable causes, the most probable first; at most 5.
    pub causes: Vec<Cause>,
    /// The worst default severity among the open members.
    pub weight: Severity,
    /// What is affected, by signal; the most numerous first.
    pub signals: Vec<SignalCount>,
    /// Members: causes first, then by onset.
    pub members: Vec<Member>,
    /// How many members there are, shown or not.
    pub member_count: u32,
    /// How many of them have not ended.
    pub open_count: u32,
    /// How many objects (pods, say) show the signals.
    pub object_count: u32,
    /// How many namespaces are touched.
    pub namespace_count: u32,
    /// What happened to the incident, oldest first; the newest entries are kept.
    pub timeline: Vec<TimelineEntry>,
    /// Why this record was written.
    pub changes: Vec<Change>,
}

impl Incident {
    /// How many members it has beside those that the record shows.
    pub fn members_hidden(&self) -> usize {
        usize::try_from(self.member_count).unwrap_or(usize::MAX).saturating_sub(self.members.len())
    }
}

/// Why a record of an incident was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Change {
    /// It opened.
    Opened,
    /// Members joined or counts rose.
    Grew,
    /// Members ended.
    Shrank,
    /// Another cause is the most probable now.
    Cause,
    /// Another incident was folded into it.
    Absorbed,
    /// It was folded into another one.
    Merged,
    /// Somebody took it.
    Acknowledged,
    /// It ended.
    Resolved,
    /// It came back.
    Reopened,
    /// Somebody wrote a note.
    Noted,
    /// A part of it turned out to follow from the cause of another incident, and went there.
    Split,
}

/// A probable cause, and what speaks for it.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Cause {
    /// What is at fault.
    pub entity: Entity,
    /// How it shows.
    pub signal: Text,
    /// The sum of `because`; comparable within one incident only.
    pub score: i32,
    /// What speaks for and against it.
    pub because: Vec<Because>,
}

/// A reason for a score, in a sentence, with its share of the score and the facts that it rests on.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Because {
    /// The rule or the causal edge that made it.
    pub rule: Text,
    /// What it adds to the score.
    pub points: i32,
    /// The sentence.
    pub text: Text,
    /// The facts behind it; at most 3.
    pub facts: Vec<Evidence>,
}

/// A fact that a decision rests on, with the time at which it was observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    /// The fact.
    pub fact: FactId,
    /// When it was observed.
    pub observed_at: Time,
}

/// How many members show a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignalCount {
    /// The signal's code.
    pub signal: Text,
    /// Its area.
    pub area: Text,
    /// How many members.
    pub count: u32,
}

/// One signal on one entity within an incident: an episode.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// The entity.
    pub entity: Entity,
    /// The signal's code.
    pub signal: Text,
    /// What the source said last, shortened.
    pub message: Text,
    /// When it began, as far as the facts tell.
    pub began_at: Time,
    /// When it was seen last.
    pub last_seen_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How often it was reported.
    pub repeats: u64,
    /// How many objects of the entity show it.
    pub objects: u32,
    /// A fact came later than the time that facts are waited for.
    pub late: bool,
    /// Why it is in this incident.
    pub explained_by: Option<Explanation>,
    /// The first and the latest facts of it; at most 4.
    pub evidence: Vec<Evidence>,
}

/// Why an episode belongs to another one: the causal edge between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Explanation {
    /// The entity that explains.
    pub entity: Entity,
    /// The signal that explains.
    pub signal: Text,
    /// The causality rule.
    pub rule: Text,
    /// How the two entities hang together.
    pub relation: Text,
}

/// A moment in the life of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Time,
    /// What.
    pub text: Text,
}

/// A record of a topic between two stages: one thing that happened in one scope at one moment of stream time.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Stamped<T> {
    /// Where.
    pub scope: Scope,
    /// Stream time at the moment of the decision.
    pub at: Time,
    /// What.
    pub flow: Flow<T>,
}

/// What flows between stages.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub enum Flow<T> {
    /// A decision.
    Item(T),
    /// From here on decide by this rule set.
    Rules(std::sync::Arc<crate::rules::RuleSet>),
    /// Stream time has come this far, although nothing was decided.
    Watermark,
}
