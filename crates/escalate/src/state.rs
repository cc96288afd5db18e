//! What the stage remembers: the rule set in force, and of each incident who was told what.

use bellbuoy_core::Text;
use bellbuoy_core::incident::IncidentId;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::stage::State;
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use bellbuoy_core::timers::Timers;
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// The tables of one scope.
#[derive(Debug, Default)]
pub struct Tables {
    /// The rule set in force, once the log has named one.
    pub(crate) rules: Table<(), Arc<RuleSet>>,
    pub(crate) cases: Table<IncidentId, Case>,
    /// When an incident has settled, or when an acknowledgement is overdue.
    pub(crate) timers: Timers<IncidentId>,
    /// Ended incidents, by the time until which they can come back.
    pub(crate) ended: OrderedTable<(Time, IncidentId), ()>,
}

/// What is remembered of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Case {
    pub(crate) phase: Phase,
    /// The last epoch that was used; counts on when the incident comes back.
    pub(crate) epoch: u32,
    /// Who was told, in this order, and not yet that it is over.
    pub(crate) told: Vec<Told>,
    /// The tier to ask next.
    pub(crate) next_tier: u32,
    /// The worst severity that was told.
    pub(crate) told_severity: Severity,
    /// As of the latest record.
    pub(crate) severity: Severity,
    /// As of the latest record.
    pub(crate) owner: Text,
    /// What is wrong with what, as of the latest record.
    pub(crate) title: Text,
    /// How much is affected, as of the latest record.
    pub(crate) extent: Text,
    /// When it opened, or came back.
    pub(crate) since: Time,
    /// When it last ended after somebody had been told of it.
    pub(crate) over_at: Option<Time>,
    /// Until when it can come back, once it has ended.
    pub(crate) forget_at: Option<Time>,
}

/// Where paging stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Phase {
    /// Nobody was told yet.
    #[default]
    Settling,
    /// Somebody was told and has not taken it.
    Told,
    /// Somebody has it.
    Acknowledged,
    /// It is over, or part of another one.
    Ended,
}

/// Somebody who was told.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Told {
    pub(crate) receiver: Text,
    pub(crate) channel: Text,
    /// From 1.
    pub(crate) tier: u32,
}

impl Tables {
    /// How many incidents are remembered.
    pub fn incidents(&self) -> usize {
        self.cases.len()
    }

    /// Writes what is remembered of an incident, and keeps `ended` in step with it.
    pub(crate) fn put(&mut self, id: IncidentId, case: Case) {
        let old = self.cases.get(&id).and_then(|old| old.forget_at);
        if old != case.forget_at {
            if let Some(at) = old {
                self.ended.remove(&(at, id));
            }
            if let Some(at) = case.forget_at {
                self.ended.insert((at, id), ());
            }
        }
        if self.cases.get(&id) != Some(&case) {
            self.cases.insert(id, case);
        }
    }

    /// Makes room for one more incident by forgetting what ended first. Open ones are not forgotten: somebody may have
    /// been told of them and must hear of their end. Says whether there is room.
    pub(crate) fn make_room(&mut self, max: usize) -> bool {
        while self.cases.len() >= max.max(1) {
            let Some((_, id)) = self.ended.first().map(|(key, _)| *key) else { return false };
            self.forget(id);
        }
        true
    }

    /// Forgets what can no longer come back.
    pub(crate) fn forget_until(&mut self, now: Time) {
        while let Some((_, id)) = self.ended.first().map(|(key, _)| *key).filter(|(at, _)| *at <= now) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: IncidentId) {
        self.timers.clear(&id);
        if let Some(at) = self.cases.remove(&id).and_then(|case| case.forget_at) {
            self.ended.remove(&(at, id));
        }
    }
}

impl State for Tables {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        vec![&mut self.rules, &mut self.cases, &mut self.timers, &mut self.ended]
    }

    fn next_due(&mut self) -> Option<Time> {
        let ended = self.ended.first().map(|((at, _), _)| *at);
        [self.timers.next_due(), ended].into_iter().flatten().min()
    }
}
