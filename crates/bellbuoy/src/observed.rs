//! What a run has read: how many facts, of which clusters, from when to when.

use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use std::collections::BTreeMap;

/// What a run has read.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// How many reports there were; ticks, brackets and ends are not counted.
    pub(crate) facts: u64,
    /// The first and the last moment of each cluster.
    pub(crate) scopes: BTreeMap<Scope, (Time, Time)>,
    /// Where each recording ended that said so.
    ends: BTreeMap<Scope, Time>,
}

impl Observed {
    /// Takes a fact in.
    pub(crate) fn note(&mut self, fact: &Fact) {
        if matches!(fact.body, Body::Event(_) | Body::Object(_) | Body::Alert(_) | Body::Command(_)) {
            self.facts += 1;
        }
        if matches!(fact.body, Body::Rules(_)) {
            return;
        }
        let at = fact.observed_at;
        if matches!(fact.body, Body::EndOfRecording) {
            self.ends.insert(fact.scope.clone(), at);
        }
        let (first, last) = self.scopes.entry(fact.scope.clone()).or_insert((at, at));
        *first = at.min(*first);
        *last = at.max(*last);
    }

    /// The clusters that did not end by themselves, with the moments at which they were observed last.
    pub(crate) fn unended(&self) -> Vec<(Scope, Time)> {
        let ended = |scope, last| self.ends.get(scope).is_some_and(|end| *end >= last);
        let scopes = self.scopes.iter().filter(|(scope, (_, last))| !ended(*scope, *last));
        scopes.map(|(scope, (_, last))| (scope.clone(), *last)).collect()
    }

    /// How far a cluster was observed.
    pub(crate) fn last(&self, scope: &Scope) -> Option<Time> {
        self.scopes.get(scope).map(|(_, last)| *last)
    }
}
