//! What must hold of every record of an incident, and of all of them in their order.

use super::compiled::Under;
use bellbuoy_core::incident::{Flow, Incident, IncidentId, Stamped, Status};
use bellbuoy_core::object::Scope;
use bellbuoy_core::rules::Limits;
use bellbuoy_core::stage::Effect;
use bellbuoy_core::time::Time;
use bellbuoy_wire::record::Wire;
use std::collections::BTreeMap;

/// Bounds of a record as `core` states them.
const CAUSES_MAX: usize = 5;
const FACTS_PER_REASON_MAX: usize = 3;
const EVIDENCE_MAX: usize = 4;

/// What was emitted so far, as far as later records must fit to it.
#[derive(Debug)]
pub(crate) struct Promises {
    members_shown: usize,
    timeline_max: usize,
    revisions: BTreeMap<(Scope, IncidentId), u32>,
    merged: BTreeMap<(Scope, IncidentId), IncidentId>,
    reached: BTreeMap<Scope, Time>,
    /// Records of incidents so far.
    pub(crate) records: usize,
}

impl Promises {
    /// Promises under the limits that a task begins with.
    pub(crate) fn under(under: Under) -> Self {
        let limits = under.limits();
        Self {
            members_shown: limits.members_shown as usize,
            // An incident whose timeline may hold nothing may still say what happened last.
            timeline_max: (limits.timeline_max as usize).max(1),
            revisions: BTreeMap::new(),
            merged: BTreeMap::new(),
            reached: BTreeMap::new(),
            records: 0,
        }
    }

    /// Another rule set was activated: any limits up to the default ones may hold.
    pub(crate) fn widen(&mut self) {
        let widest = Limits::default();
        self.members_shown = widest.members_shown as usize;
        self.timeline_max = widest.timeline_max as usize;
    }

    /// Holds what a commit carries against the promises.
    pub(crate) fn hold(&mut self, effects: &[Effect<Incident>]) {
        for effect in effects {
            let Effect::Emit(stamped) = effect else { continue };
            if let Flow::Item(incident) = &stamped.flow {
                // The end of a recording passes more time than there was, and only watermarks tell of it.
                let reached = self.reached.entry(stamped.scope.clone()).or_insert(stamped.at);
                assert!(stamped.at >= *reached, "stream time runs back from {reached:?} to {:?}", stamped.at);
                *reached = stamped.at;
                self.hold_one(stamped, incident);
            }
        }
    }

    fn hold_one(&mut self, stamped: &Stamped<Incident>, incident: &Incident) {
        self.records += 1;
        let name = (stamped.scope.clone(), incident.id);
        let before = self.revisions.insert(name.clone(), incident.revision);
        assert_eq!(incident.revision, before.unwrap_or(0) + 1, "the revision after {before:?} of {incident:#?}");
        assert!(!self.merged.contains_key(&name), "an incident that was merged speaks again: {incident:#?}");

        let members: u32 = incident.signals.iter().map(|signal| signal.count).sum();
        assert_eq!(members, incident.member_count, "members by signal and in all: {incident:#?}");
        assert!(incident.members.len() <= self.members_shown, "members shown: {incident:#?}");
        assert!(incident.members.len() <= incident.member_count as usize, "shown and counted: {incident:#?}");
        assert!(incident.open_count <= incident.member_count, "open members: {incident:#?}");
        assert!(incident.opened_at <= stamped.at, "opened after it was told of: {incident:#?}");
        assert!(incident.causes.len() <= CAUSES_MAX, "causes: {incident:#?}");
        // What turned out to be part of another incident may have its only cause there.
        assert!(!incident.causes.is_empty() || incident.status == Status::Merged, "nothing caused it: {incident:#?}");
        assert!(incident.timeline.len() <= self.timeline_max, "timeline: {incident:#?}");
        assert!(!incident.changes.is_empty(), "written without a reason: {incident:#?}");
        let ended = matches!(incident.status, Status::Resolved | Status::Merged);
        assert_eq!(incident.resolved_at.is_some(), ended, "status and end: {incident:#?}");
        assert_eq!(
            incident.merged_into.is_some(),
            incident.status == Status::Merged,
            "status and whole: {incident:#?}"
        );
        for cause in &incident.causes {
            let sum: i32 = cause.because.iter().map(|because| because.points).sum();
            assert_eq!(sum, cause.score, "reasons and score: {incident:#?}");
            assert!(cause.because.iter().all(|because| because.facts.len() <= FACTS_PER_REASON_MAX));
            assert!(!cause.signal.is_empty() && !cause.entity.kind.is_empty(), "a cause without a name: {incident:#?}");
        }
        for member in &incident.members {
            assert!(member.evidence.len() <= EVIDENCE_MAX, "evidence: {incident:#?}");
            assert!(!member.signal.is_empty(), "a member without a signal: {incident:#?}");
        }
        if let Some(into) = incident.merged_into {
            assert_ne!(into, incident.id, "part of itself: {incident:#?}");
            self.merged.insert(name, into);
        }
        let bytes = Wire::encode(stamped);
        let read = <Stamped<Incident> as Wire>::decode(&bytes).expect("what was encoded can be decoded");
        assert_eq!(&read, stamped);
    }
}
