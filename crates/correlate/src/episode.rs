//! An episode: one signal on one entity, from its first report to its end.

use bellbuoy_core::Text;
use bellbuoy_core::fact::Source;
use bellbuoy_core::incident::{Evidence, IncidentId};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::rules::Relation;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::{Interval, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// Shared things remembered per episode. A workload's pods run on more nodes than that only in large clusters, where
/// the first of them tell the cause as well as all of them.
pub(crate) const HUBS_MAX: usize = 32;

/// Event objects told apart per symptom. Beyond it the oldest is forgotten; its late repeats would count anew.
pub(crate) const UIDS_MAX: usize = 8;

/// Characters of a message that are kept.
pub(crate) const MESSAGE_CHARS_MAX: usize = 400;

/// What an episode goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub(crate) struct EpisodeKey {
    /// The entity.
    pub entity: EntityId,
    /// The signal's code, interned like an entity.
    pub signal: EntityId,
}

/// Where an episode stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Standing {
    /// Reported, but not for long enough to open.
    #[default]
    Pending,
    /// Part of an incident.
    Open,
    /// Over. Kept for a while, for late facts and for its return.
    Ended,
}

/// One signal on one entity.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Episode {
    /// Where it stands.
    pub standing: Standing,
    /// When it began, as far as the facts tell.
    pub began: Interval,
    /// When its last report was observed.
    pub last_seen: Time,
    /// The latest time that a report claims.
    pub last_claimed: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Since when everything about it is well.
    pub healing_since: Option<Time>,
    /// It has lasted: it opens when everything of the moment has been taken in.
    pub is_ripe: bool,
    /// Reports, repeats included.
    pub repeats: u64,
    /// Objects that ever showed it.
    pub objects: u32,
    /// Objects that show it now.
    pub failing: u32,
    /// The weight of its signal, or of its alert.
    pub severity: Severity,
    /// What the source said last, shortened.
    pub message: Text,
    /// The first two and the last two facts.
    pub evidence: Vec<Evidence>,
    /// A fact of it came late.
    pub late: bool,
    /// Its cause stands on what others show, not on reports of its own.
    pub inferred: bool,
    /// Sources that reported it, sorted.
    pub sources: Vec<Source>,
    /// The object that its message names as missing or exhausted; also the first of `hubs`.
    pub named: Option<EntityId>,
    /// The component that its entity belongs to; empty for none.
    pub component: Text,
    /// What it shares with others, and how.
    pub hubs: Vec<(Relation, EntityId)>,
    /// The episode that explains it.
    pub explained_by: Option<Edge>,
    /// Its incident.
    pub incident: Option<IncidentId>,
}

/// Why an episode follows from another one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Edge {
    /// The episode that explains.
    pub cause: EpisodeKey,
    /// The causality rule.
    pub rule: Text,
    /// How the two hang together.
    pub relation: Relation,
    /// What the edge is worth.
    pub strength: i32,
}

/// What one object contributes to an episode.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Symptom {
    /// Whether it shows the signal now.
    pub failing: bool,
    /// Whether its state says so, and not only events.
    pub by_state: bool,
    /// Event objects (or alerts) counted so far: hash of the uid, repeats.
    pub uids: Vec<(u64, u32)>,
    /// How often its Events were repeated in all.
    pub repeats: u32,
    /// Since when and until when it was told of without a gap.
    pub told: (Time, Time),
}

impl Episode {
    /// Notes a fact: the first two and the last two are kept.
    pub(crate) fn note(&mut self, evidence: Evidence) {
        if self.evidence.contains(&evidence) {
            return;
        }
        if self.evidence.len() == 4 {
            self.evidence.remove(2);
        }
        self.evidence.push(evidence);
    }

    /// Notes a shared thing, as long as there is room.
    pub(crate) fn share(&mut self, hub: (Relation, EntityId)) {
        if self.hubs.len() < HUBS_MAX && !self.hubs.contains(&hub) {
            self.hubs.push(hub);
        }
    }

    /// Notes who reports it.
    pub(crate) fn heard_from(&mut self, source: Source) {
        if let Err(at) = self.sources.binary_search(&source) {
            self.sources.insert(at, source);
        }
    }

    /// Whether it shares what another version of it shares, and follows from the same.
    pub(crate) fn hangs_together_as(&self, other: &Self) -> bool {
        let cause = |episode: &Self| episode.explained_by.as_ref().map(|edge| edge.cause);
        self.is_live() == other.is_live() && cause(self) == cause(other) && self.hubs == other.hubs
    }

    /// Whether it is not over.
    pub(crate) fn is_live(&self) -> bool {
        self.standing != Standing::Ended
    }
}

impl Symptom {
    /// Counts an Event object's repeats. Returns what is new: none for a report that was counted before.
    pub(crate) fn count(&mut self, uid: u64, repeats: u32) -> Option<u32> {
        if let Some((_, counted)) = self.uids.iter_mut().find(|(known, _)| *known == uid) {
            let new = repeats.checked_sub(*counted).filter(|new| *new > 0)?;
            *counted = repeats;
            return Some(new);
        }
        if self.uids.len() == UIDS_MAX {
            self.uids.remove(0);
        }
        self.uids.push((uid, repeats));
        Some(repeats.max(1))
    }
}

/// The first characters of a message, on one line.
pub(crate) fn shorten(message: &str) -> Text {
    let line: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_count_what_is_new() {
        let mut symptom = Symptom::default();
        assert_eq!(symptom.count(1, 1), Some(1));
        assert_eq!(symptom.count(1, 5), Some(4));
        assert_eq!(symptom.count(1, 5), None, "the same report again");
        assert_eq!(symptom.count(1, 3), None, "an older report again");
        assert_eq!(symptom.count(2, 2), Some(2), "another event object");
    }
}
