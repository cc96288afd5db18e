//! What the stage remembers: the rule set in force, and of each incident the severity that it has.

use bellbuoy_core::Text;
use bellbuoy_core::incident::IncidentId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::stage::State;
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// The tables of one scope.
#[derive(Debug, Default)]
pub struct Tables {
    /// The rule set in force, once the log has named one.
    pub(crate) rules: Table<(), Arc<RuleSet>>,
    pub(crate) standings: OrderedTable<IncidentId, Standing>,
    /// Ended incidents, by the time until which they can come back.
    pub(crate) ended: OrderedTable<(Time, IncidentId), ()>,
}

/// What is remembered of an incident.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Standing {
    /// Not to fall below while the cause stays.
    pub(crate) severity: Severity,
    /// The most probable cause: entity and signal.
    pub(crate) cause: Option<(Entity, Text)>,
    /// Until when it can come back, once it has ended.
    pub(crate) forget_at: Option<Time>,
}

impl Tables {
    /// How many incidents are remembered.
    pub fn incidents(&self) -> usize {
        self.standings.len()
    }

    /// Writes what is remembered of an incident, and keeps `ended` in step with it.
    pub(crate) fn put(&mut self, id: IncidentId, standing: Standing) {
        let old = self.standings.get(&id).and_then(|old| old.forget_at);
        if old != standing.forget_at {
            if let Some(at) = old {
                self.ended.remove(&(at, id));
            }
            if let Some(at) = standing.forget_at {
                self.ended.insert((at, id), ());
            }
        }
        if self.standings.get(&id) != Some(&standing) {
            self.standings.insert(id, standing);
        }
    }

    /// Forgets incidents beyond the limit: the one that ended first, else the one of the lowest id. What is forgotten
    /// is assessed without memory when it comes again, and may then fall at once; nothing else is lost.
    pub(crate) fn bound(&mut self, max: usize) {
        while self.standings.len() > max {
            let first_ended = self.ended.first().map(|((_, id), _)| *id);
            let Some(id) = first_ended.or_else(|| self.standings.first().map(|(id, _)| *id)) else { return };
            self.forget(id);
        }
    }

    /// Forgets what can no longer come back.
    pub(crate) fn forget_until(&mut self, now: Time) {
        while let Some((at, id)) = self.ended.first().map(|(key, _)| *key).filter(|(at, _)| *at <= now) {
            self.ended.remove(&(at, id));
            self.standings.remove(&id);
        }
    }

    fn forget(&mut self, id: IncidentId) {
        if let Some(at) = self.standings.remove(&id).and_then(|standing| standing.forget_at) {
            self.ended.remove(&(at, id));
        }
    }
}

impl State for Tables {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        vec![&mut self.rules, &mut self.standings, &mut self.ended]
    }

    fn next_due(&mut self) -> Option<Time> {
        self.ended.first().map(|((at, _), _)| *at)
    }
}
